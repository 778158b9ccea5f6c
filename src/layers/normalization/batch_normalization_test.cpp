#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <rondo/rondo.hpp>

#include "engine/thread_pool.hpp"
#include "layers/nodes.hpp"
#include "support/expect_error.hpp"
#include "support/layer_conformance.hpp"
#include "support/layer_probe.hpp"
#include "support/nan.hpp"

namespace rondo {
namespace {

using test::check_layer;
using test::expect_error;
using test::NanReach;

using test::kNaN;

// ---- promises of every layer ----------------------------------------------------------------------------------------

void check_normalization(const std::string& what, const Shape& sample, const BatchNormalizationOptions& options = {},
                         Index rows = 5) {
  check_layer({.label = "BatchNormalization" + what + " on " + to_string(sample),
               .make =
                   [=](DType dtype) {
                     BatchNormalizationOptions typed = options;
                     typed.dtype = dtype;
                     return BatchNormalization(typed);
                   },
               .samples = {sample},
               .nan_reach = NanReach::element,
               .rows = rows,
               .training_differs = true,
               .flat_in_places = !options.center && !options.scale});
}

TEST(BatchNormalizationConformance, HoldsForRowsSequencesAndBeyond) {
  // 64 channels at a time, and a rest.
  for (const Shape& sample : {Shape{1}, Shape{5}, Shape{64}, Shape{70}, Shape{1, 3}, Shape{4, 3}, Shape{2, 3, 5}}) {
    check_normalization("", sample);
  }
}

TEST(BatchNormalizationConformance, HoldsAlongEveryAxis) {
  check_normalization(", axis 1", {4, 3}, {.axis = 1});
  check_normalization(", axis 1", {4, 3, 2}, {.axis = 1});
  check_normalization(", axis 2", {2, 3, 5}, {.axis = 2});
  check_normalization(", axis -2", {2, 3, 2, 4}, {.axis = -2});
  check_normalization(", axis 2, the last", {3, 4}, {.axis = 2});
}

TEST(BatchNormalizationConformance, HoldsForItsOptions) {
  check_normalization(", without beta", {4, 3}, {.center = false});
  check_normalization(", without gamma", {4, 3}, {.scale = false});
  check_normalization(", bare", {4, 3}, {.center = false, .scale = false});
  check_normalization(", momentum and epsilon", {3}, {.momentum = 0.5, .epsilon = 0.1});
  check_normalization(", initializers", {3},
                      {.beta_initializer = "ones",
                       .gamma_initializer = Constant(0.5),
                       .moving_mean_initializer = "ones",
                       .moving_variance_initializer = Constant(2)});
}

TEST(BatchNormalizationConformance, HoldsForManyRows) {
  for (const Index rows : {2, 17, 40}) check_normalization(", " + std::to_string(rows) + " rows", {2, 3}, {}, rows);
}

TEST(BatchNormalizationConformance, HoldsBetweenOtherLayers) {
  for (const bool trainable : {true, false}) {
    check_layer({.label = std::string("between LSTMs") + (trainable ? "" : ", frozen"),
                 .make =
                     [=](DType dtype) {
                       return Sequential{
                           LSTM(4, {.return_sequences = true, .dtype = dtype, .input_shape = {3, 2}}),
                           BatchNormalization({.trainable = trainable, .dtype = dtype}), LSTM(3, {.dtype = dtype}),
                           BatchNormalization({.trainable = trainable, .dtype = dtype}), Dense(2, {.dtype = dtype})};
                     },
                 .samples = {{3, 2}},
                 .nan_reach = NanReach::onward,
                 .training_differs = trainable});
  }
}

TEST(BatchNormalizationConformance, HoldsWhenCalledTwiceInAGraph) {
  check_layer({.label = "called twice",
               .make =
                   [](DType dtype) {
                     const Input a({3}, {.dtype = dtype}), b({3}, {.dtype = dtype});
                     const BatchNormalization normalize({.dtype = dtype});
                     const Symbol y = normalize(Dense(3, {.activation = "tanh", .dtype = dtype})(a));
                     return Model({a, b}, {Add({.dtype = dtype})({y, normalize(b)})});
                   },
               .samples = {{3}, {3}},
               .training_differs = true});
}

// ---- what it computes -----------------------------------------------------------------------------------------------

class BatchNormalizationTest : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(11);
  }
};

const Tensor kRows = Tensor{{1, 2}, {3, 6}, {5, 7}};

Tensor normal(const Shape& shape, std::uint32_t stream, double mean = 0) {
  const RandomStream random(5, Purpose::user, stream);
  std::vector<double> elements(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = mean + random.normal(i);
  return Tensor(shape, std::move(elements));
}

void expect_identical(const std::vector<Tensor>& got, const std::vector<Tensor>& expected, const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(got[i].identical(expected[i])) << what << ", weight " << i << ": " << got[i] << expected[i];
  }
}

