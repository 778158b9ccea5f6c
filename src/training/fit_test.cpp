// What fit does between its first batch and its History, as Keras does it.
#include "training/fit.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <gtest/gtest.h>
#include <set>

#include <rondo/rondo.hpp>

#include "support/ctrl_c.hpp"
#include "support/expect_error.hpp"

namespace rondo {
namespace {

// y = 10 x for x = 1 ... n.
Tensor column(Index n, double factor = 1) {
  std::vector<double> elements;
  for (Index i = 1; i <= n; ++i) elements.push_back(factor * static_cast<double>(i));
  return Tensor({n, 1}, std::move(elements));
}

Tensor tensor_of(const Shape& shape, std::vector<double> elements) { return Tensor(shape, std::move(elements)); }

// y = w x + b in float64 from w = 0, b = 0. Rate 0 leaves it there, so that every loss is known.
Sequential line(double rate, const std::vector<Metric>& metrics = {}) {
  Sequential model{Dense(1, {.kernel_initializer = "zeros", .dtype = DType::float64, .input_shape = {1}})};
  model.compile({.optimizer = SGD({.learning_rate = rate}), .loss = "mse", .metrics = metrics});
  return model;
}

// Writes down what is called.
struct Recorder : Callback {
  std::vector<std::string> calls;
  void note(const std::string& call) { calls.push_back(call); }
  void on_train_begin() override { note("train begin"); }
  void on_train_end(Logs&) override { note("train end"); }
  void on_epoch_begin(Index e) override { note("epoch begin " + std::to_string(e)); }
  void on_epoch_end(Index e, Logs&) override { note("epoch end " + std::to_string(e)); }
  void on_train_batch_begin(Index b) override { note("batch begin " + std::to_string(b)); }
  void on_train_batch_end(Index b, Logs&) override { note("batch end " + std::to_string(b)); }
  void on_test_begin() override { note("test begin"); }
  void on_test_end(Logs&) override { note("test end"); }
  void on_test_batch_begin(Index b) override { note("test batch begin " + std::to_string(b)); }
  void on_test_batch_end(Index b, Logs&) override { note("test batch end " + std::to_string(b)); }
  void on_predict_begin() override { note("predict begin"); }
  void on_predict_end() override { note("predict end"); }
  void on_predict_batch_begin(Index b) override { note("predict batch begin " + std::to_string(b)); }
  void on_predict_batch_end(Index b) override { note("predict batch end " + std::to_string(b)); }
};

// Calls a function at the end of each batch.
struct AtBatchEnd : Callback {
  std::function<void(Index batch, Logs& logs)> action;
  explicit AtBatchEnd(std::function<void(Index, Logs&)> a) : action(std::move(a)) {}
  void on_train_batch_end(Index b, Logs& logs) override { action(b, logs); }
};

using Calls = std::vector<std::string>;

// ---- callbacks ----------------------------------------------------------------------------------------------------

TEST(Fit, CallsTheHooksInKerasOrder) {
  const auto recorder = std::make_shared<Recorder>();
  line(0).fit(column(5), column(5),
              {.batch_size = 2, .epochs = 2, .verbose = 0, .callbacks = {recorder}, .validation_split = 0.4});
  const auto epoch = [](const std::string& e) {
    return Calls{"epoch begin " + e, "batch begin 0",      "batch end 0",      "batch begin 1", "batch end 1",
                 "test begin",       "test batch begin 0", "test batch end 0", "test end",      "epoch end " + e};
  };
  Calls expected = {"train begin"};
  for (const char* e : {"0", "1"}) {
    for (const std::string& call : epoch(e)) expected.push_back(call);
  }
  expected.push_back("train end");
  EXPECT_EQ(recorder->calls, expected);
}

TEST(Fit, EvaluateAndPredictHaveHooksOfTheirOwn) {
  const auto recorder = std::make_shared<Recorder>();
  const Sequential model = line(0);
  (void)model.evaluate(column(3), column(3), {.batch_size = 2, .verbose = 0, .callbacks = {recorder}});
  EXPECT_EQ(recorder->calls, (Calls{"test begin", "test batch begin 0", "test batch end 0", "test batch begin 1",
                                    "test batch end 1", "test end"}));
  recorder->calls.clear();
  (void)model.predict(column(3), {.batch_size = 2, .verbose = 0, .callbacks = {recorder}});
  EXPECT_EQ(recorder->calls, (Calls{"predict begin", "predict batch begin 0", "predict batch end 0",
                                    "predict batch begin 1", "predict batch end 1", "predict end"}));
}

TEST(Fit, CallbacksKnowTheModelAndTheCall) {
  const auto recorder = std::make_shared<Recorder>();
  const Sequential model = line(0);
  model.fit(column(5), column(5), {.batch_size = 2, .epochs = 3, .verbose = 0, .callbacks = {recorder}});
  EXPECT_EQ(recorder->model().node(), model.node());
  EXPECT_EQ(recorder->params().epochs, 3);
  EXPECT_EQ(recorder->params().steps, 3);
  EXPECT_EQ(recorder->params().verbose, 0);
  EXPECT_THROW(model.fit(column(5), column(5), {.verbose = 0, .callbacks = {nullptr}}), ConfigError);
}

TEST(Fit, WhatOneCallbackAddsToTheLogsTheNextAndTheHistorySee) {
  double seen = 0;
  const auto adds = std::make_shared<LambdaCallback>(
      LambdaCallback::Functions{.on_epoch_end = [](Index, Logs& logs) { logs.set("rate", 0.5); }});
  const auto sees = std::make_shared<LambdaCallback>(
      LambdaCallback::Functions{.on_epoch_end = [&](Index, Logs& logs) { seen = logs["rate"]; }});
  const History history =
      line(0, {"mae"})
          .fit(column(4), column(4), {.epochs = 2, .verbose = 0, .callbacks = {adds, sees}, .validation_split = 0.5});
  EXPECT_EQ(seen, 0.5);
  EXPECT_EQ(history["rate"], (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(history.names(), (Calls{"loss", "mae", "val_loss", "val_mae", "rate"}))
      << "training's in alphabetical order, then the validation's, then what was added";
}

TEST(Fit, BatchLogsAreRunningAverages) {
  std::vector<double> losses;
  const auto watch = std::make_shared<AtBatchEnd>([&](Index, Logs& logs) { losses.push_back(logs["loss"]); });
  line(0).fit(column(3), column(3),
              {.batch_size = 1, .epochs = 2, .verbose = 0, .callbacks = {watch}, .shuffle = false});
  // Squares 1, 4, 9 of the labels, in both epochs from the start.
  EXPECT_EQ(losses, (std::vector<double>{1, 2.5, 14.0 / 3, 1, 2.5, 14.0 / 3}));
}

TEST(Fit, AnExceptionOfACallbackEndsTheCallAndLeavesTheModelUsable) {
  const auto recorder = std::make_shared<Recorder>();
  const auto throws = std::make_shared<AtBatchEnd>([](Index, Logs&) { throw std::runtime_error("enough"); });
  const Sequential model = line(0.01);
  EXPECT_THROW(model.fit(column(4), column(4), {.verbose = 0, .callbacks = {recorder, throws}}), std::runtime_error);
  EXPECT_EQ(std::find(recorder->calls.begin(), recorder->calls.end(), "train end"), recorder->calls.end());
  EXPECT_EQ(model.fit(column(4), column(4), {.epochs = 2, .verbose = 0})["loss"].size(), 2u);
}

// ---- epochs and batches -------------------------------------------------------------------------------------------

TEST(Fit, ThePartialBatchCountsByItsSamples) {
  // Batches of 4 and 1: the mean over the five samples is 11, the mean of the batches' means would be 16.25.
  const History history = line(0, {"rmse"}).fit(column(5), column(5), {.batch_size = 4, .verbose = 0});
  EXPECT_DOUBLE_EQ(history["loss"][0], 11);
  EXPECT_DOUBLE_EQ(history["rmse"][0], std::sqrt(11.0));
}

TEST(Fit, RunsTheEpochsFromTheInitialOne) {
  const Sequential model = line(0);
  const History history = model.fit(column(2), column(2), {.epochs = 5, .verbose = 0, .initial_epoch = 3});
  EXPECT_EQ(history.epochs(), (std::vector<Index>{3, 4}));
  for (const Index initial : {5, 6}) {
    const History none = model.fit(column(2), column(2), {.epochs = 5, .verbose = 0, .initial_epoch = initial});
    EXPECT_TRUE(none.epochs().empty());
    EXPECT_TRUE(none.names().empty());
  }
  EXPECT_TRUE(model.fit(column(2), column(2), {.epochs = 0, .verbose = 0}).epochs().empty());
}

TEST(Fit, WithoutShuffleTakesTheSamplesInOrder) {
  const Sequential together = line(0.001), one_by_one = line(0.001);
  together.fit(column(6), column(6, 10), {.batch_size = 2, .verbose = 0, .shuffle = false});
  for (Index i = 0; i < 6; i += 2) {
    one_by_one.fit(column(6).rows(i, i + 2), column(6, 10).rows(i, i + 2), {.verbose = 0});
  }
  EXPECT_TRUE(together.get_weights()[0].identical(one_by_one.get_weights()[0]));
}

TEST(Fit, ShufflesAnewInEveryEpochOfEveryFitOfEveryModel) {
  // With rate 0 and batches of one, the running sums of the losses tell the order: label k has the loss k^2.
  set_random_seed(3);
  std::vector<std::vector<long>> orders;
  double sum = 0;
  const auto watch = std::make_shared<AtBatchEnd>([&](Index batch, Logs& logs) {
    if (batch == 0) {
      orders.emplace_back();
      sum = 0;
    }
    const double total = logs["loss"] * static_cast<double>(batch + 1);
    orders.back().push_back(std::lround(std::sqrt(total - sum)));
    sum = total;
  });
  for (const Sequential& model : {line(0), line(0)}) {
    for (int call = 0; call < 2; ++call) {
      model.fit(column(12), column(12), {.batch_size = 1, .epochs = 3, .verbose = 0, .callbacks = {watch}});
    }
  }
  ASSERT_EQ(orders.size(), 12u);
  std::vector<long> all = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  EXPECT_EQ(std::set(orders.begin(), orders.end()).size(), 12u) << "twelve orders out of 12! ones";
  for (std::vector<long> order : orders) {
    EXPECT_NE(order, all);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, all) << "every sample once";
  }
}

TEST(Fit, DefaultsToBatchesOf32) {
  const auto recorder = std::make_shared<Recorder>();
  line(0).fit(column(33), column(33), {.verbose = 0, .callbacks = {recorder}});
  EXPECT_EQ(recorder->params().steps, 2);
}

TEST(Fit, AStatefulModelKeepsTheOrderOfItsSamples) {
  const auto trained = [](std::optional<bool> shuffle) {
    set_random_seed(3);
    Sequential model{LSTM(4, {.stateful = true, .input_shape = {1, 1}}), Dense(1)};
    model.compile({.optimizer = "adam", .loss = "mse"});
    model.fit(column(6).reshape({6, 1, 1}), column(6),
              {.batch_size = 2, .epochs = 3, .verbose = 0, .shuffle = shuffle});
    return model.get_weights()[0].to_vector();
  };
  EXPECT_EQ(trained(std::nullopt), trained(false));
}

// ---- validation ---------------------------------------------------------------------------------------------------

TEST(Fit, ValidationSplitKeepsTheLastSamplesUnshuffled) {
  // floor(10 (1 - 0.25)) = 7 train.
  const Sequential model = line(0);
  const History history = model.fit(column(10), column(10), {.verbose = 0, .validation_split = 0.25});
  EXPECT_DOUBLE_EQ(history["loss"][0], (1 + 4 + 9 + 16 + 25 + 36 + 49) / 7.0);
  EXPECT_DOUBLE_EQ(history["val_loss"][0], (64 + 81 + 100) / 3.0);
  EXPECT_THROW(model.fit(column(10), column(10), {.verbose = 0, .validation_split = 0.95}), ConfigError);
  EXPECT_THROW(model.fit(column(10), column(10), {.verbose = 0, .validation_split = -0.1}), ConfigError);
}

TEST(Fit, ValidationDataWinOverTheSplit) {
  const History history = line(0).fit(
      column(4), column(4), {.verbose = 0, .validation_split = 0.5, .validation_data = {{column(2), column(2, 3)}}});
  EXPECT_DOUBLE_EQ(history["loss"][0], (1 + 4 + 9 + 16) / 4.0) << "all samples train";
  EXPECT_DOUBLE_EQ(history["val_loss"][0], (9 + 36) / 2.0);
}

TEST(Fit, ValidationIsMeasuredAfterTheEpochsUpdates) {
  const Sequential model = line(0.01);
  const History history = model.fit(column(4), column(4), {.verbose = 0, .validation_data = {{column(4), column(4)}}});
  EXPECT_DOUBLE_EQ(history["val_loss"][0], model.evaluate(column(4), column(4), {.verbose = 0}).loss());
  EXPECT_LT(history["val_loss"][0], history["loss"][0]);
}

// ---- ends ---------------------------------------------------------------------------------------------------------

TEST(Fit, ValidatesInTheEpochsThatAreAskedFor) {
  const auto validated = [](const ValidationFreq& freq) {
    const Sequential model = line(0);
    const auto recorder = make_callback<Recorder>();
    const History history = model.fit(column(4), column(4),
                                      {.epochs = 5,
                                       .verbose = 0,
                                       .callbacks = {recorder},
                                       .validation_data = {column(1), column(1)},
                                       .validation_freq = freq});
    EXPECT_EQ(history["loss"].size(), 5U);
    std::vector<Index> epochs;
    Index epoch = -1;
    for (const std::string& call : recorder->calls) {
      epoch += call.starts_with("epoch begin") ? 1 : 0;
      if (call == "test begin") epochs.push_back(epoch);
    }
    EXPECT_EQ(history["val_loss"].size(), epochs.size());
    return epochs;
  };
  EXPECT_EQ(validated(2), (std::vector<Index>{1, 3}));
  EXPECT_EQ(validated({1, 5, 9}), (std::vector<Index>{0, 4}));
}

TEST(Fit, StepsPerEpochGoOnFromEpochToEpoch) {
  const auto batches_of_epochs = [](Dim steps, Dim epochs) {
    const Sequential model = line(0, {"mse"});
    const auto recorder = make_callback<Recorder>();
    const History history = model.fit(column(5), column(5),
                                      {.batch_size = 2,
                                       .epochs = epochs,
                                       .verbose = 0,
                                       .callbacks = {recorder},
                                       .shuffle = false,
                                       .steps_per_epoch = steps});
    return history["loss"];
  };
  // Squares of 1 and 2, of 3 and 4, of 5: epochs of two batches, the second of which has lost its second one.
  EXPECT_EQ(batches_of_epochs(2, 3), (std::vector<double>{7.5, 25, 7.5}));
  EXPECT_EQ(batches_of_epochs(1, 4), (std::vector<double>{2.5, 12.5, 25, 2.5}));
  EXPECT_EQ(batches_of_epochs(9, 2), (std::vector<double>{11, 11}));
}

TEST(Fit, StepsWithoutABatchSizeShareTheSamples) {
  const Sequential model = line(0);
  const auto recorder = make_callback<Recorder>();
  (void)model.fit(column(7), column(7), {.verbose = 0, .callbacks = {recorder}, .steps_per_epoch = 2});
  EXPECT_EQ(std::count_if(recorder->calls.begin(), recorder->calls.end(),
                          [](const std::string& call) { return call.starts_with("batch begin"); }),
            2);
  EXPECT_EQ(recorder->params().steps, 2);
}

TEST(Fit, StepsOfValidationAndEvaluationAreTheFirstBatches) {
  const Sequential model = line(0);
  const History history = model.fit(column(4), column(4),
                                    {.epochs = 2,
                                     .verbose = 0,
                                     .validation_data = {column(4), column(4)},
                                     .validation_steps = 1,
                                     .validation_batch_size = 2});
  EXPECT_EQ(history["val_loss"], (std::vector<double>{2.5, 12.5}));  // as training's steps, they go on
  EXPECT_EQ(model.evaluate(column(4), column(4), {.batch_size = 2, .verbose = 0, .steps = 1}).loss(), 2.5);
  EXPECT_EQ(model.evaluate(column(4), column(4), {.verbose = 0, .steps = 2}).loss(), 7.5);
}

// ---- weights of classes --------------------------------------------------------------------------------------------

TEST(Fit, ClassesWeighAsTheWeightsOfTheirSamplesWould) {
  const auto trained = [](const Tensor& y, Loss loss, Index units, const FitOptions& options) {
    set_random_seed(5);
    const Sequential model{
        Dense(units, {.activation = units == 1 ? "sigmoid" : "softmax", .dtype = DType::float64, .input_shape = {1}})};
    model.compile({.optimizer = "sgd", .loss = loss});
    (void)model.fit(column(4, 0.1), y, options);
    return model.get_weights()[0].to_vector();
  };
  const FitOptions by_class{.epochs = 2, .verbose = 0, .class_weight = {{1, 3.0}, {2, 0.5}}};
  const FitOptions by_sample{.epochs = 2, .verbose = 0, .sample_weight = Tensor({1.0, 3.0, 0.5, 3.0})};
  const Tensor numbers = tensor_of({4, 1}, {0.0, 1.0, 2.0, 1.0});
  const Tensor rows = tensor_of({4, 3}, {1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0});
  EXPECT_EQ(trained(numbers, "sparse_categorical_crossentropy", 3, by_class),
            trained(numbers, "sparse_categorical_crossentropy", 3, by_sample));
  EXPECT_EQ(trained(rows, "categorical_crossentropy", 3, by_class),
            trained(rows, "categorical_crossentropy", 3, by_sample));
  const FitOptions of_two{.epochs = 2, .verbose = 0, .sample_weight = Tensor({1.0, 3.0, 1.0, 3.0})};
  const Tensor yes_or_no = tensor_of({4}, {0.0, 1.0, 0.0, 1.0});
  EXPECT_EQ(trained(yes_or_no, "binary_crossentropy", 1, by_class),
            trained(yes_or_no, "binary_crossentropy", 1, of_two));
}

TEST(Fit, ClassesWeighInEachTimeStepAndInEachBatchOfASource) {
  const Tensor X = tensor_of({2, 2, 1}, {0.1, 0.2, 0.3, 0.4}), y = tensor_of({2, 2}, {0.0, 1.0, 1.0, 1.0});
  struct One : DataSource {
    Tensor X, y;
    One(const Tensor& X_, const Tensor& y_) : X(X_), y(y_) {}
    Index batches() const override { return 1; }
    Batch batch(Index) override { return {X, y}; }
  };
  const auto loss = [&](const std::function<double(const Sequential&)>& fit) {
    set_random_seed(5);
    const Sequential model{LSTM(2, {.return_sequences = true, .dtype = DType::float64, .input_shape = {2, 1}}),
                           Dense(2, {.activation = "softmax", .dtype = DType::float64})};
    model.compile({.loss = "sparse_categorical_crossentropy"});
    return fit(model);
  };
  const FitOptions by_class{.verbose = 0, .class_weight = {{0, 10.0}}};
  const double expected = loss([&](const Sequential& model) {
    return model.fit(X, y, {.verbose = 0, .sample_weight = tensor_of({2, 2}, {10.0, 1.0, 1.0, 1.0})})["loss"][0];
  });
  EXPECT_EQ(loss([&](const Sequential& model) { return model.fit(X, y, by_class)["loss"][0]; }), expected);
  EXPECT_EQ(loss([&](const Sequential& model) {
              One source(X, y);
              return model.fit(source, by_class)["loss"][0];
            }),
            expected);
}

// Whose memory serves again for the next ones.
TEST(Fit, ClassesWeighInEveryBatchThatIsReadAhead) {
  const auto loss = [](bool from_rows) {
    const Sequential model = line(0);
    const FitOptions options{.batch_size = 1, .verbose = 0, .shuffle = false, .class_weight = {{1, 3.0}, {4, 0.5}}};
    FitOptions of_rows = options;
    of_rows.batch_size.reset();
    RowBatches batches(column(5), column(5), {.batch_size = 1, .shuffle = false});
    return from_rows ? model.fit(batches, of_rows)["loss"][0] : model.fit(column(5), column(5), options)["loss"][0];
  };
  EXPECT_EQ(loss(true), loss(false));
}

TEST(Fit, ClassWeightsAreNotForValidation) {
  const Sequential model = line(0);
  const History history =
      model.fit(column(4), column(4),
                {.verbose = 0, .validation_split = 0.5, .shuffle = false, .class_weight = {{1, 2.0}, {3, 100.0}}});
  EXPECT_EQ(history["loss"][0], 3);  // (2 * 1 + 4) / 2
  EXPECT_EQ(history["val_loss"][0], 12.5);
}

TEST(Fit, OptionsOutOfRangeAreNamed) {
  const Sequential model = line(0);
  const auto refused = [&](const FitOptions& options, const std::vector<std::string>& words) {
    test::expect_error<ConfigError>([&] { (void)model.fit(column(2), column(2), options); }, words);
  };
  refused({.steps_per_epoch = 0}, {"steps_per_epoch is 0", "1 or more"});
  refused({.validation_steps = -1}, {"validation_steps is -1"});
  refused({.validation_batch_size = 0}, {"validation_batch_size is 0"});
  refused({.validation_freq = 0}, {"validation_freq is 0"});
  refused({.validation_freq = {0, 1}}, {"an epoch of validation_freq is 0"});
  refused({.class_weight = {{1, std::nan("")}}}, {"class_weight[1]", "nan"});
  refused({.sample_weight = Tensor({1.0, 1.0}), .class_weight = {{1, 2.0}}},
          {"class_weight and sample_weight were both given"});
}

// ---- one batch ------------------------------------------------------------------------------------------------------

TEST(OnBatch, TrainsAsFitWithOneBatch) {
  const Sequential fitted = line(0.01, {"mae"}), stepped = line(0.01, {"mae"});
  const History history = fitted.fit(column(3), column(3, 10), {.epochs = 3, .verbose = 0});
  for (std::size_t step = 0; step < 3; ++step) {
    const Evaluation now = stepped.train_on_batch(column(3), column(3, 10));
    EXPECT_EQ(now.loss(), history["loss"][step]);
    EXPECT_EQ(now["mae"], history["mae"][step]);
  }
  EXPECT_TRUE(stepped.get_weights()[0].identical(fitted.get_weights()[0]));
  const Tensor before = stepped.get_weights()[0];
  EXPECT_EQ(stepped.test_on_batch(column(3), column(3, 10)).loss(),
            fitted.evaluate(column(3), column(3, 10), {.verbose = 0}).loss());
  EXPECT_TRUE(stepped.get_weights()[0].identical(before));
  EXPECT_TRUE(stepped.predict_on_batch(column(3)).identical(stepped.predict(column(3), {.verbose = 0})));
}

TEST(OnBatch, SamplesMayWeigh) {
  const Sequential model = line(0);
  EXPECT_EQ(model.train_on_batch(column(2), column(2), {.sample_weight = Tensor({2.0, 0.0})}).loss(), 1);
  EXPECT_EQ(model.test_on_batch(column(2), column(2), {.class_weight = {{2, 0.5}}}).loss(), 1.5);
}

TEST(OnBatch, ALossThatIsNoNumberLeavesTheWeights) {
  const Sequential model = line(0.1);
  test::expect_error<NumericError>(
      [&] {
        (void)model.train_on_batch(tensor_of({1, 1}, {std::nan("")}), column(1));
      },
      {"NaN in sample 0", "train_on_batch"});
  EXPECT_EQ(model.get_weights()[0].to_vector()[0], 0);
}

TEST(Fit, StopTrainingInABatchEndsTheEpochAfterThatBatch) {
  const auto recorder = std::make_shared<Recorder>();
  const auto stops = std::make_shared<AtBatchEnd>([&](Index batch, Logs&) {
    if (batch == 1) recorder->model().stop_training();
  });
  const Sequential model = line(0);
  const History history =
      model.fit(column(9), column(9),
                {.batch_size = 2, .epochs = 9, .verbose = 0, .callbacks = {recorder, stops}, .validation_split = 0.2});
  EXPECT_EQ(recorder->calls,
            (Calls{"train begin", "epoch begin 0", "batch begin 0", "batch end 0", "batch begin 1", "batch end 1",
                   "test begin", "test batch begin 0", "test batch end 0", "test end", "epoch end 0", "train end"}));
  EXPECT_EQ(history["val_loss"].size(), 1u);
  EXPECT_FALSE(history.interrupted());
  EXPECT_EQ(model.fit(column(2), column(2), {.epochs = 2, .verbose = 0})["loss"].size(), 2u)
      << "the next fit does not stop";
}

TEST(Fit, StopTrainingAtTheEndOfAnEpochEndsTheFit) {
  const auto recorder = std::make_shared<Recorder>();
  const auto stops = std::make_shared<LambdaCallback>(LambdaCallback::Functions{.on_epoch_end = [&](Index e, Logs&) {
    if (e == 2) recorder->model().stop_training();
  }});
  const History history =
      line(0).fit(column(2), column(2), {.epochs = 9, .verbose = 0, .callbacks = {recorder, stops}});
  EXPECT_EQ(history.epochs(), (std::vector<Index>{0, 1, 2}));
  EXPECT_EQ(recorder->calls.back(), "train end");
}

TEST(Fit, ANanLossEndsItWithTheWeightsOfBefore) {
  Tensor X = column(6);
  X.set({4, 0}, std::nan(""));
  const Sequential model = line(0.001), until_then = line(0.001);
  EXPECT_THROW(model.fit(X, column(6), {.batch_size = 2, .verbose = 0, .shuffle = false}), NumericError);
  until_then.fit(X.rows(0, 4), column(4), {.batch_size = 2, .verbose = 0, .shuffle = false});
  EXPECT_TRUE(model.get_weights()[0].identical(until_then.get_weights()[0]));
  EXPECT_TRUE(std::isfinite(model.get_weights()[0](0, 0)));
}

// ---- Ctrl-C -------------------------------------------------------------------------------------------------------

bool interrupt_is_default() {
  struct sigaction now {};
  sigaction(SIGINT, nullptr, &now);
  return now.sa_handler == SIG_DFL;
}

class Interrupt : public testing::Test {
  test::ListeningToCtrlC listening_;
};
using InterruptDeathTest = Interrupt;

TEST_F(Interrupt, CtrlCEndsTheFitAfterTheBatchAndKeepsTheHistory) {
  const auto recorder = std::make_shared<Recorder>();
  const auto presses = std::make_shared<AtBatchEnd>([&](Index batch, Logs&) {
    if (recorder->calls.size() > 10 && batch == 1) std::raise(SIGINT);
  });
  const Sequential model = line(0);
  const History history =
      model.fit(column(9), column(9), {.batch_size = 3, .epochs = 50, .verbose = 0, .callbacks = {recorder, presses}});
  EXPECT_TRUE(history.interrupted());
  EXPECT_EQ(history["loss"].size(), 2u);
  EXPECT_EQ(Calls(recorder->calls.end() - 3, recorder->calls.end()),
            (Calls{"batch end 1", "epoch end 1", "train end"}));
  EXPECT_TRUE(interrupt_is_default()) << "afterwards Ctrl-C ends the program again";
  EXPECT_FALSE(model.fit(column(2), column(2), {.epochs = 2, .verbose = 0}).interrupted());
}

TEST_F(InterruptDeathTest, ASecondCtrlCEndsTheProgram) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto presses = std::make_shared<AtBatchEnd>([](Index, Logs&) {
    std::raise(SIGINT);
    std::raise(SIGINT);
  });
  EXPECT_EXIT(line(0).fit(column(9), column(9), {.verbose = 0, .callbacks = {presses}}),
              testing::KilledBySignal(SIGINT), "");
}

volatile std::sig_atomic_t g_handled = 0;

TEST_F(Interrupt, IsNotListenedToWhereItIsIgnored) {
  std::signal(SIGINT, SIG_IGN);  // as in a program that a shell has started in the background
  const auto presses = std::make_shared<AtBatchEnd>([](Index, Logs&) { std::raise(SIGINT); });
  EXPECT_FALSE(line(0).fit(column(9), column(9), {.verbose = 0, .callbacks = {presses}}).interrupted());
}

TEST_F(Interrupt, AHandlerOfTheProgramsOwnIsLeftAlone) {
  struct sigaction own {
  }, before{};
  own.sa_handler = [](int) { g_handled = g_handled + 1; };
  sigaction(SIGINT, &own, &before);
  const auto presses = std::make_shared<AtBatchEnd>([](Index, Logs&) { std::raise(SIGINT); });
  const History history = line(0).fit(column(9), column(9), {.epochs = 2, .verbose = 0, .callbacks = {presses}});
  sigaction(SIGINT, &before, nullptr);
  EXPECT_EQ(g_handled, 2);
  EXPECT_FALSE(history.interrupted());
  EXPECT_EQ(history["loss"].size(), 2u);
}

}  // namespace
}  // namespace rondo
