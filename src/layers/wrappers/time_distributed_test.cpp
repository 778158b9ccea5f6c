#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "layers/nodes.hpp"
#include "support/expect_error.hpp"
#include "support/layer_conformance.hpp"
#include "support/ramp.hpp"
#include "support/way.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::NanReach;
using test::ramp;

// ---- promises of every layer ---------------------------------------------------------------------------------------

TEST(TimeDistributedConformance, HoldsForLayersThatWorkRowByRow) {
  for (const Shape& sample : {Shape{4, 3}, Shape{1, 5}, Shape{2, 3, 4}}) {
    test::check_layer({.label = "TimeDistributed(Dense) on " + to_string(sample),
                       .make = [](DType dtype) { return TimeDistributed(Dense(3, {.dtype = dtype})); },
                       .samples = {sample}});
  }
}

TEST(TimeDistributedConformance, HoldsForASequenceInEachStep) {
  for (const bool sequences : {false, true}) {
    test::check_layer(
        {.label = std::string("TimeDistributed(LSTM), sequences ") + (sequences ? "out" : "read"),
         .make = [=](DType dtype) { return TimeDistributed(LSTM(5, {.return_sequences = sequences, .dtype = dtype})); },
         .samples = {{3, 4, 2}},
         .nan_reach = NanReach::some});
  }
}

TEST(TimeDistributedConformance, HoldsForStepsInSteps) {
  test::check_layer({.label = "TimeDistributed(TimeDistributed(LSTM))",
                     .make =
                         [](DType dtype) {
                           const Layer each = TimeDistributed(LSTM(3, {.dtype = dtype}));
                           return TimeDistributed(each);
                         },
                     .samples = {{2, 3, 2, 2}},
                     .nan_reach = NanReach::some});
}

// A body of several stages, forward and backward: statistics of each step's batch.
TEST(TimeDistributedConformance, HoldsForBatchStatisticsOfEachStep) {
  test::check_layer({.label = "TimeDistributed(BatchNormalization)",
                     .make = [](DType dtype) { return TimeDistributed(BatchNormalization({.dtype = dtype})); },
                     .samples = {{3, 4}},
                     .nan_reach = NanReach::element,
                     .training_differs = true});
}

TEST(TimeDistributedConformance, HoldsForLayersWithoutWeights) {
  test::check_layer({.label = "TimeDistributed(Flatten)",
                     .make = [](DType dtype) { return TimeDistributed(Flatten({.dtype = dtype})); },
                     .samples = {{3, 2, 4}},
                     .nan_reach = NanReach::some});
}

// ---- what it does
// ----------------------------------------------------------------------------------------------------

TEST(TimeDistributed, IsTheLayerAtEachTimeStep) {
  set_random_seed(3);
  const LSTM read(4, {.input_shape = {5, 2}});
  const TimeDistributed each(read);
  const Tensor x = ramp({6, 3, 5, 2});
  const Tensor y = each(x)[0];
  ASSERT_EQ(y.shape(), (Shape{6, 3, 4}));
  for (Index t = 0; t < 3; ++t) {
    std::vector<double> step;
    for (Index b = 0; b < 6; ++b) {
      const std::vector<double> all = x.to_vector();
      step.insert(step.end(), all.begin() + (b * 3 + t) * 10, all.begin() + (b * 3 + t + 1) * 10);
    }
    const std::vector<double> alone = read(Tensor({6, 5, 2}, step))[0].to_vector(), in_time = y.to_vector();
    for (Index b = 0; b < 6; ++b) {
      for (Index u = 0; u < 4; ++u) {
        EXPECT_EQ(in_time[static_cast<std::size_t>((b * 3 + t) * 4 + u)], alone[static_cast<std::size_t>(b * 4 + u)]);
      }
    }
  }
}

// The same bits as without the wrapper, trained too: nothing is copied and nothing is summed otherwise.
TEST(TimeDistributed, OfADenseIsTheDense) {
  const auto trained = [](bool wrapped) {
    clear_session();
    set_random_seed(3);
    const Sequential model{LSTM(4, {.return_sequences = true, .input_shape = {5, 2}})};
    wrapped ? model.add(TimeDistributed(Dense(2))) : model.add(Dense(2));
    model.compile({.optimizer = "adam", .loss = "mse"});
    model.fit(ramp({6, 5, 2}), ramp({6, 5, 2}, 0.4), {.epochs = 3, .verbose = 0});
    return model.predict(ramp({2, 5, 2}, 0.2), {.verbose = 0});
  };
  EXPECT_TRUE(trained(true).identical(trained(false)));
}

