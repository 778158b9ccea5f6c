// The elementwise part of a GRU step, forward and backward beside each other, on vectors of units.
//
//   z = r(z_z)   r = r(z_r)   g = a(x_g + r s_g)      g's sum in two parts, of the inputs and of the state
//   h' = z h + (1 - z) g                              r: recurrent activation (sigmoid), a: activation (tanh)
//
// Backward, with dh arriving:
//   dx_g = dh (1 - z) a'(g)   ds_g = dx_g r           dz_z = dh (h - g) r'(z_z)   dz_r = dx_g s_g r'(z_r)
//   dh of the step before = dh z, beside what the products give
//
// Where r is applied before the product of the state (reset_after = false) the state's part is one with that of the
// inputs: g = a(x_g), and with dq, the gradient of r h:  dz_r = dq h r'(z_r), dh of the step before += dq r.
//
// StandardGru is Keras's default (sigmoid and tanh), whose slopes follow from the values; AnyGru takes any elementwise
// activations and keeps the sums instead of the values. So does the reset before the product, where speed is not worth
// the code.

#if defined(RONDO_KERNELS_GRU_CELL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_GRU_CELL_INL_H_
#undef RONDO_KERNELS_GRU_CELL_INL_H_
#else
#define RONDO_KERNELS_GRU_CELL_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/activations-inl.h"
#include "kernels/recurrent.hpp"
#include "kernels/unit_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A record: the candidate (or the inputs' part of its sum), z, r, and the state's part of the candidate's sum.
template <class V>
struct GruRecord {
  V g, z, r, s;
};

template <int kParts, class D, class V = hn::Vec<D>>
HWY_INLINE GruRecord<V> LoadRecord(D d, const hn::TFromD<D>* from, Index stride) {
  const Index n = static_cast<Index>(hn::Lanes(d)) / kParts;
  return {LoadParts<kParts>(d, from, stride), LoadParts<kParts>(d, from + n, stride),
          LoadParts<kParts>(d, from + 2 * n, stride), LoadParts<kParts>(d, from + 3 * n, stride)};
}

// ---- kinds of cells ------------------------------------------------------------------------------------------------

struct StandardGru {
  static constexpr int kGates = 3;
  static constexpr bool kResetsBefore = false;
  static constexpr bool kKeepsSums = false;
  template <class D, class V = hn::Vec<D>, class Layer>
  static HWY_INLINE V Gate(D d, V z, const Layer&) {
    return Sigmoid(d, z);
  }
  template <class D, class V = hn::Vec<D>, class Layer>
  static HWY_INLINE V Candidate(D d, V z, const Layer&) {
    return Tanh(d, z);
  }
  // Values and slopes from what was kept; s stays, and has no slope.
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE void Recall(D d, const GruRecord<V>& kept, const RecurrentArgs<T>&, GruRecord<V>& value,
                                GruRecord<V>& slope) {
    const V one = hn::Set(d, T{1});
    value = kept;
    slope = {FmaNegMul(d, kept.g, kept.g, one), hn::Mul(kept.z, hn::Sub(one, kept.z)),
             hn::Mul(kept.r, hn::Sub(one, kept.r)), kept.s};
  }
};

template <bool kBefore>
struct AnyGru {
  static constexpr int kGates = 3;
  static constexpr bool kResetsBefore = kBefore;
  static constexpr bool kKeepsSums = true;
  template <class D, class V = hn::Vec<D>, class Layer>
  static HWY_INLINE V Gate(D d, V z, const Layer& p) {
    return ActivationValue(d, z, p.recurrent_activation);
  }
  template <class D, class V = hn::Vec<D>, class Layer>
  static HWY_INLINE V Candidate(D d, V z, const Layer& p) {
    return ActivationValue(d, z, p.activation);
  }
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE void Recall(D d, const GruRecord<V>& sum, const RecurrentArgs<T>& p, GruRecord<V>& value,
                                GruRecord<V>& slope) {
    value.z = Gate(d, sum.z, p);
    value.r = Gate(d, sum.r, p);
    value.s = sum.s;
    const V g_sum = kBefore ? sum.g : Fma(d, value.r, sum.s, sum.g);
    value.g = Candidate(d, g_sum, p);
    slope = {ActivationSlope(d, g_sum, value.g, p.activation),
             ActivationSlope(d, sum.z, value.z, p.recurrent_activation),
             ActivationSlope(d, sum.r, value.r, p.recurrent_activation), sum.s};
  }
};

