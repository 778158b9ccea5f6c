// Against the formula, class by class.
#include <cmath>
#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/metric_data.hpp"
#include "support/nan.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::kNaN;
using test::metric_data;
using test::metric_result;
using test::MetricData;

// Of precision tp / (tp + fp) and recall tp / (tp + fn), in one fraction; without Keras's 1e-7, which shows in the
// seventh digit.
double f_beta(double beta, double tp, double fp, double fn) {
  return (1 + beta * beta) * tp / ((1 + beta * beta) * tp + beta * beta * fn + fp);
}

TEST(FBetaScore, IsTheMeanOfPrecisionAndRecallOfEachClass) {
  const MetricData data = metric_data(50, 3, 1);
  const auto of = [&](const std::optional<std::string>& average) {
    return metric_result(metrics::FBetaScore({.average = average, .beta = 2, .threshold = 0.5}), data.y_true,
                         data.y_pred, data.weights);
  };
  double tp[3] = {}, fp[3] = {}, fn[3] = {};
  for (Index r = 0; r < 50; ++r) {
    for (Index c = 0; c < 3; ++c) {
      const bool positive = data.y_pred(r, c) > 0.5, label = data.y_true(r, c) != 0;
      if (positive && label) tp[c] += data.weights(r);
      if (positive && !label) fp[c] += data.weights(r);
      if (!positive && label) fn[c] += data.weights(r);
    }
  }
  double sum = 0, weighted = 0, labels = 0;
  const Tensor each = of(std::nullopt);
  ASSERT_EQ(each.shape(), Shape{3});
  for (Index c = 0; c < 3; ++c) {
    const double expected = f_beta(2, tp[c], fp[c], fn[c]);
    EXPECT_NEAR(each(c), expected, 1e-6);
    sum += expected;
    weighted += (tp[c] + fn[c]) * expected;
    labels += tp[c] + fn[c];
  }
  EXPECT_NEAR(of("macro")(), sum / 3, 1e-6);
  EXPECT_NEAR(of("weighted")(), weighted / labels, 1e-6);
  EXPECT_NEAR(of("micro")(), f_beta(2, tp[0] + tp[1] + tp[2], fp[0] + fp[1] + fp[2], fn[0] + fn[1] + fn[2]), 1e-6);
}

TEST(F1Score, TakesTheLargestOfARowForPositive) {
  const Tensor y = {{1, 0}, {0, 1}, {1, 0}, {1, 0}};
  EXPECT_NEAR(
      metric_result(metrics::F1Score({.average = "micro"}), y, {{0.1, 0.05}, {0.6, 0.7}, {0.2, 0.3}, {0.5, 0.5}})(),
      f_beta(1, 3, 2, 1), 1e-6)
      << "of equals all";
  const Tensor zeros = metric_result(metrics::F1Score(), y, {{0, 0}, {0, 0}, {0, 0}, {0, 0}});
  EXPECT_EQ(zeros.to_vector(), (std::vector<double>{0, 0})) << "a row of zeros has none";
  const Tensor nan = metric_result(metrics::F1Score(), {{1, 0}}, {{kNaN, 0.5}});
  EXPECT_EQ(nan.to_vector(), (std::vector<double>{0, 0})) << "nothing reaches NaN";
}

TEST(FBetaScore, RefusesOptionsThatMeanNothing) {
  using metrics::F1Score, metrics::FBetaScore;
  expect_error<ConfigError>([] { FBetaScore({.beta = 0}); }, {"FBetaScore", "beta is 0", "above 0"});
  expect_error<ConfigError>([] { F1Score({.threshold = 0}); }, {"F1Score", "threshold is 0", "at most 1"});
  expect_error<ConfigError>([] { F1Score({.average = "mean"}); }, {"F1Score", "average is \"mean\"", "\"micro\""});
  expect_error<ShapeError>(
      [] {
        metric_result(F1Score(), Tensor::zeros({2, 3, 2}), Tensor::zeros({2, 3, 2}));
      },
      {"f1_score", "two axes", "(None, 3, 2)"});
}

}  // namespace
}  // namespace rondo
