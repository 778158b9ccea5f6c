#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <stdexcept>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/layer_conformance.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::ramp;

// y[i] = sin(x[i]) * scale[i % n] + shift, in any shape.
CustomLayer sine() {
  return {.weights = [](const std::vector<Shape>& x) -> std::vector<CustomWeight> {
            return {{"scale", {x[0].back()}, RandomUniform()}, {"shift", {1}, Constant(0.3)}};
          },
          .forward =
              [](const ForwardPass& pass) {
                const std::size_t n = pass.weights[0].size();
                for (std::size_t i = 0; i < pass.y.size(); ++i) {
                  pass.y[i] = std::sin(pass.x[0][i]) * pass.weights[0][i % n] + pass.weights[1][0];
                }
              },
          .backward =
              [](const BackwardPass& pass) {
                const std::size_t n = pass.weights[0].size();
                for (std::size_t i = 0; i < pass.dy.size(); ++i) {
                  if (!pass.dx[0].empty()) pass.dx[0][i] = pass.dy[i] * std::cos(pass.x[0][i]) * pass.weights[0][i % n];
                  if (pass.dweights.empty()) continue;
                  pass.dweights[0][i % n] += pass.dy[i] * std::sin(pass.x[0][i]);
                  pass.dweights[1][0] += pass.dy[i];
                }
              }};
}

// Nothing but what goes in.
CustomLayer identity() {
  return {.forward = [](const ForwardPass& pass) { std::copy(pass.x[0].begin(), pass.x[0].end(), pass.y.begin()); },
          .backward =
              [](const BackwardPass& pass) {
                if (!pass.dx[0].empty()) std::copy(pass.dy.begin(), pass.dy.end(), pass.dx[0].begin());
              }};
}

TEST(CustomLayerConformance, HoldsForSamplesAndTimeSteps) {
  for (const bool each_step : {false, true}) {
    for (const Shape& sample : {Shape{3, 2}, Shape{5, 17}, Shape{2, 3, 4}}) {
      test::check_layer(
          {.label = "sine of " + to_string(sample),
           .make = [=](DType d) { return custom_layer("Sine", sine(), {.each_step = each_step, .dtype = d}); },
           .samples = {sample},
           .nan_reach = test::NanReach::element,
           .in_configuration = false});
    }
  }
  test::check_layer({.label = "identity",
                     .make = [](DType d) { return custom_layer("Identity", identity(), {.dtype = d}); },
                     .samples = {{7}},
                     .nan_reach = test::NanReach::element,
                     .in_configuration = false});
}

// What L2 as an activity_regularizer does.
TEST(CustomLayer, AddsToTheLoss) {
  const Tensor X = ramp({6, 4, 3}, -0.4), y = ramp({6, 4, 2});
  const auto trained = [&](const Layer& middle, const std::optional<Regularizer>& regularizer) {
    set_random_seed(3);
    Sequential model{Input({4, 3}), TimeDistributed(Dense(2, {.activity_regularizer = regularizer}))};
    if (!regularizer) model.add(middle);
    model.add(LSTM(2, {.return_sequences = true}));
    model.compile({.optimizer = SGD({.learning_rate = 0.5}), .loss = "mse"});
    const double before = model.evaluate(X, y, {.batch_size = 6, .verbose = 0}).loss();
    model.fit(X, y, {.batch_size = 3, .epochs = 2, .verbose = 0, .shuffle = false});
    return std::pair(before, model.predict(X, {.verbose = 0}));
  };
  CustomLayer rule = identity();
  rule.loss = [](Numbers numbers, WritableNumbers slope) {
    double sum = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      sum += 0.3 * numbers[i] * numbers[i];
      slope[i] = 0.6 * numbers[i];
    }
    return sum;
  };
  const Layer none = custom_layer("None", identity());
  const auto expected = trained(none, L2(0.3)), without = trained(none, {});
  for (const bool each_step : {false, true}) {
    const auto got = trained(custom_layer("Small", rule, {.each_step = each_step}), {});
    EXPECT_NEAR(got.first, expected.first, 1e-6);
    EXPECT_TRUE(allclose(got.second, expected.second, {.rtol = 1e-5, .atol = 1e-6}));
    EXPECT_GT(got.first, without.first + 0.01);
    EXPECT_FALSE(allclose(got.second, without.second, {.rtol = 1e-3, .atol = 1e-3}));
  }
}

