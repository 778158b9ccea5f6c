// Against counting number by number at each threshold.
#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>

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

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Counted {
  double tp = 0, fp = 0, tn = 0, fn = 0;
};

// Numbers at which `counts` holds; what `positive` says of a prediction.
Counted counted(
    const MetricData& data, const std::function<bool(Index row, Index column)>& positive,
    const std::function<bool(Index row, Index column)>& counts = [](Index, Index) { return true; }) {
  Counted c;
  for (Index r = 0; r < data.y_pred.shape()[0]; ++r) {
    for (Index i = 0; i < data.y_pred.shape()[1]; ++i) {
      if (!counts(r, i)) continue;
      const bool label = data.y_true(r, i) != 0;
      (positive(r, i) ? (label ? c.tp : c.fp) : (label ? c.fn : c.tn)) += data.weights(r);
    }
  }
  return c;
}

TEST(Counts, AreThoseAtEachThresholdInTheOrderGiven) {
  const MetricData data = metric_data(40, 3, 1);
  const std::vector<double> thresholds{0.75, 0.125, 0.5};
  const auto of = [&](const Metric& metric) { return metric_result(metric, data.y_true, data.y_pred, data.weights); };
  const Tensor tp = of(metrics::TruePositives({.thresholds = thresholds}));
  const Tensor fp = of(metrics::FalsePositives({.thresholds = thresholds}));
  const Tensor tn = of(metrics::TrueNegatives({.thresholds = thresholds}));
  const Tensor fn = of(metrics::FalseNegatives({.thresholds = thresholds}));
  const Tensor precision = of(metrics::Precision({.thresholds = thresholds}));
  const Tensor recall = of(metrics::Recall({.thresholds = thresholds}));
  for (Index k = 0; k < 3; ++k) {
    const Counted c = counted(data, [&](Index r, Index i) { return data.y_pred(r, i) > thresholds[std::size_t(k)]; });
    EXPECT_EQ(tp(k), c.tp);
    EXPECT_EQ(fp(k), c.fp);
    EXPECT_EQ(tn(k), c.tn);
    EXPECT_EQ(fn(k), c.fn);
    EXPECT_EQ(precision(k), c.tp / (c.tp + c.fp));
    EXPECT_EQ(recall(k), c.tp / (c.tp + c.fn));
  }
  EXPECT_EQ(of(metrics::TruePositives()).shape(), Shape{}) << "one threshold is a number, not a list";
  EXPECT_EQ(of(metrics::TruePositives({.thresholds = {0.5}}))(), tp(2));
}

TEST(Counts, WithThresholdsFromZeroToOneTakeZeroForPositiveAtTheFirst) {
  const Tensor y = {1, 1, 1}, p = {0.0, 0.5, 1.0};
  const Tensor even = metric_result(metrics::TruePositives({.thresholds = {0, 0.5, 1}}), y, p);
  EXPECT_EQ(even.to_vector(), (std::vector<double>{3, 1, 0})) << "as Keras's do";
  const Tensor uneven = metric_result(metrics::TruePositives({.thresholds = {0, 0.25, 1}}), y, p);
  EXPECT_EQ(uneven.to_vector(), (std::vector<double>{2, 2, 0}));
}

TEST(Counts, TakeAWeightForEachNumber) {
  const Tensor y = {{1, 0}, {1, 1}}, p = {{0.9, 0.9}, {0.1, 0.9}}, w = {{1, 2}, {4, 8}};
  EXPECT_EQ(metric_result(metrics::TruePositives(), y, p, w)(), 9);
  EXPECT_EQ(metric_result(metrics::FalsePositives(), y, p, w)(), 2);
  EXPECT_EQ(metric_result(metrics::FalseNegatives(), y, p, w)(), 4);
}

TEST(Precision, OfTheTopKAndOfAClass) {
  const MetricData data = metric_data(40, 5, 2);
  const auto in_top = [&](Index r, Index i) {
    Index ahead = 0;
    for (Index o = 0; o < 5; ++o) {
      ahead += data.y_pred(r, o) > data.y_pred(r, i) || (data.y_pred(r, o) == data.y_pred(r, i) && o < i) ? 1 : 0;
    }
    return ahead < 2;
  };
  const auto of = [&](const Metric& metric) { return metric_result(metric, data.y_true, data.y_pred, data.weights)(); };
  Counted c = counted(data, in_top);
  EXPECT_EQ(of(metrics::Precision({.top_k = 2})), c.tp / (c.tp + c.fp));
  EXPECT_EQ(of(metrics::Recall({.top_k = 2})), c.tp / (c.tp + c.fn));
  c = counted(data, [&](Index r, Index i) { return in_top(r, i) && data.y_pred(r, i) > 0.75; });
  EXPECT_EQ(of(metrics::Precision({.thresholds = {0.75}, .top_k = 2})), c.tp / (c.tp + c.fp));
  c = counted(data, in_top, [](Index, Index i) { return i == 3; });
  EXPECT_EQ(of(metrics::Recall({.top_k = 2, .class_id = 3})), c.tp / (c.tp + c.fn));
}

