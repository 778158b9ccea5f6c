#include <cmath>
#include <gtest/gtest.h>
#include <optional>

#include <rondo/rondo.hpp>

#include "support/metric_data.hpp"

namespace rondo {
namespace {

using test::metric_value;

TEST(Hinge, TakesZeroAndOneForMinusOneAndOneWhereABatchHasNoOthers) {
  const Tensor p = {{0.5, -0.25}, {2.0, 0.75}};
  const double expected = (0.5 + 0.75 + 0.0 + 1.75) / 4;  // of 1, -1, 1 and -1
  EXPECT_EQ(metric_value(metrics::Hinge(), {{1, -1}, {1, -1}}, p), expected);
  EXPECT_EQ(metric_value(metrics::Hinge(), {{1, 0}, {1, 0}}, p), expected);
  EXPECT_EQ(metric_value(metrics::Hinge(), {{1, 0}, {1, -1}}, p), (0.5 + 1 + 0.0 + 1.75) / 4)
      << "0 is a label of its own";
  EXPECT_EQ(metric_value(metrics::SquaredHinge(), {{1, 0}, {1, 0}}, p), (0.25 + 0.5625 + 0.0 + 3.0625) / 4);
}

TEST(SparseCategoricalCrossentropy, OfAnIgnoredClassIsZeroOrNotThere) {
  const metrics::SparseCategoricalCrossentropy metric({.ignore_class = -1});
  const Tensor y = {0, -1}, p = {{0.25, 0.75}, {0.5, 0.5}};
  EXPECT_NEAR(metric_value(metric, y, p), -std::log(0.25) / 2, 1e-12);
  EXPECT_NEAR(metric_value(metric, y, p, Tensor{2, 3}), -std::log(0.25), 1e-12) << "with weights it is not there";
}

TEST(MeanMetricWrapper, IsTheMeanOfALoss) {
  const metrics::MeanMetricWrapper metric(losses::Huber({.delta = 0.5}), {.name = "h"});
  EXPECT_EQ(metric.name(), "h");
  EXPECT_EQ(metrics::MeanMetricWrapper("huber").name(), "huber");
  EXPECT_EQ(metric_value(metric, {0.0, 0.0}, {0.5, 2.0}), (0.125 + 0.875) / 2);
  EXPECT_EQ(metric.direction(), Direction::down);
}

}  // namespace
}  // namespace rondo
