// Losses of rows and their derivatives by the prediction. Formulas: Keras's losses.py (epsilon 1e-7).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/losses.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/activations-inl.h"
#include "kernels/blocking.hpp"
#include "kernels/row_sums-inl.h"
#include "kernels/table.hpp"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr double kEpsilon = 1e-7;

// Losses that treat each element by itself and average over the last axis: Value(t, p) and Slope(t, p) = d value / d p.

struct SquaredError {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D, V t, V p) {
    const V e = hn::Sub(p, t);
    return hn::Mul(e, e);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V t, V p) {
    return hn::Mul(Constant(d, 2), hn::Sub(p, t));
  }
};

struct AbsoluteError {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D, V t, V p) {
    return hn::Abs(hn::Sub(p, t));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V t, V p) {  // 0 at 0; NaN passes
    const V e = hn::Sub(p, t);
    return hn::IfThenElse(hn::Ne(e, hn::Zero(d)), hn::Mul(e, hn::Div(Constant(d, 1), hn::Abs(e))), e);
  }
};

struct BinaryCrossentropy {  // -(t log q + (1 - t) log(1 - q)), q = p within [epsilon, 1 - epsilon]
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V t, V p) {
    const V one = Constant(d, 1), q = Clamp(d, p, kEpsilon, 1 - kEpsilon);
    return hn::Neg(Fma(d, t, Log(d, q), hn::Mul(hn::Sub(one, t), Log(d, hn::Sub(one, q)))));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V t, V p) {
    const V one = Constant(d, 1);
    const V slope = hn::Div(hn::Sub(p, t), hn::Mul(p, hn::Sub(one, p)));
    const auto outside = hn::Or(hn::Lt(p, Constant(d, kEpsilon)), hn::Gt(p, Constant(d, 1 - kEpsilon)));
    return hn::IfThenElse(outside, hn::Zero(d), slope);
  }
};

struct BinaryCrossentropyFromLogits {  // max(x, 0) - x t + log(1 + e^-|x|) = softplus(x) - x t
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V t, V x) {
    return FmaNegMul(d, x, t, Softplus(d, x));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V t, V x) {
    return hn::Sub(Sigmoid(d, x), t);
  }
};

// What a slope of row r is multiplied with: a row of weight 0 has no slope, whatever its numbers are.
template <class T>
HWY_INLINE T Weighted(const LossArgs<T>& a, Index r, T slope) {
  if (a.row_weights == nullptr) return slope;
  return a.row_weights[r] == 0 ? T{0} : slope * a.row_weights[r];
}

// smooth(t) = t (1 - s) + shift.
template <class T>
struct Smoothing {
  T keep = 1, shift = 0;
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V operator()(D d, V t) const {
    return shift == 0 ? t : Fma(d, t, hn::Set(d, keep), hn::Set(d, shift));
  }
};

// Rows of few features: gathered into a run, computed vector by vector, summed row by row, scattered. kFeatures: their
// number where it is known when this is compiled, else 0.
template <class Fn, Index kFeatures, class T>
void ShortRows(const LossArgs<T>& a, Smoothing<T> smooth) {
  const hn::ScalableTag<T> d;
  HWY_ALIGN T t[kLossRun], p[kLossRun], value[kLossRun], slope[kLossRun];
  const Index features = kFeatures > 0 ? kFeatures : a.features, rows_per_run = kLossRun / features;
  const T mean = T{1} / static_cast<T>(features);
  for (Index begin = 0; begin < a.rows; begin += rows_per_run) {
    const Index rows = std::min(rows_per_run, a.rows - begin), n = rows * features;
    for (Index r = 0; r < rows; ++r) {
      for (Index f = 0; f < features; ++f) {
        t[r * features + f] = a.truth[(begin + r) * a.truth_stride + f];
        p[r * features + f] = a.prediction[(begin + r) * a.prediction_stride + f];
      }
    }
    const auto factor = hn::Set(d, a.scale * mean);
    ForVectors(d, n, [&](Index i) HWY_ATTR {
      const auto ti = smooth(d, LoadPart(d, t, i, n)), pi = LoadPart(d, p, i, n);
      StorePart(d, Fn::Value(d, ti, pi), value, i, n);
      if (a.gradient != nullptr) StorePart(d, hn::Mul(Fn::Slope(d, ti, pi), factor), slope, i, n);
    });
    for (Index r = 0; r < rows; ++r) {
      a.value[begin + r] = RowSum(value + r * features, features) * mean;
      if (a.gradient == nullptr) continue;
      T* gradient = a.gradient + (begin + r) * a.gradient_stride;
      for (Index f = 0; f < features; ++f) gradient[f] = Weighted(a, begin + r, slope[r * features + f]);
    }
  }
}

// Rows of many features, one by one, with 16 chains of sums as RowSum has them.
template <class Fn, class T>
void LongRows(const LossArgs<T>& a, Smoothing<T> smooth) {
  const hn::ScalableTag<T> d;
  const Index n = a.features;
  const T mean = T{1} / static_cast<T>(n);
  const auto factor = hn::Set(d, a.scale * mean);
  for (Index r = 0; r < a.rows; ++r) {
    const T* t = a.truth + r * a.truth_stride;
    const T* p = a.prediction + r * a.prediction_stride;
    T* gradient = a.gradient != nullptr ? a.gradient + r * a.gradient_stride : nullptr;
    T total = 0;
    for (Index begin = 0; begin < n; begin += kLossRun) {
      HWY_ALIGN T value[kLossRun];
      const Index part = std::min(kLossRun, n - begin);
      ForVectors(d, part, [&](Index i) HWY_ATTR {
        const auto ti = smooth(d, LoadPart(d, t + begin, i, part)), pi = LoadPart(d, p + begin, i, part);
        StorePart(d, Fn::Value(d, ti, pi), value, i, part);
        if (gradient != nullptr) StorePart(d, hn::Mul(Fn::Slope(d, ti, pi), factor), gradient + begin, i, part);
      });
      total += RowSum(value, part);
    }
    a.value[r] = total * mean;
    if (gradient == nullptr || a.row_weights == nullptr) continue;
    for (Index k = 0; k < n; ++k) gradient[k] = Weighted(a, r, gradient[k]);
  }
}

