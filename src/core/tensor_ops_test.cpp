#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include <rondo/tensor_ops.hpp>

#include "support/expect_error.hpp"
#include "support/nan.hpp"

namespace rondo {
namespace {

using test::expect_error;

using test::kNaN;

Tensor narrow(const Tensor& t) { return t.cast(DType::float32); }

TEST(TensorOps, ComputeElementByElement) {
  const Tensor a = {{1, 2}, {3, 4}}, b = {{10, 20}, {30, 50}};
  EXPECT_TRUE((a + b).identical(Tensor{{11, 22}, {33, 54}}));
  EXPECT_TRUE((b - a).identical(Tensor{{9, 18}, {27, 46}}));
  EXPECT_TRUE((a * b).identical(Tensor{{10, 40}, {90, 200}}));
  EXPECT_TRUE((b / a).identical(Tensor{{10, 10}, {10, 12.5}}));
  EXPECT_TRUE((-a).identical(Tensor{{-1, -2}, {-3, -4}}));
  EXPECT_TRUE(abs(Tensor{-1.5, 2, -0.0}).identical(Tensor{1.5, 2, 0.0}));
  EXPECT_EQ((Tensor() + Tensor()).shape(), (Shape{0}));
  expect_error<ShapeError>([&] { (void)(a + Tensor{1, 2}); }, {"a + b", "(2, 2)", "(2,)"});
  expect_error<ShapeError>([&] { (void)(a / a.reshape({4, 1})); }, {"a / b", "(2, 2)", "(4, 1)"});
}

TEST(TensorOps, TakeANumberOnEitherSide) {
  const Tensor a = {1, 2, 4};
  EXPECT_TRUE((a + 1).identical(Tensor{2, 3, 5}));
  EXPECT_TRUE((1 + a).identical(Tensor{2, 3, 5}));
  EXPECT_TRUE((a - 0.5).identical(Tensor{0.5, 1.5, 3.5}));
  EXPECT_TRUE((10 - a).identical(Tensor{9, 8, 6}));
  EXPECT_TRUE((a * 2.0F).identical(Tensor{2, 4, 8}));
  EXPECT_TRUE((2 * a).identical(Tensor{2, 4, 8}));
  EXPECT_TRUE((a / a.size()).identical(a / 3));
  EXPECT_TRUE((8 / a).identical(Tensor{8, 4, 2}));
  EXPECT_EQ((a / 0)(0), std::numeric_limits<double>::infinity());
}

TEST(TensorOps, KeepFloat32UnlessThereIsAFloat64Tensor) {
  const Tensor a = narrow({0.1, 0.2}), b = narrow({0.3, 0.4}), wide = {1, 2};
  EXPECT_EQ((a + b).dtype(), DType::float32);
  EXPECT_EQ((a + b)(0), static_cast<double>(0.1F + 0.3F));
  EXPECT_EQ((a + wide).dtype(), DType::float64);
  EXPECT_EQ((a + wide)(0), static_cast<double>(0.1F) + 1);
  EXPECT_EQ((wide / a).dtype(), DType::float64);
  EXPECT_EQ((a * 0.1).dtype(), DType::float32);
  EXPECT_EQ((a * 0.1)(0), static_cast<double>(0.1F * 0.1F)) << "the number becomes float32 first, as in NumPy";
  EXPECT_EQ((1 - a).dtype(), DType::float32);
  EXPECT_EQ(mean(a, 0).dtype(), DType::float32);
  EXPECT_EQ(concatenate({a, b}).dtype(), DType::float32);
  EXPECT_EQ(stack({a, wide}).dtype(), DType::float64);
}

TEST(TensorOps, ReduceAllElements) {
  const Tensor a = {{1, 5, 2}, {4, -3, 6}};
  EXPECT_EQ(sum(a), 15);
  EXPECT_EQ(mean(a), 2.5);
  EXPECT_EQ(min(a), -3);
  EXPECT_EQ(max(a), 6);
  EXPECT_EQ(sum(Tensor()), 0);
  EXPECT_EQ(sum(narrow({16777216, 1, 1})), 16777218) << "in float64";
  EXPECT_EQ(sum(Tensor(Shape(), std::vector<double>{3})), 3);
  EXPECT_TRUE(std::signbit(sum(Tensor{-0.0})));
  for (const Tensor& t : {Tensor{kNaN, 1}, Tensor{1, kNaN, 2}, Tensor{1, kNaN}}) {
    EXPECT_TRUE(std::isnan(sum(t)));
    EXPECT_TRUE(std::isnan(min(t)));
    EXPECT_TRUE(std::isnan(max(t)));
  }
  expect_error<ShapeError>([] { (void)mean(Tensor()); }, {"mean", "(0,)"});
  expect_error<ShapeError>([] { (void)min(Tensor::zeros({2, 0})); }, {"min", "(2, 0)"});
  expect_error<ShapeError>([] { (void)max(Tensor()); }, {"max"});
}

TEST(TensorOps, ReduceAnAxis) {
  const Tensor a = {{1, 5, 2}, {4, -3, 6}};
  EXPECT_TRUE(sum(a, 0).identical(Tensor{5, 2, 8}));
  EXPECT_TRUE(sum(a, -1).identical(Tensor{8, 7}));
  EXPECT_TRUE(mean(a, 0).identical(Tensor{2.5, 1, 4}));
  EXPECT_TRUE(min(a, 1).identical(Tensor{1, -3}));
  EXPECT_TRUE(max(a, 0).identical(Tensor{4, 5, 6}));
  const Tensor cube = {{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}};
  EXPECT_TRUE(sum(cube, 1).identical(Tensor{{4, 6}, {12, 14}}));
  EXPECT_EQ(sum(Tensor{1, 2}, 0).shape(), Shape());
  EXPECT_TRUE(sum(Tensor::zeros({0, 2}, DType::float64), 0).identical(Tensor{0.0, 0.0}));
  expect_error<ShapeError>([&] { (void)sum(a, 2); }, {"axis 2", "(2, 3)"});
  expect_error<ShapeError>([] { (void)mean(Tensor::zeros({0, 2}), 0); }, {"mean", "(0, 2)"});
  EXPECT_EQ(max(Tensor::zeros({0, 2}), 1).shape(), (Shape{0}));
}

TEST(TensorOps, ConcatenateAlongAnAxis) {
  const Tensor a = {{1, 2}, {3, 4}}, b = {{5, 6}};
  EXPECT_TRUE(concatenate({a, b}).identical(Tensor{{1, 2}, {3, 4}, {5, 6}}));
  EXPECT_TRUE(concatenate({a, b.reshape({2, 1})}, 1).identical(Tensor{{1, 2, 5}, {3, 4, 6}}));
  EXPECT_TRUE(concatenate({a, a.columns(0, 0)}, -1).identical(a));
  EXPECT_TRUE(concatenate({a.columns(0, 1), a.columns(1)}, 1).identical(a));
  expect_error<ShapeError>([&] { (void)concatenate({a, b}, 1); }, {"tensor 1", "(1, 2)", "(2, 2)", "axis 1"});
  expect_error<ShapeError>([&] { (void)concatenate({a, Tensor{1, 2}}); }, {"tensor 1", "(2,)"});
  expect_error<ShapeError>([&] { (void)concatenate({a}, 2); }, {"axis 2"});
  expect_error<ShapeError>([] { (void)concatenate({}); }, {"concatenate", "at least one"});
}

TEST(TensorOps, StackAlongANewAxis) {
  const Tensor a = {1, 2, 3}, b = {4, 5, 6};
  EXPECT_TRUE(stack({a, b}).identical(Tensor{{1, 2, 3}, {4, 5, 6}}));
  EXPECT_TRUE(stack({a, b}, 1).identical(Tensor{{1, 4}, {2, 5}, {3, 6}}));
  EXPECT_TRUE(stack({a, b}, -1).identical(stack({a, b}, 1)));
  expect_error<ShapeError>([&] { (void)stack({a, Tensor{1, 2}}); }, {"stack", "tensor 1", "(2,)", "(3,)"});
  expect_error<ShapeError>([&] { (void)stack({a, b}, 2); }, {"axis 2"});
  expect_error<ShapeError>([] { (void)stack({}); }, {"stack", "at least one"});
}

TEST(AllClose, FollowsNumPysRule) {
  EXPECT_TRUE(allclose(Tensor{1, 1e10}, Tensor{1 + 1e-6, 1e10 + 1e4}));
  EXPECT_FALSE(allclose(Tensor{1.0}, Tensor{1.001}));
  EXPECT_TRUE(allclose(Tensor{1.0}, Tensor{1.001}, {.rtol = 0.01}));
  EXPECT_TRUE(allclose(Tensor{0.0}, Tensor{1e-9}));
  EXPECT_TRUE(allclose(narrow({0.1}), Tensor{0.1}));
  EXPECT_TRUE(allclose(Tensor{HUGE_VAL}, Tensor{HUGE_VAL}));
  EXPECT_FALSE(allclose(Tensor{HUGE_VAL}, Tensor{-HUGE_VAL}));
  EXPECT_FALSE(allclose(Tensor{1e300}, Tensor{HUGE_VAL}));
  EXPECT_FALSE(allclose(Tensor{kNaN}, Tensor{kNaN}));
  EXPECT_TRUE(allclose(Tensor{kNaN}, Tensor{kNaN}, {.equal_nan = true}));
  expect_error<ShapeError>([] { (void)allclose(Tensor{1, 2}, Tensor{1}); }, {"allclose", "(2,)", "(1,)"});
}

TEST(Rmse, IsTheRootOfTheMeanSquaredDifference) {
  EXPECT_EQ(rmse(Tensor{1, 2, 3, 4}, Tensor{1, 2, 3, 8}), 2);
  EXPECT_EQ(rmse(Tensor{1, 2}, Tensor{{4}, {5}}), 3) << "predictions of a model have a last axis of one";
  EXPECT_EQ(rmse(Tensor{{4}, {5}}, narrow({1, 2})), 3);
  expect_error<ShapeError>([] { (void)rmse(Tensor{1, 2}, Tensor{{1, 2}}); }, {"rmse", "(2,)", "(1, 2)"});
  expect_error<ShapeError>([] { (void)rmse(Tensor(), Tensor()); }, {"rmse", "no elements"});
}

}  // namespace
}  // namespace rondo
