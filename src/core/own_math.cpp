#include "core/own_math.hpp"

#include <cmath>
#include <limits>

namespace rondo {

namespace {

constexpr double kLog2 = 0.69314718055994530942;

// exp(x): x = n log 2 + r with |r| <= log(2) / 2, exp r by Taylor's series.
double own_exp(double x) {
  if (x > 710) return std::numeric_limits<double>::infinity();
  if (x < -746) return 0;
  // log 2 in two parts, the first of which has so few digits that its product with n is exact.
  constexpr double kHigh = 0x1.62e42fefap-1, kLow = 0x1.cf79abc9e3b39p-40;
  const double n = std::nearbyint(x / kLog2), r = (x - n * kHigh) - n * kLow;
  double sum = 1;
  for (int k = 14; k >= 1; --k) sum = 1 + sum * r / k;
  return std::ldexp(sum, static_cast<int>(n));
}

double whole_power(double base, int exponent) {
  double result = 1;
  for (int rest = exponent; rest > 0; rest /= 2, base *= base) {
    if (rest % 2 == 1) result *= base;
  }
  return result;
}

}  // namespace

// x = m * 2^e with m in [sqrt(1/2), sqrt(2)), log m = 2 atanh((m-1)/(m+1)) as a series.
double own_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // exact
  if (m < 0.70710678118654752440) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s;
  double series = 0;
  for (int k = 27; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  return 2 * s * series + exponent * kLog2;
}

// Taylor's series after folding into an eighth of a turn.
double own_cos_turn(double u) {
  constexpr double kTwoPi = 6.28318530717958647692;
  double sign = 1;
  if (u > 0.5) u = 1 - u;
  if (u > 0.25) {
    u = 0.5 - u;
    sign = -1;
  }
  const bool use_sine = u > 0.125;
  const double x = kTwoPi * (use_sine ? 0.25 - u : u);
  const double x2 = x * x;
  double term = use_sine ? x : 1;
  double sum = term;
  for (int k = use_sine ? 2 : 1; k < 20; k += 2) {
    term *= -x2 / (k * (k + 1));
    sum += term;
  }
  return sign * sum;
}

double own_pow(double base, double exponent) {
  if (exponent < 0) return 1 / own_pow(base, -exponent);
  if (exponent <= 64 && exponent == std::trunc(exponent)) return whole_power(base, static_cast<int>(exponent));
  if (exponent == 0.5) return std::sqrt(base);
  return base == 0 ? 0 : own_exp(exponent * own_log(base));
}

}  // namespace rondo
