// Activations over rows: elementwise ones, and those across the features of a row.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activations.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/activations-inl.h"
#include "kernels/row_sums-inl.h"
#include "kernels/table.hpp"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
T RowMax(const T* x, Index n) {
  T max = x[0];
  for (Index i = 1; i < n; ++i) max = x[i] > max || x[i] != x[i] ? x[i] : max;
  return max;
}

// Zeros behind the features of a row, up to the next multiple of the padding, where the buffer has it.
template <class T>
void ClearPadding(T* row, Index features, Index stride) {
  const Index end = std::min(stride, round_up(features, kRowPadding));
  for (Index i = features; i < end; ++i) row[i] = 0;
}

// ---- softmax: e^(x - max) / sum; dx = y (dy - sum y dy) ------------------------------------------------------------

template <class T>
void SoftmaxRow(const T* x, T* y, Index n) {
  const hn::ScalableTag<T> d;
  const auto max = hn::Set(d, RowMax(x, n));
  ForVectors(d, n, [&](Index i) HWY_ATTR { StorePart(d, Exp(d, hn::Sub(LoadPart(d, x, i, n), max)), y, i, n); });
  const auto sum = hn::Set(d, RowSum(y, n));
  ForVectors(d, n, [&](Index i) HWY_ATTR { StorePart(d, hn::Div(LoadPart(d, y, i, n), sum), y, i, n); });
}

template <class T>
void SoftmaxRowBackward(const T* y, const T* dy, T* dx, Index n) {
  const hn::ScalableTag<T> d;
  ForVectors(d, n,
             [&](Index i) HWY_ATTR { StorePart(d, hn::Mul(LoadPart(d, y, i, n), LoadPart(d, dy, i, n)), dx, i, n); });
  const auto dot = hn::Set(d, RowSum(dx, n));
  ForVectors(d, n, [&](Index i) HWY_ATTR {
    StorePart(d, hn::Mul(LoadPart(d, y, i, n), hn::Sub(LoadPart(d, dy, i, n), dot)), dx, i, n);
  });
}

// ---- log_softmax: (x - max) - log sum e^(x - max); dx = dy - e^y sum dy --------------------------------------------

template <class T>
void LogSoftmaxRow(const T* x, T* y, Index n) {
  const hn::ScalableTag<T> d;
  const auto max = hn::Set(d, RowMax(x, n));
  ForVectors(d, n, [&](Index i) HWY_ATTR { StorePart(d, Exp(d, hn::Sub(LoadPart(d, x, i, n), max)), y, i, n); });
  const auto log_sum = Log(d, hn::Set(d, RowSum(y, n)));
  ForVectors(d, n,
             [&](Index i) HWY_ATTR { StorePart(d, hn::Sub(hn::Sub(LoadPart(d, x, i, n), max), log_sum), y, i, n); });
}

template <class T>
void LogSoftmaxRowBackward(const T* y, const T* dy, T* dx, Index n) {
  const hn::ScalableTag<T> d;
  const auto sum = hn::Set(d, RowSum(dy, n));
  ForVectors(d, n, [&](Index i) HWY_ATTR {
    const auto p = Exp(d, LoadPart(d, y, i, n));
    StorePart(d, FmaNegMul(d, p, sum, LoadPart(d, dy, i, n)), dx, i, n);
  });
}

// ---- sparsemax: the nearest point of the simplex (Martins and Astudillo 2016) --------------------------------------

// y = max(x - tau, 0), where tau makes the row sum 1. tau comes from the largest elements; they are found one after
// the other, which needs no buffer and costs (support size) passes.
template <class T>
void SparsemaxRow(const T* x, T* y, Index n) {
  T sum = 0, tau = 0, below = 0;
  Index taken = 0;
  bool first = true;
  while (taken < n) {
    // The largest value not yet taken, and how often it occurs.
    bool found = false;
    T value = 0;
    Index times = 0;
    for (Index i = 0; i < n; ++i) {
      if (!first && !(x[i] < below)) continue;
      if (!found || x[i] > value) {
        value = x[i];
        times = 0;
        found = true;
      }
      times += x[i] == value;
    }
    if (!found || times == 0) break;
    for (Index k = 0; k < times; ++k) sum += value;
    taken += times;
    // value stays in the support while 1 + k value > sum of the k largest.
    if (!(1 + static_cast<T>(taken) * value > sum)) break;
    tau = (sum - 1) / static_cast<T>(taken);
    below = value;
    first = false;
  }
  for (Index i = 0; i < n; ++i) {
    const T t = x[i] - tau;
    y[i] = t <= 0 ? T{0} : t;
  }
}

// dx = dy - mean of dy over the support, on the support; 0 elsewhere.
template <class T>
void SparsemaxRowBackward(const T* y, const T* dy, T* dx, Index n) {
  T sum = 0;
  Index support = 0;
  for (Index i = 0; i < n; ++i) {
    if (y[i] > 0) {
      sum += dy[i];
      ++support;
    }
  }
  const T mean = support > 0 ? sum / static_cast<T>(support) : T{0};
  for (Index i = 0; i < n; ++i) dx[i] = y[i] > 0 ? dy[i] - mean : T{0};
}

