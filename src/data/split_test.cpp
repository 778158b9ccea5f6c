#include <gtest/gtest.h>
#include <numeric>

#include <rondo/data.hpp>

#include "support/expect_error.hpp"

namespace rondo {
namespace {

using test::expect_error;

Tensor counting(Index n) {
  std::vector<double> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 0.0);
  return values;
}

TEST(SplitInTime, PutsTheLastRowsIntoTheTestPart) {
  const auto [train, test] = split_in_time(Tensor{1, 2, 3, 4, 5}, {.test = 2});
  EXPECT_TRUE(train.identical(Tensor{1, 2, 3}));
  EXPECT_TRUE(test.identical(Tensor{4, 5}));
}

TEST(SplitInTime, SplitsXAndYAlike) {
  const Tensor X = counting(12).reshape({4, 3, 1});
  const auto [X_train, X_test, y_train, y_test] = split_in_time(X, Tensor{10, 11, 12, 13}, {.test = 1});
  EXPECT_EQ(X_train.shape(), (Shape{3, 3, 1}));
  EXPECT_EQ(X_test(0, 0, 0), 9);
  EXPECT_TRUE(y_train.identical(Tensor{10, 11, 12}));
  EXPECT_TRUE(y_test.identical(Tensor{13}));
}

TEST(SplitInTime, RoundsAFractionUpAndIgnoresRoundingErrors) {
  const auto test_rows = [](Index rows, double fraction) {
    return split_in_time(counting(rows), {.test_fraction = fraction}).test.shape()[0];
  };
  EXPECT_EQ(test_rows(10, 0.2), 2);
  EXPECT_EQ(test_rows(10, 0.25), 3);
  EXPECT_EQ(test_rows(100, 0.07), 7);  // 100 * 0.07 = 7.000000000000001
  EXPECT_EQ(test_rows(10, 0.9), 9);
  EXPECT_EQ(test_rows(144, 1.0 / 3), 48);
  for (int rows = 2; rows < 300; ++rows) {
    for (int test = 1; test < rows; ++test) ASSERT_EQ(test_rows(rows, static_cast<double>(test) / rows), test);
  }
}

TEST(SplitInTime, KeepsTheDtype) {
  const Split parts = split_in_time(Tensor(std::vector<float>{1, 2, 3}), {.test = 1});
  EXPECT_EQ(parts.train.dtype(), DType::float32);
  EXPECT_EQ(parts.test.dtype(), DType::float32);
}

TEST(SplitInTime, RefusesEmptyPartsAndUnclearOptions) {
  const Tensor five = {1, 2, 3, 4, 5};
  expect_error<ShapeError>([&] { (void)split_in_time(five, {.test = 5}); }, {"5 of 5 rows", "(5,)", "at least one"});
  expect_error<ShapeError>([&] { (void)split_in_time(five, {.test = 50}); }, {"50 of 5 rows"});
  expect_error<ShapeError>([&] { (void)split_in_time(five, {.test_fraction = 0.99}); }, {"5 of 5 rows"});
  expect_error<ShapeError>([] { (void)split_in_time(Tensor::zeros({}), {.test = 1}); }, {"scalar"});
  expect_error<ShapeError>([&] { (void)split_in_time(five, Tensor{1, 2}, {.test = 1}); }, {"5 rows", "(2,)"});
  expect_error<ConfigError>([&] { (void)split_in_time(five, {}); }, {"exactly one", "test_fraction"});
  expect_error<ConfigError>([&] { (void)split_in_time(five, {.test = 1, .test_fraction = 0.5}); }, {"exactly one"});
  expect_error<ConfigError>([&] { (void)split_in_time(five, {.test = -1}); }, {"at least 1", "-1"});
  for (const double fraction : {-0.1, 1.0, 12.0}) {
    expect_error<ConfigError>([&] { (void)split_in_time(five, {.test_fraction = fraction}); }, {"between 0 and 1"});
  }
}

}  // namespace
}  // namespace rondo
