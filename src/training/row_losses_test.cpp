// Losses of one row: derivatives against differences, and values that can be said in words. Numbers of Keras's own are
// in tests/golden.
#include "training/row_losses.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"

namespace rondo::training {
namespace {

using test::expect_error;

double value_of(const LossFunction& loss, const std::vector<double>& truth, const std::vector<double>& prediction) {
  return loss(truth, prediction, {});
}

void expect_derivatives(const char* name, const LossFunction& loss, const std::vector<double>& truth,
                        std::vector<double> prediction) {
  std::vector<double> gradient(prediction.size(), 0);
  const double value = loss(truth, prediction, gradient);
  EXPECT_EQ(value, value_of(loss, truth, prediction)) << name << ": evaluation alone";
  for (std::size_t i = 0; i < prediction.size(); ++i) {
    const double at = prediction[i], step = 1e-6;
    prediction[i] = at + step;
    const double above = value_of(loss, truth, prediction);
    prediction[i] = at - step;
    const double below = value_of(loss, truth, prediction);
    prediction[i] = at;
    EXPECT_NEAR(gradient[i], (above - below) / (2 * step), 1e-6 * std::max(1.0, std::abs(gradient[i])))
        << name << ", prediction " << i;
  }
}

TEST(RowLosses, DerivativesAgreeWithDifferences) {
  const std::vector<double> targets{1.5, -0.5, 2.0, 0.0}, guesses{1.0, 0.7, -2.5, 0.3};
  expect_derivatives("mape", mean_absolute_percentage_error(), {1.5, -0.5, 2.0}, {1.0, 0.7, -2.5});
  expect_derivatives("msle", mean_squared_logarithmic_error(), targets, {1.0, 0.7, 2.5, -0.5});
  expect_derivatives("huber", huber(1.0), targets, guesses);
  expect_derivatives("log_cosh", log_cosh(), targets, guesses);
  expect_derivatives("poisson", poisson(), {3, 0, 1, 2}, {2.5, 0.1, 4, 2});
  expect_derivatives("cosine_similarity", cosine_similarity(), targets, guesses);
  expect_derivatives("cosine_similarity of nothing", cosine_similarity(), {0, 0}, {1.0, 0.7});

  const std::vector<double> class_of{0, 1, 0}, given{0.2, 0.5, 0.3};
  expect_derivatives("kl_divergence", kl_divergence(), {0.1, 0.6, 0.3}, given);
  expect_derivatives("kl_divergence beyond its bounds", kl_divergence(), {0.1, 0.6, 0.3}, {-0.2, 1.5, 0.3});
  expect_derivatives("categorical_hinge", categorical_hinge(), class_of, given);
  expect_derivatives("categorical_hinge of nothing to learn", categorical_hinge(), class_of, {0.1, 3.0, 0.2});
  expect_derivatives("hinge", hinge(), {-1, 1, 1, -1}, {0.5, 0.5, 2.0, -3.0});
  expect_derivatives("squared_hinge", squared_hinge(), {-1, 1, 1, -1}, {0.5, 0.5, 2.0, -3.0});
  expect_derivatives("generalized", categorical_generalized_cross_entropy(0.7), {2}, given);

  for (const bool logits : {false, true}) {
    for (const double gamma : {0.0, 1.0, 2.0, 3.5}) {
      const FocalRule rule{.alpha = 0.3, .gamma = gamma, .from_logits = logits, .label_smoothing = 0.1};
      const std::vector<double> p = logits ? std::vector<double>{-1.5, 0.4, 2.0} : given;
      expect_derivatives("binary_focal", binary_focal_crossentropy(rule), class_of, p);
      FocalRule balanced = rule;
      balanced.balances_classes = true;
      expect_derivatives("binary_focal, balanced", binary_focal_crossentropy(balanced), class_of, p);
      expect_derivatives("categorical_focal", categorical_focal_crossentropy(rule), class_of, p);
    }
  }
  const FocalRule plain{.alpha = 1, .gamma = 2, .from_logits = false, .label_smoothing = 0};
  expect_derivatives("categorical_focal, not normalised", categorical_focal_crossentropy(plain), class_of, {2, 3, 1});
  expect_derivatives("quantile", quantile({0.9}), targets, guesses);
  expect_derivatives("quantiles", quantile({0.1, 0.5, 0.9}), {0.4}, {0.1, 0.5, 0.2});
  expect_derivatives("mase", mean_absolute_scaled_error(2.5), targets, guesses);
  for (const double label : {-3.0, 0.4, 50.0}) {
    for (const double raw : {-4.0, 0.3, 30.0}) {
      expect_derivatives("gaussian", gaussian_likelihood(), {label}, {0.2, raw});
      expect_derivatives("student t", student_t_likelihood(), {label}, {0.2, raw, 0.7});
      expect_derivatives("student t", student_t_likelihood(), {label}, {0.2, 0.5, raw});
    }
  }
}

// Densities sum to one.
TEST(RowLosses, LikelihoodsAreThoseOfDensities) {
  const auto area = [](const LossFunction& loss, const std::vector<double>& parameters) {
    double sum = 0;
    for (double t = -400; t < 400; t += 0.01) sum += 0.01 * std::exp(-value_of(loss, {t}, parameters));
    return sum;
  };
  EXPECT_NEAR(area(gaussian_likelihood(), {0.3, -0.5}), 1, 1e-9);
  EXPECT_NEAR(area(student_t_likelihood(), {0.3, -0.5, 3.0}), 1, 1e-7);
  EXPECT_NEAR(area(student_t_likelihood(), {0.3, -0.5, 40.0}), 1, 1e-9);
  // Of two degrees of freedom 1 / (2 sqrt 2) (1 + z^2 / 2)^-1.5.
  const double s = std::log1p(std::exp(1.0)) + 1e-6, z = 1.5 / s;
  EXPECT_NEAR(value_of(student_t_likelihood(), {1.5}, {0, 1.0, -800}),
              std::log(2 * std::sqrt(2.0)) + std::log(s) + 1.5 * std::log1p(z * z / 2), 1e-12);
}

TEST(Losses, LikelihoodsLearnTheDeviationToo) {
  set_random_seed(4);
  std::vector<double> x, y;
  const RandomStream noise(3, Purpose::user);
  for (std::uint64_t i = 0; i < 400; ++i) {
    x.push_back(static_cast<double>(i % 2));
    y.push_back(x.back() + (i % 2 == 0 ? 0.1 : 0.5) * noise.normal(i));
  }
  const Sequential model{Dense(2, {.input_shape = {1}})};
  model.compile({.optimizer = Adam({.learning_rate = 0.05}), .loss = losses::GaussianLikelihood()});
  model.fit(Tensor(x), Tensor(y), {.epochs = 100, .verbose = 0});
  const std::vector<double> of = model.predict(Tensor(std::vector<double>{0, 1}), {.verbose = 0}).to_vector();
  EXPECT_NEAR(of[0], 0, 0.05);
  EXPECT_NEAR(std::log1p(std::exp(of[1])), 0.1, 0.03);
  EXPECT_NEAR(of[2], 1, 0.1);
  EXPECT_NEAR(std::log1p(std::exp(of[3])), 0.5, 0.1);
  expect_error<ShapeError>(
      [&] {
        const Sequential one{Dense(1, {.input_shape = {1}})};
        one.compile({.loss = "gaussian_likelihood"});
        one.fit(Tensor(x), Tensor(y), {.verbose = 0});
      },
      {"2 predictions in a row, mean and deviation", "(None, 1)"});
}

TEST(Losses, ScaledErrorsCompareWithWhatRepeatsTheSeries) {
  const Tensor series(std::vector<double>{1, 5, 2, 7, 3, 9});
  EXPECT_EQ(losses::naive_error(series), (4 + 3 + 5 + 4 + 6) / 5.0);
  EXPECT_EQ(losses::naive_error(series, 2), (1 + 2 + 1 + 2) / 4.0);
  EXPECT_EQ(losses::MeanAbsoluteScaledError({.scale = 2})(Tensor({1.0, 2.0}), Tensor({2.0, 5.0})).to_vector()[0], 1);
  expect_error<ShapeError>([&] { (void)losses::naive_error(series, 6); }, {"(6,)", "longer than 6"});
  expect_error<ConfigError>([&] { (void)losses::naive_error(series, 0); }, {"season is 0"});
}

TEST(RowLosses, SayWhatTheirNamesPromise) {
  EXPECT_EQ(value_of(quantile({0.9}), {2.0}, {1.0}), 0.9);
  EXPECT_NEAR(value_of(quantile({0.9}), {1.0}, {2.0}), 0.1, 1e-15);
  EXPECT_EQ(value_of(cosine_similarity(), {3, 4}, {6, 8}), -1);
  EXPECT_EQ(value_of(cosine_similarity(), {3, 4}, {-3, -4}), 1);
  EXPECT_EQ(value_of(huber(1.0), {0}, {3}), 2.5);
  EXPECT_EQ(value_of(hinge(), {1, -1}, {0.5, 0.5}), (0.5 + 1.5) / 2);
  EXPECT_EQ(value_of(squared_hinge(), {1, -1}, {0.5, 0.5}), (0.25 + 2.25) / 2);
  EXPECT_EQ(value_of(hinge(), {1, -1}, {2, -3}), 0) << "beyond the margin there is nothing to lose";
  EXPECT_NEAR(value_of(log_cosh(), {0}, {1000}), 1000 - std::log(2), 1e-12);  // cosh(1000) is no double
  const FocalRule plain{.alpha = 1, .gamma = 0, .from_logits = false, .label_smoothing = 0};
  EXPECT_NEAR(value_of(categorical_focal_crossentropy(plain), {0, 1}, {0.25, 0.75}), -std::log(0.75), 1e-15);
}

// ---- in a model -----------------------------------------------------------------------------------------------------

double evaluated(const Loss& loss, const std::vector<double>& weights) {
  set_random_seed(1);
  Sequential model{Dense(1, {.use_bias = false, .dtype = "float64", .input_shape = {1}})};
  model.set_weights({Tensor(Shape{1, 1}, std::vector<double>{1.0})});
  model.compile({.loss = loss});
  const Tensor x(Shape{4, 1}, std::vector<double>{1, 2, 3, 4}), y = Tensor::zeros(Shape{4, 1}, DType::float64);
  return model.evaluate(x, y, {.verbose = 0, .sample_weight = Tensor(Shape{4}, weights)}).loss();
}

TEST(Losses, ReductionsDivideByWhatTheySay) {
  const std::vector<double> weights{1, 0, 2, 0.5};  // of 1, 2, 3, 4: 1 + 0 + 6 + 2
  EXPECT_EQ(evaluated(losses::MeanAbsoluteError(), weights), 9.0 / 4);
  EXPECT_EQ(evaluated(losses::MeanAbsoluteError({.reduction = "mean"}), weights), 9.0 / 4);
  EXPECT_EQ(evaluated(losses::MeanAbsoluteError({.reduction = "sum"}), weights), 9);
  EXPECT_EQ(evaluated(losses::MeanAbsoluteError({.reduction = "mean_with_sample_weight"}), weights), 9 / 3.5);
  EXPECT_EQ(evaluated(losses::Huber({.delta = 0.5, .reduction = "sum"}), {1, 1, 1, 1}), 0.5 * 10 - 4 * 0.125);
}

TEST(Losses, RefuseOptionsThatMeanNothing) {
  expect_error<ConfigError>([] { losses::LogCosh({.reduction = "median"}); },
                            {"LogCosh", "reduction = \"median\"", "'sum'"});
  expect_error<ConfigError>([] { losses::Huber({.delta = 0.0}); }, {"Huber", "delta is 0", "above 0"});
  expect_error<ConfigError>(
      [] {
        losses::Quantile({.quantiles = {0.1, 1.0}});
      },
      {"Quantile", "is 1", "between 0 and 1"});
  expect_error<ConfigError>([] { losses::Quantile({.quantiles = {}}); }, {"Quantile", "one of .quantiles"});
  expect_error<ConfigError>([] { losses::CategoricalGeneralizedCrossEntropy({.q = 1.5}); }, {"q is 1.5", "at most 1"});
  expect_error<ConfigError>([] { losses::BinaryFocalCrossentropy({.gamma = -1.0}); }, {"gamma is -1"});

  Sequential model{Dense(2, {.input_shape = {1}})};
  model.compile({.loss = losses::Quantile({.quantiles = {0.1, 0.5, 0.9}})});
  const Tensor x = Tensor::zeros(Shape{4, 1}), y = Tensor::zeros(Shape{4, 1});
  expect_error<ShapeError>([&] { model.fit(x, y, {.verbose = 0}); }, {"quantile", "3 predictions", "(None, 2)"});
}

}  // namespace
}  // namespace rondo::training
