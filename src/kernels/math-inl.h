// Elementary functions on vectors: exp, sigmoid, tanh, log and their kin, with the same bits on every target.
//
// Every function is a fixed chain of fused multiply-adds, additions, products, IEEE divisions, comparisons, selections
// and integer shifts, one lane at a time. Each of these is exact or correctly rounded on every processor, so the width
// of the vector and the instruction set cannot change a bit of a result. (A NaN stays a NaN; its sign and payload are
// not promised.) That holds as long as the compiler keeps to the text: the library is built with -ffp-contract=off,
// never with -ffast-math.
//
// Errors are in units in the last place (ulp) of the exact result: the bound that math_test.cpp enforces, then the
// worst found, for float among all arguments of ordinary size and every 64th of the others, for double among 80 million
// random ones. Costs count arithmetic instructions per vector on AVX2.
//
// NaN gives NaN everywhere. Therefore clamps go through ClampAbove and ClampBelow: Max(Min(x, high), low) may swallow
// it.
//
// All constants were fitted by tools/fit_math.py, which prints the block below.

// Highway includes this header once for each target.
#if defined(RONDO_KERNELS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_MATH_INL_H_
#undef RONDO_KERNELS_MATH_INL_H_
#else
#define RONDO_KERNELS_MATH_INL_H_
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <hwy/highway.h>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// a * b + c with one rounding, on every target. Highway's MulAdd rounds twice where the processor has no fused
// instruction (SSE4, one-lane scalar); std::fma takes its place there, which is slow and right.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Fma([[maybe_unused]] D d, V a, V b, V c) {
#if HWY_NATIVE_FMA
  return hn::MulAdd(a, b, c);
#else
  using T = hn::TFromD<D>;
  HWY_ALIGN T a_lanes[hn::MaxLanes(D())];
  HWY_ALIGN T b_lanes[hn::MaxLanes(D())];
  HWY_ALIGN T c_lanes[hn::MaxLanes(D())];
  hn::Store(a, d, a_lanes);
  hn::Store(b, d, b_lanes);
  hn::Store(c, d, c_lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) {
    c_lanes[i] = std::fma(a_lanes[i], b_lanes[i], c_lanes[i]);
  }
  return hn::Load(d, c_lanes);
#endif
}

// c - a * b with one rounding.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V FmaNegMul([[maybe_unused]] D d, V a, V b, V c) {
#if HWY_NATIVE_FMA
  return hn::NegMulAdd(a, b, c);
#else
  return Fma(d, hn::Neg(a), b, c);
#endif
}

