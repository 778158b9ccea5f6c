#include <gtest/gtest.h>

#include <rondo/error.hpp>
#include <rondo/shape.hpp>

#include "support/expect_error.hpp"

namespace rondo {
namespace {

TEST(Shape, HoldsSizesOfAnyIntegerType) {
  const std::size_t n = 3;
  const Shape shape{n, 5, std::int64_t{2}};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape[0], 3);
  EXPECT_EQ(shape[-1], 2);
  EXPECT_EQ(shape.back(), 2);
  EXPECT_EQ(shape.elements(), 30);
  EXPECT_TRUE(shape.fully_known());
}

TEST(Shape, WithoutAxesIsAScalarsAndMeansNotGiven) {
  EXPECT_TRUE(Shape().empty());
  EXPECT_EQ(Shape().elements(), 1);
  EXPECT_FALSE((Shape{0}).empty());
  EXPECT_EQ((Shape{0, 7}).elements(), 0);
}

TEST(Shape, AnUnknownAxisHasNoElementCount) {
  const Shape shape{Shape::kUnknown, 5};
  EXPECT_FALSE(shape.fully_known());
  EXPECT_THROW((void)shape.elements(), ShapeError);
}

TEST(Shape, AProductBeyondSixtyFourBitsIsAnErrorAndNotAnOverflow) {
  const Index large = Index{1} << 40;
  test::expect_error<ShapeError>(
      [&] {
        (void)(Shape{large, large}).elements();
      },
      {"(1099511627776, 1099511627776)", "about 1.2e+24"});
  EXPECT_EQ((Shape{large, 0, large}).elements(), 0);
}

TEST(Shape, ANegativeAxisIsNoTensors) {
  test::expect_error<ShapeError>([] { (void)(Shape{-7, 3}).elements(); }, {"(-7, 3)", "size -7", "0 or more"});
  test::expect_error<ShapeError>([] { (void)(Shape{-2, -2}).elements(); }, {"(-2, -2)"});
  test::expect_error<ShapeError>([] { (void)(Shape{0, -2}).elements(); }, {"(0, -2)"});
}

TEST(Shape, IsTakenApartAndPutTogether) {
  const Shape shape{9, 5, 2};
  EXPECT_EQ(shape.from(1), (Shape{5, 2}));
  EXPECT_EQ(shape.from(3), Shape());
  EXPECT_EQ(shape.with(1, 7), (Shape{9, 7, 2}));
  EXPECT_EQ(shape.with(-1, 7), (Shape{9, 5, 7}));
  EXPECT_EQ(shape.without_last(), (Shape{9, 5}));
  EXPECT_EQ(shape.append(1), (Shape{9, 5, 2, 1}));
  EXPECT_EQ(shape.prepend(4), (Shape{4, 9, 5, 2}));
  EXPECT_NE(shape.without_last(), (Shape{9, 5, 0})) << "a missing axis is not an axis of size 0";
}

TEST(Shape, AnAxisThatDoesNotExistIsAnError) {
  const Shape shape{9, 5};
  EXPECT_THROW((void)shape[2], ShapeError);
  EXPECT_THROW((void)shape[-3], ShapeError);
  EXPECT_THROW((void)shape.from(3), ShapeError);
  EXPECT_THROW((void)shape.with(2, 1), ShapeError);
  EXPECT_THROW((void)Shape().back(), ShapeError);
  EXPECT_THROW((void)Shape().without_last(), ShapeError);
  EXPECT_THROW((void)Shape(std::vector<Index>(9, 1)), ShapeError) << "more than kMaxRank axes";
}

TEST(Shape, PrintsAsPythonWritesATuple) {
  EXPECT_EQ(to_string(Shape{Shape::kUnknown, 5, 2}), "(None, 5, 2)");
  EXPECT_EQ(to_string(Shape{3}), "(3,)");
  EXPECT_EQ(to_string(Shape()), "()");
}

}  // namespace
}  // namespace rondo
