#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/ramp.hpp"
#include "support/stateful.hpp"

namespace rondo {
namespace {

using test::expect_error;

// h after `steps` steps of zeros, from a state of so much everywhere.
Tensor faded(Index steps, DType dtype, double state, bool reset_after) {
  set_random_seed(1);
  const GRU gru(20, {.return_state = true, .reset_after = reset_after, .dtype = dtype, .input_shape = {steps, 1}});
  Tensor h = Tensor::zeros({1, 20}, dtype);
  for (Index u = 0; u < 20; ++u) h.set({0, u}, state);
  return gru(std::vector<Tensor>{Tensor::zeros({1, steps, 1}, dtype), h})[1];
}

// A state halves in a step, so it loses a decade in about three; a denormal number would never end.
TEST(Gru, AStateThatFadesEndsAsZero) {
  for (const bool after : {true, false}) {
    for (const auto& [dtype, steps] : {std::pair{DType::float32, Index{1200}}, {DType::float64, Index{8000}}}) {
      for (const double v : faded(steps, dtype, 1, after).to_vector()) EXPECT_EQ(v, 0) << to_string(dtype);
    }
  }
}

TEST(Gru, SmallStatesAreKept) {
  for (const bool after : {true, false}) {
    for (const double v : faded(1, DType::float32, 1e-25, after).to_vector()) EXPECT_GT(std::abs(v), 1e-26);
    for (const double v : faded(1, DType::float64, 1e-200, after).to_vector()) EXPECT_GT(std::abs(v), 1e-201);
  }
}

TEST(Gru, NanStaysInTheState) {
  for (const bool after : {true, false}) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double v : faded(3, DType::float32, nan, after).to_vector()) EXPECT_TRUE(std::isnan(v));
  }
}

// Of a single step's state nobody may want the gradient: it is the model's input, or that of the batch before. The
// reset gate needs what leads there all the same.
TEST(Gru, AStepFromAStateLearnsWithoutTheStatesGradient) {
  const Tensor x = test::ramp({4, 1, 2}, -0.3), h = test::ramp({4, 5}, 0.1), y = test::ramp({4, 5}, 0.4);
  for (const bool after : {true, false}) {
    const auto learned = [&](const Model& model, const Layer& gru, const Inputs& in) {
      model.compile({.optimizer = SGD({.learning_rate = 0.5}), .loss = "mse"});
      model.fit(in, y, {.batch_size = 4, .verbose = 0});
      return gru.get_weights();
    };
    const auto made = [&](bool stateful) {
      set_random_seed(1);
      return GRU(5, {.stateful = stateful, .reset_after = after});
    };
    const auto of_given = [&](bool wanted) {
      const Layer gru = made(false);
      const Input step({1, 2}), state({5});
      const Layer same = Dense(5, {.use_bias = false});
      const Symbol before = wanted ? Symbol(same(state)) : Symbol(state);
      const Model model({step, state}, gru(step, {.initial_state = {before}}));
      std::vector<double> identity(25, 0.0);
      for (std::size_t i = 0; i < 5; ++i) identity[6 * i] = 1;
      if (wanted) same.set_weights({Tensor(Shape{5, 5}, identity)});
      return learned(model, gru, {x, h});
    };
    const auto of_zero = [&](bool stateful) {
      const Layer gru = made(stateful);
      const Input step({1, 2});
      return learned(Model(step, gru(step)), gru, {x});
    };
    for (const auto& [got, expected] :
         {std::pair{of_given(false), of_given(true)}, std::pair{of_zero(true), of_zero(false)}}) {
      for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(got[i].identical(expected[i])) << after << " " << i;
    }
  }
}

// z multiplies the old state, and r the state's part of the candidate alone.
TEST(Gru, AStepIsWhatTheFormulasSay) {
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  for (const bool after : {true, false}) {
    const GRU gru(1, {.return_state = true, .reset_after = after, .dtype = DType::float64, .input_shape = {1, 1}});
    gru.build({1, 1, 1});
    const std::vector<double> bias =
        after ? std::vector<double>{0.1, 0.2, 0.3, 0.4, 0.5, 0.6} : std::vector{.1, .2, .3};
    gru.set_weights({Tensor(Shape{1, 3}, std::vector<double>{1, 2, 3}),
                     Tensor(Shape{1, 3}, std::vector<double>{-1, 0.5, 0.7}),
                     Tensor(after ? Shape{2, 3} : Shape{3}, bias)});
    const double x = 0.3, h = 0.8;
    const double got = gru(std::vector<Tensor>{Tensor(Shape{1, 1, 1}, std::vector<double>{x}),
                                               Tensor(Shape{1, 1}, std::vector<double>{h})})[1](0, 0);
    const double z = sigmoid(x + 0.1 - h + (after ? 0.4 : 0)), r = sigmoid(2 * x + 0.2 + 0.5 * h + (after ? 0.5 : 0));
    const double g = std::tanh(3 * x + 0.3 + (after ? r * (0.7 * h + 0.6) : r * h * 0.7));
    EXPECT_NEAR(got, z * h + (1 - z) * g, 1e-14);
  }
}