namespace detail {

// The fitted constants of a lane type; polynomials start with the constant coefficient.
template <typename T>
struct Constants;

// Begin of the block printed by tools/fit_math.py.
template <>
struct Constants<float> {
  static constexpr float kLog2E = 1.44269502f;        // 1 / ln 2
  static constexpr float kLn2High = 0.693147182f;     // ln 2 rounded
  static constexpr float kLn2Low = -1.90465421e-09f;  // what the rounding left
  // exp(r) = (E + r O) / (E - r O): O(r^2) without its last coefficient, 1
  static constexpr float kExpOdd[] = {60.0717506f};
  // E(r^2)
  static constexpr float kExpEven[] = {120.143501f, 12.0119514f};
  // (2 O(z) - E(z)) / z
  static constexpr float kExpGap[] = {-10.0119514f};
  // exp(2 r) = (E + r O) / (E - r O): O(r^2) without its last coefficient, 1
  static constexpr float kExpHalfOdd[] = {15.0179377f};
  // E(r^2)
  static constexpr float kExpHalfEven[] = {15.0179377f, 6.00597572f};
  // (2 atanh(s) - 2 s) / s^3 in s^2
  static constexpr float kLog[] = {0.666667759f, 0.399774849f, 0.298735648f};
  static constexpr float kErfLimit = 3.921875f;  // erf rounds to 1 from here
  // erf(x) / x - 1 in x^2, |x| < 1
  static constexpr float kErfSmall[] = {0.128379166f,   -0.37612626f,     0.112835854f,   -0.0268538129f,
                                        0.00518832775f, -0.000801019371f, 7.85386146e-05f};
  // log(erfc(a)) / a, 1 <= a <= kErfLimit
  static constexpr float kErfLarge[] = {-1.12859654f,    -0.635423601f,   -0.105643608f,   0.0230654981f,
                                        -0.00316625182f, 0.000133173569f, 2.95063819e-05f, -3.64315179e-06f};
};

template <>
struct Constants<double> {
  static constexpr double kLog2E = 1.4426950408889634;       // 1 / ln 2
  static constexpr double kLn2High = 0.69314718055994529;    // ln 2 rounded
  static constexpr double kLn2Low = 2.3190468138462996e-17;  // what the rounding left
  // exp(r) = (E + r O) / (E - r O): O(r^2) without its last coefficient, 1
  static constexpr double kExpOdd[] = {15131.193857763914, 420.26648836093091};
  // E(r^2)
  static constexpr double kExpEven[] = {30262.387715527828, 3362.3986196824703, 30.01332068101847};
  // (2 O(z) - E(z)) / z
  static constexpr double kExpGap[] = {-2521.8656429606085, -28.01332068101847};
  // exp(2 r) = (E + r O) / (E - r O): O(r^2) without its last coefficient, 1
  static constexpr double kExpHalfOdd[] = {945.69961611024462, 105.06662209023273};
  // E(r^2)
  static constexpr double kExpHalfEven[] = {945.69961611024462, 420.29982746030879, 15.006660340509235};
  // (2 atanh(s) - 2 s) / s^3 in s^2
  static constexpr double kLog[] = {0.66666666666667351, 0.39999999999409375, 0.28571428743723892, 0.2222219842100262,
                                    0.18183572975753856, 0.15313811220775667, 0.14798516905826473};
  static constexpr double kErfLimit = 5.921875;  // erf rounds to 1 from here
  // erf(x) / x - 1 in x^2, |x| < 1
  static constexpr double kErfSmall[] = {0.12837916709551256,     -0.37612638903183521,    0.11283791670944185,
                                         -0.026866170643111482,   0.005223977606118594,    -0.00085483259293200236,
                                         0.00012055293577058616,  -1.4924712304909354e-05, 1.6447131605534359e-06,
                                         -1.6206314010428685e-07, 1.3710981447702027e-08,  -7.7794703815375379e-10};
  // log(erfc(a)) / a, 1 <= a <= kErfLimit
  static constexpr double kErfLarge[] = {
      -1.1283792014230889,     -0.63661936125243213,   -0.10277491583174464,    0.019136574178811781,
      0.00018917420757271646,  -0.0016594551748657373, 0.00053797667112535821,  3.2635152156322123e-05,
      -0.00011709285005016894, 6.7783185026667962e-05, -2.5448082144180805e-05, 7.1467148644703085e-06,
      -1.559348551891955e-06,  2.6553256338164091e-07, -3.4782911990198564e-08, 3.3929989672163726e-09,
      -2.3234339764505233e-10, 9.9664971913155483e-12, -2.0144490557711008e-13};
};
// End of the block printed by tools/fit_math.py.

// What the bits of a lane type mean, and the limits of exp that follow from it.
template <typename T>
struct Format;

template <>
struct Format<float> {
  using Bits = uint32_t;
  static constexpr int kMantissaBits = 23;
  static constexpr Bits kBias = 127;
  static constexpr Bits kSqrtHalf = 0x3F3504F3;    // the bits of sqrt(1/2)
  static constexpr Bits kOne = 0x3F800000;         // the bits of 1
  static constexpr float kExpOverflow = 89.0f;     // exp is inf from here (and some before) ...
  static constexpr float kExpUnderflow = -104.0f;  // ... and 0 from here down
  static constexpr float kOneFrom = 20.0f;         // 1 + exp(-x) rounds to 1 from here (and some before) ...
  static constexpr float kTanhOneFrom = 10.0f;     // ... and tanh(x) from here
  static constexpr float kExpFlush = -88.0f;       // exp is below the normal numbers, and 2^round(x / ln 2) is 2^-127
};

template <>
struct Format<double> {
  using Bits = uint64_t;
  static constexpr int kMantissaBits = 52;
  static constexpr Bits kBias = 1023;
  static constexpr Bits kSqrtHalf = 0x3FE6A09E667F3BCD;
  static constexpr Bits kOne = 0x3FF0000000000000;
  static constexpr double kExpOverflow = 710.0;
  static constexpr double kExpUnderflow = -746.0;
  static constexpr double kOneFrom = 40.0;
  static constexpr double kTanhOneFrom = 20.0;
  static constexpr double kExpFlush = -709.0;
};

template <class D>
using ConstantsOf = Constants<hn::TFromD<D>>;

template <class D>
using FormatOf = Format<hn::TFromD<D>>;

// c[0] + c[1] x + c[2] x^2 + ..., by Horner's rule in x^2 on pairs (c[0] + c[1] x). One product more than Horner's rule
// in x, and half its latency, which is what limits the throughput: the processor sees only so many instructions ahead.
template <class D, class V, typename T, size_t N>
HWY_INLINE V Polynomial(D d, V x, const T (&c)[N]) {
  const V x2 = hn::Mul(x, x);
  constexpr size_t kLast = (N - 1) / 2 * 2;
  V y = hn::Set(d, c[kLast]);
  if constexpr (N % 2 == 0) y = Fma(d, hn::Set(d, c[N - 1]), x, y);
  for (size_t i = kLast; i >= 2; i -= 2) {
    y = Fma(d, y, x2, Fma(d, hn::Set(d, c[i - 1]), x, hn::Set(d, c[i - 2])));
  }
  return y;
}

// `high` where x is greater, else x, so that NaN stays. x86's min instruction is exactly this selection: it gives its
// second operand if either is NaN, and Highway keeps the order. Elsewhere Min treats NaN otherwise. (g++ does not find
// the one instruction by itself, and in tanh and sigmoid the clamps would be a fifth of the time.)
template <class V>
HWY_INLINE V ClampAbove(V x, V high) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  return hn::Min(high, x);
#else
  return hn::IfThenElse(hn::Gt(x, high), high, x);
#endif
}

