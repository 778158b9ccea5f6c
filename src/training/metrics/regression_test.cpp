// Against the formulas, in two passes.
#include <cmath>
#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/metric_data.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::metric_data;
using test::metric_result;
using test::MetricData;

// Labels that are no classes.
MetricData quantities(Index rows, Index columns, unsigned seed) {
  MetricData data = metric_data(rows, columns, seed);
  data.y_true = metric_data(rows, columns, seed + 100).y_pred;
  return data;
}

TEST(R2Score, ComparesErrorsWithThoseOfTheMean) {
  const MetricData data = quantities(40, 2, 1);
  const auto of = [&](const metrics::R2ScoreOptions& options) {
    return metric_result(metrics::R2Score(options), data.y_true, data.y_pred, data.weights);
  };
  double scores[2], variances[2], rows_there = 0;
  for (Index c = 0; c < 2; ++c) {
    double sum = 0, weights = 0, errors = 0, around_mean = 0;
    for (Index r = 0; r < 40; ++r) {
      sum += data.weights(r) * data.y_true(r, c);
      weights += data.weights(r);
    }
    rows_there = 0;
    for (Index r = 0; r < 40; ++r) {
      errors += data.weights(r) * std::pow(data.y_true(r, c) - data.y_pred(r, c), 2);
      around_mean += data.weights(r) * std::pow(data.y_true(r, c) - sum / weights, 2);
      rows_there += data.weights(r) == 0 ? 0 : 1;
    }
    scores[c] = 1 - errors / around_mean;
    variances[c] = around_mean;
  }
  const double uniform = (scores[0] + scores[1]) / 2;
  EXPECT_NEAR(of({})(), uniform, 1e-12);
  EXPECT_NEAR(of({.class_aggregation = std::nullopt})(1), scores[1], 1e-12);
  EXPECT_NEAR(of({.class_aggregation = "variance_weighted_average"})(),
              (scores[0] * variances[0] + scores[1] * variances[1]) / (variances[0] + variances[1]), 1e-12);
  const double labels = 2 * rows_there;
  EXPECT_NEAR(of({.num_regressors = 3})(), 1 - (1 - uniform) * (labels - 1) / (labels - 4), 1e-12);
  EXPECT_NEAR(of({.num_regressors = 1000})(), uniform, 1e-12) << "too few labels to adjust";
}

TEST(R2Score, IsOneWherePerfectAndZeroWhereLabelsAreTheSame) {
  const Tensor y = {{1.0}, {2.0}, {4.0}};
  EXPECT_EQ(metric_result(metrics::R2Score(), y, y)(), 1);
  EXPECT_EQ(metric_result(metrics::R2Score(), {{3.0}, {3.0}}, {{1.0}, {2.0}})(), 0);
}

TEST(Correlations, AreThoseOfEachRow) {
  const Tensor y = {{1.0, 2.0, 4.0}, {0.0, 1.0, 0.5}}, twice = {{3.0, 5.0, 9.0}, {1.0, -1.0, 0.0}};  // 2 y + 1, 1 - 2 y
  EXPECT_NEAR(metric_result(metrics::PearsonCorrelation(), y, twice)(), 0, 1e-15) << "1 and -1";
  EXPECT_NEAR(metric_result(metrics::PearsonCorrelation(), y, twice, Tensor{3.0, 1.0})(), 0.5, 1e-15);
  EXPECT_NEAR(metric_result(metrics::ConcordanceCorrelation(), y, y)(), 1, 1e-6);
  // Of {1, 2, 4} and itself plus 1: variance 14/9, so 2 (14/9) / (2 (14/9) + 1).
  EXPECT_NEAR(metric_result(metrics::ConcordanceCorrelation(), {{1.0, 2.0, 4.0}}, {{2.0, 3.0, 5.0}})(), 28.0 / 37,
              1e-6);
  EXPECT_TRUE(std::isnan(metric_result(metrics::PearsonCorrelation(), {{1.0, 1.0}}, {{1.0, 2.0}})()));
}

TEST(R2Score, RefusesOptionsThatMeanNothing) {
  using metrics::R2Score;
  expect_error<ConfigError>([] { R2Score({.class_aggregation = "mean"}); }, {"R2Score", "\"mean\"", "uniform_average"});
  expect_error<ConfigError>([] { R2Score({.num_regressors = -1}); }, {"num_regressors is -1", "0 or more"});
  expect_error<ShapeError>(
      [] {
        metric_result(R2Score(), Tensor::zeros({2, 3, 2}), Tensor::zeros({2, 3, 2}));
      },
      {"r2_score", "two axes", "(None, 3, 2)"});
}

}  // namespace
}  // namespace rondo
