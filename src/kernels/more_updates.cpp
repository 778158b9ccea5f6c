// Optimizer updates that few models use, in their smallest form: one loop over whole vectors (table.hpp, Update),
// products and sums rounded one by one. Formulas: Keras's optimizers (adagrad.py, adadelta.py, ...).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/more_updates.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/table.hpp"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> All(D d, double value) {
  return hn::Set(d, static_cast<hn::TFromD<D>>(value));
}

// 0 where there is no gradient (or mean of gradients): without epsilon the quotient is 0 / 0 for padding, and for a
// weight that never had one.
template <class V>
HWY_INLINE V StepUnlessZero(V gradient, V step) {
  return hn::IfThenZeroElse(hn::Eq(gradient, hn::Xor(gradient, gradient)), step);
}

// a += g^2; w -= rate g / (sqrt(a + epsilon) + behind).
template <class T>
void Adagrad(const AdagradArgs& p, T* w, const T* g, T* a, T*, Index n) {
  const hn::ScalableTag<T> d;
  const auto rate = All(d, p.learning_rate), epsilon = All(d, p.epsilon), behind = All(d, p.epsilon_behind);
  for (Index i = 0; i < n; i += static_cast<Index>(hn::Lanes(d))) {
    const auto gi = hn::LoadU(d, g + i);
    const auto ai = hn::Add(hn::LoadU(d, a + i), hn::Mul(gi, gi));
    hn::StoreU(ai, d, a + i);
    const auto step = hn::Div(hn::Mul(rate, gi), hn::Add(hn::Sqrt(hn::Add(ai, epsilon)), behind));
    hn::StoreU(hn::Sub(hn::LoadU(d, w + i), StepUnlessZero(gi, step)), d, w + i);
  }
}

// a = rho a + (1 - rho) g^2; step = g sqrt((x + epsilon) / (a + epsilon)); x = rho x + (1 - rho) step^2; w -= rate
// step.
template <class T>
void Adadelta(const AdadeltaArgs& p, T* w, const T* g, T* a, T* x, Index n) {
  const hn::ScalableTag<T> d;
  const auto rate = All(d, p.learning_rate), rho = All(d, p.rho), rest = All(d, 1 - p.rho);
  const auto epsilon = All(d, p.epsilon);
  for (Index i = 0; i < n; i += static_cast<Index>(hn::Lanes(d))) {
    const auto gi = hn::LoadU(d, g + i), xi = hn::LoadU(d, x + i);
    const auto ai = hn::Add(hn::Mul(rho, hn::LoadU(d, a + i)), hn::Mul(rest, hn::Mul(gi, gi)));
    const auto ratio = hn::Div(hn::Add(xi, epsilon), hn::Add(ai, epsilon));
    const auto step = StepUnlessZero(gi, hn::Mul(gi, hn::Sqrt(ratio)));
    hn::StoreU(ai, d, a + i);
    hn::StoreU(hn::Add(hn::Mul(rho, xi), hn::Mul(rest, hn::Mul(step, step))), d, x + i);
    hn::StoreU(hn::Sub(hn::LoadU(d, w + i), hn::Mul(rate, step)), d, w + i);
  }
}

// m += (g - m)(1 - beta_1); u = max(beta_2 u, |g|); w -= alpha m / (u + epsilon).
template <class T>
void Adamax(const AdamaxArgs& p, T* w, const T* g, T* m, T* u, Index n) {
  const hn::ScalableTag<T> d;
  const auto alpha = All(d, p.alpha), new_1 = All(d, 1 - p.beta_1), beta_2 = All(d, p.beta_2);
  const auto epsilon = All(d, p.epsilon);
  for (Index i = 0; i < n; i += static_cast<Index>(hn::Lanes(d))) {
    const auto gi = hn::LoadU(d, g + i), before = hn::LoadU(d, m + i);
    const auto mi = hn::Add(before, hn::Mul(hn::Sub(gi, before), new_1));
    const auto faded = hn::Mul(beta_2, hn::LoadU(d, u + i)), size = hn::Abs(gi);
    const auto ui = hn::IfThenElse(hn::Gt(faded, size), faded, size);
    hn::StoreU(mi, d, m + i);
    hn::StoreU(ui, d, u + i);
    const auto step = hn::Div(hn::Mul(alpha, mi), hn::Add(ui, epsilon));
    hn::StoreU(hn::Sub(hn::LoadU(d, w + i), StepUnlessZero(mi, step)), d, w + i);
  }
}

// m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2);
// w -= (of_mean m + of_gradient g) / (sqrt(of_velocity v) + epsilon). Without a gradient m and v are 0, and so is v
// where g^2 is less than the smallest number.
template <class T>
void Nadam(const NadamArgs& p, T* w, const T* g, T* m, T* v, Index n) {
  const hn::ScalableTag<T> d;
  const auto of_mean = All(d, p.of_mean), of_gradient = All(d, p.of_gradient), of_velocity = All(d, p.of_velocity);
  const auto new_1 = All(d, 1 - p.beta_1), new_2 = All(d, 1 - p.beta_2), epsilon = All(d, p.epsilon);
  for (Index i = 0; i < n; i += static_cast<Index>(hn::Lanes(d))) {
    const auto gi = hn::LoadU(d, g + i), m0 = hn::LoadU(d, m + i), v0 = hn::LoadU(d, v + i);
    const auto mi = hn::Add(m0, hn::Mul(hn::Sub(gi, m0), new_1));
    const auto vi = hn::Add(v0, hn::Mul(hn::Sub(hn::Mul(gi, gi), v0), new_2));
    hn::StoreU(mi, d, m + i);
    hn::StoreU(vi, d, v + i);
    const auto ahead = hn::Add(hn::Mul(of_mean, mi), hn::Mul(of_gradient, gi));
    const auto step = hn::Div(ahead, hn::Add(hn::Sqrt(hn::Mul(of_velocity, vi)), epsilon));
    hn::StoreU(hn::Sub(hn::LoadU(d, w + i), StepUnlessZero(ahead, step)), d, w + i);
  }
}