template <class Fn, class T>
void ElementwiseLoss(const LossArgs<T>& a, Smoothing<T> smooth = {}) {
  if (a.features == 1) return ShortRows<Fn, 1>(a, smooth);
  a.features <= kLossRun / 4 ? ShortRows<Fn, 0>(a, smooth) : LongRows<Fn>(a, smooth);
}

// ---- categorical -------------------------------------------------------------------------------------------------

// The smoothed truth of class k of row r.
template <class T>
T Target(const LossArgs<T>& a, bool sparse, Index r, Index k) {
  if (sparse) return a.truth[r * a.truth_stride] == static_cast<T>(k) ? T{1} : T{0};
  const T t = a.truth[r * a.truth_stride + k];
  if (a.label_smoothing == 0) return t;
  return t * static_cast<T>(1 - a.label_smoothing) + static_cast<T>(a.label_smoothing) / static_cast<T>(a.features);
}

// The logarithm of one number by the vector code.
template <class T>
T LogOf(T x) {
  const hn::CappedTag<T, 1> d;
  return hn::GetLane(Log(d, hn::Set(d, x)));
}
template <class T>
T ExpOf(T x) {
  const hn::CappedTag<T, 1> d;
  return hn::GetLane(Exp(d, hn::Set(d, x)));
}

// q = p / sum p within [epsilon, 1 - epsilon]; loss = -sum t log q.
template <class T>
void CategoricalRow(const LossArgs<T>& a, bool sparse, Index r) {
  const T low = static_cast<T>(kEpsilon), high = static_cast<T>(1 - kEpsilon);
  const T* p = a.prediction + r * a.prediction_stride;
  const T sum = RowSum(p, a.features);
  T loss = 0, through_sum = 0;
  for (Index k = 0; k < a.features; ++k) {
    const T t = Target(a, sparse, r, k);
    const T q = p[k] / sum;
    const bool inside = !(q < low) && !(q > high);
    const T clipped = q < low ? low : q > high ? high : q;
    if (t != 0 || q != q) loss -= t * LogOf(clipped);
    if (q != q) loss = q;
    if (a.gradient != nullptr) {
      const T slope = inside ? -t / q : T{0};
      through_sum += slope * q;
      a.gradient[r * a.gradient_stride + k] = slope;
    }
  }
  a.value[r] = loss;
  if (a.gradient == nullptr) return;
  for (Index k = 0; k < a.features; ++k) {
    T& g = a.gradient[r * a.gradient_stride + k];
    g = Weighted(a, r, (g - through_sum) / sum * a.scale);
  }
}

// loss = -sum t log_softmax(x); derivative: softmax(x) sum t - t.
template <class T>
void CategoricalLogitsRow(const LossArgs<T>& a, bool sparse, Index r) {
  const T* x = a.prediction + r * a.prediction_stride;
  T max = x[0];
  for (Index k = 1; k < a.features; ++k) max = x[k] > max || x[k] != x[k] ? x[k] : max;
  T sum = 0;
  for (Index k = 0; k < a.features; ++k) sum += ExpOf(x[k] - max);
  const T log_sum = LogOf(sum);
  T loss = 0, weight = 0;
  for (Index k = 0; k < a.features; ++k) {
    const T t = Target(a, sparse, r, k);
    weight += t;
    if (t != 0) loss -= t * (x[k] - max - log_sum);
  }
  a.value[r] = loss;
  if (a.gradient == nullptr) return;
  for (Index k = 0; k < a.features; ++k) {
    const T softmax = ExpOf(x[k] - max) / sum;
    a.gradient[r * a.gradient_stride + k] = Weighted(a, r, (softmax * weight - Target(a, sparse, r, k)) * a.scale);
  }
}

template <class T>
void CategoricalLoss(const LossArgs<T>& a, bool sparse, bool from_logits) {
  for (Index r = 0; r < a.rows; ++r) {
    from_logits ? CategoricalLogitsRow(a, sparse, r) : CategoricalRow(a, sparse, r);
  }
}

template <class T>
void Loss(const LossArgs<T>& a) {
  const T s = static_cast<T>(a.label_smoothing);
  const Smoothing<T> binary{T{1} - s, s / 2};
  switch (a.kind) {
    case LossKind::mean_squared_error: return ElementwiseLoss<SquaredError>(a);
    case LossKind::mean_absolute_error: return ElementwiseLoss<AbsoluteError>(a);
    case LossKind::binary_crossentropy: return ElementwiseLoss<BinaryCrossentropy>(a, binary);
    case LossKind::binary_crossentropy_from_logits: return ElementwiseLoss<BinaryCrossentropyFromLogits>(a, binary);
    case LossKind::categorical_crossentropy: return CategoricalLoss(a, false, false);
    case LossKind::categorical_crossentropy_from_logits: return CategoricalLoss(a, false, true);
    case LossKind::sparse_categorical_crossentropy: return CategoricalLoss(a, true, false);
    case LossKind::sparse_categorical_crossentropy_from_logits: return CategoricalLoss(a, true, true);
  }
}

template <class T>
void Fill(Ops<T>& ops) {
  ops.loss = Loss<T>;
}

void FillLosses(KernelTable& table) {
  Fill(table.f32);
  Fill(table.f64);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
