// Against what a sort of all predictions says.
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/metric_data.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::metric_data;
using test::metric_value;
using test::MetricData;

// How often a positive one is ahead of a negative one; equals count half.
double share_ahead(const MetricData& data, Index column) {
  double ahead = 0, pairs = 0;
  for (Index a = 0; a < data.y_pred.shape()[0]; ++a) {
    for (Index b = 0; b < data.y_pred.shape()[0]; ++b) {
      if (data.y_true(a, column) == 0 || data.y_true(b, column) != 0) continue;
      const double weight = data.weights(a) * data.weights(b), lead = data.y_pred(a, column) - data.y_pred(b, column);
      pairs += weight;
      ahead += lead > 0 ? weight : lead == 0 ? weight / 2 : 0;
    }
  }
  return ahead / pairs;
}

TEST(AUC, IsTheShareOfPairsInOrderWhereThresholdsTellAllPredictionsApart) {
  const MetricData data = metric_data(80, 1, 1);
  const double exact = share_ahead(data, 0);
  EXPECT_NEAR(metric_value(metrics::AUC({.num_thresholds = 65}), data.y_true, data.y_pred, data.weights), exact, 1e-14);
  std::vector<double> thresholds;
  for (int i = 64; i-- > 1;) thresholds.push_back((i + 0.25) / 65);
  EXPECT_NEAR(metric_value(metrics::AUC({.thresholds = thresholds}), data.y_true, data.y_pred, data.weights), exact,
              0.01);
  EXPECT_NEAR(metric_value(metrics::AUC({.num_thresholds = 9}), data.y_true, data.y_pred, data.weights), exact, 0.05);
}

TEST(AUC, OfSeveralLabelsIsTheirMeanByWeight) {
  const MetricData data = metric_data(50, 3, 2);
  const double a = share_ahead(data, 0), b = share_ahead(data, 1), c = share_ahead(data, 2);
  const auto of = [&](const metrics::AUCOptions& options) {
    return metric_value(metrics::AUC(options), data.y_true, data.y_pred, data.weights);
  };
  EXPECT_NEAR(of({.num_thresholds = 65, .multi_label = true}), (a + b + c) / 3, 1e-14);
  EXPECT_NEAR(of({.num_thresholds = 65, .multi_label = true, .num_labels = 3, .label_weights = {1, 0, 3}}),
              (a + 3 * c) / 4, 1e-14);
  const Tensor y = data.y_true.columns(1, 2), p = data.y_pred.columns(1, 2);
  EXPECT_NEAR(of({.num_thresholds = 65, .label_weights = {0, 1, 0}}), b, 1e-14) << "the others weigh nothing";
}

TEST(AUC, HasItsMethodsInOrder) {
  const MetricData data = metric_data(60, 1, 3);
  for (const char* curve : {"ROC", "PR"}) {
    const auto of = [&](const char* method) {
      return metric_value(metrics::AUC({.num_thresholds = 9, .curve = curve, .summation_method = method}), data.y_true,
                          data.y_pred);
    };
    EXPECT_LT(of("minoring"), of("interpolation"));
    EXPECT_LT(of("interpolation"), of("majoring"));
  }
  EXPECT_EQ(metric_value(metrics::AUC({.curve = "PR"}), {0, 1, 1}, {0.1, 0.8, 0.9}), 1) << "all positives are ahead";
  EXPECT_EQ(metric_value(metrics::AUC(), {1, 1}, {0.1, 0.2}), 0) << "there is nothing to be ahead of";
}

TEST(AUC, FromLogitsIsThatOfTheirSigmoid) {
  const MetricData data = metric_data(40, 1, 4);
  std::vector<double> logits = data.y_pred.to_vector(), sigmoids;
  for (double& x : logits) x = 8 * x - 4;
  for (const double x : logits) sigmoids.push_back(1 / (1 + std::exp(-x)));
  const Shape shape = data.y_pred.shape();
  EXPECT_EQ(metric_value(metrics::AUC({.from_logits = true}), data.y_true, Tensor(shape, logits)),
            metric_value(metrics::AUC(), data.y_true, Tensor(shape, sigmoids)));
}

TEST(AUC, StaysInRangeWhateverThePredictionsAre) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const Tensor p = {nan, inf, -inf, -5.0, 7.0}, y = {1.0, 1.0, 0.0, nan, 0.0};
  for (const Metric& metric : {metrics::AUC(), metrics::AUC({.thresholds = {0.3}}), metrics::AUC({.curve = "PR"}),
                               metrics::AUC({.from_logits = true})}) {
    const double area = metric_value(metric, y, p);
    EXPECT_TRUE(area >= 0 && area <= 1) << area;
  }
}

TEST(AUC, RefusesOptionsThatMeanNothing) {
  using metrics::AUC;
  expect_error<ConfigError>([] { AUC({.num_thresholds = 1}); }, {"AUC", "num_thresholds is 1", "2 or more"});
  expect_error<ConfigError>([] { AUC({.thresholds = {0.5, -1}}); }, {"AUC", "-1", "between 0 and 1"});
  expect_error<ConfigError>([] { AUC({.curve = "PRGAIN"}); }, {"AUC", "\"PRGAIN\"", "\"ROC\" or \"PR\""});
  expect_error<ConfigError>([] { AUC({.summation_method = "middle"}); }, {"AUC", "\"middle\"", "\"minoring\""});
  expect_error<ConfigError>([] { AUC({.num_labels = 2}); }, {"num_labels is 2", "multi_label"});
  expect_error<ConfigError>([] { AUC({.label_weights = {1, -1}}); }, {"label_weights is -1"});
  expect_error<ShapeError>(
      [] {
        metric_value(AUC({.label_weights = {1, 2}}), {{1}}, {{0.5}});
      },
      {"2 label_weights", "(None, 1)"});
  expect_error<ShapeError>([] { metric_value(AUC({.multi_label = true, .num_labels = 3}), {{1}}, {{0.5}}); },
                           {"3 labels"});
}

}  // namespace
}  // namespace rondo