TEST(Gru, WeightsHaveKerasNamesAndShapes) {
  const Sequential model{GRU(4, {.return_sequences = true, .name = "first", .input_shape = {2, 3}}),
                         GRU(5, {.reset_after = false, .name = "second"})};
  std::vector<std::string> paths;
  std::vector<Shape> shapes;
  for (const WeightInfo& w : model.weights()) {
    paths.push_back("rows" + w.path.substr(w.path.find('/')));
    shapes.push_back(w.shape);
  }
  EXPECT_EQ(paths, (std::vector<std::string>{"rows/first/gru_cell/kernel", "rows/first/gru_cell/recurrent_kernel",
                                             "rows/first/gru_cell/bias", "rows/second/gru_cell/kernel",
                                             "rows/second/gru_cell/recurrent_kernel", "rows/second/gru_cell/bias"}));
  EXPECT_EQ(shapes, (std::vector<Shape>{{3, 12}, {4, 12}, {2, 12}, {4, 15}, {5, 15}, {15}}));
}

TEST(Gru, ItsInitializersFillTheWholeMatrices) {
  const GRU gru(3, {.kernel_initializer = "ones", .recurrent_initializer = "zeros", .bias_initializer = "ones"});
  gru.build({1, 2, 2});
  for (const double v : gru.get_weights()[0].to_vector()) EXPECT_EQ(v, 1);
  for (const double v : gru.get_weights()[2].to_vector()) EXPECT_EQ(v, 1) << "both rows of the bias";
}

TEST(Gru, HasKerasConfiguration) {
  const auto config = nlohmann::ordered_json::parse(GRU(3, {.reset_after = false}).get_config());
  EXPECT_EQ(config["reset_after"], false);
  EXPECT_FALSE(config.contains("unit_forget_bias"));
  std::vector<std::string> keys;
  for (const auto& [key, value] : config.items()) keys.push_back(key);
  const auto rest = std::find(keys.begin(), keys.end(), "dropout");
  EXPECT_EQ((std::vector<std::string>(rest, keys.end())),
            (std::vector<std::string>{"dropout", "recurrent_dropout", "reset_after", "seed"}));
}

TEST(Gru, SaysWhatItCannotDo) {
  expect_error<ConfigError>([] { (void)GRU(0); }, {"units is 0"});
  expect_error<ConfigError>([] { (void)GRU(2, {.activation = "softmax"}); }, {"softmax", "a GRU's gates"});
  expect_error<ConfigError>([] { (void)GRU(2, {.dtype = "mixed_bfloat16"}); }, {"GRU", "mixed_bfloat16", "float32"});
  const GRU gru(2);
  expect_error<ShapeError>([&] { (void)gru(Tensor::zeros({2, 3})); }, {"3-D"});
  const Tensor x = Tensor::zeros({1, 2, 3}), h = Tensor::zeros({1, 2});
  expect_error<ShapeError>([&] { (void)gru(std::vector<Tensor>{x, h, h}); }, {"initial state h", "3 inputs"});
  const Sequential model{GRU(2, {.input_shape = {4, 1}})};
  expect_error<ConfigError>([&] { (void)model.stream({.weights = "bfloat16"}); }, {"bfloat16", "GRU"});
  const Sequential backwards{GRU(2, {.go_backwards = true, .input_shape = {4, 1}})};
  expect_error<ConfigError>([&] { (void)backwards.stream(); }, {"go_backwards"});
}

TEST(Gru, AStatefulLayerGoesOnWhereTheLastBatchEnded) {
  for (const bool after : {true, false}) {
    const GRU whole(5, {.return_sequences = true, .reset_after = after});
    const GRU pieces(5, {.return_sequences = true, .stateful = true, .reset_after = after});
    test::expect_to_go_on(whole, pieces);
  }
}

// A stream passes over masked steps as a sequence does.
TEST(Gru, StreamsPassOverMaskedSteps) {
  for (const bool after : {true, false}) {
    const Sequential model{Masking({.mask_value = -1, .input_shape = {5, 1}}),
                           GRU(3, {.return_sequences = true, .reset_after = after})};
    const std::vector<float> x{0.5f, -1, 0.25f, -1, -1};
    const Tensor whole = model.predict(Tensor(Shape{1, 5, 1}, std::vector<double>(x.begin(), x.end())));
    Stream stream = model.stream();
    std::vector<float> y(3);
    for (Index t = 0; t < 5; ++t) {
      stream.step(std::span(x).subspan(static_cast<std::size_t>(t), 1), std::span(y));
      for (Index u = 0; u < 3; ++u) EXPECT_EQ(y[static_cast<std::size_t>(u)], static_cast<float>(whole(0, t, u)));
    }
  }
}

}  // namespace
}  // namespace rondo
