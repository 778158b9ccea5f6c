#include "core/keras_compat.hpp"

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

TEST_F(KerasCompat, TellsTheVersionsThatFilesName) {
  const auto version = [](const char* text) { return std::string(core::keras_defaults_of(text).version); };
  for (const char* text : {"1.2.2", "2.0.8", "2.2.4"}) EXPECT_EQ(version(text), "2.0") << text;
  EXPECT_EQ(version("2.3.1"), "2.3");
  for (const char* text : {"2.2.4-tf", "2.3.0-tf", "2.4.0", "2.12.0", "2.15.0"})
    EXPECT_EQ(version(text), "2.4") << text;
  for (const char* text : {"3.0.5", "3.15.1", "", "new"}) EXPECT_EQ(version(text), "3") << text;
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