// Dense(3) without bias, of all that a sample has.
CustomLayer dense(Index units) {
  const auto of = [units](auto f) {
    return [units, f](const auto& pass) {
      const auto n = static_cast<std::size_t>(units);
      for (std::size_t i = 0; i < pass.x[0].size(); ++i) {
        for (std::size_t u = 0; u < n; ++u) f(pass, i, u, i * n + u);
      }
    };
  };
  return {.weights = [units](const std::vector<Shape>& x) -> std::vector<CustomWeight> {
            return {{"kernel", {x[0].elements(), units}}};
          },
          .output_shape = [units](const std::vector<Shape>&) { return Shape{units}; },
          .forward = of([](const ForwardPass& pass, std::size_t i, std::size_t u, std::size_t w) {
            pass.y[u] += pass.x[0][i] * pass.weights[0][w];
          }),
          .backward = of([](const BackwardPass& pass, std::size_t i, std::size_t u, std::size_t w) {
            if (!pass.dx[0].empty()) pass.dx[0][i] += pass.dy[u] * pass.weights[0][w];
            if (!pass.dweights.empty()) pass.dweights[0][w] += pass.dy[u] * pass.x[0][i];
          })};
}

TEST(CustomLayer, TrainsAsTheBuiltInLayerOfTheSameFormula) {
  const auto trained = [](auto make) {
    set_random_seed(5);
    const Layer last = make();
    const Sequential model{Input({6, 2}, {.dtype = DType::float64}), LSTM(5, {.dtype = DType::float64}), last};
    model.compile({.optimizer = "adam", .loss = "mse"});
    model.fit(ramp({9, 6, 2}), ramp({9, 3}, 0.2), {.batch_size = 4, .epochs = 5, .verbose = 0, .shards = 2});
    return model.get_weights();
  };
  const std::vector<Tensor> own = trained([] { return custom_layer("Own", dense(3), {.dtype = DType::float64}); });
  const std::vector<Tensor> built_in = trained([] { return Dense(3, {.use_bias = false, .dtype = DType::float64}); });
  ASSERT_EQ(own.size(), built_in.size());
  for (std::size_t i = 0; i < own.size(); ++i)
    EXPECT_TRUE(allclose(own[i], built_in[i], {.rtol = 1e-9, .atol = 1e-12})) << i;
}

TEST(CustomLayer, TakesSeveralInputs) {
  const Input a({2}), b({3});
  const Layer join =
      custom_layer("Join", {.output_shape = [](const std::vector<Shape>& x) { return Shape{x[0][0] + x[1][0]}; },
                            .forward =
                                [](const ForwardPass& pass) {
                                  std::copy(pass.x[1].begin(), pass.x[1].end(),
                                            std::copy(pass.x[0].begin(), pass.x[0].end(), pass.y.begin()));
                                },
                            .backward =
                                [](const BackwardPass& pass) {
                                  const auto middle = pass.dy.begin() + 2;
                                  if (!pass.dx[0].empty()) std::copy(pass.dy.begin(), middle, pass.dx[0].begin());
                                  if (!pass.dx[1].empty()) std::copy(middle, pass.dy.end(), pass.dx[1].begin());
                                }});
  const auto trained = [&](const Layer& joining) {
    set_random_seed(2);
    const Model model(std::vector<Symbol>{a, b}, Dense(1)(joining({Dense(2)(a), Dense(3)(b)})));
    model.compile({.loss = "mse"});
    model.fit(Inputs{ramp({4, 2}), ramp({4, 3})}, ramp({4, 1}), {.epochs = 3, .verbose = 0});
    return model.predict(Inputs{ramp({4, 2}), ramp({4, 3})}, {.verbose = 0});
  };
  EXPECT_TRUE(trained(join).identical(trained(Concatenate())));
}

TEST(CustomLayer, OfEachStepStandsInAStreamAndHandsMasksOn) {
  set_random_seed(2);
  const Sequential model{Masking({.input_shape = {Shape::kUnknown, 2}}),
                         custom_layer("Sine", sine(), {.each_step = true}), LSTM(3)};
  const Tensor X = ramp({1, 4, 2}, 0.1);
  Stream stream = model.stream();
  Tensor last;
  for (Index t = 0; t < 4; ++t) last = stream.step(X.reshape({4, 2}).rows(t, t + 1).reshape({2}));
  EXPECT_TRUE(last.reshape({1, 3}).identical(model.predict(X, {.verbose = 0})));

  std::vector<double> padded = X.to_vector();
  padded.resize(12, 0.0);
  EXPECT_TRUE(model.predict(Tensor({1, 6, 2}, padded), {.verbose = 0}).identical(model.predict(X, {.verbose = 0})));
  const Sequential mixes{Input({4, 2}), custom_layer("Sine", sine()), LSTM(3)};
  expect_error<ConfigError>([&] { (void)mixes.stream(); }, {"(Sine)", "mixes time steps"});
}