// With r(n) = sqrt(n) / rate + least: z += g + shrinkage w - (r(a + g^2) - r(a)) w; a += g^2;
// w = (max(-l1, min(l1, z)) - z) / r(a), and 0 where the numerator is.
template <class T>
void Ftrl(const FtrlArgs& p, T* w, const T* g, T* a, T* z, Index n) {
  const hn::ScalableTag<T> d;
  const auto rate = All(d, p.learning_rate), least = All(d, p.least), shrinkage = All(d, p.shrinkage);
  const auto l1 = All(d, p.l1), minus_l1 = hn::Neg(l1);
  for (Index i = 0; i < n; i += static_cast<Index>(hn::Lanes(d))) {
    const auto gi = hn::LoadU(d, g + i), wi = hn::LoadU(d, w + i), before = hn::LoadU(d, a + i);
    const auto ai = hn::Add(before, hn::Mul(gi, gi));
    const auto root = hn::Sqrt(ai);
    const auto growth = hn::Div(hn::Sub(root, hn::Sqrt(before)), rate);
    const auto gradient = hn::Add(gi, hn::Mul(shrinkage, wi));
    const auto zi = hn::Add(hn::LoadU(d, z + i), hn::Sub(gradient, hn::Mul(growth, wi)));
    hn::StoreU(ai, d, a + i);
    hn::StoreU(zi, d, z + i);
    auto within = hn::IfThenElse(hn::Gt(zi, l1), l1, zi);
    within = hn::IfThenElse(hn::Lt(within, minus_l1), minus_l1, within);
    const auto numerator = hn::Sub(within, zi);
    const auto quotient = hn::Div(numerator, hn::Add(hn::Div(root, rate), least));
    hn::StoreU(StepUnlessZero(numerator, quotient), d, w + i);
  }
}

// w -= rate sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g.
template <class T>
void Lion(const LionArgs& p, T* w, const T* g, T* m, T*, Index n) {
  const hn::ScalableTag<T> d;
  const auto rate = All(d, p.learning_rate), zero = hn::Zero(d);
  const auto old_1 = All(d, p.beta_1), new_1 = All(d, 1 - p.beta_1);
  const auto old_2 = All(d, p.beta_2), new_2 = All(d, 1 - p.beta_2);
  for (Index i = 0; i < n; i += static_cast<Index>(hn::Lanes(d))) {
    const auto gi = hn::LoadU(d, g + i), mi = hn::LoadU(d, m + i);
    const auto way = hn::Add(hn::Mul(old_1, mi), hn::Mul(new_1, gi));
    hn::StoreU(hn::Add(hn::Mul(old_2, mi), hn::Mul(new_2, gi)), d, m + i);
    const auto step = hn::IfThenZeroElse(hn::Eq(way, zero), hn::CopySign(rate, way));
    hn::StoreU(hn::Sub(hn::LoadU(d, w + i), step), d, w + i);
  }
}

// v += (g^2 - v)(1 - beta_2); x = (w - (1 - beta_1) z) / beta_1; z -= rate g / (sqrt(of_velocity v) + epsilon);
// x += (z - x) of_newest, as a sum of parts; w = (1 - beta_1) z + beta_1 x.
template <class T>
void ScheduleFree(const ScheduleFreeArgs& p, T* w, const T* g, T* z, T* v, Index n) {
  const hn::ScalableTag<T> d;
  const auto rate = All(d, p.learning_rate), of_velocity = All(d, p.of_velocity), epsilon = All(d, p.epsilon);
  const auto beta_1 = All(d, p.beta_1), rest_1 = All(d, 1 - p.beta_1), new_2 = All(d, 1 - p.beta_2);
  const auto newest = All(d, p.of_newest), older = All(d, 1 - p.of_newest);
  for (Index i = 0; i < n; i += static_cast<Index>(hn::Lanes(d))) {
    const auto gi = hn::LoadU(d, g + i), z0 = hn::LoadU(d, z + i), v0 = hn::LoadU(d, v + i);
    const auto vi = hn::Add(v0, hn::Mul(hn::Sub(hn::Mul(gi, gi), v0), new_2));
    const auto root = hn::Add(hn::Sqrt(hn::Mul(of_velocity, vi)), epsilon);
    const auto zi = hn::Sub(z0, StepUnlessZero(gi, hn::Div(hn::Mul(rate, gi), root)));
    const auto x0 = hn::Div(hn::Sub(hn::LoadU(d, w + i), hn::Mul(rest_1, z0)), beta_1);
    const auto xi = hn::Add(hn::Mul(older, x0), hn::Mul(newest, zi));
    hn::StoreU(vi, d, v + i);
    hn::StoreU(zi, d, z + i);
    hn::StoreU(hn::Add(hn::Mul(rest_1, zi), hn::Mul(beta_1, xi)), d, w + i);
  }
}

template <class T>
void Fill(Ops<T>& ops) {
  ops.adagrad = Adagrad<T>;
  ops.adadelta = Adadelta<T>;
  ops.adamax = Adamax<T>;
  ops.nadam = Nadam<T>;
  ops.ftrl = Ftrl<T>;
  ops.lion = Lion<T>;
  ops.schedule_free = ScheduleFree<T>;
}

void FillMoreUpdates(KernelTable& table) {
  Fill(table.f32);
  Fill(table.f64);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
