#include "engine/parameter.hpp"

#include <gtest/gtest.h>

#include "support/expect_error.hpp"

namespace rondo::engine {
namespace {

// A logical (2, 3) that stands transposed in a block with room for more: element (r, c) at 4 c + r.
Parameter transposed(DType dtype) {
  const auto block = std::make_shared<ParameterBlock>(dtype, 12, kernels::chosen());
  return {
      "model/dense/kernel", {2, 3}, block, PackedMap({2, 3}, [](Index row, Index column) { return column * 4 + row; })};
}

TEST(Parameter, StandsWhereItsMapSays) {
  const Parameter kernel = transposed(DType::float32);
  kernel.set(Tensor{{1, 2, 3}, {4, 5, 6}});
  const float* packed = kernel.block->values<float>();
  EXPECT_EQ(std::vector<float>(packed, packed + 12), (std::vector<float>{1, 4, 0, 0, 2, 5, 0, 0, 3, 6, 0, 0}));
  EXPECT_TRUE(kernel.get().identical(Tensor(Shape{2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6})));
  EXPECT_EQ(kernel.name(), "kernel");
}

TEST(Parameter, GivesSomeOfItsRows) {
  const auto block = std::make_shared<ParameterBlock>(DType::float64, 12, kernels::chosen());
  const Parameter kernel{
      "kernel", {3, 2}, block, PackedMap({3, 2}, [](Index row, Index column) { return column * 4 + row; })};
  kernel.set(Tensor{{1, 2}, {3, 4}, {5, 6}});
  std::vector<double> rows(5, -1);
  kernel.get({1, 3}, std::as_writable_bytes(std::span(rows)).data());
  EXPECT_EQ(rows, (std::vector<double>{3, 4, 5, 6, -1}));
}

TEST(Parameter, ReadsOtherArraysOfTheSameLayout) {
  const Parameter kernel = transposed(DType::float64);
  const std::vector<double> gradient{10, 40, -1, -1, 20, 50, -1, -1, 30, 60, -1, -1};
  EXPECT_TRUE(kernel.unpack(std::as_bytes(std::span(gradient)).data()).identical(Tensor{{10, 20, 30}, {40, 50, 60}}));
}

TEST(Parameter, IsRoundedToItsDtypeAndCountsChanges) {
  const Parameter kernel = transposed(DType::float32);
  const std::uint64_t before = kernel.block->version();
  kernel.set(Tensor{{0.1, 0.1, 0.1}, {0.1, 0.1, 0.1}});
  EXPECT_EQ(kernel.get()(1, 2), static_cast<double>(0.1F));
  EXPECT_GT(kernel.block->version(), before);
}

TEST(Parameter, RefusesAnotherShapeAndStaysAsItWas) {
  const Parameter kernel = transposed(DType::float32);
  kernel.set(Tensor{{1, 2, 3}, {4, 5, 6}});
  test::expect_error<ShapeError>(
      [&] {
        kernel.set(Tensor{{1, 2}, {3, 4}, {5, 6}});
      },
      {"'model/dense/kernel'", "(2, 3)", "(3, 2)"});
  EXPECT_EQ(kernel.get()(0, 1), 2);
}

TEST(ParameterBlock, OfStatisticsIsNeverTrainable) {
  ParameterBlock learned(DType::float32, 4, kernels::chosen());
  ParameterBlock statistics(DType::float32, 4, kernels::chosen(), "moving means", Role::statistics);
  EXPECT_TRUE(learned.trainable());
  EXPECT_FALSE(statistics.trainable());
  for (ParameterBlock* block : {&learned, &statistics}) block->set_trainable(true);
  EXPECT_TRUE(learned.trainable());
  EXPECT_FALSE(statistics.trainable());
}

}  // namespace
}  // namespace rondo::engine
