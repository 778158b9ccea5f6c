// fit and evaluate on data that come batch by batch.
#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <stdexcept>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::ramp;

struct Listed : DataSource {
  explicit Listed(std::vector<Batch> given) : all(std::move(given)) {}
  Index batches() const override { return static_cast<Index>(all.size()); }
  Batch batch(Index number) override {
    asked.push_back(number);
    return all[static_cast<std::size_t>(number)];
  }
  void on_epoch_end() override { ++epochs; }

  std::vector<Batch> all;
  std::vector<Index> asked;
  int epochs = 0;
};

Sequential compiled_model(Shape input = {Shape::kUnknown, 2}) {
  set_random_seed(7);
  Sequential model{Input(std::move(input)), LSTM(5), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
  return model;
}

Batch sequences(Index samples, Index steps, double from = 0) {
  return {ramp({samples, steps, 2}, from), ramp({samples, 1}, from + 0.3)};
}

std::vector<std::vector<double>> weights_of(const Model& model) {
  std::vector<std::vector<double>> all;
  for (const Tensor& w : model.get_weights()) all.push_back(w.to_vector());
  return all;
}

TEST(DataSource, BatchesOfAnArrayTrainAsTheArray) {
  const Tensor X = ramp({10, 6, 2}), y = ramp({10, 1}, 0.5);
  const Sequential whole = compiled_model();
  const History expected = whole.fit(X, y, {.batch_size = 4, .epochs = 3, .verbose = 0, .shuffle = false});

  Listed source({{X.rows(0, 4), y.rows(0, 4)}, {X.rows(4, 8), y.rows(4, 8)}, {X.rows(8, 10), y.rows(8, 10)}});
  const Sequential model = compiled_model();
  const History history = model.fit(source, {.epochs = 3, .verbose = 0, .shuffle = false});
  EXPECT_EQ(weights_of(model), weights_of(whole));
  EXPECT_EQ(history["loss"], expected["loss"]);
  EXPECT_EQ(history["mae"], expected["mae"]);
  EXPECT_EQ(source.epochs, 3);
}

TEST(DataSource, LengthsTrainAsModelsThatSeeOneLengthAtATime) {
  // The same steps by fits of one batch each, whose programs come one at a time.
  const std::vector<Batch> batches{sequences(3, 9), sequences(3, 1), sequences(5, 4, 0.1), sequences(3, 17),
                                   sequences(2, 1)};
  const Sequential one_by_one = compiled_model();
  for (int epoch = 0; epoch < 3; ++epoch) {
    for (const Batch& b : batches) one_by_one.fit(b.X, b.y, {.verbose = 0, .shuffle = false});
  }
  Listed source(batches);
  const Sequential model = compiled_model();
  model.fit(source, {.epochs = 3, .verbose = 0, .shuffle = false});
  EXPECT_EQ(weights_of(model), weights_of(one_by_one));
}

TEST(DataSource, MeansCountSamples) {
  Listed source({sequences(1, 3), sequences(7, 5)});
  const Sequential model = compiled_model();
  const auto mae = [&](const Batch& b) { return model.evaluate(b.X, b.y, {.verbose = 0})["mae"]; };
  const double expected = (mae(source.all[0]) + 7 * mae(source.all[1])) / 8;
  EXPECT_NEAR(model.evaluate(source, {.verbose = 0})["mae"], expected, 1e-12);
  EXPECT_EQ(source.epochs, 1);
}

TEST(DataSource, EachEpochHasEveryBatchOnceInAnOrderOfItsOwn) {
  std::vector<Batch> batches;
  for (Index i = 0; i < 8; ++i) batches.push_back(sequences(2, 3));
  Listed source(batches);
  compiled_model().fit(source, {.epochs = 2, .verbose = 0});
  ASSERT_EQ(source.asked.size(), 16U);
  std::vector<Index> first(source.asked.begin(), source.asked.begin() + 8);
  std::vector<Index> second(source.asked.begin() + 8, source.asked.end());
  EXPECT_NE(first, second);
  std::vector<Index> all(8);
  std::iota(all.begin(), all.end(), Index{0});
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  EXPECT_EQ(first, all);
  EXPECT_EQ(second, all);
}

TEST(DataSource, ValidationMayComeFromOne) {
  const auto source = std::make_shared<Listed>(std::vector<Batch>{sequences(4, 7), sequences(4, 3)});
  const Sequential model = compiled_model();
  const Batch training = sequences(6, 5);
  const History history = model.fit(training.X, training.y, {.epochs = 2, .verbose = 0, .validation_data = source});
  EXPECT_EQ(history["val_loss"].back(), model.evaluate(*source, {.verbose = 0}).loss());
}

TEST(DataSource, AModelWithoutShapesIsBuiltForTheFirstBatch) {
  Sequential model;
  model.add(LSTM(3));
  model.add(Dense(1));
  model.compile({.loss = "mse"});
  Listed source({sequences(2, 4)});
  model.fit(source, {.verbose = 0});
  EXPECT_EQ(model.get_weights()[0].shape(), (Shape{2, 12}));
}

TEST(DataSource, WeightsOfSamplesComeWithTheBatch) {
  Batch batch = sequences(4, 3);
  const Sequential model = compiled_model(), other = compiled_model();
  const Tensor weights = ramp({4}, 0.5);
  model.fit(batch.X, batch.y, {.epochs = 2, .verbose = 0, .sample_weight = weights});
  batch.sample_weight = weights;
  Listed source({batch});
  other.fit(source, {.epochs = 2, .verbose = 0});
  EXPECT_EQ(weights_of(model), weights_of(other));
}

TEST(DataSource, ErrorsNameWhatIsWrong) {
  const Sequential model = compiled_model();
  Listed none({}), good({sequences(2, 3)}), odd({sequences(2, 3), {ramp({2, 3, 5}), ramp({2, 1})}});
  expect_error<ConfigError>([&] { model.fit(none, {.verbose = 0}); }, {"has 0 batches"});
  expect_error<ConfigError>([&] { model.fit(good, {.batch_size = 8, .verbose = 0}); }, {".batch_size"});
  expect_error<ConfigError>([&] { model.fit(good, {.verbose = 0, .validation_split = 0.5}); }, {".validation_split"});
  expect_error<ConfigError>([&] { model.evaluate(good, {.batch_size = 8, .verbose = 0}); }, {".batch_size"});
  expect_error<ShapeError>([&] { model.fit(odd, {.verbose = 0}); }, {"the features, is 5 instead of 2"});
}

struct Fails : Listed {
  using Listed::Listed;
  Batch batch(Index number) override {
    if (number == 1) throw std::runtime_error("the disk is gone");
    return Listed::batch(number);
  }
};

TEST(DataSource, WhatItThrowsComesOutAndTheModelGoesOn) {
  Fails source({sequences(2, 3), sequences(2, 3)});
  const Sequential model = compiled_model(), one = compiled_model();
  expect_error<std::runtime_error>([&] { model.fit(source, {.verbose = 0, .shuffle = false}); }, {"the disk is gone"});
  one.fit(source.all[0].X, source.all[0].y, {.verbose = 0});
  EXPECT_EQ(weights_of(model), weights_of(one)) << "the weights are those after the batch before";
  Listed good({sequences(2, 3)});
  EXPECT_NO_THROW(model.fit(good, {.verbose = 0}));
}

TEST(DataSource, CompileBetweenTwoBatchesOfAnEvaluationIsAnError) {
  struct Recompiler : Callback {
    void on_test_batch_end(Index, Logs&) override { model().compile({.loss = "mse", .metrics = {"mae", "mse"}}); }
  };
  Listed source({sequences(2, 3), sequences(2, 5)});
  const Sequential model = compiled_model();
  expect_error<StateError>(
      [&] { (void)model.evaluate(source, {.verbose = 0, .callbacks = {std::make_shared<Recompiler>()}}); },
      {"compile was called between two batches"});
  EXPECT_EQ(model.evaluate(source, {.verbose = 0}).values().size(), 3U);
}

TEST(DataSource, WhatIsFrozenRestsInBatchesOfKnownAndOfNewLengths) {
  Listed source({sequences(2, 3), sequences(2, 5)});
  const Sequential model = compiled_model();
  model.fit(source, {.verbose = 0});
  model.get_layer(0).set_trainable(false);
  const std::vector<Tensor> before = model.get_layer(0).get_weights();
  source.all.push_back(sequences(2, 7));
  model.fit(source, {.verbose = 0});
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(model.get_layer(0).get_weights()[i].identical(before[i])) << i;
  }
}

}  // namespace
}  // namespace rondo