// Numbers of Keras.
TEST_F(BatchNormalizationTest, PredictsWithTheStatisticsThatFitHasGathered) {
  const Sequential model{BatchNormalization({.dtype = DType::float64, .input_shape = {2}})};
  model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
  model.fit(kRows, kRows, {.verbose = 0});
  EXPECT_TRUE(allclose(model.get_layer(0).get_weight("moving_mean"), Tensor{0.03, 0.05}));
  EXPECT_TRUE(allclose(model.get_layer(0).get_weight("moving_variance"), Tensor{1.0166666667, 1.0366666667}));
  EXPECT_TRUE(allclose(model.predict(kRows.rows(0, 1), {.verbose = 0}), Tensor{{0.9615436, 1.9142810}}));
}

TEST_F(BatchNormalizationTest, TrainsWithTheStatisticsOfTheBatch) {
  const BatchNormalization layer({.dtype = DType::float64});
  const Tensor y = test::probe(*layer.node(), {.inputs = {kRows}}).outputs[0];
  EXPECT_TRUE(allclose(y, Tensor{{-1.2245153, -1.3885815}, {0, 0.4628605}, {1.2245153, 0.9257210}}, {.atol = 1e-7}));
  EXPECT_TRUE(layer.get_weight("moving_mean").identical(Tensor{0, 0})) << "a walk that is not committed";
}

TEST_F(BatchNormalizationTest, StatisticsAreNeverTrainable) {
  const BatchNormalization layer;
  layer.build({Shape::kUnknown, 4});
  const auto trainable = [&] {
    std::vector<std::string> names;
    for (const WeightInfo& w : layer.weights()) {
      if (w.trainable) names.push_back(w.name);
    }
    return names;
  };
  EXPECT_EQ(trainable(), (std::vector<std::string>{"gamma", "beta"}));
  layer.set_trainable(false);
  EXPECT_EQ(trainable(), std::vector<std::string>{});
  layer.set_trainable(true);
  EXPECT_EQ(trainable(), (std::vector<std::string>{"gamma", "beta"}));
}