// Weights are summed over the time steps; of a sequence of 40 numbers backward takes several chunks in the sanitizers'
// build with tiny blocks.
TEST(TimeDistributed, TrainsWithTheSameBitsForAnyNumberOfThreads) {
  const auto trained = [](int threads) {
    const test::Walking walking({.target = simd_target(), .threads = threads});
    clear_session();
    set_random_seed(3);
    const Sequential model{TimeDistributed(LSTM(9, {.return_sequences = true}), {.input_shape = {3, 40, 1}}),
                           TimeDistributed(BatchNormalization()), TimeDistributed(Flatten()), LSTM(4), Dense(1)};
    model.compile({.optimizer = "adam", .loss = "mse"});
    model.fit(ramp({7, 3, 40, 1}), ramp({7, 1}, 0.3), {.batch_size = 4, .epochs = 2, .verbose = 0});
    return model.get_weights();
  };
  const std::vector<Tensor> one = trained(1);
  for (const int threads : {2, 3}) {
    const std::vector<Tensor> several = trained(threads);
    for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(several[i].identical(one[i])) << i;
  }
}

TEST(TimeDistributed, AModelInsideKeepsItsWeightsAndNames) {
  set_random_seed(3);
  const Sequential inner({Dense(4, {.activation = "tanh", .name = "a"}), Flatten(), Dense(2, {.name = "b"})},
                         {.name = "inner"});
  const Sequential model({TimeDistributed(inner, {.input_shape = {3, 2, 5}}), LSTM(2)}, {.name = "outer"});
  EXPECT_EQ(model.weights()[0].path, "outer/inner/a/kernel");
  EXPECT_EQ(model.predict(ramp({4, 3, 2, 5}), {.verbose = 0}).shape(), (Shape{4, 2}));
  const std::vector<Tensor> before = inner.get_weights();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(ramp({4, 3, 2, 5}), ramp({4, 2}, 0.5), {.verbose = 0});
  EXPECT_FALSE(inner.get_weights()[0].identical(before[0]));

  // Layers that change inside are noticed outside.
  inner.add(Activation("tanh"));
  EXPECT_EQ(model.predict(ramp({4, 3, 2, 5}), {.verbose = 0}).shape(), (Shape{4, 2}));
}

TEST(TimeDistributed, FrozenMeansFrozenInside) {
  const LSTM read(4);
  const Sequential model{TimeDistributed(read, {.input_shape = {3, 5, 2}}), LSTM(2)};
  model.get_layer(0).set_trainable(false);
  EXPECT_FALSE(read.trainable());
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor before = read.get_weights()[0];
  model.fit(ramp({4, 3, 5, 2}), ramp({4, 2}, 0.5), {.verbose = 0});
  EXPECT_TRUE(read.get_weights()[0].identical(before));
  const Sequential from_the_start{TimeDistributed(LSTM(4), {.trainable = false, .input_shape = {3, 5, 2}}), LSTM(2)};
  EXPECT_FALSE(from_the_start.weights()[0].trainable);
}

// Each time step has draws of its own, as Keras's calls of the layer have.
TEST(TimeDistributed, DropoutDrawsAnewInEachStep) {
  set_random_seed(3);
  const Sequential model{
      TimeDistributed(Dropout(0.5, {.noise_shape = {Shape::kUnknown, 1, 6}}), {.input_shape = {8, 2, 6}}), Flatten(),
      Dense(1, {.kernel_initializer = "ones", .trainable = false})};
  model.compile({.optimizer = "sgd", .loss = "mae"});
  // With the same draws in all steps, each sum would be 8 times that of one step, which is a multiple of 4.
  const History history =
      model.fit(Tensor({1, 8, 2, 6}, std::vector<double>(96, 1)), Tensor{{0.0}}, {.epochs = 5, .verbose = 0});
  const std::vector<double>& sums = history["loss"];
  EXPECT_TRUE(std::any_of(sums.begin(), sums.end(), [](double sum) { return static_cast<long>(sum + 0.5) % 32 != 0; }));
}

TEST(TimeDistributed, KeepsTheMaskAndStreams) {
  set_random_seed(3);
  const Sequential model{Masking({.input_shape = {Shape::kUnknown, 2}}), TimeDistributed(Dense(3)),
                         TimeDistributed(RepeatVector(2)), TimeDistributed(Flatten()), LSTM(3)};
  Tensor padded = ramp({1, 4, 2}, 0.1);
  for (std::size_t i = 4; i < 8; ++i) padded.data<double>()[i] = 0;
  EXPECT_TRUE(model.predict(padded, {.verbose = 0}).identical(model.predict(ramp({1, 2, 2}, 0.1), {.verbose = 0})));
  const Sequential open{TimeDistributed(LSTM(3), {.input_shape = {4, 3, 1}}), LSTM(2, {.return_sequences = true})};
  const Tensor x = ramp({1, 4, 3, 1});
  const Tensor whole = open.predict(x, {.verbose = 0});
  Stream stream = open.stream();
  for (Index t = 0; t < 4; ++t) {
    std::vector<float> step(3), out(2);
    for (std::size_t i = 0; i < 3; ++i)
      step[i] = static_cast<float>(x.to_vector()[static_cast<std::size_t>(t) * 3 + i]);
    stream.step(step, out);
    for (std::size_t u = 0; u < 2; ++u) {
      EXPECT_EQ(static_cast<double>(out[u]), whole.to_vector()[static_cast<std::size_t>(t) * 2 + u]) << t;
    }
  }
}

