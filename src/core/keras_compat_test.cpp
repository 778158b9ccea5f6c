#include "core/keras_compat.hpp"

#include <array>
#include <cmath>
#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::ramp;

class KerasCompat : public testing::Test {
 protected:
  void TearDown() override { set_keras_compat("3"); }
};

bool has(const Layer& layer, const std::string& text) { return layer.get_config().find(text) != std::string::npos; }

TEST_F(KerasCompat, BeginsWithKeras3) {
  EXPECT_EQ(keras_compat(), "3");
  EXPECT_EQ(LSTMOptions{}.recurrent_activation.name(), "sigmoid");
  EXPECT_TRUE(GRUOptions{}.reset_after);
  EXPECT_EQ(ActivationFn("hard_sigmoid").name(), "hard_sigmoid");
}

TEST_F(KerasCompat, OfAnUnknownVersionIsAnErrorThatListsThem) {
  expect_error<ConfigError>([] { set_keras_compat("1.2"); }, {"'1.2'", "'2.0'", "'2.3'", "'2.4'", "'3'"});
  EXPECT_EQ(keras_compat(), "3");
}

TEST_F(KerasCompat, GatesOfKeras20AreHardSigmoids) {
  set_keras_compat("2.0");
  EXPECT_TRUE(has(LSTM(2), R"("recurrent_activation":"hard_sigmoid_2")"));
  EXPECT_TRUE(has(LSTM(2, {.recurrent_activation = "sigmoid"}), R"("recurrent_activation":"sigmoid")"));
  EXPECT_TRUE(has(GRU(2), R"("recurrent_activation":"hard_sigmoid_2")"));
  EXPECT_TRUE(has(RNN(GRUCell(2)), R"("reset_after":false)"));
  set_keras_compat("2.3");
  EXPECT_TRUE(has(GRU(2), R"("recurrent_activation":"sigmoid")"));
  EXPECT_TRUE(has(GRU(2), R"("reset_after":false)"));
  set_keras_compat("2.4");
  EXPECT_TRUE(has(GRU(2), R"("reset_after":true)"));
}

TEST_F(KerasCompat, HardSigmoidOfKeras2IsAFifthPerUnit) {
  const Tensor x = {{-3, -2.5, -1, 0, 1, 2, 2.5, 9}};
  set_keras_compat("2.3");
  const Tensor y = Sequential({Activation("hard_sigmoid", {.input_shape = {8}})}).predict(x, {.verbose = 0});
  const double expected[] = {0, 0, 0.3, 0.5, 0.7, 0.9, 1, 1};
  for (Index i = 0; i < 8; ++i) EXPECT_NEAR(y(0, i), expected[i], 1e-7) << i;
  set_keras_compat("3");
  const Tensor now = Sequential({Activation("hard_sigmoid", {.input_shape = {8}})}).predict(x, {.verbose = 0});
  EXPECT_NEAR(now(0, 2), 1.0 / 3, 1e-7);
}

TEST_F(KerasCompat, ASequentialOfKeras20LearnsForTenEpochs) {
  const auto epochs = [](const FitOptions& options) {
    Sequential model{Dense(1, {.input_shape = {2}})};
    model.compile({.loss = "mse"});
    return model.fit(ramp({4, 2}), ramp({4, 1}), options).epochs().size();
  };
  EXPECT_EQ(epochs({.verbose = 0}), 1U);
  EXPECT_EQ(epochs({.nb_epoch = 3, .verbose = 0}), 3U);
  set_keras_compat("2.0");
  EXPECT_EQ(epochs({.verbose = 0}), 10U);
  EXPECT_EQ(epochs({.epochs = 2, .verbose = 0}), 2U);
  expect_error<ConfigError>([&] { (void)epochs({.epochs = 2, .nb_epoch = 3, .verbose = 0}); }, {"nb_epoch"});
}

TEST_F(KerasCompat, AccuracyOfKeras20IsCalledAccAndRoundsASingleOutput) {
  const auto evaluated = [] {
    Sequential model{Dense(1, {.kernel_initializer = "ones", .input_shape = {1}})};
    model.compile({.loss = "mse", .metrics = {"accuracy"}});
    return model.evaluate(Tensor{{0.4}, {1.2}, {2.6}, {3.6}}, Tensor{{0}, {1}, {3}, {3}}, {.verbose = 0}).values()[1];
  };
  EXPECT_EQ(evaluated(), std::pair(std::string("accuracy"), 0.5));
  set_keras_compat("2.0");
  EXPECT_EQ(evaluated(), std::pair(std::string("acc"), 0.75));
  set_keras_compat("2.3");
  EXPECT_EQ(evaluated(), std::pair(std::string("accuracy"), 0.75));
}

