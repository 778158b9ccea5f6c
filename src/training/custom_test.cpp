// Losses and metrics of a user's.
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/ramp.hpp"
#include "support/way.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::ramp;

Tensor filled(const Shape& shape, double value) {
  return Tensor(shape, std::vector<double>(static_cast<std::size_t>(shape.elements()), value));
}

double squared_error(Row truth, Row prediction, GradientRow gradient) {
  double sum = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double e = prediction[i] - truth[i];
    sum += e * e;
    if (!gradient.empty()) gradient[i] = 2 * e / static_cast<double>(truth.size());
  }
  return sum / static_cast<double>(truth.size());
}

Sequential small(DType dtype) {
  clear_session();
  set_random_seed(5);
  return {LSTM(4, {.return_sequences = true, .dtype = dtype, .input_shape = {3, 2}}), Dense(2, {.dtype = dtype})};
}
const Tensor kInput = ramp({7, 3, 2}), kTarget = ramp({7, 3, 2}, 0.6);

TEST(CustomLoss, TrainsAsTheBuiltInLossOfTheSameFormula) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const auto weights = [&](const Loss& loss) {
      const Sequential model = small(dtype);
      model.compile({.optimizer = "adam", .loss = loss, .metrics = {custom_metric("off", [](Row t, Row p) {
                                                          return squared_error(t, p, {});
                                                        })}});
      const Tensor w = ramp({7, 1}, 0.5);
      const History history =
          model.fit(kInput, kTarget, {.batch_size = 3, .epochs = 5, .verbose = 0, .sample_weight = w});
      EXPECT_TRUE(history.contains("off"));
      return model.get_weights();
    };
    const auto own = weights(custom_loss("squared", squared_error)), standard = weights("mse");
    const double near = dtype == DType::float64 ? 1e-12 : 1e-5;
    for (std::size_t i = 0; i < own.size(); ++i) {
      const auto a = own[i].to_vector(), b = standard[i].to_vector();
      for (std::size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k], near);
    }
  }
}

// Of numbers from 0 to 1, nine tenths lie below the quantile 0.9.
TEST(CustomLoss, LearnsSeveralQuantilesOfOneLabel) {
  const std::vector<double> q = {0.1, 0.5, 0.9};
  const Loss pinball = custom_loss("pinball",
                                   [q](Row truth, Row prediction, GradientRow gradient) {
                                     double sum = 0;
                                     for (std::size_t i = 0; i < q.size(); ++i) {
                                       const double e = truth[0] - prediction[i];
                                       sum += e > 0 ? q[i] * e : (q[i] - 1) * e;
                                       if (!gradient.empty()) gradient[i] = e > 0 ? -q[i] : 1 - q[i];
                                     }
                                     return sum;
                                   },
                                   {.one_label = true});
  set_random_seed(5);
  const Sequential model{Dense(3, {.input_shape = {1}})};
  model.compile({.optimizer = SGD({.learning_rate = 0.05}), .loss = pinball});
  std::vector<double> y(200);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<double>(i * 37 % 200) / 200;
  model.fit(filled({200, 1}, 1), Tensor(y), {.epochs = 60, .verbose = 0});
  const std::vector<double> learned = model.predict(Tensor{{1.0}}, {.verbose = 0}).to_vector();
  for (std::size_t i = 0; i < q.size(); ++i) EXPECT_NEAR(learned[i], q[i], 0.05);
  expect_error<ShapeError>(
      [&] {
        model.evaluate(filled({4, 1}, 1), ramp({4, 3}), {.verbose = 0});
      },
      {"'pinball'", "one number a row", "(None, 1)"});
}

// A function may write only the derivatives that are not zero, and may ask another model.
TEST(CustomLoss, RowsKnowNothingOfEachOther) {
  const Sequential model{Dense(1, {.kernel_initializer = "zeros", .input_shape = {1}})};
  const Loss inner = custom_loss("inner", squared_error);
  const Sequential other = small(DType::float64);
  other.compile({.optimizer = "sgd", .loss = inner});
  const Loss hinge = custom_loss("hinge", [&](Row truth, Row prediction, GradientRow gradient) {
    (void)other.evaluate(kInput, kTarget, {.verbose = 0});
    if (truth[0] < 0) return 0.0;
    if (!gradient.empty()) gradient[0] = -1;
    return 1 - prediction[0];
  });
  model.compile({.optimizer = SGD({.learning_rate = 1}), .loss = hinge});
  model.fit(Tensor::zeros({4, 1}), Tensor{1, -1, 1, -1}, {.verbose = 0});
  EXPECT_EQ(model.get_weights()[1](0), 0.5);  // half of the rows ask for more
}

struct Tired : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class CustomFailure : public testing::TestWithParam<int> {
  test::Walking walking_{{.target = simd_target(), .threads = GetParam()}};
};

TEST_P(CustomFailure, ComesOutOfFitWithTheWeightsAsTheyWereBeforeTheBatch) {
  bool tired = false;
  const Loss loss = custom_loss("moody", [&](Row truth, Row prediction, GradientRow gradient) {
    if (tired) throw Tired("enough");
    return squared_error(truth, prediction, gradient);
  });
  const Sequential model = small(DType::float32);
  model.compile({.optimizer = "adam", .loss = loss});
  model.fit(kInput, kTarget, {.verbose = 0});
  const std::vector<Tensor> before = model.get_weights();
  tired = true;
  EXPECT_THROW(model.fit(kInput, kTarget, {.verbose = 0}), Tired);
  EXPECT_THROW((void)model.evaluate(kInput, kTarget, {.verbose = 0}), Tired);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(model.get_weights()[i].identical(before[i]));

  // It goes on as if nothing had been.
  tired = false;
  model.fit(kInput, kTarget, {.verbose = 0});
  const std::vector<Tensor> after = model.get_weights();
  const Sequential other = small(DType::float32);
  other.compile({.optimizer = "adam", .loss = loss});
  other.fit(kInput, kTarget, {.verbose = 0, .shuffle = false});
  other.fit(kInput, kTarget, {.verbose = 0, .shuffle = false});
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_TRUE(other.get_weights()[i].identical(after[i]));
}

INSTANTIATE_TEST_SUITE_P(Threads, CustomFailure, testing::Values(1, 2, 3));

TEST(CustomLoss, NeedsANameAndAFunction) {
  expect_error<ConfigError>([] { (void)custom_loss("", squared_error); }, {"custom_loss", "name"});
  expect_error<ConfigError>([] { (void)custom_loss("mine", nullptr); }, {"'mine'", "no function"});
  expect_error<ConfigError>([] { (void)custom_metric("mine", nullptr); }, {"'mine'", "no function"});
}

}  // namespace
}  // namespace rondo
