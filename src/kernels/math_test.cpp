// Tests of kernels/math-inl.h, run on every target this processor supports: errors in ulp against long double, special
// values, and equal bits on all targets.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/math_test.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "kernels/math-inl.h"

#ifndef RONDO_KERNELS_MATH_TEST_CPP_
#define RONDO_KERNELS_MATH_TEST_CPP_

namespace rondo::kernels {

enum class Function { kExp, kSigmoid, kTanh, kExpm1, kLog, kLog1p, kSoftplus, kLogSigmoid, kErf };

}  // namespace rondo::kernels

#endif  // RONDO_KERNELS_MATH_TEST_CPP_

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Evaluate(D d, Function function, V x) {
  switch (function) {
    case Function::kExp: return Exp(d, x);
    case Function::kSigmoid: return Sigmoid(d, x);
    case Function::kTanh: return Tanh(d, x);
    case Function::kExpm1: return Expm1(d, x);
    case Function::kLog: return Log(d, x);
    case Function::kLog1p: return Log1p(d, x);
    case Function::kSoftplus: return Softplus(d, x);
    case Function::kLogSigmoid: return LogSigmoid(d, x);
    case Function::kErf: return Erf(d, x);
  }
  return x;
}

// `count` is a multiple of the number of lanes of the widest target.
template <typename T>
void ApplyTo(Function function, const T* x, T* y, size_t count) {
  const hn::ScalableTag<T> d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::StoreU(Evaluate(d, function, hn::LoadU(d, x + i)), d, y + i);
  }
}

// sums[i] = a b + c; differences[i] = c - a b.
template <typename T>
void FmaTo(const T* a, const T* b, const T* c, T* sums, T* differences, size_t count) {
  const hn::ScalableTag<T> d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    const auto va = hn::LoadU(d, a + i);
    const auto vb = hn::LoadU(d, b + i);
    const auto vc = hn::LoadU(d, c + i);
    hn::StoreU(Fma(d, va, vb, vc), d, sums + i);
    hn::StoreU(FmaNegMul(d, va, vb, vc), d, differences + i);
  }
}

