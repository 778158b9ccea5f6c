// Transposed copies of weights.

#if defined(RONDO_KERNELS_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_TRANSPOSE_INL_H_
#undef RONDO_KERNELS_TRANSPOSE_INL_H_
#else
#define RONDO_KERNELS_TRANSPOSE_INL_H_
#endif

#include <hwy/highway.h>

#include "core/range.hpp"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A square of 16-byte vectors: four of float, two of double.
#if HWY_TARGET == HWY_SCALAR
template <class T>
constexpr Index kSquare = 1;

template <class T>
HWY_INLINE void TransposeSquare(const T* from, Index, T* to, Index) {
  *to = *from;
}
#else
template <class T>
constexpr Index kSquare = 16 / sizeof(T);

HWY_INLINE void TransposeSquare(const float* from, Index from_stride, float* to, Index to_stride) {
  const hn::Full128<float> d;
  const hn::Full128<double> pairs;
  const auto row = [&](Index k) HWY_ATTR { return hn::LoadU(d, from + k * from_stride); };
  const auto store = [&](Index k, auto low, auto high, auto interleave) HWY_ATTR {
    hn::StoreU(hn::BitCast(d, interleave(hn::BitCast(pairs, low), hn::BitCast(pairs, high))), d, to + k * to_stride);
  };
  const auto lower = [&](auto a, auto b) HWY_ATTR { return hn::InterleaveLower(pairs, a, b); };
  const auto upper = [&](auto a, auto b) HWY_ATTR { return hn::InterleaveUpper(pairs, a, b); };
  const auto r0 = row(0), r1 = row(1), r2 = row(2), r3 = row(3);
  const auto low01 = hn::InterleaveLower(d, r0, r1), low23 = hn::InterleaveLower(d, r2, r3);
  const auto high01 = hn::InterleaveUpper(d, r0, r1), high23 = hn::InterleaveUpper(d, r2, r3);
  store(0, low01, low23, lower);
  store(1, low01, low23, upper);
  store(2, high01, high23, lower);
  store(3, high01, high23, upper);
}

HWY_INLINE void TransposeSquare(const double* from, Index from_stride, double* to, Index to_stride) {
  const hn::Full128<double> d;
  const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + from_stride);
  hn::StoreU(hn::InterleaveLower(d, r0, r1), d, to);
  hn::StoreU(hn::InterleaveUpper(d, r0, r1), d, to + to_stride);
}
#endif

// to[c][r] = from[r][c], rows `stride` apart.
template <class T>
HWY_NOINLINE void Transpose(const T* from, Index from_stride, Index rows, Index columns, T* to, Index to_stride) {
  constexpr Index n = kSquare<T>;
  const Index whole_rows = rows / n * n, whole_columns = columns / n * n;
  const auto copy = [&](Index r, Index c) { to[c * to_stride + r] = from[r * from_stride + c]; };
  for (Index r = 0; r < whole_rows; r += n) {
    for (Index c = 0; c < whole_columns; c += n) {
      TransposeSquare(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
    }
    for (Index c = whole_columns; c < columns; ++c) {
      for (Index i = r; i < r + n; ++i) copy(i, c);
    }
  }
  for (Index r = whole_rows; r < rows; ++r) {
    for (Index c = 0; c < columns; ++c) copy(r, c);
  }
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
