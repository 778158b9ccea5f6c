// The elementwise part of an LSTM step, forward and backward beside each other, on vectors of units.
//
//   i = r(z_i)   f = r(z_f)   g = a(z_c)   o = r(z_o)       r: recurrent activation (sigmoid), a: activation (tanh)
//   c' = f c + i g            h' = o a(c')
//
// Backward, with dh and dc arriving and u = a(c'):
//   dc += dh o a'(c')         dz_o = dh u r'(z_o)
//   dz_i = dc g r'(z_i)       dz_f = dc c r'(z_f)       dz_c = dc i a'(z_c)       dc of the step before = dc f
//
// StandardLstm is Keras's default (sigmoid and tanh), whose slopes follow from the values; AnyLstm takes any
// elementwise activations and keeps the sums z instead of the gate values.

#if defined(RONDO_KERNELS_LSTM_CELL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_LSTM_CELL_INL_H_
#undef RONDO_KERNELS_LSTM_CELL_INL_H_
#else
#define RONDO_KERNELS_LSTM_CELL_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/activations-inl.h"
#include "kernels/recurrent.hpp"
#include "kernels/unit_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class V>
struct Gates {
  V i, f, g, o;
};

// The gates of kParts rows of a panel: [i f g o] each, `stride` apart.
template <int kParts, class D, class V = hn::Vec<D>>
HWY_INLINE Gates<V> LoadGates(D d, const hn::TFromD<D>* from, Index stride) {
  const Index n = static_cast<Index>(hn::Lanes(d)) / kParts;
  return {LoadParts<kParts>(d, from, stride), LoadParts<kParts>(d, from + n, stride),
          LoadParts<kParts>(d, from + 2 * n, stride), LoadParts<kParts>(d, from + 3 * n, stride)};
}

template <int kParts, class D, class V = hn::Vec<D>>
HWY_INLINE void StoreGates(D d, const Gates<V>& gates, hn::TFromD<D>* to, Index stride) {
  const Index n = static_cast<Index>(hn::Lanes(d)) / kParts;
  StoreParts<kParts>(d, gates.i, to, stride);
  StoreParts<kParts>(d, gates.f, to + n, stride);
  StoreParts<kParts>(d, gates.g, to + 2 * n, stride);
  StoreParts<kParts>(d, gates.o, to + 3 * n, stride);
}

// ---- fading away ---------------------------------------------------------------------------------------------------

// States and gradients that fade from step to step would end among the denormal numbers and stay there: the smallest
// one times 0.7 rounds to itself (20,000 steps of 64 units: 2.5 s instead of 0.12 s). So they become zero before.

// c' = f c + i g; where c is zero, i g.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V NextCellState(D d, V i, V g) {
  return ZeroIfTiny(d, hn::Mul(i, g));
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V NextCellState(D d, V i, V g, V f, V c) {
  return ZeroIfTiny(d, Fma(d, f, c, hn::Mul(i, g)));
}

// ---- kinds of cells ------------------------------------------------------------------------------------------------

struct StandardLstm {
  static constexpr int kGates = 4;
  static constexpr bool kResetsBefore = false;
  template <class D, class Layer, class V = hn::Vec<D>>
  static HWY_INLINE Gates<V> Activate(D d, const Gates<V>& z, const Layer&) {
    return {Sigmoid(d, z.i), Sigmoid(d, z.f), Tanh(d, z.g), Sigmoid(d, z.o)};
  }
  static constexpr bool kKeepsSums = false;  // backward needs the gates' values alone
  template <class D, class Layer, class V = hn::Vec<D>>
  static HWY_INLINE V Output(D d, V c, const Layer&) {
    return Tanh(d, c);
  }
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE V OutputSlope(D d, V, V u, const RecurrentArgs<T>&) {
    return FmaNegMul(d, u, u, hn::Set(d, T{1}));
  }
  // Gate values and slopes from what was kept.
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE void Recall(D d, const Gates<V>& kept, const RecurrentArgs<T>&, Gates<V>& value, Gates<V>& slope) {
    const V one = hn::Set(d, T{1});
    value = kept;
    slope = {hn::Mul(kept.i, hn::Sub(one, kept.i)), hn::Mul(kept.f, hn::Sub(one, kept.f)),
             FmaNegMul(d, kept.g, kept.g, one), hn::Mul(kept.o, hn::Sub(one, kept.o))};
  }
};

struct AnyLstm {
  static constexpr int kGates = 4;
  static constexpr bool kResetsBefore = false;
  template <class D, class Layer, class V = hn::Vec<D>>
  static HWY_INLINE Gates<V> Activate(D d, const Gates<V>& z, const Layer& p) {
    return {ActivationValue(d, z.i, p.recurrent_activation), ActivationValue(d, z.f, p.recurrent_activation),
            ActivationValue(d, z.g, p.activation), ActivationValue(d, z.o, p.recurrent_activation)};
  }
  static constexpr bool kKeepsSums = true;
  template <class D, class Layer, class V = hn::Vec<D>>
  static HWY_INLINE V Output(D d, V c, const Layer& p) {
    return ActivationValue(d, c, p.activation);
  }
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE V OutputSlope(D d, V c, V u, const RecurrentArgs<T>& p) {
    return ActivationSlope(d, c, u, p.activation);
  }
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE void Recall(D d, const Gates<V>& z, const RecurrentArgs<T>& p, Gates<V>& value, Gates<V>& slope) {
    value = Activate(d, z, p);
    slope = {ActivationSlope(d, z.i, value.i, p.recurrent_activation),
             ActivationSlope(d, z.f, value.f, p.recurrent_activation), ActivationSlope(d, z.g, value.g, p.activation),
             ActivationSlope(d, z.o, value.o, p.recurrent_activation)};
  }
};

