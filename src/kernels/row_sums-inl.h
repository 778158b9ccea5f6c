// Sums along a row in an order that no vector width can change, and vectors over the end of a row.

#if defined(RONDO_KERNELS_ROW_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_ROW_SUMS_INL_H_
#undef RONDO_KERNELS_ROW_SUMS_INL_H_
#else
#define RONDO_KERNELS_ROW_SUMS_INL_H_
#endif

#include <hwy/highway.h>

#include <rondo/shape.hpp>

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Elements [i, i + lanes) of a row of n, zeros behind its end.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> LoadPart(D d, const T* from, Index i, Index n) {
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  if (i + lanes <= n) return hn::LoadU(d, from + i);
#if HWY_TARGET <= HWY_AVX2  // masks keep away from what stands behind; on SSE4 they would not
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(n - i)), d, from + i);
#else
  HWY_ALIGN T part[hn::MaxLanes(D())] = {};
  for (Index k = i; k < n; ++k) part[k - i] = from[k];
  return hn::Load(d, part);
#endif
}

template <class D, class V, class T = hn::TFromD<D>>
HWY_INLINE void StorePart(D d, V v, T* to, Index i, Index n) {
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  if (i + lanes <= n) return hn::StoreU(v, d, to + i);
#if HWY_TARGET <= HWY_AVX2
  hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(n - i)), d, to + i);
#else
  HWY_ALIGN T part[hn::MaxLanes(D())];
  hn::Store(v, d, part);
  for (Index k = i; k < n; ++k) to[k] = part[k - i];
#endif
}

// y[i] = f(a[i], ...) over n elements; a may be y.
template <class D, class F, class T = hn::TFromD<D>>
HWY_INLINE void ForVectors(D d, Index n, F&& f) {
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  for (Index i = 0; i < n; i += lanes) f(i);
}

// The sum of n elements: one chain in order below 16; from 16 on, 16 chains (element i in chain i mod 16) added up in
// order at the end, whatever the target's width.
template <class T>
HWY_INLINE T RowSum(const T* row, Index n) {
  if (n < 16) {
    T sum = 0;
    for (Index i = 0; i < n; ++i) sum += row[i];
    return sum;
  }
  HWY_ALIGN T chain[16];
  for (Index k = 0; k < 16; ++k) chain[k] = row[k];
  Index i = 16;
  for (; i + 16 <= n; i += 16) {
    for (Index k = 0; k < 16; ++k) chain[k] += row[i + k];
  }
  for (Index k = 0; i + k < n; ++k) chain[k] += row[i + k];
  T sum = chain[0];
  for (Index k = 1; k < 16; ++k) sum += chain[k];
  return sum;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