TEST(Precision, OfNothingIsZero) {
  EXPECT_EQ(metric_result(metrics::Precision(), {1, 1}, {0.1, 0.2})(), 0);
  EXPECT_EQ(metric_result(metrics::Recall(), {0, 0}, {0.9, 0.9})(), 0);
}

TEST(BestRatios, AreThoseOfTheBestThresholdThatIsAllowed) {
  const MetricData data = metric_data(60, 1, 3);
  const auto of = [&](const Metric& metric) { return metric_result(metric, data.y_true, data.y_pred, data.weights)(); };
  for (const double least : {0.0, 0.3, 0.6, 0.95, 1.0}) {
    double sensitivity = 0, specificity = 0, precision = 0, recall = 0;
    for (Index k = 0; k < 33; ++k) {
      const double threshold = static_cast<double>(k) / 32;
      const Counted c = counted(data, [&](Index r, Index i) { return data.y_pred(r, i) > threshold; });
      const double sens = c.tp / (c.tp + c.fn), spec = c.tn / (c.tn + c.fp);
      const double prec = c.tp + c.fp == 0 ? 0 : c.tp / (c.tp + c.fp);
      if (spec >= least) sensitivity = std::max(sensitivity, sens);
      if (sens >= least) specificity = std::max(specificity, spec);
      if (sens >= least) precision = std::max(precision, prec);
      if (prec >= least) recall = std::max(recall, sens);
    }
    const metrics::AtOptions options{.num_thresholds = 33};
    EXPECT_EQ(of(metrics::SensitivityAtSpecificity(least, options)), sensitivity);
    EXPECT_EQ(of(metrics::SpecificityAtSensitivity(least, options)), specificity);
    EXPECT_EQ(of(metrics::PrecisionAtRecall(least, options)), precision);
    EXPECT_EQ(of(metrics::RecallAtPrecision(least, options)), recall);
  }
}

TEST(Counts, OfWhatIsNoProbabilityStayInRange) {
  const Tensor p = {kNaN, kInfinity, -kInfinity, -5, 7, 1e300}, y = {1, 1, 1, kNaN, -1, 0};
  EXPECT_EQ(metric_result(metrics::TruePositives(), y, p)(), 2) << "infinity and 7; a label that is not 0 is positive";
  for (const std::vector<double>& thresholds : {std::vector<double>{0.5}, {0, 0.5, 1}, {0.2, 0.3, 0.9}}) {
    EXPECT_EQ(metric_result(metrics::FalsePositives({.thresholds = thresholds}), y, p).to_vector()[0], 1) << "1e300";
  }
  EXPECT_EQ(metric_result(metrics::SensitivityAtSpecificity(0), y, p)(), 4.0 / 5) << "NaN exceeds no threshold";
  EXPECT_EQ(metric_result(metrics::Precision({.top_k = 1}), {{1, 1, 0}}, {{kNaN, 0.1, kNaN}})(), 1)
      << "NaN is never ahead";
}

TEST(Counts, RefuseOptionsThatMeanNothing) {
  using namespace metrics;
  expect_error<ConfigError>(
      [] {
        TruePositives({.thresholds = {0.5, 1.5}});
      },
      {"TruePositives", "1.5", "between 0 and 1"});
  expect_error<ConfigError>([] { Precision({.thresholds = {kNaN}}); }, {"Precision", "nan", "between 0 and 1"});
  expect_error<ConfigError>([] { Recall({.top_k = 0}); }, {"Recall", "top_k is 0", "1 or more"});
  expect_error<ConfigError>([] { Recall({.class_id = -1}); }, {"Recall", "class_id is -1", "0 or more"});
  expect_error<ConfigError>([] { PrecisionAtRecall(1.5); }, {"PrecisionAtRecall", "recall is 1.5"});
  expect_error<ConfigError>([] { RecallAtPrecision(0.5, {.num_thresholds = 0}); }, {"num_thresholds is 0"});
  expect_error<ConfigError>([] { Metric("precision_at_recall"); }, {"needs options", "PrecisionAtRecall(0.9)"});
  expect_error<ShapeError>(
      [] {
        metric_result(Precision({.class_id = 3}), {{1, 0}}, {{0.5, 0.5}});
      },
      {"class_id 3", "(None, 2)"});
}

}  // namespace
}  // namespace rondo
