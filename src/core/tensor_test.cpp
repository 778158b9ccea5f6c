#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include <rondo/tensor.hpp>

#include "support/expect_error.hpp"
#include "support/instrumented.hpp"

namespace rondo {
namespace {

using test::expect_error;

TEST(Tensor, KeepsThePrecisionItCameWith) {
  EXPECT_EQ(Tensor(std::vector<float>{1, 2}).dtype(), DType::float32);
  EXPECT_EQ(Tensor(std::vector<double>{1, 2}).dtype(), DType::float64);
  EXPECT_EQ(Tensor(std::vector<int>{1, 2}).dtype(), DType::float64);
  EXPECT_EQ((Tensor{{1.5, 2}, {3, 4}}).dtype(), DType::float64);
  EXPECT_EQ(Tensor(std::array<float, 2>{1, 2}).dtype(), DType::float32);
  const float elements[] = {1, 2, 3};
  EXPECT_EQ(Tensor(std::span<const float>(elements)).shape(), (Shape{3}));
}

TEST(Tensor, ComesFromNestedListsOfAnyDepth) {
  EXPECT_EQ((Tensor{1, 2, 3}).shape(), (Shape{3}));
  EXPECT_EQ((Tensor{{1, 2, 3}, {4, 5, 6}}).shape(), (Shape{2, 3}));
  EXPECT_EQ((Tensor{{{1}, {2}}, {{3}, {4}}}).shape(), (Shape{2, 2, 1}));
  EXPECT_EQ((Tensor{{0.1}, {0.2}}).shape(), (Shape{2, 1}));
  EXPECT_EQ((Tensor{{{1}, {2}}, {{3}, {4}}})(1, 0, 0), 3);
  EXPECT_THROW((Tensor{{1, 2}, {3}}), ShapeError);
  EXPECT_THROW((Tensor{{1, 2}, 3}), ShapeError);
  EXPECT_THROW((Tensor{1, {2, 3}}), ShapeError);
}

TEST(Tensor, ComesFromRowsThatAreEquallyLong) {
  const Tensor t = std::vector<std::vector<int>>{{1, 2}, {3, 4}, {5, 6}};
  EXPECT_EQ(t.shape(), (Shape{3, 2}));
  EXPECT_EQ(t(2, 1), 6);
  EXPECT_THROW(Tensor(std::vector<std::vector<int>>{{1, 2}, {3}}), ShapeError);
}

TEST(Tensor, ComesFromSamplesOfSteps) {
  const Tensor t = std::vector<std::vector<std::vector<float>>>{{{1, 2}, {3, 4}, {5, 6}}, {{7, 8}, {9, 10}, {11, 12}}};
  EXPECT_EQ(t.shape(), (Shape{2, 3, 2}));
  EXPECT_EQ(t.dtype(), DType::float32);
  EXPECT_EQ(t(1, 0, 1), 8);
  using Samples = std::vector<std::vector<std::vector<int>>>;
  expect_error<ShapeError>([] { (void)Tensor(Samples{{{1}, {2}}, {{3}}}); }, {"sample 1 has 1", "sample 0 has 2"});
  expect_error<ShapeError>(
      [] {
        (void)Tensor(Samples{{{1}, {2}}, {{3}, {4, 5}}});
      },
      {"sample 1, step 1 has 2", "sample 0, step 0 has 1"});
  EXPECT_EQ(Tensor(Samples{}).shape(), (Shape{0, 0, 0}));
}

TEST(Tensor, CopiesElementsFromAPointer) {
  const float raw[] = {1, 2, 3, 4, 5, 6};
  const Tensor t(raw, {2, 3});
  EXPECT_TRUE(t.identical(Tensor(Shape{2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6})));
  const int whole[] = {1, 2};
  EXPECT_TRUE(Tensor(whole, {2, 1}).identical(Tensor{{1}, {2}}));
  const double* null = nullptr;
  EXPECT_EQ(Tensor(null, {0, 3}).shape(), (Shape{0, 3}));
  expect_error<ConfigError>([&] { (void)Tensor(null, {2, 3}); }, {"null", "(2, 3)"});
  EXPECT_THROW((void)Tensor(raw, {Shape::kUnknown, 3}), ShapeError);
}

TEST(Tensor, OfAShapeIsZeroAndCountsItsElements) {
  const Tensor t({2, 3}, DType::float64);
  EXPECT_EQ(t.size(), 6);
  EXPECT_EQ(t.to_vector(), std::vector<double>(6, 0.0));
  EXPECT_TRUE(Tensor().empty());
  EXPECT_THROW(Tensor(Shape{2, 3}, std::vector<double>{1, 2, 3}), ShapeError);
}

TEST(Tensor, OfZerosHasTheDtypeOfFloatx) {
  EXPECT_EQ(Tensor::zeros({2, 3}).dtype(), DType::float32);
  EXPECT_EQ(Tensor::zeros({2, 3}).shape(), (Shape{2, 3}));
  set_floatx("float64");
  EXPECT_EQ(Tensor::zeros({2, 3}).dtype(), DType::float64);
  set_floatx(DType::float32);
  EXPECT_THROW(set_floatx("float16"), ConfigError);
}

TEST(Tensor, IsReadAndWrittenByIndex) {
  Tensor t = {{1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(t(1, 2), 6);
  EXPECT_EQ(t(-1, -3), 4);
  t.set({0, -1}, 9.5);
  EXPECT_EQ(t(0, 2), 9.5);
  EXPECT_THROW((void)t(2, 0), ShapeError);
  EXPECT_THROW((void)t(0, -4), ShapeError);
  EXPECT_THROW((void)t(0), ShapeError);
  EXPECT_THROW(t.set({0, 3}, 1), ShapeError);
}

TEST(Tensor, GivesItsElementsInItsOwnTypeOnly) {
  Tensor t = std::vector<float>{1, 2};
  t.data<float>()[1] = 7;
  EXPECT_EQ(t(1), 7);
  EXPECT_THROW((void)t.data<double>(), ConfigError);
}

TEST(Tensor, ReshapesTheSameElements) {
  const Tensor t = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(t.reshape({2, 3})(1, 0), 4);
  EXPECT_EQ(t.reshape({-1, 3, 1}).shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(t.reshape({2, 3}).to_vector(), t.to_vector());
  EXPECT_EQ((Tensor{7}).reshape(Shape()).shape(), Shape());
  EXPECT_THROW((void)t.reshape({4, 2}), ShapeError);
  EXPECT_THROW((void)t.reshape({-1, 4}), ShapeError);
  EXPECT_THROW((void)t.reshape({-1, -1}), ShapeError);
  EXPECT_THROW((void)t.reshape({-1, 0}), ShapeError);
}

TEST(Tensor, IsNotReshapedIntoMoreElementsThanItHasByAnOverflow) {
  const Tensor one = {1.0};
  // 7 * 7905747460161236407 is 1 modulo 2^64.
  expect_error<ShapeError>([&] { (void)one.reshape({7, 7905747460161236407}); }, {"(7, 7905747460161236407)"});
  expect_error<ShapeError>([&] { (void)one.reshape({7, 7905747460161236407, -1}); }, {"(7, 7905747460161236407, 1)"});
  expect_error<ShapeError>([&] { (void)one.reshape({-5}); }, {"(-5,)", "size -5"});
}

TEST(Tensor, OfAnAbsurdSizeIsAnErrorThatSaysHowMuchWasAskedFor) {
  expect_error<MemoryError>([] { (void)Tensor::zeros({Index{1} << 61}, DType::float64); },
                            {"float64 tensor", "(2305843009213693952,)", "18.4 EB"});
  expect_error<ShapeError>(
      [] {
        (void)Tensor::zeros({Index{1} << 40, Index{1} << 40});
      },
      {"(1099511627776, 1099511627776)", "about 1.2e+24"});
  expect_error<ShapeError>([] { (void)Tensor::zeros({-3, 2}); }, {"(-3, 2)", "size -3"});
  expect_error<ShapeError>([] { (void)Tensor::zeros({Shape::kUnknown, 2}); }, {"(None, 2)", "unknown"});
  EXPECT_EQ(Tensor::zeros({0, Index{1} << 40, Index{1} << 40}).size(), 0);
  if (test::memory_may_end()) {
    expect_error<MemoryError>([] { (void)Tensor::zeros({Index{1} << 50}); }, {"float32 tensor", "4.5 PB"});
  }
}

TEST(Tensor, GivesRowsAsCopies) {
  const Tensor t = {{1, 2}, {3, 4}, {5, 6}};
  EXPECT_TRUE(t.rows(1, 3).identical(Tensor{{3, 4}, {5, 6}}));
  EXPECT_TRUE(t.rows(-1).identical(Tensor{{5, 6}}));
  EXPECT_TRUE(t.rows(0, -1).identical(Tensor{{1, 2}, {3, 4}}));
  EXPECT_EQ(t.rows(2, 2).shape(), (Shape{0, 2}));
  EXPECT_THROW((void)t.rows(0, 4), ShapeError);
  EXPECT_THROW((void)t.rows(2, 1), ShapeError);
}

TEST(Tensor, GivesColumnsAsCopies) {
  const Tensor t = {{1, 2, 3}, {4, 5, 6}};
  EXPECT_TRUE(t.columns(0, -1).identical(Tensor{{1, 2}, {4, 5}}));
  EXPECT_TRUE(t.columns(-1).identical(Tensor{{3}, {6}}));
  EXPECT_TRUE(t.cast(DType::float32).columns(1, 2).identical((Tensor{{2}, {5}}).cast(DType::float32)));
  EXPECT_EQ(Tensor::zeros({2, 3, 4}).columns(1).shape(), (Shape{2, 3, 3}));
  expect_error<ShapeError>([&] { (void)t.columns(2, 4); }, {"[2, 4)", "last axis", "(2, 3)"});
  expect_error<ShapeError>([] { (void)Tensor({1, 2, 3}).columns(0); }, {"(3,)", "two axes"});
}

TEST(Tensor, ThatWasMovedFromIsEmpty) {
  Tensor t = {{1, 2}, {3, 4}};
  const Tensor taken = std::move(t);
  EXPECT_EQ(taken.shape(), (Shape{2, 2}));
  EXPECT_TRUE(t.identical(Tensor()));  // NOLINT(bugprone-use-after-move): this is what is tested
  EXPECT_EQ(t.size(), 0);
  EXPECT_EQ(to_string(t), "[]");
  EXPECT_THROW((void)t(0, 0), ShapeError);
  EXPECT_EQ(t.rows(0).size(), 0);

  t = taken;
  Tensor target;
  target = std::move(t);
  EXPECT_TRUE(target.identical(taken));
  EXPECT_TRUE(t.identical(Tensor()));

  Tensor& self = target;
  target = std::move(self);
  EXPECT_TRUE(target.identical(taken)) << "moved to itself";
}

TEST(Tensor, ThatIsReshapedWhileMovedGivesItsElementsAwayOrKeepsThem) {
  Tensor t = {1, 2, 3, 4};
  EXPECT_THROW((void)std::move(t).reshape({3, 2}), ShapeError);
  EXPECT_TRUE(t.identical(Tensor{1, 2, 3, 4}));
  EXPECT_EQ(std::move(t).reshape({2, 2})(1, 0), 3);
  EXPECT_TRUE(t.identical(Tensor()));
}

TEST(Tensor, CastsThereAndBack) {
  const Tensor t = {0.1, 1e300, -2.5};
  const Tensor single = t.cast(DType::float32);
  EXPECT_EQ(single(0), static_cast<double>(0.1f));
  EXPECT_TRUE(std::isinf(single(1)));
  EXPECT_EQ(single.cast(DType::float64)(2), -2.5);
}

TEST(Tensor, IsIdenticalWhereEveryBitIs) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor t = {1.0, nan};
  EXPECT_TRUE(t.identical(Tensor{1.0, nan}));
  EXPECT_FALSE((Tensor{0.0}).identical(Tensor{-0.0}));
  EXPECT_FALSE(t.identical(t.cast(DType::float32)));
  EXPECT_FALSE(t.identical(t.reshape({2, 1})));
  EXPECT_TRUE(Tensor().identical(Tensor::zeros({0})));
}

TEST(TensorView, LooksAtPartsWithoutACopy) {
  Tensor t = Tensor{{1, 2, 3}, {4, 5, 6}};
  const TensorView<double> view = t.view<double>();
  EXPECT_TRUE(view.contiguous());
  EXPECT_EQ(view(1, 2), 6);
  view(1, 2) = 60;
  EXPECT_EQ(t(1, 2), 60);

  const TensorView<double> column = view.at(1, 1);
  EXPECT_EQ(column.shape(), (Shape{2}));
  EXPECT_EQ(column(1), 5);
  EXPECT_FALSE(column.contiguous());
  const TensorView<double> ends = view.slice(1, 0, kToEnd, 2);
  EXPECT_TRUE(Tensor(ends).identical(Tensor{{1, 3}, {4, 60}}));
  EXPECT_TRUE(Tensor(view.transpose()).identical(Tensor{{1, 4}, {2, 5}, {3, 60}}));
  EXPECT_THROW((void)view.slice(1, 0, 4), ShapeError);
  EXPECT_THROW((void)view.at(0, 2), ShapeError);
}

TEST(TensorView, CountsNegativePositionsFromTheEnd) {
  const Tensor t = {{1, 2, 3}, {4, 5, 6}};
  const TensorView<const double> view = t.view<double>();
  EXPECT_TRUE(Tensor(view.slice(1, 0, -1)).identical(Tensor{{1, 2}, {4, 5}})) << "the last column is not among them";
  EXPECT_TRUE(Tensor(view.slice(1, -2)).identical(Tensor{{2, 3}, {5, 6}}));
  EXPECT_TRUE(Tensor(view.slice(-1, -3, -1)).identical(Tensor{{1, 2}, {4, 5}}));
  EXPECT_TRUE(Tensor(view.at(1, -1)).identical(Tensor{3, 6}));
  EXPECT_TRUE(Tensor(view.slice(0, 1)).identical(Tensor{{4, 5, 6}}));
  EXPECT_EQ(view.slice(1, 3).shape(), (Shape{2, 0}));
  EXPECT_THROW((void)view.slice(1, 0, -4), ShapeError);
  EXPECT_THROW((void)view.slice(1, -4), ShapeError);
  EXPECT_THROW((void)view.slice(1, -1, -2), ShapeError);
  EXPECT_THROW((void)view.at(0, -3), ShapeError);
}

TEST(TensorView, TakesStepsOfAnySize) {
  const Tensor t = {1, 2, 3, 4, 5};
  const TensorView<const double> view = t.view<double>();
  EXPECT_TRUE(Tensor(view.slice(0, 0, kToEnd, 3)).identical(Tensor{1, 4}));
  EXPECT_TRUE(Tensor(view.slice(0, 1, kToEnd, INT64_MAX)).identical(Tensor{2}));
  EXPECT_THROW((void)view.slice(0, 0, 5, 0), ShapeError);
  EXPECT_THROW((void)view.slice(0, 0, 5, INT64_MIN), ShapeError);
}

TEST(TensorView, NeedsAShapeOfATensorAndAStrideForEachAxis) {
  double raw[6] = {};
  expect_error<ShapeError>([&] { (void)TensorView(raw, Shape{2, 3}, {1}); }, {"1 strides", "(2, 3)", "each axis"});
  expect_error<ShapeError>([&] { (void)TensorView(raw, Shape{2, 3}, {3, 1, 1}); }, {"3 strides", "(2, 3)"});
  EXPECT_THROW((void)TensorView(raw, Shape{Shape::kUnknown, 3}), ShapeError);
  EXPECT_THROW((void)TensorView(raw, Shape{Shape::kUnknown, 3}, {3, 1}), ShapeError);
  EXPECT_THROW((void)TensorView(raw, Shape{Index{1} << 40, Index{1} << 40}), ShapeError);
  EXPECT_EQ(TensorView(raw, Shape{2, 3}, {3, 1})(1, 2), 0);
}

TEST(TensorView, OfNothingIsReadWithoutAnAddress) {
  const Tensor none = Tensor::zeros({0, 3});
  const TensorView<const float> view = none.view<float>();
  EXPECT_TRUE(view.contiguous());
  EXPECT_EQ(Tensor(view.slice(1, 1)).shape(), (Shape{0, 2}));
  EXPECT_EQ(Tensor(view.transpose()).shape(), (Shape{3, 0}));
  EXPECT_EQ(Tensor::zeros({0, Index{1} << 40, Index{1} << 40}).view<float>().shape().elements(), 0);
}

TEST(TensorView, ThatWasMovedFromIsStillOne) {
  Tensor t = {{1, 2}, {3, 4}};
  TensorView<double> view = t.view<double>();
  const TensorView<double> other = std::move(view);
  EXPECT_EQ(other(1, 0), 3);
  EXPECT_EQ(view(1, 0), 3);  // NOLINT(bugprone-use-after-move): a view has nothing to give away
}

TEST(TensorView, IsContiguousWhereElementsFollowEachOther) {
  Tensor t = Tensor::zeros({4, 3});
  EXPECT_TRUE(t.view<float>().slice(0, 1, 3).contiguous());
  EXPECT_FALSE(t.view<float>().slice(0, 0, kToEnd, 2).contiguous());
  EXPECT_FALSE(t.view<float>().slice(1, 0, 2).contiguous());
  EXPECT_TRUE(t.view<float>().slice(0, 0, 1).slice(1, 0, 2).contiguous()) << "one row alone has no gap";
}

TEST(Argmax, IsTheFirstOfTheLargestAlongTheLastAxis) {
  EXPECT_EQ(argmax(Tensor{{0.1, 0.7, 0.2}, {0.5, 0.3, 0.5}}), (std::vector<Index>{1, 0}));
  EXPECT_EQ(argmax(Tensor{{{1, 2}, {4, 3}}, {{0, 0}, {-2, -1}}}), (std::vector<Index>{1, 0, 0, 1}));
  EXPECT_EQ(argmax(Tensor{3, 9, 2}), (std::vector<Index>{1}));
  EXPECT_THROW((void)argmax(Tensor::zeros({3, 0})), ShapeError);
}

}  // namespace
}  // namespace rondo
