#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/nan.hpp"

namespace rondo {
namespace {

using test::expect_error;

using test::kNaN;

double result(const Metric& metric, const Tensor& y_true, const Tensor& y_pred) {
  MetricState state(metric);
  state.update_state(y_true, y_pred);
  return state.result()();
}

TEST(Accuracy, OfTheClassComparesNumberByNumber) {
  EXPECT_EQ(result(metrics::Accuracy(), {{1, 2}, {3, 4}}, {{1, 0}, {3, 4}}), 0.75);
  EXPECT_EQ(Metric("accuracy").direction(), Direction::up);
}

TEST(TopKCategoricalAccuracy, AsksHowManyAreLarger) {
  const Tensor p = {{0.1, 0.3, 0.3, 0.2}};
  const auto of = [&](Index label, Index k) {
    return result(metrics::SparseTopKCategoricalAccuracy({.k = k}), Tensor{label}, p);
  };
  EXPECT_EQ(of(1, 1), 1);
  EXPECT_EQ(of(2, 1), 1) << "of equals at the border all count";
  EXPECT_EQ(of(3, 2), 0);
  EXPECT_EQ(of(3, 3), 1);
  EXPECT_EQ(of(0, 5), 1) << "more than there are";
  EXPECT_EQ(result(metrics::TopKCategoricalAccuracy({.k = 3}), {{0, 0, 0, 1}}, p), 1);
  EXPECT_EQ(result(metrics::TopKCategoricalAccuracy({.k = 3}), {{1, 0, 0, 0}}, p), 0);
}

TEST(TopKCategoricalAccuracy, HasNoHitWhereThereIsNoNumberOrNoClass) {
  const metrics::SparseTopKCategoricalAccuracy top({.k = 2});
  EXPECT_EQ(result(top, {0}, {{kNaN, 0.1}}), 0);
  EXPECT_EQ(result(top, {1}, {{kNaN, 0.1}}), 1) << "NaN is ahead, alone";
  EXPECT_EQ(result(top, {0.0, -1.0, 2.0, 0.5, kNaN}, Tensor::zeros({5, 2})), 0.2);
}

TEST(SparseTopKCategoricalAccuracy, TakesClassesInOrder) {
  const metrics::SparseTopKCategoricalAccuracy top({.k = 2, .from_sorted_ids = true});
  EXPECT_EQ(result(top, {2, 2, 2}, {{2, 1, 0}, {1, 2, 0}, {1, 0, 2}}), 2.0 / 3);
}

TEST(TopKCategoricalAccuracy, RefusesKBelowOne) {
  expect_error<ConfigError>([] { metrics::TopKCategoricalAccuracy({.k = 0}); }, {"k is 0", "1 or more"});
}

}  // namespace
}  // namespace rondo