TEST(TimeDistributed, StreamsReadWhatIsDerivedFromWeightsInside) {
  set_random_seed(3);
  const Sequential model{TimeDistributed(LSTM(2, {.dtype = "mixed_bfloat16"}), {.input_shape = {2, 3, 1}})};
  const Tensor x = ramp({1, 2, 3, 1}, 0.3);
  std::vector<float> step{0.3F, 0.31F, 0.32F}, out(2);
  Stream stream = model.stream();
  stream.step(step, out);
  EXPECT_EQ(static_cast<double>(out[1]), model.predict(x, {.verbose = 0}).to_vector()[1]);
  EXPECT_NE(out[1], 0);
  expect_error<ConfigError>([&] { (void)model.stream({.weights = "bfloat16"}); }, {"not of those inside"});
}

TEST(TimeDistributed, MistakesAreNamed) {
  const Sequential inner{LSTM(2, {.return_sequences = true})};
  const Sequential outer{TimeDistributed(inner, {.input_shape = {2, 3, 1}})};
  inner.add(LSTM(2, {.stateful = true}));
  expect_error<ConfigError>([&] { (void)outer.predict(ramp({1, 2, 3, 1}), {.verbose = 0}); }, {"stateful", "alone"});
  expect_error<ShapeError>([] { (void)TimeDistributed(Dense(2))(Input({3})); },
                           {"TimeDistributed", "each time step", "(None, 3)"});
  expect_error<ConfigError>([] { (void)TimeDistributed(LSTM(2, {.stateful = true})); }, {"stateful", "alone"});
  expect_error<ConfigError>(
      [] {
        (void)TimeDistributed(LSTM(2, {.return_state = true}))(Input({3, 4, 2}));
      },
      {"returns 3 tensors", "must return one"});
  expect_error<ShapeError>([] { (void)TimeDistributed(LSTM(2))(Input({3, 4})); }, {"LSTM", "(None, 4)"});
}

// Row 1 ends after its first step: the statistics of the second one are those of row 0.
TEST(TimeDistributed, ABatchNormalizationInsideHeedsTheMask) {
  const BatchNormalization inside({.momentum = 0, .dtype = DType::float64});
  const Sequential model{Masking({.dtype = DType::float64, .input_shape = {2, 1}}), TimeDistributed(inside)};
  model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
  const Tensor X = Tensor{{{1}, {5}}, {{3}, {0}}};
  model.fit(X, X, {.verbose = 0});
  EXPECT_NEAR(inside.get_weight("moving_mean")(0), 5, 1e-6);
  EXPECT_NEAR(inside.get_weight("moving_variance")(0), 0, 1e-6);
}

// Models are of the training room; the registry of layers knows them all the same.
TEST(TimeDistributed, ReadsAModelInsideFromItsConfiguration) {
  const Sequential inside({LSTM(3, {.input_shape = {5, 2}}), Dense(2)}, {.name = "inside"});
  inside.layers()[0].set_trainable(false);
  const TimeDistributed outside(inside);
  const auto copy = layers::layer_from_config("TimeDistributed", outside.node()->config());
  EXPECT_EQ(copy->config(), outside.node()->config());
  EXPECT_EQ(copy->output_shapes({{4, 5, 2}}), (std::vector<Shape>{{4, 2}}));
  EXPECT_EQ(copy->parameters().size(), inside.weights().size());
  expect_error<ConfigError>(
      [] {
        (void)layers::layer_from_config("Sequential", {{"name", "without_layers"}});
      },
      {"Sequential", "cannot be read", "'layers'"});
}

// Both calls in a step add to one gradient, whichever member works on which of them.
TEST(TimeDistributedConformance, HoldsForALayerThatIsCalledTwiceInAStep) {
  for (const Index features : {3, 7}) {
    test::check_layer({.label = "called twice, " + std::to_string(features) + " features",
                       .make =
                           [=](DType dtype) {
                             const BatchNormalization shared({.dtype = dtype});
                             const Dense other(features, {.activation = "tanh", .dtype = dtype});
                             const Input step({features}, {.dtype = dtype});
                             return TimeDistributed(Model(step, shared(other(shared(step)))));
                           },
                       .samples = {{3, features}},
                       .nan_reach = NanReach::some,
                       .training_differs = true});
  }
}

}  // namespace
}  // namespace rondo
