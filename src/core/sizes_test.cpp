#include "core/sizes.hpp"

#include <gtest/gtest.h>
#include <vector>

#include "core/aligned.hpp"
#include "support/expect_error.hpp"
#include "support/instrumented.hpp"

namespace rondo {
namespace {

using test::expect_error;

constexpr Index kLarge = Index{1} << 40;

TEST(Size, IsAnOrdinaryNumberWhileItFits) {
  const Size weights = Size(10) * 4 * (Size(3) + 10 + 1);
  EXPECT_EQ(weights.count("weights"), 560);
  EXPECT_EQ(weights.bytes(DType::float32, "weights"), 2240U);
  EXPECT_EQ(Size(INT64_MAX).count("all"), INT64_MAX);
  EXPECT_EQ((Size(INT64_MAX - 1) + 1).count("all"), INT64_MAX);
  EXPECT_EQ(Size::product(std::vector<Index>{}).count("a scalar"), 1);
  EXPECT_EQ(Size(17).rounded_up(16).count("a row"), 32);
  EXPECT_EQ(Size(32).rounded_up(16).count("a row"), 32);
}

TEST(Size, BeyondSixtyFourBitsIsAnErrorThatSaysHowMuchOfWhat) {
  expect_error<ShapeError>([] { (void)(Size(kLarge) * kLarge).count("the weights of layer 'lstm'"); },
                           {"the weights of layer 'lstm'", "about 1.2e+24"});
  expect_error<ShapeError>([] { (void)(Size(INT64_MAX) + 1).count("steps"); }, {"steps", "about 9.2e+18"});
  expect_error<ShapeError>([] { (void)Size(INT64_MAX).rounded_up(16).count("steps"); }, {"steps"});
  expect_error<ShapeError>([] { (void)(Size(kLarge) * kLarge + 1).count("steps"); }, {"steps"});
  expect_error<MemoryError>([] { (void)(Size(kLarge) * (Index{1} << 21)).bytes(DType::float64, "a tensor"); },
                            {"a tensor", "18.4 EB"});
}

TEST(Size, BelowZeroIsAnErrorAsWell) {
  expect_error<ShapeError>([] { (void)Size(-7).count("rows"); }, {"rows", "-7"});
  expect_error<ShapeError>([] { (void)(Size(-7) * -7).count("rows"); }, {"rows"});
  expect_error<ShapeError>([] { (void)(Size(-7) + 9).count("rows"); }, {"rows"});
}

TEST(Size, OfNothingIsZeroWhateverTheOtherFactorsAre) {
  EXPECT_EQ((Size(kLarge) * kLarge * 0).count("nothing"), 0);
  EXPECT_EQ((Size(0) * (Size(kLarge) * kLarge)).count("nothing"), 0);
}

TEST(Bytes, AreShownInTheUnitThatSuits) {
  EXPECT_EQ(bytes_text(12), "12 bytes");
  EXPECT_EQ(bytes_text(1500), "1.5 kB");
  EXPECT_EQ(bytes_text(999'999), "1 MB");
  EXPECT_EQ(bytes_text(Index{1} << 60), "1.15 EB");
}

TEST(AlignedBytes, OfMoreThanThereIsSaysHowMuchForWhat) {
  if (test::memory_may_end()) {
    expect_error<MemoryError>([] { (void)AlignedBytes(std::size_t{1} << 62, "a workspace"); },
                              {"a workspace", "4.61 EB"});
  }
  EXPECT_EQ(AlignedBytes(3).size(), 3U);
}

TEST(Allocating, WhatTheStandardLibraryRefusesIsAMemoryError) {
  expect_error<MemoryError>(
      [] {
        (void)allocating(
            800, []() -> int { throw std::bad_alloc(); }, [] { return "a plan"; });
      },
      {"a plan", "800 bytes"});
  expect_error<MemoryError>(
      [] {
        (void)allocating(
            800, []() -> int { throw std::length_error("long"); }, [] { return "a plan"; });
      },
      {"a plan", "800 bytes"});
  EXPECT_EQ(allocating(
                4, [] { return 3; }, [] { return "a number"; }),
            3);
}

}  // namespace
}  // namespace rondo
