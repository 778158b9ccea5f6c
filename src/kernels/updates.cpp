// Optimizer updates, elementwise over packed weights. Formulas: Keras's optimizers (sgd.py, adam.py, rmsprop.py).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/updates.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/activations-inl.h"
#include "kernels/row_sums-inl.h"
#include "kernels/table.hpp"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// w -= rate g; with momentum: m = momentum m - rate g, w += m (Nesterov: w += momentum m - rate g).
template <class T>
void Sgd(const SgdArgs& a, T* w, const T* g, T* m, Index n) {
  const hn::ScalableTag<T> d;
  const auto rate = Constant(d, a.learning_rate), momentum = Constant(d, a.momentum);
  ForVectors(d, n, [&](Index i) HWY_ATTR {
    const auto gi = LoadPart(d, g, i, n), wi = LoadPart(d, w, i, n);
    if (m == nullptr) return StorePart(d, FmaNegMul(d, rate, gi, wi), w, i, n);
    const auto step = hn::Mul(rate, gi);
    const auto mi = hn::Sub(hn::Mul(momentum, LoadPart(d, m, i, n)), step);
    StorePart(d, mi, m, i, n);
    const auto delta = a.nesterov ? hn::Sub(hn::Mul(momentum, mi), step) : mi;
    StorePart(d, hn::Add(wi, delta), w, i, n);
  });
}

// m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2); w -= alpha m / (sqrt(v) + epsilon). Without epsilon this is
// 0 / 0 for a weight that never had a gradient, and for padding: they stay.
template <bool kHasEpsilon, class T>
HWY_NOINLINE void AdamUpdate(const AdamArgs& a, T* w, const T* g, T* m, T* v, T* v_max, Index n) {
  const hn::ScalableTag<T> d;
  const auto alpha = Constant(d, a.alpha), epsilon = Constant(d, a.epsilon);
  const auto new_1 = Constant(d, 1 - a.beta_1), new_2 = Constant(d, 1 - a.beta_2);
  ForVectors(d, n, [&](Index i) HWY_ATTR {
    const auto gi = LoadPart(d, g, i, n);
    auto mi = LoadPart(d, m, i, n), vi = LoadPart(d, v, i, n);
    mi = Fma(d, hn::Sub(gi, mi), new_1, mi);
    vi = Fma(d, hn::Sub(hn::Mul(gi, gi), vi), new_2, vi);
    StorePart(d, mi, m, i, n);
    StorePart(d, vi, v, i, n);
    auto scale = vi;
    if (a.amsgrad) {
      const auto seen = LoadPart(d, v_max, i, n);
      scale = hn::IfThenElse(hn::Gt(seen, vi), seen, vi);
      StorePart(d, scale, v_max, i, n);
    }
    auto step = hn::Div(hn::Mul(alpha, mi), hn::Add(hn::Sqrt(scale), epsilon));
    if constexpr (!kHasEpsilon) step = hn::IfThenZeroElse(hn::Eq(mi, hn::Zero(d)), step);
    StorePart(d, hn::Sub(LoadPart(d, w, i, n), step), w, i, n);
  });
}

template <class T>
void Adam(const AdamArgs& a, T* w, const T* g, T* m, T* v, T* v_max, Index n) {
  const bool has_epsilon = static_cast<T>(a.epsilon) != 0;
  return has_epsilon ? AdamUpdate<true>(a, w, g, m, v, v_max, n) : AdamUpdate<false>(a, w, g, m, v, v_max, n);
}

