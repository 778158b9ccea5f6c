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

// ---- sparsemax: max(x - tau, 0) (Martins and Astudillo 2016, as Keras has it)
// ----------------------------------------

// Visits the elements of a row from the largest to the smallest, equal ones in order; f(rank from 1, index) says
// whether to go on. Quadratic, but needs no buffer.
template <class T, class F>
void Descending(const T* x, Index n, F&& f) {
  Index last = -1;
  for (Index rank = 1; rank <= n; ++rank) {
    Index next = -1;
    for (Index i = 0; i < n; ++i) {
      const bool still_to_come = last < 0 || x[i] < x[last] || (x[i] == x[last] && i > last);
      if (still_to_come && (next < 0 || x[i] > x[next])) next = i;
    }
    if (next < 0 || !f(rank, next)) return;
    last = next;
  }
}

// Element `rank` is in the support while it exceeds (sum of the `rank` largest - 1) / rank. Keras's tau adds up these
// sums over the support where the paper takes the last one; the two agree for a support of one, and Rondo follows
// Keras.
template <class T>
void SparsemaxRow(const T* x, T* y, Index n) {
  // A NaN anywhere leaves nothing to compare: the whole row is NaN, as for softmax.
  for (Index i = 0; i < n; ++i) {
    if (x[i] != x[i]) {
      std::fill_n(y, n, x[i]);
      return;
    }
  }
  T sum = 0, sums = 0;
  Index support = 0;
  Descending(x, n, [&](Index rank, Index i) {
    sum += x[i];
    if (!(x[i] - (sum - 1) / static_cast<T>(rank) > 0)) return false;
    sums += sum;
    support = rank;
    return true;
  });
  const T tau = support > 0 ? (sums - 1) / static_cast<T>(support) : T{0};
  for (Index i = 0; i < n; ++i) {
    const T above = x[i] - tau;
    y[i] = above <= 0 ? T{0} : above;
  }
}

// dx = dy where y > 0, less the sum of those dy times tau's slope: (support - rank + 1) / support.
template <class T>
void SparsemaxRowBackward(const T* x, const T* y, const T* dy, T* dx, Index n) {
  T through_tau = 0, sum = 0;
  Index support = 0;
  for (Index i = 0; i < n; ++i) {
    dx[i] = y[i] != 0 ? dy[i] : T{0};
    through_tau += dx[i];
  }
  const auto in_support = [&](Index rank, Index i) {
    sum += x[i];
    return x[i] - (sum - 1) / static_cast<T>(rank) > 0;
  };
  Descending(x, n, [&](Index rank, Index i) {
    if (!in_support(rank, i)) return false;
    support = rank;
    return true;
  });
  Descending(x, n, [&](Index rank, Index i) {
    if (rank > support) return false;
    dx[i] -= through_tau * static_cast<T>(support - rank + 1) / static_cast<T>(support);
    return true;
  });
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
      case ActivationKind::sparsemax: SparsemaxRowBackward(x, y, dy, dx, features); break;
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
