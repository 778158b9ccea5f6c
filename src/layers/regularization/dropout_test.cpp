#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <set>

#include <rondo/rondo.hpp>

#include "engine/thread_pool.hpp"
#include "support/expect_error.hpp"
#include "support/layer_probe.hpp"

namespace rondo {
namespace {

using test::expect_error;

Tensor ones(const Shape& shape) {
  return Tensor(shape, std::vector<double>(static_cast<std::size_t>(shape.elements()), 1.0));
}

// What training makes of ones; the first step's draws.
test::Probed dropped(const Layer& layer, const Shape& batch, Index threads = 1, Index spare_rows = 0) {
  return test::probe(
      *layer.node(),
      {.inputs = {ones(batch)}, .cotangents = {ones(batch)}, .spare_rows = spare_rows, .threads = threads});
}

class DropoutTest : public testing::Test {
 protected:
  void SetUp() override { set_random_seed(8); }
};

TEST_F(DropoutTest, ZeroesThePartThatIsAskedForAndKeepsTheMean) {
  for (const double rate : {0.1, 0.5, 0.8}) {
    const Tensor y = dropped(Dropout(rate, {.dtype = DType::float64}), {100, 7, 30}).outputs[0];
    const std::vector<double> elements = y.to_vector();
    const auto n = static_cast<double>(elements.size());
    const auto zeros = static_cast<double>(std::count(elements.begin(), elements.end(), 0.0));
    EXPECT_NEAR(zeros / n, rate, 4.5 * std::sqrt(rate * (1 - rate) / n));
    std::set<double> different(elements.begin(), elements.end());
    EXPECT_EQ(different, (std::set<double>{0, 1 / (1 - rate)}));
  }
}

TEST_F(DropoutTest, NeighboursAreDroppedIndependently) {
  const std::vector<double> y = dropped(Dropout(0.5, {.dtype = DType::float64}), {400, 5, 10}).outputs[0].to_vector();
  for (const std::size_t distance : {1u, 2u, 3u, 4u, 10u, 50u}) {
    double both = 0, pairs = 0;
    for (std::size_t i = 0; i + distance < y.size(); ++i, ++pairs) both += y[i] == 0 && y[i + distance] == 0 ? 1 : 0;
    EXPECT_NEAR(both / pairs, 0.25, 5 * std::sqrt(0.25 * 0.75 / pairs)) << distance;
  }
}

TEST_F(DropoutTest, GradientsPassWhereNumbersPass) {
  const test::Probed got = dropped(Dropout(0.3), {4, 3, 17});
  EXPECT_TRUE(got.input_gradients[0].identical(got.outputs[0]));
}

TEST_F(DropoutTest, NothingHappensOutsideTraining) {
  const Tensor x = ones({3, 4});
  EXPECT_TRUE(Dropout(0.9, {.dtype = DType::float64})(x)[0].identical(x));
  const Sequential with{Dense(4, {.input_shape = {4}}), Dropout(0.5), Dense(1)};
  const Sequential without{Dense(4, {.input_shape = {4}}), Dense(1)};
  without.set_weights(with.get_weights());
  EXPECT_TRUE(with.predict(x, {.verbose = 0}).identical(without.predict(x, {.verbose = 0})));
  EXPECT_TRUE(dropped(Dropout(0.0, {.dtype = DType::float64}), {3, 4}).outputs[0].identical(x));
}

TEST_F(DropoutTest, DrawsDependOnNeitherThreadsNorThePlansRoom) {
  const Dropout layer(0.5);
  const Tensor expected = dropped(layer, {9, 3, 5}).outputs[0];
  for (const Index threads : {2, 3, 8}) {
    EXPECT_TRUE(dropped(layer, {9, 3, 5}, threads).outputs[0].identical(expected)) << threads;
  }
  EXPECT_TRUE(dropped(layer, {9, 3, 5}, 1, 7).outputs[0].identical(expected));
  EXPECT_TRUE(dropped(layer, {4, 3, 5}).outputs[0].identical(expected.rows(0, 4))) << "a smaller batch";
}

TEST_F(DropoutTest, DrawsDifferBetweenLayersSeedsAndSteps) {
  const auto draw = [](const Layer& layer) { return dropped(layer, {50, 4}).outputs[0].to_vector(); };
  EXPECT_NE(draw(Dropout(0.5)), draw(Dropout(0.5))) << "layers";
  EXPECT_NE(draw(Dropout(0.5, {.seed = 1})), draw(Dropout(0.5, {.seed = 2}))) << "seeds";
  // Each step of a fit draws anew: a weight that learns from its column alone has moved in some steps, not in all.
  const Sequential model{Dropout(0.5, {.input_shape = {1}}),
                         Dense(1, {.use_bias = false, .kernel_initializer = "zeros"})};
  model.compile({.optimizer = SGD({.learning_rate = 0.001}), .loss = "mae"});
  std::set<double> weights;
  int steps = 0;
  const auto watch =
      std::make_shared<LambdaCallback>(LambdaCallback::Functions{.on_train_batch_end = [&](Index, Logs&) {
        weights.insert(model.get_weights()[0](0, 0));
        ++steps;
      }});
  model.fit(ones({64, 1}), ones({64, 1}), {.batch_size = 1, .verbose = 0, .callbacks = {watch}});
  EXPECT_EQ(steps, 64);
  EXPECT_GT(weights.size(), 16u);
  EXPECT_LT(weights.size(), 48u);
}

TEST_F(DropoutTest, CallsOfOneLayerDrawDifferently) {
  const Input in({40}, {.dtype = DType::float64});
  const Dropout layer(0.5, {.dtype = DType::float64});
  const Model model({in}, {layer(in), layer(in)});
  const test::Probed got =
      test::probe(*model.node(), {.inputs = {ones({2, 40})}, .cotangents = {ones({2, 40}), ones({2, 40})}});
  EXPECT_FALSE(got.outputs[0].identical(got.outputs[1]));
}

TEST_F(DropoutTest, AFitCanBeRepeatedToTheBit) {
  const auto trained = [](Index threads) {
    set_random_seed(8);
    set_num_threads(threads);
    engine::set_thread_threshold(0);
    const Sequential model{LSTM(9, {.return_sequences = true, .input_shape = {4, 3}}), Dropout(0.3), LSTM(5),
                           Dropout(0.2), Dense(1)};
    model.compile({.optimizer = "adam", .loss = "mse"});
    model.fit(ones({11, 4, 3}), ones({11, 1}), {.batch_size = 4, .epochs = 3, .verbose = 0});
    engine::set_thread_threshold(4e6);
    set_num_threads(0);
    return model.get_weights();
  };
  const std::vector<Tensor> once = trained(1);
  for (const Index threads : {1, 2, 3}) {
    const std::vector<Tensor> again = trained(threads);
    for (std::size_t i = 0; i < once.size(); ++i) EXPECT_TRUE(again[i].identical(once[i])) << threads;
  }
}

TEST_F(DropoutTest, ANoiseShapeSharesDraws) {
  const Tensor y =
      dropped(Dropout(0.5, {.noise_shape = {Shape::kUnknown, 1, 6}, .dtype = DType::float64}), {5, 4, 6}).outputs[0];
  for (Index b = 0; b < 5; ++b) {
    for (Index t = 1; t < 4; ++t) {
      for (Index f = 0; f < 6; ++f) EXPECT_EQ(y(b, t, f), y(b, 0, f));
    }
  }
  EXPECT_FALSE(y.rows(0, 1).identical(y.rows(1, 2)));
  const Tensor rows = dropped(Dropout(0.5, {.noise_shape = {1, 4, 1}, .dtype = DType::float64}), {5, 4, 6}).outputs[0];
  EXPECT_TRUE(rows.rows(0, 1).identical(rows.rows(4, 5)));
  EXPECT_EQ(rows(0, 2, 0), rows(0, 2, 5));
}

TEST_F(DropoutTest, MistakesAreNamed) {
  expect_error<ConfigError>([] { (void)Dropout(1.5); }, {"rate is 1.5", "between 0 and 1"});
  expect_error<ShapeError>(
      [] {
        (void)Dropout(0.5, {.noise_shape = {1, 3}})(Input({4, 2}));
      },
      {"noise_shape (1, 3) does not fit", "(None, 4, 2)"});
}

}  // namespace
}  // namespace rondo
