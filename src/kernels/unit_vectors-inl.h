// What the cells share: vectors of units. A panel narrower than a vector (layout.hpp) fills it with the units of
// several rows.

#if defined(RONDO_KERNELS_UNIT_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_UNIT_VECTORS_INL_H_
#undef RONDO_KERNELS_UNIT_VECTORS_INL_H_
#else
#define RONDO_KERNELS_UNIT_VECTORS_INL_H_
#endif

#include <hwy/highway.h>
#include <type_traits>

#include "core/range.hpp"
#include "kernels/activation.hpp"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Whether a cell has Keras's activations. A layer here is whatever names them: RecurrentArgs, RecurrentStepLayer.
template <class Layer>
HWY_INLINE bool IsStandard(const Layer& layer) {
  return layer.activation.kind == ActivationKind::tanh && layer.recurrent_activation.kind == ActivationKind::sigmoid;
}

// The units of kParts rows, `stride` apart; the first row comes first.
template <int kParts, class D>
HWY_INLINE hn::Vec<D> LoadParts(D d, const hn::TFromD<D>* from, [[maybe_unused]] Index stride) {
  if constexpr (kParts == 1) return hn::LoadU(d, from);
#if HWY_TARGET != HWY_SCALAR  // one lane has no parts
  if constexpr (kParts > 1) {
    const hn::Half<D> half;
    return hn::Combine(d, LoadParts<kParts / 2>(half, from + kParts / 2 * stride, stride),
                       LoadParts<kParts / 2>(half, from, stride));
  }
#endif
}

template <int kParts, class D>
HWY_INLINE void StoreParts(D d, hn::Vec<D> value, hn::TFromD<D>* to, [[maybe_unused]] Index stride) {
  if constexpr (kParts == 1) hn::StoreU(value, d, to);
#if HWY_TARGET != HWY_SCALAR
  if constexpr (kParts > 1) {
    const hn::Half<D> half;
    StoreParts<kParts / 2>(half, hn::LowerHalf(half, value), to, stride);
    StoreParts<kParts / 2>(half, hn::UpperHalf(half, value), to + kParts / 2 * stride, stride);
  }
#endif
}

// f(d, kParts, begin, end) for as many rows as fill whole vectors, then f(narrow, 1, begin, end) for the rest.
template <int kParts, class D, class Narrow, class F>
HWY_INLINE void ForRowParts(D d, Narrow narrow, Range rows, F&& f) {
  const Index middle = rows.begin + rows.size() / kParts * kParts;
  if (middle > rows.begin) f(d, std::integral_constant<int, kParts>(), rows.begin, middle);
  if (rows.end > middle) f(narrow, std::integral_constant<int, 1>(), middle, rows.end);
}

// The same for the rows of a panel of `panel_lanes` units.
template <class D, class F>
HWY_INLINE void ForRowsOfPanel(D d, Index panel_lanes, Range rows, F&& f) {
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  if (panel_lanes == lanes) return f(d, std::integral_constant<int, 1>(), rows.begin, rows.end);
  if constexpr (hn::MaxLanes(D()) >= 2) {
    const hn::Half<D> half;
    if (2 * panel_lanes == lanes) return ForRowParts<2>(d, half, rows, f);
    if constexpr (hn::MaxLanes(D()) >= 4) ForRowParts<4>(d, hn::Half<decltype(half)>(), rows, f);
  }
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