template <class V>
HWY_INLINE V ClampBelow(V x, V low) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  return hn::Max(low, x);
#else
  return hn::IfThenElse(hn::Lt(x, low), low, x);
#endif
}

// 1.5 * 2^mantissa bits: floats around it are integers, so adding it rounds a small number to the nearest integer (ties
// to even), which then stands in the low bits of the sum.
template <typename T>
constexpr T Rounder() {
  return static_cast<T>(uint64_t{3} << (Format<T>::kMantissaBits - 1));
}

// x = n ln 2 + r, |r| <= ln(2) / 2, n an integer; `shifted` holds n + offset in its low bits, z = r^2.
template <class V>
struct ExpArgument {
  V shifted;
  V r;
  V z;
};

template <class D, class V>
HWY_INLINE ExpArgument<V> ReduceExp(D d, V x, int offset) {
  using T = hn::TFromD<D>;
  const V rounder = hn::Set(d, Rounder<T>() + static_cast<T>(offset));
  const V shifted = Fma(d, x, hn::Set(d, ConstantsOf<D>::kLog2E), rounder);
  const V n = hn::Sub(shifted, rounder);
  const V rough = FmaNegMul(d, n, hn::Set(d, ConstantsOf<D>::kLn2High), x);
  const V r = FmaNegMul(d, n, hn::Set(d, ConstantsOf<D>::kLn2Low), rough);
  // The low part of ln 2 moves r by no more than 3e-7 in float; exp feels that in z by 0.1 ulp, so z need not wait for
  // it. In double, where n is up to 1075, it would be 4 ulp.
  const V root = sizeof(T) == sizeof(float) ? rough : r;
  return {shifted, r, hn::Mul(root, root)};
}

