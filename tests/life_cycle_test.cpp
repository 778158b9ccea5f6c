// What is called too early, too late, from inside itself, or with nothing in it: an error that says so, or it works.
#include <csignal>
#include <gtest/gtest.h>
#include <limits>
#include <stdexcept>

#include <rondo/rondo.hpp>

#include "support/ctrl_c.hpp"
#include "support/expect_error.hpp"
#include "support/nan.hpp"

namespace rondo {
namespace {

using test::expect_error;

const Tensor kX = Tensor::zeros({8, 5, 2});
const Tensor kY = Tensor::zeros({8, 1});

Sequential forecaster() {
  Sequential model{LSTM(4, {.input_shape = {5, 2}}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  return model;
}

// A callback that does something at the end of the first batch of every epoch.
Callbacks in_batch(std::function<void()> f) {
  return {std::make_shared<LambdaCallback>(LambdaCallback::Functions{.on_train_batch_end = [f](Index batch, Logs&) {
    if (batch == 0) f();
  }})};
}

class LifeCycle : public testing::Test {
 protected:
  void SetUp() override { clear_session(); }

  // Fits two epochs of two batches with f inside, twice; the second fit proves that the first left a usable model.
  static void fit_with(const Sequential& model, const std::function<void()>& f) {
    for (int i = 0; i < 2; ++i) {
      const History history = model.fit(kX, kY, {.batch_size = 4, .epochs = 2, .verbose = 0, .callbacks = in_batch(f)});
      EXPECT_EQ(history["loss"].size(), 2u);
    }
  }
  // What f throws inside a fit leaves it, and the next fit works.
  static void refused_in_fit(const std::function<void(const Sequential&)>& f, const std::vector<std::string>& parts) {
    const Sequential model = forecaster();
    expect_error<StateError>([&] { fit_with(model, [&] { f(model); }); }, parts);
    fit_with(model, [] {});
    EXPECT_EQ(model.predict(kX, {.verbose = 0}).shape(), (Shape{8, 1}));
  }
};

// ---- inside a fit -------------------------------------------------------------------------------------------------

TEST_F(LifeCycle, WhatChangesWhatAFitWorksOnIsRefusedInside) {
  const std::vector<std::string> parts = {"model 'sequential'", "fit", "callback", "stop_training"};
  const auto with = [&](const char* call) {
    std::vector<std::string> all = parts;
    all.emplace_back(call);
    clear_session();
    return all;
  };
  refused_in_fit([](const Sequential& m) { m.compile({.optimizer = "sgd", .loss = "mae"}); }, with("compile"));
  refused_in_fit([](const Sequential& m) { m.fit(kX, kY, {.verbose = 0}); }, with("fit"));
  refused_in_fit([](const Sequential& m) { m.add(Dense(2)); }, with("add"));
  refused_in_fit([](const Sequential& m) { (void)m.pop(); }, with("pop"));
}

TEST_F(LifeCycle, WhatLooksOrSetsNumbersWorksInsideAFit) {
  const Sequential model = forecaster();
  fit_with(model, [&] {
    EXPECT_EQ(model.predict(kX, {.verbose = 0}).shape(), (Shape{8, 1}));
    EXPECT_GE(model.evaluate(kX, kY, {.verbose = 0}).loss(), 0);
    model.set_weights(model.get_weights());
    EXPECT_THROW(model.set_weight("dense/bias", Tensor{1.0, 2.0}), ShapeError);
    model.set_learning_rate(0.01);
    EXPECT_EQ(model.learning_rate(), 0.01);
    model.reset_states();
    model.get_layer(0).set_trainable(false);
    model.get_layer(0).set_trainable(true);
    (void)model.summary_text();
    (void)model.stream();
    (void)model.memory_required({8, 5, 2}, {.y = {8, 1}});
    const Sequential other = forecaster();
    other.fit(kX, kY, {.verbose = 0});
  });
}

TEST_F(LifeCycle, CompileInsideEvaluateAndPredictWorks) {
  struct Recompiler : Callback {
    void again() const { model().compile({.optimizer = "sgd", .loss = "mae", .metrics = {"mse"}}); }
    void on_test_batch_end(Index, Logs&) override { again(); }
    void on_predict_batch_begin(Index) override { again(); }
  };
  const Sequential model = forecaster();
  const Callbacks callbacks = {std::make_shared<Recompiler>()};
  EXPECT_EQ(model.evaluate(kX, kY, {.batch_size = 3, .verbose = 0, .callbacks = callbacks}).values().size(), 1u);
  EXPECT_EQ(model.predict(kX, {.batch_size = 3, .verbose = 0, .callbacks = callbacks}).shape(), (Shape{8, 1}));
  EXPECT_EQ(model.evaluate(kX, kY, {.verbose = 0}).values().size(), 2u);
}

TEST_F(LifeCycle, WhatACallbackThrowsEndsTheFitAndTheModelGoesOn) {
  struct Thrower : Callback {
    explicit Thrower(int hook) : hook_(hook) {}
    void on_train_begin() override { at(0); }
    void on_epoch_begin(Index) override { at(1); }
    void on_train_batch_begin(Index) override { at(2); }
    void on_train_batch_end(Index, Logs&) override { at(3); }
    void on_test_begin() override { at(4); }
    void on_test_batch_end(Index, Logs&) override { at(5); }
    void on_epoch_end(Index, Logs&) override { at(6); }
    void on_train_end(Logs&) override { at(7); }
    void at(int hook) const {
      if (hook == hook_) throw std::out_of_range("mine");
    }
    int hook_;
  };
  const Sequential model = forecaster();
  for (int hook = 0; hook < 8; ++hook) {
    EXPECT_THROW(model.fit(kX, kY,
                           {.batch_size = 3,
                            .verbose = 0,
                            .callbacks = {std::make_shared<Thrower>(hook)},
                            .validation_data = {{kX, kY}}}),
                 std::out_of_range)
        << hook;
    EXPECT_EQ(model.fit(kX, kY, {.verbose = 0})["loss"].size(), 1u) << hook;
  }
}

TEST_F(LifeCycle, AFitBegunWhileAnInterruptedOneEndsRunsItsEpochs) {
  const test::ListeningToCtrlC listening;
  const Sequential model = forecaster(), other = forecaster();
  History inner;
  struct Interrupter : Callback {
    std::function<void()> at_end;
    void on_train_batch_end(Index, Logs&) override { std::raise(SIGINT); }
    void on_train_end(Logs&) override { at_end(); }
  };
  const auto interrupter = std::make_shared<Interrupter>();
  interrupter->at_end = [&] { inner = other.fit(kX, kY, {.epochs = 3, .verbose = 0}); };
  EXPECT_TRUE(model.fit(kX, kY, {.epochs = 3, .verbose = 0, .callbacks = {interrupter}}).interrupted());
  EXPECT_EQ(inner.epochs().size(), 3u);
  EXPECT_FALSE(inner.interrupted());
  // The inner fit listens as well, although a Ctrl-C has come already.
  interrupter->at_end = [&] {
    struct Again : Callback {
      void on_epoch_begin(Index epoch) override {
        if (epoch == 1) std::raise(SIGINT);
      }
    };
    inner = other.fit(kX, kY, {.epochs = 3, .verbose = 0, .callbacks = {std::make_shared<Again>()}});
  };
  EXPECT_EXIT(
      {
        (void)model.fit(kX, kY, {.epochs = 3, .verbose = 0, .callbacks = {interrupter}});
        std::exit(inner.interrupted() && inner.epochs().size() == 2 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

// ---- empty axes ---------------------------------------------------------------------------------------------------

// Every way to hand data of a shape, whose time steps or features are none, to a model.
void expect_refused_everywhere(const Sequential& model, const Shape& shape, const std::vector<std::string>& parts) {
  SCOPED_TRACE(to_string(shape));
  const Tensor X = Tensor::zeros(shape), y = Tensor::zeros({shape[0], 1});
  expect_error<ShapeError>([&] { model.fit(X, y, {.verbose = 0}); }, parts);
  expect_error<ShapeError>([&] { (void)model.evaluate(X, y, {.verbose = 0}); }, parts);
  expect_error<ShapeError>([&] { model.fit(kX, kY, {.verbose = 0, .validation_data = {{X, y}}}); }, parts);
  expect_error<ShapeError>([&] { (void)model.predict(X, {.verbose = 0}); }, parts);
  expect_error<ShapeError>([&] { (void)model.predict_classes(X, {.verbose = 0}); }, parts);
  Tensor out = Tensor::zeros({shape[0], 1});
  expect_error<ShapeError>([&] { model.predict_into(X, out); }, parts);
  expect_error<ShapeError>([&] { (void)model.memory_required(shape); }, parts);
  expect_error<ShapeError>([&] { (void)model.memory_required(shape, {.y = {shape[0], 1}}); }, parts);
}

TEST_F(LifeCycle, AnAxisOfSizeZeroIsTheSameErrorEverywhere) {
  const Sequential model = forecaster();
  expect_refused_everywhere(model, {8, 0, 2}, {"'sequential'", "(8, 0, 2)", "no time steps"});
  expect_refused_everywhere(model, {8, 5, 0}, {"'sequential'", "(8, 5, 0)", "no features"});
  // The same before the shapes are known, and without a layer that asks for steps.
  for (Sequential unbuilt : {Sequential{LSTM(4), Dense(1)}, Sequential{Dense(1)}}) {
    unbuilt.compile({.loss = "mse"});
    for (const Shape& shape : {Shape{8, 0, 2}, Shape{0, 5, 2}, Shape{8, 5, 0}}) {
      EXPECT_THROW(unbuilt.fit(Tensor::zeros(shape), Tensor::zeros({shape[0], 1}), {.verbose = 0}), ShapeError);
      EXPECT_FALSE(unbuilt.built()) << to_string(shape);
    }
    for (const Shape& shape : {Shape{8, 0, 2}, Shape{8, 5, 0}}) {
      EXPECT_THROW(unbuilt.build(shape), ShapeError) << to_string(shape);
      EXPECT_FALSE(unbuilt.built()) << to_string(shape);
    }
  }
  for (const Layer& layer : {Layer(LSTM(3)), Layer(Dense(3)), Layer(Activation("relu"))}) {
    for (const Shape& shape : {Shape{8, 0, 2}, Shape{8, 5, 0}}) {
      EXPECT_THROW((void)layer(Tensor::zeros(shape)), ShapeError) << layer.class_name() << to_string(shape);
      EXPECT_THROW(layer.build(shape), ShapeError) << layer.class_name() << to_string(shape);
      EXPECT_THROW((void)layer.compute_output_shape(shape), ShapeError) << layer.class_name() << to_string(shape);
    }
  }
  expect_error<ShapeError>([] { (void)LSTM(4, {.input_shape = {0, 3}}); }, {"'lstm", "(0, 3)"});
  expect_error<ShapeError>([] { (void)LSTM(4, {.input_shape = {5, 0}}); }, {"'lstm", "(5, 0)"});
  EXPECT_THROW((void)Input({0, 3}), ShapeError);
}

TEST_F(LifeCycle, NoSamplesTeachNothingAndPredictNothing) {
  const Sequential model = forecaster();
  const Tensor X = Tensor::zeros({0, 5, 2}), y = Tensor::zeros({0, 1});
  const std::vector<std::string> parts = {"'sequential'", "no samples"};
  expect_error<ShapeError>([&] { model.fit(X, y, {.verbose = 0}); }, parts);
  expect_error<ShapeError>([&] { (void)model.evaluate(X, y, {.verbose = 0}); }, parts);
  expect_error<ShapeError>([&] { model.fit(kX, kY, {.verbose = 0, .validation_data = {{X, y}}}); }, parts);
  expect_error<ShapeError>([&] { (void)model.memory_required(X.shape(), {.y = y.shape()}); }, parts);
  // An empty batch has an empty answer.
  Tensor out = y;
  EXPECT_EQ(model.predict(X, {.verbose = 0}).shape(), (Shape{0, 1}));
  EXPECT_TRUE(model.predict_classes(X, {.verbose = 0}).empty());
  model.predict_into(X, out);
  EXPECT_EQ(LSTM(3)(X)[0].shape(), (Shape{0, 3}));
  EXPECT_EQ(Dense(3)(X)[0].shape(), (Shape{0, 5, 3}));
}

TEST_F(LifeCycle, ANegativeSizeIsRefused) {
  expect_error<ShapeError>([] { (void)LSTM(4, {.input_shape = {-5, 3}}); }, {"'lstm", "-5"});
  EXPECT_THROW((void)Dense(4, {.input_shape = {-3}}), ShapeError);
  EXPECT_THROW((void)Input({-7, 3}), ShapeError);
  EXPECT_THROW((void)forecaster().memory_required({-7, 5, 2}), ShapeError);
  EXPECT_THROW((void)forecaster().memory_required({Shape::kUnknown, 5, 2}), ShapeError);
  EXPECT_THROW((void)forecaster().memory_required({8, Shape::kUnknown, 2}), ShapeError);
  EXPECT_THROW((void)LSTM(4).compute_output_shape({2, -5, 3}), ShapeError);
  const LSTM any_length(4, {.input_shape = {Shape::kUnknown, 3}});
  EXPECT_EQ(any_length.compute_output_shape({Shape::kUnknown, Shape::kUnknown, 3}), (Shape{Shape::kUnknown, 4}));
}

// ---- handles ------------------------------------------------------------------------------------------------------

TEST_F(LifeCycle, WhatWasMovedFromIsStillTheSameLayer) {
  Sequential model = forecaster();
  const Sequential moved = std::move(model);
  EXPECT_EQ(model.node(), moved.node());
  EXPECT_EQ(model.predict(kX, {.verbose = 0}).shape(), (Shape{8, 1}));
  Dense dense(3);
  Layer layer(std::move(dense));
  EXPECT_EQ(dense.name(), layer.name());
  Layer assigned = Dense(4);
  assigned = std::move(layer);
  EXPECT_EQ(layer.name(), assigned.name());
  Optimizer optimizer = "adam";
  const Optimizer kept = std::move(optimizer);
  EXPECT_EQ(optimizer.class_name(), "Adam");
  Initializer initializer = "zeros";
  const Initializer kept_too = std::move(initializer);
  EXPECT_EQ(initializer.class_name(), "Zeros");
  Metric metric = "mse";
  const Metric kept_metric = std::move(metric);
  EXPECT_EQ(metric.name(), "mse");
}

TEST_F(LifeCycle, AStreamThatWasMovedFromSaysSo) {
  Stream stream = forecaster().stream();
  const Stream moved = std::move(stream);
  EXPECT_EQ(moved.features(), 2);
  const std::vector<std::string> parts = {"Stream", "moved from"};
  expect_error<StateError>([&] { (void)stream.features(); }, parts);
  expect_error<StateError>([&] { (void)stream.outputs(); }, parts);
  expect_error<StateError>([&] { (void)stream.state(); }, parts);
  expect_error<StateError>([&] { stream.set_state({}); }, parts);
}

TEST_F(LifeCycle, ACallbackHasAModelOnlyWhenItWasGivenOne) {
  const LambdaCallback callback({});
  expect_error<StateError>([&] { (void)callback.model(); }, {"callback", "fit"});
}

TEST_F(LifeCycle, LogsAndResultsThatWereMovedFromHoldNothingWild) {
  Logs logs;
  logs.set("loss", 1);
  const Logs moved = std::move(logs);
  for (const auto& [name, value] : logs) EXPECT_EQ(name, "loss") << value;
  Evaluation evaluation = forecaster().evaluate(kX, kY, {.verbose = 0});
  const Evaluation kept = std::move(evaluation);
  EXPECT_EQ(kept.loss(), kept["loss"]);
  EXPECT_THROW((void)evaluation.loss(), Error);
  EXPECT_THROW((void)Evaluation({}).loss(), Error);
}

// ---- rings --------------------------------------------------------------------------------------------------------

TEST_F(LifeCycle, AModelCannotBeALayerOfItselfAtAnyDepth) {
  const Sequential a({.name = "a"}), b({.name = "b"}), c({.name = "c"});
  expect_error<ConfigError>([&] { a.add(a); }, {"model 'a'", "itself"});
  a.add(b);
  expect_error<ConfigError>([&] { b.add(a); }, {"model 'b'", "model 'a'", "itself"});
  b.add(c);
  expect_error<ConfigError>([&] { c.add(a); }, {"model 'c'", "model 'a'", "itself"});
  c.add(Dense(2, {.input_shape = {3}}));
  EXPECT_NE(a.summary_text().find("Model: \"a\""), std::string::npos);
}

// ---- positions ----------------------------------------------------------------------------------------------------

TEST_F(LifeCycle, ResultsAreFoundByPositionToo) {
  const Sequential model = forecaster();
  model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
  const Evaluation evaluation = model.evaluate(kX, kY, {.verbose = 0});
  EXPECT_EQ(evaluation[0], evaluation.loss());
  EXPECT_EQ(evaluation[1], evaluation["mae"]);
  EXPECT_EQ(evaluation[-1], evaluation["mae"]);
  const std::size_t one = 1;
  EXPECT_EQ(evaluation[one], evaluation["mae"]);
  expect_error<ConfigError>([&] { (void)evaluation[2]; }, {"2", "'loss', 'mae'"});
  const History history = model.fit(kX, kY, {.epochs = 2, .verbose = 0});
  EXPECT_EQ(history[0], history["loss"]);
  EXPECT_EQ(history[1], history["mae"]);
  expect_error<ConfigError>([&] { (void)history[-3]; }, {"-3", "'loss', 'mae'"});
  expect_error<ConfigError>([&] { (void)History()[0]; }, {"no entries"});
  EXPECT_EQ(model.get_layer(0).name(), "lstm");
}

TEST_F(LifeCycle, ResultsThatAreNotKeptCanBeWalkedThrough) {
  // The loop's range would outlive the result that it looks into.
  const Sequential model = forecaster();
  Index seen = 0;
  for (const auto& [name, value] : model.evaluate(kX, kY, {.verbose = 0}).values()) seen += name == "loss" ? 1 : 100;
  for (const double loss : model.fit(kX, kY, {.epochs = 2, .verbose = 0})["loss"]) seen += loss >= 0 ? 1 : 100;
  for (const double loss : model.fit(kX, kY, {.epochs = 2, .verbose = 0})[0]) seen += loss >= 0 ? 1 : 100;
  for (const std::string& name : model.fit(kX, kY, {.verbose = 0}).names()) seen += name == "loss" ? 1 : 100;
  for (const Index epoch : model.fit(kX, kY, {.verbose = 0}).epochs()) seen += epoch == 0 ? 1 : 100;
  EXPECT_EQ(seen, 7);
}

// ---- options out of range -----------------------------------------------------------------------------------------

using test::kNaN;
constexpr double kInfinite = std::numeric_limits<double>::infinity();

TEST_F(LifeCycle, RatesMustBeNumbersThatCanTrain) {
  const Sequential model = forecaster();
  for (const double rate : {kNaN, kInfinite, -kInfinite, -1.0}) {
    expect_error<ConfigError>([&] { model.set_learning_rate(rate); }, {"learning_rate", "0 or more"});
    EXPECT_THROW((void)SGD({.learning_rate = rate}), ConfigError);
    EXPECT_THROW((void)SGD({.lr = rate}), ConfigError);
    EXPECT_THROW((void)Adam({.learning_rate = rate}), ConfigError);
    EXPECT_THROW((void)RMSprop({.learning_rate = rate}), ConfigError);
    EXPECT_THROW((void)SGD({.momentum = rate}), ConfigError);
    EXPECT_THROW((void)RMSprop({.rho = rate}), ConfigError);
    EXPECT_THROW((void)RMSprop({.momentum = rate}), ConfigError);
    EXPECT_THROW((void)RMSprop({.epsilon = rate}), ConfigError);
    EXPECT_THROW((void)Adam({.beta_1 = rate}), ConfigError);
    EXPECT_THROW((void)Adam({.beta_2 = rate}), ConfigError);
    EXPECT_THROW((void)Adam({.epsilon = rate}), ConfigError);
    EXPECT_THROW((void)losses::BinaryCrossentropy({.label_smoothing = rate}), ConfigError);
    EXPECT_THROW((void)losses::CategoricalCrossentropy({.label_smoothing = rate}), ConfigError);
    EXPECT_THROW((void)RandomNormal({.stddev = rate}), ConfigError);
    EXPECT_THROW(model.fit(kX, kY, {.verbose = 0, .validation_split = rate}), ConfigError);
  }
  EXPECT_THROW((void)Adam({.beta_1 = 1}), ConfigError);
  EXPECT_THROW((void)losses::BinaryCrossentropy({.label_smoothing = 1.5}), ConfigError);
  EXPECT_EQ(model.learning_rate(), 0.001) << "a refused rate changes nothing";
  expect_error<ConfigError>([] { (void)Adam({.epsilon = kNaN}); }, {"Adam", "epsilon is nan", "0 or more"});
  (void)Adam({.learning_rate = 0, .beta_1 = 0, .beta_2 = 0, .epsilon = 0});
}

TEST_F(LifeCycle, InitializersAndActivationsTakeNumbersOnly) {
  EXPECT_THROW((void)RandomNormal({.mean = kNaN}), ConfigError);
  EXPECT_THROW((void)RandomUniform({.minval = kNaN}), ConfigError);
  EXPECT_THROW((void)RandomUniform({.maxval = kInfinite}), ConfigError);
  expect_error<ConfigError>([] { (void)RandomUniform({.minval = 1, .maxval = -1}); },
                            {"RandomUniform", "minval is 1", "maxval", "-1"});
  EXPECT_THROW((void)RandomUniform({.minval = -1.7e308, .maxval = 1.7e308}), ConfigError);
  EXPECT_THROW((void)Orthogonal({.gain = kNaN}), ConfigError);
  EXPECT_THROW((void)Constant(kInfinite), ConfigError);
  EXPECT_THROW((void)activations::relu({.negative_slope = kNaN}), ConfigError);
  EXPECT_THROW((void)activations::relu({.max_value = -1}), ConfigError);
  EXPECT_THROW((void)activations::relu({.max_value = kNaN}), ConfigError);
  EXPECT_THROW((void)metrics::BinaryAccuracy({.threshold = kNaN}), ConfigError);
  EXPECT_THROW((void)activations::relu({.threshold = kInfinite}), ConfigError);
  EXPECT_THROW((void)activations::leaky_relu({.negative_slope = kInfinite}), ConfigError);
  EXPECT_THROW((void)activations::elu({.alpha = kNaN}), ConfigError);
  EXPECT_THROW((void)activations::celu({.alpha = 0}), ConfigError);
  EXPECT_THROW((void)activations::squareplus({.b = -1}), ConfigError);
  EXPECT_THROW((void)activations::soft_shrink({.threshold = -1}), ConfigError);
  EXPECT_THROW((void)activations::hard_shrink({.threshold = kNaN}), ConfigError);
  EXPECT_THROW((void)activations::threshold({.default_value = kNaN}), ConfigError);
  (void)activations::relu();
  (void)RandomUniform({.minval = 1, .maxval = 1});
}

TEST_F(LifeCycle, PredictChecksVerboseAsFitDoes) {
  const Sequential model = forecaster();
  expect_error<ConfigError>([&] { (void)model.predict(kX, {.verbose = 7}); }, {"verbose is 7", "0 (silent)"});
  EXPECT_THROW((void)model.predict_classes(kX, {.verbose = -1}), ConfigError);
  EXPECT_THROW((void)model.evaluate(kX, kY, {.verbose = 3}), ConfigError);
}

}  // namespace
}  // namespace rondo
