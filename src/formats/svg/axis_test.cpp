#include "formats/svg/axis.hpp"

#include <cmath>
#include <gtest/gtest.h>

namespace rondo::svg {
namespace {

using Labels = std::vector<std::string>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

ValueRange range_of(std::initializer_list<double> values) {
  ValueRange range;
  for (const double value : values) range.include(value);
  return range;
}

TEST(Axis, HasTicksAtRoundNumbersInsideTheRange) {
  const Axis axis = make_axis(range_of({1949, 1960.9}), 7, /*to_ticks=*/false);
  EXPECT_EQ(axis.tick_labels, (Labels{"1950", "1952", "1954", "1956", "1958", "1960"}));
  EXPECT_EQ(axis.low, 1949);
  EXPECT_EQ(axis.high, 1960.9);
}

TEST(Axis, IsWidenedToTheNextTicksWhereThatIsWanted) {
  const Axis axis = make_axis(range_of({104, 622.5}), 7, /*to_ticks=*/true);
  EXPECT_EQ(axis.tick_labels, (Labels{"100", "200", "300", "400", "500", "600", "700"}));
  EXPECT_EQ(axis.low, 100);
  EXPECT_EQ(axis.high, 700);
}

TEST(Axis, HasNoTicksBetweenWholeNumbersWhereAllValuesAreWhole) {
  EXPECT_EQ(make_axis(range_of({0, 2}), 10, false).tick_labels, (Labels{"0", "1", "2"}));
  EXPECT_EQ(make_axis(range_of({0, 2.5}), 6, false).tick_labels, (Labels{"0", "0.5", "1.0", "1.5", "2.0", "2.5"}));
}

TEST(Axis, WritesSmallAndLargeTicksWithAnExponent) {
  EXPECT_EQ(make_axis(range_of({1e-7, 3e-7}), 5, true).tick_labels,
            (Labels{"1e-7", "1.5e-7", "2e-7", "2.5e-7", "3e-7"}));
  EXPECT_EQ(make_axis(range_of({0, 1e9}), 2, true).tick_labels, (Labels{"0", "5e8", "1e9"}));
  EXPECT_EQ(make_axis(range_of({0, 4e6}), 2, true).tick_labels, (Labels{"0", "2000000", "4000000"}));
}

TEST(Axis, PlacesValuesBetweenItsPixelsAndHugeOnesAtItsEdge) {
  Axis axis = make_axis(range_of({0, 10}), 5, true);
  axis.from = 200;
  axis.to = 100;
  EXPECT_EQ(axis.pixel(0), 200);
  EXPECT_EQ(axis.pixel(5), 150);
  EXPECT_EQ(axis.pixel(1e300), 100);
}

TEST(LogAxis, HasTicksAtPowersOfTen) {
  const Axis axis = make_log_axis(range_of({-4.3, 0.2}), 7);
  EXPECT_EQ(axis.tick_labels, (Labels{"0.0001", "0.001", "0.01", "0.1", "1"}));
  EXPECT_EQ(axis.low, -4.3);
  EXPECT_EQ(axis.high, 0.2);
  EXPECT_EQ(make_log_axis(range_of({-9, 0}), 4).tick_labels, (Labels{"1e-09", "1e-06", "0.001", "1"}));
}

TEST(LogAxis, OfLessThanTwoPowersHasTicksBetweenThem) {
  EXPECT_EQ(make_log_axis(range_of({-0.5, 0.8}), 7).tick_labels, (Labels{"0.5", "1", "2", "5"}));
}

TEST(ValueRange, LeavesOutWhatIsNotFinite) {
  const ValueRange range = range_of({3, std::nan(""), kInfinity, -kInfinity, 1});
  EXPECT_EQ(range.low, 1);
  EXPECT_EQ(range.high, 3);
  EXPECT_TRUE(range.whole_numbers);
}

// As an axis divides by its length.
TEST(ValueRange, IsNeverEmptyNorEndless) {
  const double most = std::numeric_limits<double>::max(), least = std::numeric_limits<double>::denorm_min();
  for (const ValueRange& range :
       {range_of({}), range_of({0}), range_of({7}), range_of({-3, -3}), range_of({1, 1 + 1e-15}), range_of({0, least}),
        range_of({-most, most}), range_of({most})}) {
    const ValueRange drawable = range.drawable();
    EXPECT_GT(drawable.high - drawable.low, 0) << range.low << " " << range.high;
    EXPECT_TRUE(std::isfinite(drawable.high - drawable.low)) << range.low << " " << range.high;
  }
}

}  // namespace
}  // namespace rondo::svg