TEST_F(BatchNormalizationTest, ASummaryCountsThemAsNotTrainable) {
  const Sequential model{BatchNormalization({.input_shape = {6}}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  model.fit(normal({8, 6}, 1), normal({8, 1}, 2), {.verbose = 0});
  const std::string text = model.summary_text({.line_length = 88});
  for (const char* line : {" Trainable params: 19 (", " Non-trainable params: 12 (", " Optimizer params: 40 ("}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << " is not in\n" << text;
  }
}

TEST_F(BatchNormalizationTest, AFrozenOneTrainsAsItPredicts) {
  const Sequential model{BatchNormalization({.trainable = false, .input_shape = {2}}), Dense(1)};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.get_layer(0).set_weights({Tensor{2, 3}, Tensor{0.5, 1}, Tensor{1, -1}, Tensor{4, 0.25}});
  const std::vector<Tensor> before = model.get_layer(0).get_weights();
  const double evaluated = model.evaluate(kRows, Tensor{1, 2, 3}, {.verbose = 0}).loss();
  const History history = model.fit(kRows, Tensor{1, 2, 3}, {.verbose = 0});
  EXPECT_DOUBLE_EQ(history["loss"][0], evaluated);
  expect_identical(model.get_layer(0).get_weights(), before, "frozen");
}

// ---- masks ----------------------------------------------------------------------------------------------------------

// Sequences of 2 and of 3 steps in one tensor.
const Tensor kPadded = Tensor{{{1, 2}, {3, 4}, {9, 9}}, {{5, 6}, {-1, 7}, {8, 8}}};

Tensor statistics_after_fit(const Sequential& model, const Tensor& X) {
  model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
  model.fit(X, Tensor::zeros({X.shape()[0], 1}), {.verbose = 0});
  return concatenate(
      {model.get_layer("norm").get_weight("moving_mean"), model.get_layer("norm").get_weight("moving_variance")});
}

TEST_F(BatchNormalizationTest, StepsThatDoNotCountAreLeftOutOfTheStatistics) {
  const Sequential masked{Masking({.mask_value = 9, .dtype = DType::float64, .input_shape = {3, 2}}),
                          BatchNormalization({.momentum = 0, .dtype = DType::float64, .name = "norm"}),
                          LSTM(2, {.dtype = DType::float64}), Dense(1, {.dtype = DType::float64})};
  // Of the five steps: means 16/5 and 27/5, variances 100/5 - 256/25 and 169/5 - 729/25.
  EXPECT_TRUE(allclose(statistics_after_fit(masked, kPadded), Tensor{3.2, 5.4, 9.76, 4.64}, {.rtol = 1e-6}));
}

TEST_F(BatchNormalizationTest, AlongTimeEachStepCountsItsOwnRows) {
  const Sequential masked{Masking({.mask_value = 9, .dtype = DType::float64, .input_shape = {3, 2}}),
                          BatchNormalization({.axis = 1, .momentum = 0, .dtype = DType::float64, .name = "norm"}),
                          LSTM(2, {.dtype = DType::float64}), Dense(1, {.dtype = DType::float64})};
  EXPECT_TRUE(allclose(statistics_after_fit(masked, kPadded), Tensor{3.5, 3.25, 8, 4.25, 8.1875, 0},
                       {.rtol = 1e-6, .atol = 1e-6}));
}

TEST_F(BatchNormalizationTest, GradientsUnderAMaskAreThoseOfTheFunction) {
  for (const Index axis : {1, 2}) {
    const BatchNormalization layer({.axis = axis, .dtype = DType::float64});
    const Tensor x = normal({3, 4, 2}, 1, 1.5), dy = normal({3, 4, 2}, 2);
    // The last step counts in no row.
    const Tensor mask{{1, 1, 0, 0}, {1, 0, 1, 0}, {1, 0, 0, 0}};
    layer.build({Shape::kUnknown, 4, 2});
    layer.set_weight("gamma", normal({layer.count_params() / 4}, 3, 1));
    const auto objective = [&](const Tensor& at) {
      return sum(test::probe(*layer.node(), {.inputs = {at}, .masks = {mask}}).outputs[0] * dy);
    };
    const Tensor got =
        test::probe(*layer.node(), {.inputs = {x}, .cotangents = {dy}, .masks = {mask}}).input_gradients[0];
    for (Index i = 0; i < x.size(); ++i) {
      std::vector<double> step(static_cast<std::size_t>(x.size()), 0.0);
      step[static_cast<std::size_t>(i)] = 1e-5;
      const Tensor h(x.shape(), step);
      const double expected = (objective(x + h) - objective(x - h)) / 2e-5;
      // Steps outside are scaled by the deviation of no rows, 1 / sqrt(epsilon): their rounding too.
      EXPECT_NEAR(got.to_vector()[static_cast<std::size_t>(i)], expected, 1e-6) << "axis " << axis << ", element " << i;
    }
  }
}

// ---- steps that count and steps that do not -------------------------------------------------------------------------

Sequential line_of_layers(DType dtype = DType::float32) {
  set_random_seed(11);
  Sequential model{LSTM(6, {.return_sequences = true, .dtype = dtype, .input_shape = {4, 3}}),
                   BatchNormalization({.dtype = dtype}), LSTM(5, {.dtype = dtype}),
                   BatchNormalization({.dtype = dtype}), Dense(1, {.dtype = dtype})};
  model.compile({.optimizer = "adam", .loss = "mse"});
  return model;
}

TEST_F(BatchNormalizationTest, ARefusedStepLeavesTheStatistics) {
  const Tensor X = normal({12, 4, 3}, 1);
  Tensor y = normal({12, 1}, 2);
  const Sequential good = line_of_layers(), bad = line_of_layers();
  good.fit(X.rows(0, 4), y.rows(0, 4), {.batch_size = 4, .verbose = 0, .shuffle = false});
  y.set({6, 0}, kNaN);
  expect_error<NumericError>([&] { bad.fit(X, y, {.batch_size = 4, .verbose = 0, .shuffle = false}); },
                             {"y is NaN", "batch 2 of 3"});
  expect_identical(bad.get_weights(), good.get_weights(), "after the batch with NaN");
}

TEST_F(BatchNormalizationTest, AVarianceBeyondTheDtypeIsRefused) {
  const Sequential model{BatchNormalization({.input_shape = {1}}), Dense(1)};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const std::vector<Tensor> before = model.get_weights();
  expect_error<NumericError>(
      [&] {
        model.fit(Tensor{{1e30}, {-1e30}}, Tensor{0, 0}, {.verbose = 0});
      },
      {"the loss became NaN", "grew out of range"});
  expect_identical(model.get_weights(), before, "afterwards");
}

TEST_F(BatchNormalizationTest, AStepThatIsTakenWithCareMovesThem) {
  const Sequential model{BatchNormalization({.momentum = 0, .input_shape = {2}}), Dense(1)};
  model.compile({.optimizer = SGD({.learning_rate = 1e-20}), .loss = "mse"});
  model.fit(kRows, Tensor{1e15, 1e15, 3e15}, {.verbose = 0});  // gradients beyond those foreseen as safe
  EXPECT_TRUE(model.get_layer(0).get_weight("moving_mean").identical(Tensor{3, 5}.cast(DType::float32)));
}

TEST_F(BatchNormalizationTest, ALayerCalledTwiceMovesThemCallByCall) {
  const Input a({2}, {.dtype = DType::float64}), b({2}, {.dtype = DType::float64});
  const BatchNormalization normalize({.momentum = 0.5, .dtype = DType::float64});
  const Model model({a, b}, {Add({.dtype = DType::float64})({normalize(a), normalize(b)})});
  model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
  const Tensor other = kRows * 2.0;
  model.fit(Inputs{kRows, other}, kRows, {.verbose = 0});
  // (0 + mean(a)) / 2, then the same with b: 0.25 mean(a) + 0.5 mean(b).
  EXPECT_TRUE(allclose(normalize.get_weight("moving_mean"), Tensor{0.25 * 3 + 0.5 * 6, 0.25 * 5 + 0.5 * 10}));
}

TEST_F(BatchNormalizationTest, ThreadsChangeNoBitOfAFit) {
  const auto trained = [](DType dtype, Index threads) {
    set_num_threads(threads);
    engine::set_thread_threshold(0);
    const Sequential model = line_of_layers(dtype);
    model.fit(normal({23, 4, 3}, 1), normal({23, 1}, 2), {.batch_size = 9, .epochs = 2, .verbose = 0});
    engine::set_thread_threshold(4e6);
    set_num_threads(0);
    return model.get_weights();
  };
  for (const DType dtype : {DType::float32, DType::float64}) {
    const std::vector<Tensor> alone = trained(dtype, 1);
    for (const Index threads : {2, 3, 4}) {
      expect_identical(trained(dtype, threads), alone, std::to_string(threads) + " threads");
    }
  }
}

TEST_F(BatchNormalizationTest, AFitLearnsWhatItsInputsOffsetHides) {
  const Tensor X = normal({64, 5}, 1, 50);
  const Tensor y = X.columns(0, 1) - 50.0;
  const Sequential model{BatchNormalization({.momentum = 0.5, .input_shape = {5}}), Dense(1)};
  model.compile({.optimizer = Adam({.learning_rate = 0.05}), .loss = "mse"});
  model.fit(X, y, {.batch_size = 64, .epochs = 200, .verbose = 0});
  EXPECT_LT(model.evaluate(X, y, {.verbose = 0}).loss(), 0.01);
}

// ---- streams and mistakes -------------------------------------------------------------------------------------------

TEST_F(BatchNormalizationTest, StreamsAreThePredictionToTheBit) {
  const Sequential model = line_of_layers();
  const Tensor X = normal({8, 4, 3}, 1);
  model.fit(X, normal({8, 1}, 2), {.verbose = 0});
  Stream stream = model.stream();
  Tensor last = Tensor::zeros({1});
  for (Index t = 0; t < 4; ++t) last = stream.step(Tensor{X(0, t, 0), X(0, t, 1), X(0, t, 2)});
  EXPECT_EQ(last(0), model.predict(X.rows(0, 1), {.verbose = 0})(0, 0));
  const Sequential along_time{BatchNormalization({.axis = 1, .input_shape = {4, 3}}), LSTM(2)};
  expect_error<ConfigError>([&] { (void)along_time.stream(); }, {"(BatchNormalization)", "mixes time steps"});
}

TEST_F(BatchNormalizationTest, MistakesAreNamed) {
  expect_error<ConfigError>([] { (void)BatchNormalization({.axis = 0}); }, {"axis is 0, the batch", "-1"});
  expect_error<ConfigError>([] { (void)BatchNormalization({.momentum = 1.5}); },
                            {"layer 'batch_normalization", "momentum is 1.5", "between 0 and 1"});
  expect_error<ConfigError>([] { (void)BatchNormalization({.epsilon = -1}); }, {"epsilon is -1", "0 or more"});
  expect_error<ShapeError>(
      [] {
        (void)BatchNormalization({.axis = 3})(Input({4, 2}));
      },
      {"axis is 3", "(None, 4, 2) has 3 axes"});
  expect_error<ShapeError>(
      [] {
        (void)BatchNormalization({.axis = 1})(Input({Shape::kUnknown, 2}));
      },
      {"along axis 1", "must be known", "(None, None, 2)"});
  const BatchNormalization built;
  built.build({Shape::kUnknown, 3});
  expect_error<ShapeError>([&] { (void)built(normal({2, 4}, 1)); }, {"was built for 3", "has 4"});
}

TEST_F(BatchNormalizationTest, OptionsThatAreMissingAreRefusedByName) {
  for (const char* key : {"synchronized", "renorm"}) {
    expect_error<ConfigError>(
        [&] {
          (void)layers::layer_from_config("BatchNormalization", {{key, true}});
        },
        {"BatchNormalization: the option " + std::string(key), "is not supported"});
  }
  // What Keras writes with renorm off.
  (void)layers::layer_from_config("BatchNormalization",
                                  {{"renorm", false}, {"renorm_clipping", nullptr}, {"renorm_momentum", 0.99}});
}

}  // namespace
}  // namespace rondo