// exp(r) = (even + odd) / (even - odd) for |r| <= ln(2) / 2: a quotient of short polynomials in z = r^2. Sigmoid and
// tanh divide anyway, so for them this is much cheaper than one long polynomial.
template <class V>
struct ExpFraction {
  V even;
  V odd;
};

// `even` and `odd` are coefficients in z; `odd` ends with a 1 that is not listed.
template <class D, class V, typename T, size_t kOdd, size_t kEven>
HWY_INLINE ExpFraction<V> FractionOf(D d, V r, V z, const T (&odd)[kOdd], const T (&even)[kEven]) {
  V y = hn::Add(z, hn::Set(d, odd[kOdd - 1]));
  for (size_t i = kOdd - 1; i-- > 0;) y = Fma(d, y, z, hn::Set(d, odd[i]));
  return {Polynomial(d, z, even), hn::Mul(r, y)};
}

template <class D, class V>
HWY_INLINE ExpFraction<V> ExpReduced(D d, const ExpArgument<V>& a) {
  return FractionOf(d, a.r, a.z, ConstantsOf<D>::kExpOdd, ConstantsOf<D>::kExpEven);
}

// expm1(r) = 2 odd / (even - odd) for |r| <= ln(2) / 2, as r + r (odd + z gap) / (even - odd) with
// z gap = 2 odd / r - even: the leading r is not rounded again, which halves the error.
template <class D, class V>
HWY_INLINE V Expm1Reduced(D d, const ExpArgument<V>& a) {
  const ExpFraction<V> f = ExpReduced(d, a);
  const V numerator = Fma(d, a.z, Polynomial(d, a.z, ConstantsOf<D>::kExpGap), f.odd);
  return Fma(d, a.r, hn::Div(numerator, hn::Sub(f.even, f.odd)), a.r);
}

// 2^k for a float whose low bits hold k + bias, 0 <= k + bias <= 2 bias; k = -bias gives 0. To scale, multiply by it:
// unlike an addition to the exponent that keeps a NaN.
template <class D, class V>
HWY_INLINE V PowerOfTwo(D d, V shifted) {
  const hn::RebindToUnsigned<D> bits;
  return hn::BitCast(d, hn::ShiftLeft<FormatOf<D>::kMantissaBits>(hn::BitCast(bits, shifted)));
}