TEST_F(KerasCompat, LossesOfKeras20AreDividedByTheRowsThatWeigh) {
  const Tensor x{{1}, {2}, {4}, {8}}, y{{0}, {0}, {0}, {0}}, weights{1, 0, 0, 2};
  const auto losses_and_weight = [&] {
    Sequential model{
        Dense(1, {.use_bias = false, .kernel_initializer = "ones", .dtype = DType::float64, .input_shape = {1}})};
    model.compile({.optimizer = SGD({.learning_rate = 0.001}), .loss = "mse"});
    const double evaluated = model.evaluate(x, y, {.verbose = 0, .sample_weight = weights}).loss();
    const double plain = model.evaluate(x, y, {.verbose = 0}).loss();
    model.fit(x, y, {.batch_size = 4, .epochs = 1, .verbose = 0, .sample_weight = weights});
    return std::array{evaluated, plain, model.get_weights()[0](0, 0)};
  };
  const double sum = 1 + 2 * 64, plain = (1 + 4 + 16 + 64) / 4.0;
  const auto now = losses_and_weight();
  EXPECT_DOUBLE_EQ(now[0], sum / 4);
  EXPECT_DOUBLE_EQ(now[1], plain);
  EXPECT_NEAR(now[2], 1 - 0.001 * 2 * sum / 4, 1e-15);
  set_keras_compat("2.0");
  const auto then = losses_and_weight();
  EXPECT_DOUBLE_EQ(then[0], sum / 2);
  EXPECT_DOUBLE_EQ(then[1], plain);
  EXPECT_NEAR(then[2], 1 - 0.001 * 2 * sum / 2, 1e-15);
}

TEST_F(KerasCompat, LossesOfKeras20AreDividedByMaskAndWeightsInTurn) {
  set_keras_compat("2.0");
  Sequential model{
      Masking({.mask_value = 9, .dtype = DType::float64, .input_shape = {2, 1}}),
      TimeDistributed(Dense(1, {.use_bias = false, .kernel_initializer = "ones", .dtype = DType::float64}))};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  // Three of four steps count by the mask, two of four by their weights; one by both.
  const Tensor x = Tensor{1, 2, 9, 4}.reshape({2, 2, 1}), y = Tensor::zeros({2, 2, 1});
  const Tensor weights{{1, 0}, {3, 0}};
  EXPECT_DOUBLE_EQ(model.evaluate(x, y, {.verbose = 0, .sample_weight = weights}).loss(), 1.0 / 4 / 0.75 / 0.5);
}

// The only weight, which is 1, after steps whose gradient is twice the weight.
double after_steps(const Optimizer& optimizer, int steps = 1) {
  Sequential model{
      Dense(1, {.use_bias = false, .kernel_initializer = "ones", .dtype = DType::float64, .input_shape = {1}})};
  model.compile({.optimizer = optimizer, .loss = "mse"});
  for (int i = 0; i < steps; ++i) (void)model.train_on_batch(Tensor{{1}}, Tensor{{0}});
  return model.get_weights()[0](0, 0);
}

TEST_F(KerasCompat, RmspropAndAdagradOfKeras2AddEpsilonToTheRoot) {
  EXPECT_NEAR(after_steps(RMSprop({.learning_rate = 1, .epsilon = 0.5})), 1 - 2 / std::sqrt(0.4 + 0.5), 1e-15);
  EXPECT_NEAR(after_steps(Adagrad({.learning_rate = 1, .epsilon = 0.5})), 1 - 2 / std::sqrt(4 + 0.1 + 0.5), 1e-15);
  set_keras_compat("2.3");
  EXPECT_NEAR(after_steps(RMSprop({.learning_rate = 1, .epsilon = 0.5})), 1 - 2 / (std::sqrt(0.4) + 0.5), 1e-15);
  EXPECT_NEAR(after_steps(Adagrad({.learning_rate = 1, .epsilon = 0.5})), 1 - 2 / (std::sqrt(4.0) + 0.5), 1e-15);
  // The option stays with the optimizer.
  const Optimizer old = RMSprop({.learning_rate = 1, .epsilon = 0.5});
  set_keras_compat("3");
  EXPECT_NEAR(after_steps(old), 1 - 2 / (std::sqrt(0.4) + 0.5), 1e-15);
}