void ApplyFloat(Function function, const float* x, float* y, size_t count) { ApplyTo(function, x, y, count); }
void ApplyDouble(Function function, const double* x, double* y, size_t count) { ApplyTo(function, x, y, count); }
void FmaFloat(const float* a, const float* b, const float* c, float* sums, float* differences, size_t count) {
  FmaTo(a, b, c, sums, differences, count);
}
void FmaDouble(const double* a, const double* b, const double* c, double* sums, double* differences, size_t count) {
  FmaTo(a, b, c, sums, differences, count);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

namespace rondo::kernels {

HWY_EXPORT(ApplyFloat);
HWY_EXPORT(ApplyDouble);
HWY_EXPORT(FmaFloat);
HWY_EXPORT(FmaDouble);

namespace {

template <typename T>
using Limits = std::numeric_limits<T>;

// Of the widest vector, AVX-512 with floats.
constexpr size_t kMostLanes = 16;

std::vector<int64_t> AllTargets() { return hwy::SupportedAndGeneratedTargets(); }

// Dispatches to one target during its lifetime.
class ForcedTarget {
 public:
  explicit ForcedTarget(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  ~ForcedTarget() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  ForcedTarget(const ForcedTarget&) = delete;
  ForcedTarget& operator=(const ForcedTarget&) = delete;
};

template <typename T>
void Pad(std::vector<T>& x) {
  while (x.size() % kMostLanes != 0) x.push_back(x.back());
}

template <typename T>
std::vector<T> Apply(int64_t target, Function function, std::vector<T> x) {
  const ForcedTarget forced(target);
  const size_t count = x.size();
  Pad(x);
  std::vector<T> y(x.size());
  if constexpr (std::is_same_v<T, float>) {
    HWY_DYNAMIC_DISPATCH(ApplyFloat)(function, x.data(), y.data(), x.size());
  } else {
    HWY_DYNAMIC_DISPATCH(ApplyDouble)(function, x.data(), y.data(), x.size());
  }
  y.resize(count);
  return y;
}

template <typename T>
T ApplyToOne(int64_t target, Function function, T x) {
  return Apply(target, function, std::vector<T>{x}).front();
}

long double ReferenceSigmoid(long double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
long double ReferenceSoftplus(long double x) { return std::max(x, 0.0L) + std::log1p(std::exp(-std::abs(x))); }

long double Reference(Function function, long double x) {
  switch (function) {
    case Function::kExp: return std::exp(x);
    case Function::kSigmoid: return ReferenceSigmoid(x);
    case Function::kTanh: return std::tanh(x);
    case Function::kExpm1: return std::expm1(x);
    case Function::kLog: return std::log(x);
    case Function::kLog1p: return std::log1p(x);
    case Function::kSoftplus: return ReferenceSoftplus(x);
    case Function::kLogSigmoid: return -ReferenceSoftplus(-x);
    case Function::kErf: return std::erf(x);
  }
  return x;
}

// What the header promises: the error bound in ulp on [low, high].
struct Promise {
  Function function;
  const char* name;
  double bound;
  double low, high;
};

constexpr double kInfinity = Limits<double>::infinity();

// In float and in double.
template <typename T>
std::vector<Promise> Promises() {
  const double tanh_bound = std::is_same_v<T, float> ? 3 : 4;
  const double tail = std::is_same_v<T, float> ? 87.3 : 708.3;
  return {
      {Function::kExp, "Exp", 1.2, -kInfinity, kInfinity},
      {Function::kSigmoid, "Sigmoid", 3, -tail, kInfinity},
      {Function::kTanh, "Tanh", tanh_bound, -kInfinity, kInfinity},
      {Function::kExpm1, "Expm1", 3, -kInfinity, kInfinity},
      {Function::kLog, "Log", 1.3, 0, kInfinity},
      {Function::kLog1p, "Log1p", 2, -1, kInfinity},
      {Function::kSoftplus, "Softplus", 2.5, -tail, kInfinity},
      {Function::kLogSigmoid, "LogSigmoid", 2.5, -kInfinity, tail},
      {Function::kErf, "Erf", 1.5, -kInfinity, kInfinity},
  };
}

// |y - exact| in units in the last place of `exact`. Infinity counts as the number one step after the largest.
template <typename T>
double ErrorInUlp(T y, long double exact) {
  const long double step_after_max = 2 * std::ldexp(1.0L, Limits<T>::max_exponent - 1);
  if (std::isnan(exact) || std::isnan(y)) return std::isnan(exact) && std::isnan(y) ? 0 : kInfinity;
  const long double reached = std::isinf(y) ? std::copysign(step_after_max, static_cast<long double>(y)) : y;
  const long double goal = std::clamp(exact, -step_after_max, step_after_max);
  int exponent = Limits<T>::min_exponent;
  if (goal != 0) std::frexp(goal, &exponent);
  exponent = std::clamp(exponent, Limits<T>::min_exponent, Limits<T>::max_exponent);
  return static_cast<double>(std::abs(reached - goal) / std::ldexp(1.0L, exponent - Limits<T>::digits));
}

// Arguments within the promise's range: evenly spaced where the functions do something, every magnitude of both signs,
// random ones near 1, and the edges.
template <typename T>
std::vector<T> Arguments(const Promise& promise) {
  std::vector<T> x;
  const double reach = std::is_same_v<T, float> ? 110 : 750;
  const double low = std::max(promise.low, -reach), high = std::min(promise.high, reach);
  constexpr int kSteps = 40'000;
  for (int i = 0; i <= kSteps; ++i) x.push_back(static_cast<T>(low + (high - low) * i / kSteps));
  for (int i = 0; i <= kSteps; ++i) x.push_back(static_cast<T>(-10 + 20.0 * i / kSteps));
  constexpr int kLeast = Limits<T>::min_exponent - Limits<T>::digits;
  constexpr int kPerPower = std::is_same_v<T, float> ? 64 : 16;
  for (int exponent = kLeast; exponent < Limits<T>::max_exponent; ++exponent) {
    for (int i = 0; i < kPerPower; ++i) {
      const T magnitude = std::ldexp(static_cast<T>(1 + (i + 0.37) / kPerPower), exponent);
      x.push_back(magnitude);
      x.push_back(-magnitude);
    }
  }
  std::mt19937_64 bits(1);
  for (int i = 0; i < kSteps; ++i) {
    const double uniform = static_cast<double>(bits() >> 11) * 0x1p-53;
    x.push_back(static_cast<T>((uniform * 2 - 1) * (i % 2 == 0 ? 2 : 5)));
  }
  for (const T edge : {T{0}, Limits<T>::denorm_min(), Limits<T>::min(), Limits<T>::epsilon(), Limits<T>::max()}) {
    x.push_back(edge);
    x.push_back(-edge);
  }
  std::erase_if(x, [&](T value) { return value < promise.low || value > promise.high; });
  return x;
}

template <typename T>
void ExpectBoundsHold() {
  for (const Promise& promise : Promises<T>()) {
    const std::vector<T> x = Arguments<T>(promise);
    std::vector<long double> exact;
    for (const T value : x) exact.push_back(Reference(promise.function, value));
    for (const int64_t target : AllTargets()) {
      const std::vector<T> y = Apply(target, promise.function, x);
      double worst = -1;
      size_t at = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double error = ErrorInUlp(y[i], exact[i]);
        if (error > worst) {
          worst = error;
          at = i;
        }
      }
      EXPECT_LE(worst, promise.bound) << promise.name << " at " << testing::PrintToString(x[at]) << " gave "
                                      << testing::PrintToString(y[at]) << " on " << hwy::TargetName(target);
    }
  }
}

TEST(MathTest, FloatErrorsStayWithinTheDocumentedBounds) { ExpectBoundsHold<float>(); }
TEST(MathTest, DoubleErrorsStayWithinTheDocumentedBounds) { ExpectBoundsHold<double>(); }

// ---- special values

template <typename T>
struct SpecialValue {
  Function function;
  T x;
  T expected;
};

// Expected with the sign of zero; NaN stands for any NaN.
template <typename T>
std::vector<SpecialValue<T>> SpecialValues() {
  const T inf = Limits<T>::infinity();
  const T nan = Limits<T>::quiet_NaN();
  const T max = Limits<T>::max();
  const T tiny = Limits<T>::denorm_min();
  const T small = 3 * Limits<T>::min() / 16;  // a denormal with several bits
  const T zero = 0;
  using enum Function;
  return {
      {kExp, zero, 1},           {kExp, -zero, 1},
      {kExp, tiny, 1},           {kExp, -inf, 0},
      {kExp, inf, inf},          {kExp, -max, 0},
      {kExp, max, inf},          {kSigmoid, zero, T{0.5}},
      {kSigmoid, -zero, T{0.5}}, {kSigmoid, -inf, 0},
      {kSigmoid, inf, 1},        {kSigmoid, -max, 0},
      {kSigmoid, max, 1},        {kSigmoid, tiny, T{0.5}},
      {kTanh, zero, zero},       {kTanh, -zero, -zero},
      {kTanh, -inf, -1},         {kTanh, inf, 1},
      {kTanh, -max, -1},         {kTanh, max, 1},
      {kTanh, tiny, tiny},       {kTanh, -small, -small},
      {kExpm1, zero, zero},      {kExpm1, -zero, -zero},
      {kExpm1, -inf, -1},        {kExpm1, inf, inf},
      {kExpm1, -max, -1},        {kExpm1, max, inf},
      {kExpm1, tiny, tiny},      {kExpm1, -small, -small},
      {kLog, zero, -inf},        {kLog, -zero, -inf},
      {kLog, 1, zero},           {kLog, inf, inf},
      {kLog, -tiny, nan},        {kLog, -1, nan},
      {kLog, -inf, nan},         {kLog1p, zero, zero},
      {kLog1p, -zero, -zero},    {kLog1p, -1, -inf},
      {kLog1p, inf, inf},        {kLog1p, -2, nan},
      {kLog1p, -inf, nan},       {kLog1p, tiny, tiny},
      {kLog1p, -small, -small},  {kSoftplus, -inf, zero},
      {kSoftplus, inf, inf},     {kSoftplus, max, max},
      {kSoftplus, -max, zero},   {kLogSigmoid, -inf, -inf},
      {kLogSigmoid, inf, -zero}, {kLogSigmoid, -max, -max},
      {kLogSigmoid, max, -zero}, {kErf, zero, zero},
      {kErf, -zero, -zero},      {kErf, inf, 1},
      {kErf, -inf, -1},          {kErf, max, 1},
      {kErf, -max, -1},          {kErf, tiny, tiny},
  };
}

template <typename T>
void ExpectSpecialValues() {
  for (const int64_t target : AllTargets()) {
    for (const auto& special : SpecialValues<T>()) {
      const T y = ApplyToOne(target, special.function, special.x);
      const bool both_nan = std::isnan(y) && std::isnan(special.expected);
      const bool same = y == special.expected && std::signbit(y) == std::signbit(special.expected);
      EXPECT_TRUE(both_nan || same) << "function " << static_cast<int>(special.function) << " at " << special.x
                                    << " gave " << y << ", not " << special.expected << ", on "
                                    << hwy::TargetName(target);
    }
  }
}

TEST(MathTest, FloatSpecialValuesAreExact) { ExpectSpecialValues<float>(); }
TEST(MathTest, DoubleSpecialValuesAreExact) { ExpectSpecialValues<double>(); }

template <typename T>
void ExpectNanPasses() {
  const T nan = Limits<T>::quiet_NaN();
  for (const int64_t target : AllTargets()) {
    for (const Promise& promise : Promises<T>()) {
      // NaNs between numbers, in changing lanes.
      std::vector<T> x(3 * kMostLanes, T{0.5});
      for (size_t i = 0; i < x.size(); i += 3) x[i] = i % 2 == 0 ? nan : -nan;
      const std::vector<T> y = Apply(target, promise.function, x);
      for (size_t i = 0; i < x.size(); ++i) {
        EXPECT_EQ(std::isnan(y[i]), i % 3 == 0) << promise.name << " lane " << i << " on " << hwy::TargetName(target);
      }
    }
  }
}

TEST(MathTest, NanGivesNanAndLeavesOtherLanesAlone) {
  ExpectNanPasses<float>();
  ExpectNanPasses<double>();
}

TEST(MathTest, ExpAndExpm1OverflowWhereTheResultDoes) {
  for (const int64_t target : AllTargets()) {
    for (const Function function : {Function::kExp, Function::kExpm1}) {
      EXPECT_LT(ApplyToOne(target, function, 88.7228f), Limits<float>::infinity());
      EXPECT_EQ(ApplyToOne(target, function, 88.7229f), Limits<float>::infinity());
      EXPECT_LT(ApplyToOne(target, function, 709.7827), Limits<double>::infinity());
      EXPECT_EQ(ApplyToOne(target, function, 709.7828), Limits<double>::infinity());
    }
  }
}

TEST(MathTest, ExpUnderflowsThroughTheDenormals) {
  for (const int64_t target : AllTargets()) {
    EXPECT_EQ(ApplyToOne(target, Function::kExp, -103.2f), Limits<float>::denorm_min());
    EXPECT_EQ(ApplyToOne(target, Function::kExp, -104.0f), 0.0f);
    EXPECT_EQ(ApplyToOne(target, Function::kExp, -744.4), Limits<double>::denorm_min());
    EXPECT_EQ(ApplyToOne(target, Function::kExp, -745.2), 0.0);
  }
}

// A derivative like 1 - tanh^2 must not turn negative.
template <typename T>
void ExpectResultsStayInRange() {
  std::vector<T> x;
  const T start = std::is_same_v<T, float> ? T{7} : T{16};
  for (int i = 0; i < 100'000; ++i) x.push_back(start + static_cast<T>(i) / T{20'000});
  for (const int64_t target : AllTargets()) {
    for (const Function function : {Function::kTanh, Function::kErf, Function::kSigmoid}) {
      const std::vector<T> y = Apply(target, function, x);
      EXPECT_LE(*std::max_element(y.begin(), y.end()), T{1}) << hwy::TargetName(target);
    }
  }
}

TEST(MathTest, TanhSigmoidAndErfNeverExceedOne) {
  ExpectResultsStayInRange<float>();
  ExpectResultsStayInRange<double>();
}

// ---- the same everywhere

template <typename T>
bool SameBits(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0 || (std::isnan(a) && std::isnan(b));
}

template <typename T>
void ExpectEqualBitsOnAllTargets() {
  const std::vector<int64_t> targets = AllTargets();
  for (Promise promise : Promises<T>()) {
    promise.low = -kInfinity;  // also where nothing is promised about the error
    promise.high = kInfinity;
    const std::vector<T> x = Arguments<T>(promise);
    const std::vector<T> first = Apply(targets.front(), promise.function, x);
    for (const int64_t target : targets) {
      const std::vector<T> y = Apply(target, promise.function, x);
      size_t different = 0;
      for (size_t i = 0; i < x.size(); ++i) different += SameBits(first[i], y[i]) ? 0 : 1;
      EXPECT_EQ(different, 0u) << promise.name << " on " << hwy::TargetName(target) << " against "
                               << hwy::TargetName(targets.front());
    }
  }
}

TEST(MathTest, FloatBitsAreEqualOnAllTargets) { ExpectEqualBitsOnAllTargets<float>(); }
TEST(MathTest, DoubleBitsAreEqualOnAllTargets) { ExpectEqualBitsOnAllTargets<double>(); }

// ---- fused multiply-add

template <typename T>
struct FmaResults {
  std::vector<T> sums, differences;
};

template <typename T>
FmaResults<T> ApplyFma(int64_t target, const std::vector<T>& a, const std::vector<T>& b, const std::vector<T>& c) {
  const ForcedTarget forced(target);
  FmaResults<T> results{std::vector<T>(a.size()), std::vector<T>(a.size())};
  T* sums = results.sums.data();
  T* differences = results.differences.data();
  if constexpr (std::is_same_v<T, float>) {
    HWY_DYNAMIC_DISPATCH(FmaFloat)(a.data(), b.data(), c.data(), sums, differences, a.size());
  } else {
    HWY_DYNAMIC_DISPATCH(FmaDouble)(a.data(), b.data(), c.data(), sums, differences, a.size());
  }
  return results;
}

// (1 + d)^2 - (1 + 2 d) is d^2, and 0 if the square is rounded first.
template <typename T>
void ExpectOneRounding() {
  const T d = std::ldexp(T{1}, -(Limits<T>::digits + 1) / 2);
  const std::vector<T> a(kMostLanes, 1 + d);
  const std::vector<T> c(kMostLanes, 1 + 2 * d);
  std::vector<T> minus_c = c;
  for (T& value : minus_c) value = -value;
  for (const int64_t target : AllTargets()) {
    EXPECT_EQ(ApplyFma(target, a, a, minus_c).sums, std::vector<T>(kMostLanes, d * d)) << hwy::TargetName(target);
    EXPECT_EQ(ApplyFma(target, a, a, c).differences, std::vector<T>(kMostLanes, -d * d)) << hwy::TargetName(target);
  }
}

TEST(MathTest, FmaRoundsOnceOnEveryTarget) {
  ExpectOneRounding<float>();
  ExpectOneRounding<double>();
}

template <typename T>
void ExpectStandardFma() {
  std::mt19937 generator(7);
  std::normal_distribution<double> normal;
  std::vector<T> a, b, c;
  for (size_t i = 0; i < 100 * kMostLanes; ++i) {
    a.push_back(static_cast<T>(normal(generator)));
    b.push_back(static_cast<T>(normal(generator)));
    c.push_back(static_cast<T>(-a.back() * b.back() * (1 + 1e-5 * normal(generator))));
  }
  for (const int64_t target : AllTargets()) {
    const FmaResults<T> results = ApplyFma(target, a, b, c);
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(results.sums[i], std::fma(a[i], b[i], c[i])) << hwy::TargetName(target);
      EXPECT_EQ(results.differences[i], std::fma(-a[i], b[i], c[i])) << hwy::TargetName(target);
    }
  }
}

TEST(MathTest, FmaAgreesWithTheStandardLibrary) {
  ExpectStandardFma<float>();
  ExpectStandardFma<double>();
}

TEST(MathTest, MoreThanOneTargetIsTested) {
#if HWY_ARCH_X86
  EXPECT_GE(AllTargets().size(), 2u);
#else
  EXPECT_GE(AllTargets().size(), 1u);
#endif
}

}  // namespace
}  // namespace rondo::kernels

#endif  // HWY_ONCE