// exp(x) for x <= 0. Results below the normal numbers (x < -87.3, double -708.4) may be 0.
template <class D, class V>
HWY_INLINE V ExpNonPositive(D d, V x) {
  x = ClampBelow(x, hn::Set(d, FormatOf<D>::kExpFlush));
  const ExpArgument<V> a = ReduceExp(d, x, FormatOf<D>::kBias);
  const V power = PowerOfTwo(d, a.shifted);
  return Fma(d, Expm1Reduced(d, a), power, power);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V NegativeAbs(D d, V x) {
  return hn::Or(x, hn::SignBit(d));
}

// A positive normal number as m 2^e with sqrt(1/2) <= m < sqrt(2). `field` is e + bias, an integer lane.
template <class V, class U>
struct Decomposed {
  V m;
  V e;
  U field;
};

template <class D, class V, class U = hn::Vec<hn::RebindToUnsigned<D>>>
HWY_INLINE Decomposed<V, U> Decompose(D d, V x) {
  using F = FormatOf<D>;
  using Bits = typename F::Bits;
  const hn::RebindToUnsigned<D> bits;
  constexpr Bits kMantissa = (Bits{1} << F::kMantissaBits) - 1;
  // Counted from sqrt(1/2) instead of 1, the exponent field steps where m leaves its interval.
  const U counted = hn::Add(hn::BitCast(bits, x), hn::Set(bits, F::kOne - F::kSqrtHalf));
  const U field = hn::ShiftRight<F::kMantissaBits>(counted);
  const U m = hn::Add(hn::And(counted, hn::Set(bits, kMantissa)), hn::Set(bits, F::kSqrtHalf));
  // The integer goes into the low bits of 2^mantissa bits, whose exponent then counts in ones.
  constexpr auto kTwoPower = static_cast<hn::TFromD<D>>(Bits{1} << F::kMantissaBits);
  const U power = hn::BitCast(bits, hn::Set(d, kTwoPower));
  const V biased = hn::BitCast(d, hn::Or(field, power));
  const V e = hn::Sub(biased, hn::Set(d, kTwoPower + static_cast<hn::TFromD<D>>(F::kBias)));
  return {hn::BitCast(d, m), e, field};
}

// log(1 + f) + e ln 2 for 1 + f in [sqrt(1/2), sqrt(2)]. With s = f / (2 + f), log(1 + f) = 2 atanh(s), and since
// 2 s = f - s f it is f - s (f - R), R = 2 atanh(s) / s - 2: the exact f leads, the rounded rest is small.
template <class D, class V>
HWY_INLINE V LogReduced(D d, V f, V e) {
  const V s = hn::Div(f, hn::Add(hn::Set(d, hn::TFromD<D>{2}), f));
  const V z = hn::Mul(s, s);
  const V rest = FmaNegMul(d, z, Polynomial(d, z, ConstantsOf<D>::kLog), f);
  const V y = FmaNegMul(d, s, rest, f);
  const V low = Fma(d, e, hn::Set(d, ConstantsOf<D>::kLn2Low), y);
  return Fma(d, e, hn::Set(d, ConstantsOf<D>::kLn2High), low);
}

// The result of a logarithm where it is not finite: -inf at the pole, NaN below it, x itself for inf and NaN.
template <class D, class V>
HWY_INLINE V LogSpecial(D d, V x, V pole, V y) {
  using Limits = std::numeric_limits<hn::TFromD<D>>;
  y = hn::IfThenElse(hn::Lt(x, hn::Set(d, Limits::infinity())), y, x);
  y = hn::IfThenElse(hn::Eq(x, pole), hn::Set(d, -Limits::infinity()), y);
  return hn::IfThenElse(hn::Lt(x, pole), hn::Set(d, Limits::quiet_NaN()), y);
}

}  // namespace detail

// e^x = 2^n e^r, all x: inf above 88.72 (double 709.78), gradual underflow to 0.
// Error at most 1.2 ulp (found 1.10 in float, 1.09 in double). Cost 19 and a division (double 23).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  using F = detail::FormatOf<D>;
  x = detail::ClampAbove(x, hn::Set(d, F::kExpOverflow));
  x = detail::ClampBelow(x, hn::Set(d, F::kExpUnderflow));
  // 2^n leaves the normal numbers at both ends, so it is multiplied on in two halves. With k = n + 2 bias, positive,
  // the exponent fields of the halves are k >> 1 and k - (k >> 1).
  const auto a = detail::ReduceExp(d, x, 2 * F::kBias);
  const hn::RebindToUnsigned<D> bits;
  const auto k = hn::BitCast(bits, a.shifted);
  const auto half = hn::ShiftRight<1>(k);
  const V first = detail::PowerOfTwo(d, hn::BitCast(d, half));
  const V second = detail::PowerOfTwo(d, hn::BitCast(d, hn::Sub(k, half)));
  return hn::Mul(Fma(d, detail::Expm1Reduced(d, a), first, first), second);
}

