#include "core/own_math.hpp"

#include <cmath>
#include <gtest/gtest.h>

namespace rondo {
namespace {

TEST(OwnMath, LogAndPowerAgreeWithTheLibrarys) {
  for (const double base : {1e-300, 1e-7, 0.3, 0.5, 0.96, 1.0, 1.5, 7.0, 1e12}) {
    EXPECT_NEAR(own_log(base), std::log(base), 2e-15 * std::max(1.0, std::abs(std::log(base)))) << base;
    for (const double exponent : {0.0, 0.1, 0.25, 0.5, 1.0, 1.75, 3.0, 20.2, 64.0, 65.0, -0.8, -2.0}) {
      const double expected = std::pow(base, exponent);
      const double digits = 1 + std::abs(exponent * std::log(base));  // of the argument of exp
      const double got = own_pow(base, exponent);
      if (std::isinf(expected) || expected < 1e-300) {
        EXPECT_TRUE(got == expected || (got < 1e-300 && expected < 1e-300)) << base << '^' << exponent;
      } else {
        EXPECT_NEAR(got / expected, 1, 1e-15 * digits) << base << '^' << exponent;
      }
    }
  }
}

TEST(OwnMath, PowersOfZero) {
  EXPECT_EQ(own_pow(0, 0), 1);
  EXPECT_EQ(own_pow(0, 0.3), 0);
  EXPECT_EQ(own_pow(0, 2), 0);
}

TEST(OwnMath, CosineOfTurns) {
  for (int i = 0; i < 64; ++i) {
    EXPECT_NEAR(own_cos_turn(i / 64.0), std::cos(2 * 3.14159265358979323846 * i / 64), 1e-15) << i;
  }
}

}  // namespace
}  // namespace rondo