// z h + (1 - z) g, without what would fade away among the denormal numbers (as an LSTM's cell state).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V NextState(D d, V z, V g) {
  return ZeroIfTiny(d, hn::Mul(hn::Sub(hn::Set(d, hn::TFromD<D>{1}), z), g));
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V NextState(D d, V z, V g, V h) {
  return ZeroIfTiny(d, Fma(d, z, h, hn::Mul(hn::Sub(hn::Set(d, hn::TFromD<D>{1}), z), g)));
}

// ---- rows of a panel -----------------------------------------------------------------------------------------------

// A run of batch rows of one panel in one step. Each Rows stands at the panel's first unit and has one step.
template <class T>
struct GruForwardRows {
  Rows<const T> sums;
  Rows<T> values;          // of the gates and, with keep, all of the record; may be the sums
  Rows<const T> h_before;  // null: zero
  Rows<T> h;
  Rows<T> reset_h;    // r h before; null: not wanted
  bool keep = false;  // the whole record of values, for backward
};

// In two loops, as the gates of rows do not wait for each other, but the candidate does for them.
template <class Cell, int kParts, class D, class T>
HWY_NOINLINE void GruGates(D d, const RecurrentArgs<T>& p, const GruForwardRows<T>& at, Index begin, Index end) {
  using V = hn::Vec<D>;
  const Rows<const T> sums = at.sums, h_before = at.h_before;
  const Rows<T> values = at.values, reset_h = at.reset_h;
  const Index n = static_cast<Index>(hn::Lanes(d)) / kParts;
  for (Index b = begin; b < end; b += kParts) {
    const V z = Cell::Gate(d, LoadParts<kParts>(d, sums.at(b, 0) + n, sums.batch_stride), p);
    const V r = Cell::Gate(d, LoadParts<kParts>(d, sums.at(b, 0) + 2 * n, sums.batch_stride), p);
    StoreParts<kParts>(d, z, values.at(b, 0) + n, values.batch_stride);
    StoreParts<kParts>(d, r, values.at(b, 0) + 2 * n, values.batch_stride);
    if (!reset_h) continue;
    V h = hn::Zero(d);
    if (h_before) h = hn::Mul(r, LoadParts<kParts>(d, h_before.at(b, 0), h_before.batch_stride));
    StoreParts<kParts>(d, h, reset_h.at(b, 0), reset_h.batch_stride);
  }
}

template <class Cell, int kParts, class D, class T>
HWY_NOINLINE void GruStates(D d, const RecurrentArgs<T>& p, const GruForwardRows<T>& at, Index begin, Index end) {
  using V = hn::Vec<D>;
  const Rows<const T> sums = at.sums, h_before = at.h_before;
  const Rows<T> values = at.values, h_rows = at.h;
  const bool keep = at.keep;
  const Index n = static_cast<Index>(hn::Lanes(d)) / kParts;
  for (Index b = begin; b < end; b += kParts) {
    V sum = LoadParts<kParts>(d, sums.at(b, 0), sums.batch_stride);
    if constexpr (!Cell::kResetsBefore) {
      const V s = LoadParts<kParts>(d, sums.at(b, 0) + 3 * n, sums.batch_stride);
      sum = Fma(d, LoadParts<kParts>(d, values.at(b, 0) + 2 * n, values.batch_stride), s, sum);
      if (keep) StoreParts<kParts>(d, s, values.at(b, 0) + 3 * n, values.batch_stride);
    }
    const V g = Cell::Candidate(d, sum, p);
    if (keep) StoreParts<kParts>(d, g, values.at(b, 0), values.batch_stride);
    const V z = LoadParts<kParts>(d, values.at(b, 0) + n, values.batch_stride);
    const V h = h_before ? NextState(d, z, g, LoadParts<kParts>(d, h_before.at(b, 0), h_before.batch_stride))
                         : NextState(d, z, g);
    StoreParts<kParts>(d, h, h_rows.at(b, 0), h_rows.batch_stride);
  }
}