// 1 / (1 + e^-x) in the form e^x / (1 + e^x), so that small results keep all their digits: with e^x = 2^n N / D it is
// 2^n N / (D + 2^n N), one division in all. Down to x = -87.3 (double -708.3); below, where the result is no normal
// number, it may be 0. Never beyond 0 and 1. Error at most 3 ulp (2.64, 2.71). Cost 15 and a division (double 18).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V x) {
  x = detail::ClampAbove(x, hn::Set(d, detail::FormatOf<D>::kOneFrom));
  x = detail::ClampBelow(x, hn::Set(d, detail::FormatOf<D>::kExpFlush));
  const auto a = detail::ReduceExp(d, x, detail::FormatOf<D>::kBias);
  const auto f = detail::ExpReduced(d, a);
  const V e = hn::Mul(detail::PowerOfTwo(d, a.shifted), hn::Add(f.even, f.odd));
  return hn::Div(e, hn::Add(hn::Sub(f.even, f.odd), e));
}

// m / (m + 1) with m = (e^2|x| - 1) / 2, and x's sign; all x, accurate near 0. Never beyond +-1: m <= m + 1 survives
// the rounding. With e^2|x| = 2^n (E + W) / (E - W) and p = 2^(n - 1), m (E - W) is (p - 1/2) E + (p + 1/2) W, where
// nothing cancels. The low part of ln 2 is left out: where n is large, an error of m hardly moves the result. Error at
// most 3 ulp in float, 4 in double (2.99, 3.64). Cost 18 and a division (double 21).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  using T = hn::TFromD<D>;
  using C = detail::ConstantsOf<D>;
  const V half = hn::Set(d, T{0.5});
  const V a = detail::ClampAbove(hn::Abs(x), hn::Set(d, detail::FormatOf<D>::kTanhOneFrom));
  // Half of the reduced argument, r = a - n (ln 2) / 2, saves doubling a.
  const V rounder = hn::Set(d, detail::Rounder<T>() + T{detail::FormatOf<D>::kBias - 1});
  const V shifted = Fma(d, a, hn::Set(d, 2 * C::kLog2E), rounder);
  const V r = FmaNegMul(d, hn::Sub(shifted, rounder), hn::Set(d, C::kLn2High / 2), a);
  const auto f = detail::FractionOf(d, r, hn::Mul(r, r), C::kExpHalfOdd, C::kExpHalfEven);
  const V p = detail::PowerOfTwo(d, shifted);
  const V m = Fma(d, hn::Add(p, half), f.odd, hn::Mul(hn::Sub(p, half), f.even));
  return hn::CopySignToAbs(hn::Div(m, hn::Add(m, hn::Sub(f.even, f.odd))), x);
}

// e^x - 1 = 2^n expm1(r) + (2^n - 1), all x; accurate near 0, -1 below -17.4 (double -37.5), inf above 88.72 (double
// 709.78). Error at most 3 ulp (1.76, 2.43). Cost 20 and a division (double 24).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Expm1(D d, V x) {
  using T = hn::TFromD<D>;
  const V half = hn::Set(d, T{0.5});
  V clamped = detail::ClampAbove(x, hn::Set(d, detail::FormatOf<D>::kExpOverflow));
  clamped = detail::ClampBelow(clamped, hn::Set(d, T{-40}));
  // With 2^(n - 1), which is finite, and doubled at the end.
  const auto a = detail::ReduceExp(d, clamped, detail::FormatOf<D>::kBias - 1);
  const V power = detail::PowerOfTwo(d, a.shifted);
  const V y = Fma(d, power, detail::Expm1Reduced(d, a), hn::Sub(power, half));
  // Half a denormal is not exact, and 0 would lose its sign: tiny arguments are their own result.
  const V tiny = hn::Set(d, std::numeric_limits<T>::epsilon() / 4);
  return hn::IfThenElse(hn::Lt(hn::Abs(x), tiny), x, hn::Add(y, y));
}