// Two layers, whose gradients are 3 and 4 each: together 5 sqrt(2).
TEST_F(KerasCompat, ClipnormWasForAllGradientsTogether) {
  const auto steps = [](const Optimizer& optimizer) {
    const Input x({2});
    const Dense a(1, {.use_bias = false, .kernel_initializer = "zeros", .dtype = DType::float64});
    const Dense b(1, {.use_bias = false, .kernel_initializer = "zeros", .dtype = DType::float64});
    const Model model({x}, {a(x), b(x)});
    model.compile({.optimizer = optimizer, .loss = "mse"});
    (void)model.train_on_batch(Inputs{Tensor{{3, 4}}}, Outputs{Tensor{{-0.5}}, Tensor{{-0.5}}});
    return model.get_weights();
  };
  for (const Tensor& w : steps(SGD({.learning_rate = 1, .clipnorm = 1}))) EXPECT_NEAR(w(0, 0), -0.6, 1e-15);
  set_keras_compat("2.3");
  for (const Tensor& w : steps(SGD({.learning_rate = 1, .clipnorm = 1}))) {
    EXPECT_NEAR(w(0, 0), -0.6 / std::sqrt(2), 1e-15);
    EXPECT_NEAR(w(1, 0), -0.8 / std::sqrt(2), 1e-15);
  }
}

TEST_F(KerasCompat, OptimizersHaveTheRatesOfTheirVersion) {
  const auto rates = [] {
    std::vector<double> all;
    for (const char* name : {"adagrad", "adadelta", "adamax", "nadam", "adam", "rmsprop", "sgd"}) {
      all.push_back(Optimizer(name).learning_rate());
    }
    return all;
  };
  EXPECT_EQ(rates(), (std::vector<double>{0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.01}));
  set_keras_compat("2.0");
  EXPECT_EQ(rates(), (std::vector<double>{0.01, 1, 0.002, 0.002, 0.001, 0.001, 0.01}));
  EXPECT_EQ(AdamOptions{}.epsilon, 1e-8);
  EXPECT_EQ(AdagradOptions{}.initial_accumulator_value, 0);
  EXPECT_EQ(NadamOptions{}.schedule_decay.value(), 0.004);
}

TEST_F(KerasCompat, DecayLowersTheRateStepByStep) {
  double w = 1;
  for (int t = 0; t < 3; ++t) w -= 0.1 / (1 + 0.5 * t) * 2 * w;
  EXPECT_NEAR(after_steps(SGD({.lr = 0.1, .decay = 0.5}), 3), w, 1e-14);
  EXPECT_NEAR(after_steps(SGD({.lr = 0.1, .decay = 0}), 1), 0.8, 1e-15);
  expect_error<ConfigError>([] { SGD({.learning_rate = ExponentialDecay(0.1, 10, 0.9), .decay = 0.1}); },
                            {"SGD", "schedule", "decay"});
  expect_error<ConfigError>([] { SGD({.decay = -1}); }, {"decay"});
}

TEST_F(KerasCompat, TellsTheVersionsThatFilesName) {
  const auto version = [](const char* text) { return std::string(core::keras_defaults_of(text).version); };
  for (const char* text : {"1.2.2", "2.0.8", "2.2.4", "2.1.6-tf"}) EXPECT_EQ(version(text), "2.0") << text;
  EXPECT_EQ(version("2.3.1"), "2.3");
  for (const char* text : {"2.2.4-tf", "2.3.0-tf", "2.4.0", "2.12.0", "2.15.0"})
    EXPECT_EQ(version(text), "2.4") << text;
  for (const char* text : {"3.0.5", "3.15.1", "", "new"}) EXPECT_EQ(version(text), "3") << text;
  for (const char* text : {"3.16.0", "3.20.1", "4.0.0"}) EXPECT_EQ(version(text), "3.16") << text;
}

TEST_F(KerasCompat, WhileAFileIsReadItsVersionCounts) {
  set_keras_compat("2.3");
  {
    const core::WithKerasDefaults file(core::keras_defaults_of("2.0.8"));
    EXPECT_TRUE(has(LSTM(2), R"("recurrent_activation":"hard_sigmoid_2")"));
    EXPECT_EQ(keras_compat(), "2.3");
  }
  EXPECT_TRUE(has(LSTM(2), R"("recurrent_activation":"sigmoid")"));
}

}  // namespace
}  // namespace rondo