template <class T>
struct GruBackwardRows {
  Rows<const T> dh;        // from outside and through the products
  Rows<const T> kept;      // the records that forward kept
  Rows<const T> h_before;  // null: zero
  Rows<T> dz;              // out: records
  Rows<T> passed;          // in: dh z of the step after; out: of this one
};

// All of a step; without what goes through r where r comes before the product.
template <class Cell, int kParts, class D, class T>
HWY_NOINLINE void GruCellBackward(D d, const RecurrentArgs<T>& p, const GruBackwardRows<T>& at, Index begin,
                                  Index end) {
  using V = hn::Vec<D>;
  const Rows<const T> dh_rows = at.dh, kept = at.kept, h_before = at.h_before;
  const Rows<T> dz = at.dz, passed = at.passed;
  const Index n = static_cast<Index>(hn::Lanes(d)) / kParts;
  for (Index b = begin; b < end; b += kParts) {
    GruRecord<V> value, slope;
    Cell::Recall(d, LoadRecord<kParts>(d, kept.at(b, 0), kept.batch_stride), p, value, slope);
    const V dh = ZeroIfTiny(d, hn::Add(LoadParts<kParts>(d, dh_rows.at(b, 0), dh_rows.batch_stride),
                                       LoadParts<kParts>(d, passed.at(b, 0), passed.batch_stride)));
    V before = hn::Zero(d);
    if (h_before) before = LoadParts<kParts>(d, h_before.at(b, 0), h_before.batch_stride);
    const V dg = hn::Mul(hn::Mul(dh, hn::Sub(hn::Set(d, T{1}), value.z)), slope.g);
    T* out = dz.at(b, 0);
    StoreParts<kParts>(d, dg, out, dz.batch_stride);
    StoreParts<kParts>(d, hn::Mul(hn::Mul(dh, hn::Sub(before, value.g)), slope.z), out + n, dz.batch_stride);
    if constexpr (!Cell::kResetsBefore) {
      StoreParts<kParts>(d, hn::Mul(hn::Mul(dg, value.s), slope.r), out + 2 * n, dz.batch_stride);
      StoreParts<kParts>(d, hn::Mul(dg, value.r), out + 3 * n, dz.batch_stride);
    }
    StoreParts<kParts>(d, hn::Mul(dh, value.z), passed.at(b, 0), passed.batch_stride);
  }
}

// What goes through r where it comes before the product, from the gradient of r h in place of dh.
template <int kParts, class D, class T>
HWY_NOINLINE void GruResetBackward(D d, const RecurrentArgs<T>& p, const GruBackwardRows<T>& at, Index begin,
                                   Index end) {
  using V = hn::Vec<D>;
  const Rows<const T> dq_rows = at.dh, kept = at.kept, h_before = at.h_before;
  const Rows<T> dz = at.dz, passed = at.passed;
  const Index n = static_cast<Index>(hn::Lanes(d)) / kParts;
  for (Index b = begin; b < end; b += kParts) {
    const V r_sum = LoadParts<kParts>(d, kept.at(b, 0) + 2 * n, kept.batch_stride);
    const V r = ActivationValue(d, r_sum, p.recurrent_activation);
    const V slope = ActivationSlope(d, r_sum, r, p.recurrent_activation);
    const V dq = ZeroIfTiny(d, LoadParts<kParts>(d, dq_rows.at(b, 0), dq_rows.batch_stride));
    const V before = LoadParts<kParts>(d, h_before.at(b, 0), h_before.batch_stride);
    StoreParts<kParts>(d, hn::Mul(hn::Mul(dq, before), slope), dz.at(b, 0) + 2 * n, dz.batch_stride);
    const V dh = LoadParts<kParts>(d, passed.at(b, 0), passed.batch_stride);
    StoreParts<kParts>(d, Fma(d, dq, r, dh), passed.at(b, 0), passed.batch_stride);
  }
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
