#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/metric_data.hpp"
#include "support/nan.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::kNaN;
using test::metric_value;

// Class 0: one hit of the three that have it; class 1: none of two; class 2: two of three; class 3 does not occur.
const Tensor kTruth = {0, 0, 1, 2, 2}, kPrediction = {0, 1, 2, 2, 2};

TEST(IoU, IsOfTheClassesThatOccur) {
  EXPECT_EQ(metric_value(metrics::MeanIoU(3), kTruth, kPrediction), (1.0 / 2 + 0 + 2.0 / 3) / 3);
  EXPECT_EQ(metric_value(metrics::MeanIoU(4), kTruth, kPrediction), (1.0 / 2 + 0 + 2.0 / 3) / 3);
  EXPECT_EQ(metric_value(metrics::IoU(4, {0}), kTruth, kPrediction), 1.0 / 2);
  EXPECT_EQ(metric_value(metrics::IoU(4, {2, 3}), kTruth, kPrediction), 2.0 / 3);
  EXPECT_EQ(metric_value(metrics::IoU(4, {3}), kTruth, kPrediction), 0);
}

TEST(IoU, CutsWeightsToWholeNumbersAsKerasDoes) {
  const Tensor weights = {2.9, 1.0, 0.5, 1.0, 3.0};  // hits of class 0: 2; the pair (1, 2) is not there
  EXPECT_EQ(metric_value(metrics::IoU(3, {0}), kTruth, kPrediction, weights), 2.0 / 3);
  EXPECT_EQ(metric_value(metrics::IoU(3, {2}), kTruth, kPrediction, weights), 1);
}

TEST(IoU, LeavesOutWhatIsIgnoredAndWhatIsNoClass) {
  EXPECT_EQ(metric_value(metrics::MeanIoU(3, {.ignore_class = 1}), kTruth, kPrediction), (1.0 / 2 + 0 + 1) / 3);
  EXPECT_EQ(metric_value(metrics::MeanIoU(2, {.ignore_class = 255}), Tensor{0, 1, 255}, Tensor{0, 1, 1}), 1);
  EXPECT_EQ(metric_value(metrics::MeanIoU(2), Tensor{0.0, 1.0, kNaN, -1.0, 0.5, 2.0, 1e300, 0.0},
                         Tensor{0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, kNaN}),
            1);
}

TEST(IoU, TakesTheLargestOfARowForItsClass) {
  const Tensor one_hot = {{1, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0, 1}};
  const Tensor scores = {{0.9, 0, 0}, {0, 0.5, 0.2}, {0, 0, 1}, {0.1, 0.2, 0.3}, {0, 0, 0.1}};
  const double expected = metric_value(metrics::MeanIoU(3), kTruth, kPrediction);
  EXPECT_EQ(metric_value(metrics::OneHotMeanIoU(3), one_hot, scores), expected);
  EXPECT_EQ(metric_value(metrics::MeanIoU(3, {.sparse_y_pred = false}), kTruth, scores), expected);
  EXPECT_EQ(metric_value(metrics::OneHotIoU(3, {0}), one_hot, scores), 1.0 / 2);
  EXPECT_EQ(metric_value(metrics::OneHotMeanIoU(3, {.sparse_y_pred = true}), one_hot, kPrediction), expected);
}

TEST(BinaryIoU, TakesWhatReachesItsThreshold) {
  const Tensor y = {0, 1, 1, 0}, p = {0.1, 0.5, 0.4, kNaN};
  EXPECT_EQ(metric_value(metrics::BinaryIoU(), y, p), (2.0 / 3 + 1.0 / 2) / 2);
  EXPECT_EQ(metric_value(metrics::BinaryIoU({.target_class_ids = {1}, .threshold = 0.4}), y, p), 1);
}

TEST(IoU, RefusesOptionsThatMeanNothing) {
  using namespace metrics;
  expect_error<ConfigError>([] { MeanIoU(0); }, {"MeanIoU", "num_classes is 0", "1 or more"});
  expect_error<ConfigError>([] { IoU(3, {}); }, {"IoU", "target_class_ids"});
  expect_error<ConfigError>([] { IoU(3, {3}); }, {"IoU", "target_class_ids is 3", "0 to 2"});
  expect_error<ConfigError>([] { BinaryIoU({.target_class_ids = {2}}); }, {"BinaryIoU", "0 to 1"});
  expect_error<ConfigError>([] { Metric("mean_io_u"); }, {"'mean_io_u' needs options", "MeanIoU(3)"});
  expect_error<ShapeError>(
      [] {
        metric_value(OneHotMeanIoU(3), kTruth, Tensor::zeros({5, 3}));
      },
      {"one_hot_mean_io_u"});
}

}  // namespace
}  // namespace rondo