// log x = e ln 2 + log m, x > 0 down to the denormals; 0 gives -inf, negative NaN.
// Error at most 1.3 ulp (0.96, 1.19). Cost 30 and a division (double 34).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Log(D d, V x) {
  using T = hn::TFromD<D>;
  constexpr int kUp = detail::FormatOf<D>::kMantissaBits + 1;
  const auto denormal = hn::Lt(x, hn::Set(d, std::numeric_limits<T>::min()));
  const V scaled = hn::Mul(x, hn::Set(d, static_cast<T>(uint64_t{1} << kUp)));
  const auto parts = detail::Decompose(d, hn::IfThenElse(denormal, scaled, x));
  const V e = hn::IfThenElse(denormal, hn::Sub(parts.e, hn::Set(d, T{kUp})), parts.e);
  const V y = detail::LogReduced(d, hn::Sub(parts.m, hn::Set(d, T{1})), e);
  return detail::LogSpecial(d, x, hn::Zero(d), y);
}

// log(1 + x), x > -1, accurate near 0; -1 gives -inf, less NaN. The sum u = 1 + x is rounded; what the rounding lost is
// found exactly (two-sum) and added to the reduced argument.
// Error at most 2 ulp (1.50, 1.86). Cost 35 and a division (double 39).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Log1p(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T{1});
  const V u = hn::Add(x, one);
  const V added = hn::Sub(u, one);
  const V lost = hn::Add(hn::Sub(x, added), hn::Sub(one, hn::Sub(u, added)));
  const auto parts = detail::Decompose(d, u);
  // The lost part is scaled like m, by 2^-e, found as half of 2^(1 - e), because the bits of 2^-128 would not do.
  const hn::RebindToUnsigned<D> bits;
  const auto field = hn::Sub(hn::Set(bits, 2 * detail::FormatOf<D>::kBias + 1), parts.field);
  const V power = detail::PowerOfTwo(d, hn::BitCast(d, field));
  const V f = Fma(d, lost, hn::Mul(power, hn::Set(d, T{0.5})), hn::Sub(parts.m, one));
  const V y = hn::CopySign(detail::LogReduced(d, f, parts.e), x);
  return detail::LogSpecial(d, x, hn::Set(d, T{-1}), y);
}

// log(1 + e^x) as max(x, 0) + log1p(e^-|x|), which never overflows. Down to x = -87.3 (double -708.3); below, where the
// result is no normal number, it may be 0.
// Error at most 2.5 ulp (1.76, 2.08). Cost 53 and two divisions (double 61).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Softplus(D d, V x) {
  const V e = detail::ExpNonPositive(d, detail::NegativeAbs(d, x));
  return hn::Add(detail::ClampBelow(x, hn::Zero(d)), Log1p(d, e));
}

// log(sigmoid(x)) = -softplus(-x). Up to x = 87.3 (double 708.3); above, where the result is no normal number, it may
// be 0. Error and cost of Softplus.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V LogSigmoid(D d, V x) {
  return hn::Neg(Softplus(d, hn::Neg(x)));
}

// erf x, all x: x + x S(x^2) for |x| < 1, else 1 - erfc(|x|) with erfc(a) = exp(a G(a)). Never beyond +-1.
// Error at most 1.5 ulp (1.22, 1.24). Cost 39 and a division (double 59).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Erf(D d, V x) {
  using C = detail::ConstantsOf<D>;
  const V one = hn::Set(d, hn::TFromD<D>{1});
  const V a = detail::ClampAbove(hn::Abs(x), hn::Set(d, C::kErfLimit));
  const V small = Fma(d, a, detail::Polynomial(d, hn::Mul(a, a), C::kErfSmall), a);
  const V erfc = detail::ExpNonPositive(d, hn::Mul(a, detail::Polynomial(d, a, C::kErfLarge)));
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, one), small, hn::Sub(one, erfc)), x);
}

// x, or zero where it is too small to matter. NaN passes. For what fades from step to step, and would end among the
// denormal numbers, with which processors take some 150 cycles an instruction.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ZeroIfTiny(D d, V x) {
  using T = hn::TFromD<D>;
  constexpr T kTiny = sizeof(T) == sizeof(float) ? T{0x1p-100F} : static_cast<T>(0x1p-900);
  return hn::IfThenZeroElse(hn::Lt(hn::Abs(x), hn::Set(d, kTiny)), x);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