TEST(CustomLayer, KeepsItsWeightsWhereItIsFrozen) {
  set_random_seed(2);
  const Layer frozen = custom_layer("Sine", sine(), {.trainable = false});
  const Sequential model{Input({3}), Dense(3), frozen, Dense(1)};
  model.compile({.loss = "mse"});
  const Tensor before = frozen.get_weight("scale");
  model.fit(ramp({4, 3}), ramp({4, 1}), {.epochs = 3, .verbose = 0});
  EXPECT_TRUE(frozen.get_weight("scale").identical(before));
}

class CustomLayerFailure : public testing::TestWithParam<int> {};

TEST_P(CustomLayerFailure, ComesOutWithTheWeightsAsTheyWere) {
  set_num_threads(GetParam());
  bool fails = false, backward = false;
  CustomLayer rule = identity();
  rule.forward = [&, inner = rule.forward](const ForwardPass& pass) {
    if (fails && !backward && pass.x[0][0] > 0.2) throw std::runtime_error("too large");
    inner(pass);
  };
  rule.backward = [&, inner = rule.backward](const BackwardPass& pass) {
    if (fails && backward) throw std::runtime_error("no way back");
    inner(pass);
  };
  const Sequential model{Input({3}), custom_layer("Careful", rule), Dense(3), custom_layer("Careful", rule), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  const Tensor X = ramp({64, 3}), y = ramp({64, 1});
  model.fit(X, y, {.verbose = 0});
  const std::vector<Tensor> before = model.get_weights();
  for (const bool in_backward : {false, true}) {
    fails = true, backward = in_backward;
    expect_error<std::runtime_error>([&] { model.fit(X, y, {.batch_size = 64, .verbose = 0}); },
                                     {in_backward ? "no way back" : "too large"});
    for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(model.get_weights()[i].identical(before[i])) << i;
  }
  backward = false;
  expect_error<std::runtime_error>([&] { (void)model.predict(X, {.verbose = 0}); }, {"too large"});
  fails = false;
  EXPECT_NO_THROW(model.fit(X, y, {.verbose = 0}));
  set_num_threads(0);
}

INSTANTIATE_TEST_SUITE_P(Threads, CustomLayerFailure, testing::Values(1, 2));

TEST(CustomLayer, ThrowsOutOfACallOnDataAndOfAStream) {
  CustomLayer rule = identity();
  rule.forward = [](const ForwardPass& pass) {
    if (pass.x[0][0] > 0.5) throw std::runtime_error("too large");
    pass.y[0] = pass.x[0][0];
  };
  const Layer careful = custom_layer("Careful", rule, {.each_step = true});
  expect_error<std::runtime_error>([&] { (void)careful(Tensor{{{0.1}, {0.9}}}); }, {"too large"});
  const Sequential model{Input({Shape::kUnknown, 1}), careful};
  Stream stream = model.stream();
  expect_error<std::runtime_error>([&] { (void)stream.step(Tensor{0.9}); }, {"too large"});
  EXPECT_EQ(stream.step(Tensor{0.25}).to_vector()[0], 0.25);
}

TEST(CustomLayer, SaysWhatIsMissing) {
  expect_error<ConfigError>([] { (void)custom_layer("", identity()); }, {"a name"});
  CustomLayer half = identity();
  half.backward = nullptr;
  expect_error<ConfigError>([&] { (void)custom_layer("Half", half); }, {"(Half)", ".backward"});
  CustomLayer odd = identity();
  odd.weights = [](const std::vector<Shape>& x) -> std::vector<CustomWeight> { return {{"w", x[0]}}; };
  expect_error<ShapeError>(
      [&] {
        (void)Sequential{Input({Shape::kUnknown, 2}), custom_layer("Odd", odd)};
      },
      {"'w'", "every size must be known"});
  expect_error<ShapeError>(
      [] {
        (void)Sequential{Input({3}), custom_layer("S", sine(), {.each_step = true})};
      },
      {"each time step", "(None, 3)"});
}

}  // namespace
}  // namespace rondo