// ---- glu: a sigmoid(b), where a and b are the two halves of the row ------------------------------------------------

template <class T>
void GluRow(const T* x, T* y, Index half) {
  const hn::ScalableTag<T> d;
  ForVectors(d, half, [&](Index i) HWY_ATTR {
    StorePart(d, hn::Mul(LoadPart(d, x, i, half), Sigmoid(d, LoadPart(d, x + half, i, half))), y, i, half);
  });
}

template <class T>
void GluRowBackward(const T* x, const T* dy, T* dx, Index half) {
  const hn::ScalableTag<T> d;
  ForVectors(d, half, [&](Index i) HWY_ATTR {
    const auto a = LoadPart(d, x, i, half), g = LoadPart(d, dy, i, half);
    const auto s = Sigmoid(d, LoadPart(d, x + half, i, half));
    const auto slope = hn::Mul(s, hn::Sub(hn::Set(d, T{1}), s));
    StorePart(d, hn::Mul(g, s), dx, i, half);
    StorePart(d, hn::Mul(hn::Mul(g, a), slope), dx + half, i, half);
  });
}

// ---- all of them ---------------------------------------------------------------------------------------------------

template <class Fn, class T>
void MapRows(const Activation& p, const T* x, Index x_stride, T* y, Index y_stride, Index rows, Index features) {
  const hn::ScalableTag<T> d;
  // Rows without a gap are one long row.
  if (x_stride == features && y_stride == features) {
    features *= rows;
    rows = 1;
  }
  for (Index r = 0; r < rows; ++r, x += x_stride, y += y_stride) {
    ForVectors(d, features,
               [&](Index i) HWY_ATTR { StorePart(d, Fn::Value(d, LoadPart(d, x, i, features), p), y, i, features); });
  }
}

template <class T>
void Activate(const Activation& p, const T* x, Index x_stride, T* y, Index y_stride, Index rows, Index features) {
  if (is_elementwise(p.kind)) {
    WithElementwise(p.kind,
                    [&](auto fn) HWY_ATTR { MapRows<decltype(fn)>(p, x, x_stride, y, y_stride, rows, features); });
    return;
  }
  for (Index r = 0; r < rows; ++r, x += x_stride, y += y_stride) {
    switch (p.kind) {
      case ActivationKind::softmax: SoftmaxRow(x, y, features); break;
      case ActivationKind::log_softmax: LogSoftmaxRow(x, y, features); break;
      case ActivationKind::sparsemax: SparsemaxRow(x, y, features); break;
      default: GluRow(x, y, features / 2); break;
    }
  }
}

template <class Fn, class T>
void SlopeRows(const Activation& p, const T* x, Index x_stride, const T* y, Index y_stride, const T* dy,
               Index dy_stride, T* dx, Index dx_stride, Index rows, Index features) {
  const hn::ScalableTag<T> d;
  for (Index r = 0; r < rows; ++r, x += x_stride, y += y_stride, dy += dy_stride, dx += dx_stride) {
    ForVectors(d, features, [&](Index i) HWY_ATTR {
      const auto slope = Fn::Slope(d, LoadPart(d, x, i, features), LoadPart(d, y, i, features), p);
      StorePart(d, hn::Mul(LoadPart(d, dy, i, features), slope), dx, i, features);
    });
    ClearPadding(dx, features, dx_stride);
  }
}

template <class T>
void ActivateBackward(const Activation& p, const T* x, Index x_stride, const T* y, Index y_stride, const T* dy,
                      Index dy_stride, T* dx, Index dx_stride, Index rows, Index features) {
  if (is_elementwise(p.kind)) {
    WithElementwise(p.kind, [&](auto fn) HWY_ATTR {
      SlopeRows<decltype(fn)>(p, x, x_stride, y, y_stride, dy, dy_stride, dx, dx_stride, rows, features);
    });
    return;
  }
  for (Index r = 0; r < rows; ++r, x += x_stride, y += y_stride, dy += dy_stride, dx += dx_stride) {
    switch (p.kind) {
      case ActivationKind::softmax: SoftmaxRowBackward(y, dy, dx, features); break;
      case ActivationKind::log_softmax: LogSoftmaxRowBackward(y, dy, dx, features); break;
      case ActivationKind::sparsemax: SparsemaxRowBackward(y, dy, dx, features); break;
      default: GluRowBackward(x, dy, dx, features / 2); break;
    }
    ClearPadding(dx, features, dx_stride);
  }
}

template <class T>
void Fill(Ops<T>& ops) {
  ops.activate = Activate<T>;
  ops.activate_backward = ActivateBackward<T>;
}

void FillActivations(KernelTable& table) {
  Fill(table.f32);
  Fill(table.f64);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