// v = rho v + (1 - rho) g^2; step = rate g / sqrt(v + epsilon), centered: v - a^2 with a = rho a + (1 - rho) g;
// with momentum: b = momentum b + step, w -= b; else w -= step. v - a^2 is a variance: where rounding makes less than 0
// of it, it is 0. Without epsilon the step is 0 / 0 where there never was a gradient: such weights, and padding, stay.
template <bool kHasEpsilon, class T>
HWY_NOINLINE void RmspropUpdate(const RmspropArgs& p, T* w, const T* g, T* v, T* b, T* a, Index n) {
  const hn::ScalableTag<T> d;
  const auto rate = Constant(d, p.learning_rate), rho = Constant(d, p.rho), rest = Constant(d, 1 - p.rho);
  const auto epsilon = Constant(d, p.epsilon), behind = Constant(d, p.epsilon_behind);
  const auto momentum = Constant(d, p.momentum);
  ForVectors(d, n, [&](Index i) HWY_ATTR {
    const auto gi = LoadPart(d, g, i, n);
    const auto vi = Fma(d, rho, LoadPart(d, v, i, n), hn::Mul(rest, hn::Mul(gi, gi)));
    StorePart(d, vi, v, i, n);
    auto denominator = hn::Add(vi, epsilon);
    if (p.centered) {
      const auto ai = Fma(d, rho, LoadPart(d, a, i, n), hn::Mul(rest, gi));
      StorePart(d, ai, a, i, n);
      denominator = hn::Add(detail::ClampBelow(FmaNegMul(d, ai, ai, vi), hn::Zero(d)), epsilon);
    }
    auto step = hn::Div(hn::Mul(rate, gi), hn::Add(hn::Sqrt(denominator), behind));
    if constexpr (!kHasEpsilon) step = hn::IfThenZeroElse(hn::Eq(gi, hn::Zero(d)), step);
    if (b != nullptr) {
      step = Fma(d, momentum, LoadPart(d, b, i, n), step);
      StorePart(d, step, b, i, n);
    }
    StorePart(d, hn::Sub(LoadPart(d, w, i, n), step), w, i, n);
  });
}

template <class T>
void Rmsprop(const RmspropArgs& p, T* w, const T* g, T* v, T* b, T* a, Index n) {
  const bool has_epsilon = static_cast<T>(p.epsilon) != 0;
  return has_epsilon ? RmspropUpdate<true>(p, w, g, v, b, a, n) : RmspropUpdate<false>(p, w, g, v, b, a, n);
}

template <class T>
void ZeroTiny(T* x, Index n) {
  const hn::ScalableTag<T> d;
  ForVectors(d, n, [&](Index i) HWY_ATTR { StorePart(d, ZeroIfTiny(d, LoadPart(d, x, i, n)), x, i, n); });
}

// By their bits: without the sign these order numbers as integers do, infinity and NaN above all others. Two
// instructions a vector.
template <class T>
bool Within(const T* x, std::span<const Range> ranges, T most) {
  const hn::ScalableTag<T> d;
  const hn::RebindToSigned<decltype(d)> bits;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const auto no_sign = hn::Set(bits, hwy::LimitsMax<hn::TFromD<decltype(bits)>>());
  const auto size = [&](auto v) HWY_ATTR { return hn::And(hn::BitCast(bits, v), no_sign); };
  auto largest = hn::Zero(bits), other = largest;
  for (const Range& range : ranges) {
    Index i = range.begin;
    for (; i + 4 * lanes <= range.end; i += 4 * lanes) {
      largest = hn::Max(largest, hn::Max(size(hn::LoadU(d, x + i)), size(hn::LoadU(d, x + i + lanes))));
      other = hn::Max(other, hn::Max(size(hn::LoadU(d, x + i + 2 * lanes)), size(hn::LoadU(d, x + i + 3 * lanes))));
    }
    for (; i < range.end; i += lanes) largest = hn::Max(largest, size(LoadPart(d, x, i, range.end)));
  }
  return hn::AllFalse(bits, hn::Gt(hn::Max(largest, other), size(hn::Set(d, most))));
}

template <class T>
void Fill(Ops<T>& ops) {
  ops.sgd = Sgd<T>;
  ops.adam = Adam<T>;
  ops.rmsprop = Rmsprop<T>;
  ops.zero_tiny = ZeroTiny<T>;
  ops.within = Within<T>;
}

void FillUpdates(KernelTable& table) {
  Fill(table.f32);
  Fill(table.f64);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
