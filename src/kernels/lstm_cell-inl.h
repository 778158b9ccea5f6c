// The elementwise part of an LSTM step, forward and backward beside each other, on vectors of units.
//
//   i = r(z_i)   f = r(z_f)   g = a(z_c)   o = r(z_o)       r: recurrent activation (sigmoid), a: activation (tanh)
//   c' = f c + i g            h' = o a(c')
//
// Backward, with dh and dc arriving and u = a(c'):
//   dc += dh o a'(c')         dz_o = dh u r'(z_o)
//   dz_i = dc g r'(z_i)       dz_f = dc c r'(z_f)       dz_c = dc i a'(z_c)       dc of the step before = dc f
//
// StandardCell is Keras's default (sigmoid and tanh), whose slopes follow from the values; AnyCell takes any
// elementwise activations and keeps the sums z instead of the gate values.

#if defined(RONDO_KERNELS_LSTM_CELL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_LSTM_CELL_INL_H_
#undef RONDO_KERNELS_LSTM_CELL_INL_H_
#else
#define RONDO_KERNELS_LSTM_CELL_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/activations-inl.h"
#include "kernels/table.hpp"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class V>
struct Gates {
  V i, f, g, o;
};

template <class D, class V = hn::Vec<D>>
HWY_INLINE Gates<V> LoadGates(D d, const hn::TFromD<D>* from) {
  const size_t n = hn::Lanes(d);
  return {hn::LoadU(d, from), hn::LoadU(d, from + n), hn::LoadU(d, from + 2 * n), hn::LoadU(d, from + 3 * n)};
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE void StoreGates(D d, const Gates<V>& gates, hn::TFromD<D>* to) {
  const size_t n = hn::Lanes(d);
  hn::StoreU(gates.i, d, to);
  hn::StoreU(gates.f, d, to + n);
  hn::StoreU(gates.g, d, to + 2 * n);
  hn::StoreU(gates.o, d, to + 3 * n);
}

struct StandardCell {
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE Gates<V> Activate(D d, const Gates<V>& z, const LstmArgs<T>&) {
    return {Sigmoid(d, z.i), Sigmoid(d, z.f), Tanh(d, z.g), Sigmoid(d, z.o)};
  }
  // What backward needs of the gates: their values.
  template <class V>
  static HWY_INLINE Gates<V> Keep(const Gates<V>&, const Gates<V>& values) {
    return values;
  }
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE V Output(D d, V c, const LstmArgs<T>&) {
    return Tanh(d, c);
  }
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE V OutputSlope(D d, V, V u, const LstmArgs<T>&) {
    return FmaNegMul(d, u, u, hn::Set(d, T{1}));
  }
  // Gate values and slopes from what was kept.
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE void Recall(D d, const Gates<V>& kept, const LstmArgs<T>&, Gates<V>& value, Gates<V>& slope) {
    const V one = hn::Set(d, T{1});
    value = kept;
    slope = {hn::Mul(kept.i, hn::Sub(one, kept.i)), hn::Mul(kept.f, hn::Sub(one, kept.f)),
             FmaNegMul(d, kept.g, kept.g, one), hn::Mul(kept.o, hn::Sub(one, kept.o))};
  }
};

struct AnyCell {
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE Gates<V> Activate(D d, const Gates<V>& z, const LstmArgs<T>& p) {
    return {ActivationValue(d, z.i, p.recurrent_activation), ActivationValue(d, z.f, p.recurrent_activation),
            ActivationValue(d, z.g, p.activation), ActivationValue(d, z.o, p.recurrent_activation)};
  }
  template <class V>
  static HWY_INLINE Gates<V> Keep(const Gates<V>& z, const Gates<V>&) {
    return z;
  }
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE V Output(D d, V c, const LstmArgs<T>& p) {
    return ActivationValue(d, c, p.activation);
  }
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE V OutputSlope(D d, V c, V u, const LstmArgs<T>& p) {
    return ActivationSlope(d, c, u, p.activation);
  }
  template <class D, class T, class V = hn::Vec<D>>
  static HWY_INLINE void Recall(D d, const Gates<V>& z, const LstmArgs<T>& p, Gates<V>& value, Gates<V>& slope) {
    value = Activate(d, z, p);
    slope = {ActivationSlope(d, z.i, value.i, p.recurrent_activation),
             ActivationSlope(d, z.f, value.f, p.recurrent_activation), ActivationSlope(d, z.g, value.g, p.activation),
             ActivationSlope(d, z.o, value.o, p.recurrent_activation)};
  }
};

// One row of a panel: sums z in, new c and h out. c_before null: zero. kept and output null: inference.
template <class Cell, class D, class T>
HWY_INLINE void CellForward(D d, const LstmArgs<T>& p, const T* z_row, const T* c_before, T* c_after, T* h, T* kept,
                            T* output) {
  using V = hn::Vec<D>;
  const Gates<V> z = LoadGates(d, z_row);
  const Gates<V> gate = Cell::Activate(d, z, p);
  V c = hn::Mul(gate.i, gate.g);
  if (c_before != nullptr) c = Fma(d, gate.f, hn::LoadU(d, c_before), c);
  const V u = Cell::Output(d, c, p);
  hn::StoreU(c, d, c_after);
  hn::StoreU(hn::Mul(gate.o, u), d, h);
  if (kept != nullptr) {
    StoreGates(d, Cell::Keep(z, gate), kept);
    hn::StoreU(u, d, output);
  }
}

// One row of a panel backwards: replaces what was kept by dz, and dc (in: from the step after) by that of the step
// before. first: no dc arrives yet.
template <class Cell, class D, class T>
HWY_INLINE void CellBackward(D d, const LstmArgs<T>& p, hn::Vec<D> dh, T* kept, const T* c, const T* output,
                             const T* c_before, T* dc_row, bool first) {
  using V = hn::Vec<D>;
  Gates<V> value, slope;
  Cell::Recall(d, LoadGates(d, kept), p, value, slope);
  const V u = hn::LoadU(d, output);
  const V through_output = hn::Mul(hn::Mul(dh, value.o), Cell::OutputSlope(d, hn::LoadU(d, c), u, p));
  const V dc = first ? through_output : hn::Add(through_output, hn::LoadU(d, dc_row));
  Gates<V> dz;
  dz.i = hn::Mul(hn::Mul(dc, value.g), slope.i);
  dz.f = c_before != nullptr ? hn::Mul(hn::Mul(dc, hn::LoadU(d, c_before)), slope.f) : hn::Zero(d);
  dz.g = hn::Mul(hn::Mul(dc, value.i), slope.g);
  dz.o = hn::Mul(hn::Mul(dh, u), slope.o);
  StoreGates(d, dz, kept);
  hn::StoreU(hn::Mul(dc, value.f), d, dc_row);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