// ---- rows of a panel -----------------------------------------------------------------------------------------------

// A run of batch rows of one panel in one step. Each Rows stands at the panel's first unit and has one step.
template <class T>
struct CellForwardRows {
  Rows<const T> sums;      // z: [i f g o]
  Rows<T> values;          // the gates' values; may be the sums
  Rows<const T> c_before;  // null: zero
  Rows<T> c, h;
  Rows<T> kept_c, kept_output;  // c and activation(c) again, for backward; null: not wanted
};

// The four activations of a row do not wait for each other; the cell after them does. Two loops therefore keep the
// processor busier than one, whose chain from sums to h is longer than it can look ahead (c64 on Zen 4: 81 cycles a
// vector in one loop).
template <class Cell, int kParts, class D, class T>
HWY_NOINLINE void CellForward(D d, const RecurrentArgs<T>& p, const CellForwardRows<T>& at, Index begin, Index end) {
  using V = hn::Vec<D>;
  const Rows<const T> sums = at.sums, c_before = at.c_before;
  const Rows<T> values = at.values, c_rows = at.c, h_rows = at.h, kept_c = at.kept_c, kept_output = at.kept_output;
  for (Index b = begin; b < end; b += kParts) {
    const Gates<V> z = LoadGates<kParts>(d, sums.at(b, 0), sums.batch_stride);
    StoreGates<kParts>(d, Cell::Activate(d, z, p), values.at(b, 0), values.batch_stride);
  }
  for (Index b = begin; b < end; b += kParts) {
    const Gates<V> gate = LoadGates<kParts>(d, values.at(b, 0), values.batch_stride);
    const V c = c_before ? NextCellState(d, gate.i, gate.g, gate.f,
                                         LoadParts<kParts>(d, c_before.at(b, 0), c_before.batch_stride))
                         : NextCellState(d, gate.i, gate.g);
    const V u = Cell::Output(d, c, p);
    StoreParts<kParts>(d, c, c_rows.at(b, 0), c_rows.batch_stride);
    StoreParts<kParts>(d, hn::Mul(gate.o, u), h_rows.at(b, 0), h_rows.batch_stride);
    if (kept_c) {
      StoreParts<kParts>(d, c, kept_c.at(b, 0), kept_c.batch_stride);
      StoreParts<kParts>(d, u, kept_output.at(b, 0), kept_output.batch_stride);
    }
  }
}

template <class T>
struct CellBackwardRows {
  Rows<const T> dh;
  Rows<const T> gates, c, output;  // what forward kept
  Rows<const T> c_before;          // null: zero
  Rows<T> dz;                      // out
  Rows<T> dc;                      // in: from the step after; out: for the step before
};

template <class Cell, int kParts, class D, class T>
HWY_NOINLINE void CellBackward(D d, const RecurrentArgs<T>& p, const CellBackwardRows<T>& at, Index begin, Index end) {
  using V = hn::Vec<D>;
  const Rows<const T> dh_rows = at.dh, gates = at.gates, c_before = at.c_before, c_rows = at.c, output = at.output;
  const Rows<T> dc_rows = at.dc, dz_rows = at.dz;
  for (Index b = begin; b < end; b += kParts) {
    Gates<V> value, slope;
    Cell::Recall(d, LoadGates<kParts>(d, gates.at(b, 0), gates.batch_stride), p, value, slope);
    const V dh = ZeroIfTiny(d, LoadParts<kParts>(d, dh_rows.at(b, 0), dh_rows.batch_stride));
    const V u = LoadParts<kParts>(d, output.at(b, 0), output.batch_stride);
    const V c = LoadParts<kParts>(d, c_rows.at(b, 0), c_rows.batch_stride);
    const V through_output = hn::Mul(hn::Mul(dh, value.o), Cell::OutputSlope(d, c, u, p));
    const V dc = ZeroIfTiny(d, hn::Add(through_output, LoadParts<kParts>(d, dc_rows.at(b, 0), dc_rows.batch_stride)));
    V before = hn::Zero(d);
    if (c_before) before = LoadParts<kParts>(d, c_before.at(b, 0), c_before.batch_stride);
    Gates<V> dz;
    dz.i = hn::Mul(hn::Mul(dc, value.g), slope.i);
    dz.f = hn::Mul(hn::Mul(dc, before), slope.f);
    dz.g = hn::Mul(hn::Mul(dc, value.i), slope.g);
    dz.o = hn::Mul(hn::Mul(dh, u), slope.o);
    StoreGates<kParts>(d, dz, dz_rows.at(b, 0), dz_rows.batch_stride);
    StoreParts<kParts>(d, hn::Mul(dc, value.f), dc_rows.at(b, 0), dc_rows.batch_stride);
  }
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
