// One step of a recurrent layer for one sequence: what a Stream does.
//
// A step is the product of one row with all weights, and its time is that of reading them or, with few units, that of
// one chain after the other: products, gates, cell, and then the same again for the next step. So everything stays in
// registers from the bias to h, and several panels are worked on side by side: a panel has four chains, but eight fused
// multiply-adds must be under way (4 cycles each, two begun in every cycle).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/recurrent_step.cpp"
#include <cstring>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <type_traits>

#include "kernels/bf16-inl.h"
#include "kernels/gru_cell-inl.h"
#include "kernels/lstm_cell-inl.h"
#include "kernels/table.hpp"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Four rows of weights a turn of the loop: 4 % faster than two from 64 units on.
#if HWY_COMPILER_CLANG
#define RONDO_UNROLL_STEP _Pragma("clang loop unroll_count(4)")
#else
#define RONDO_UNROLL_STEP _Pragma("GCC unroll 4")
#endif

// Without fused multiply-adds of the processor's own (SSE4, scalar) time is elsewhere, and code would only grow.
constexpr int kMostPanels = HWY_NATIVE_FMA ? 3 : 1;

// Panels to take at once of so many: two, but not so that one is left over. 3 x 4 sums fit 16 registers too.
HWY_INLINE Index PanelsAtOnce(Index left) { return left <= kMostPanels ? left : HWY_MIN(kMostPanels, 2); }

// A row of a panel: the weights of its gates. A panel may be kParts vectors wide, of which the first is loaded.
template <int kParts, int kGates, class D, class V = hn::Vec<D>>
HWY_INLINE void LoadWeights(D d, const hn::TFromD<D>* from, V (&w)[kGates]) {
  RONDO_UNROLL
  for (int gate = 0; gate < kGates; ++gate)
    w[gate] = hn::LoadU(d, from + gate * kParts * static_cast<Index>(hn::Lanes(d)));
}

// The words of a row of pairs.
template <int kParts, class D>
HWY_INLINE void LoadPairs(D d, const Bf16Pair* from, BitsOf<D> (&w)[4]) {
  const hn::RebindToUnsigned<D> words;
  RONDO_UNROLL
  for (int gate = 0; gate < 4; ++gate) {
    w[gate] = hn::LoadU(words, from + gate * kParts * static_cast<Index>(hn::Lanes(d)));
  }
}

// The sums of kPanels panels, one after the other in memory, each kParts vectors wide.
template <class D, int kPanels, int kParts, int kGates>
struct StepSums {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;
  static constexpr int kVectors = kPanels * kParts;  // of units
  static constexpr Index kRow = kGates * kParts;     // vectors of memory
  V z[kVectors][kGates];

  static HWY_INLINE Index Lanes(D d) { return static_cast<Index>(hn::Lanes(d)); }

  // `bias` may be null. Panels are `rows` rows apart. (Where vector v of a row begins is spelled out each time: in a
  // function of its own it cost 3 % more instructions.)
  HWY_INLINE void Begin(D d, const T* bias, Index rows) {
    RONDO_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      RONDO_UNROLL
      for (int gate = 0; gate < kGates; ++gate) z[v][gate] = hn::Zero(d);
      if (bias != nullptr) LoadWeights<kParts>(d, bias + (v / kParts * kRow * rows + v % kParts) * Lanes(d), z[v]);
    }
  }

  // z += a[0] w[0] + a[1] w[1] + ..., a row of weights to each element.
  HWY_INLINE void Multiply(D d, const T* HWY_RESTRICT a, Index count, const T* HWY_RESTRICT w, Index rows) {
    RONDO_UNROLL_STEP
    for (Index k = 0; k < count; ++k) {
      const V x = hn::Set(d, a[k]);
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        V weight[kGates];
        LoadWeights<kParts>(d, w + (v / kParts * kRow * rows + v % kParts) * Lanes(d), weight);
        RONDO_UNROLL
        for (int gate = 0; gate < kGates; ++gate) z[v][gate] = Fma(d, x, weight[gate], z[v][gate]);
      }
      w += kRow * Lanes(d);
    }
  }

  // The same with rounded weights in pairs of rows, which become floats again.
  HWY_INLINE void Multiply(D d, const T* HWY_RESTRICT a, Index count, const Bf16Pair* HWY_RESTRICT w, Index rows) {
    Index k = 0;
    RONDO_UNROLL_STEP
    for (; k + 1 < count; k += 2) {
      MultiplyPairs(d, w, rows, hn::Set(d, a[k]), [&](auto pairs) HWY_ATTR { return FirstOfPairs(d, pairs); });
      MultiplyPairs(d, w, rows, hn::Set(d, a[k + 1]), [&](auto pairs) HWY_ATTR { return SecondOfPairs(d, pairs); });
      w += kRow * Lanes(d);
    }
    if (k < count) {
      MultiplyPairs(d, w, rows, hn::Set(d, a[k]), [&](auto pairs) HWY_ATTR { return FirstOfPairs(d, pairs); });
    }
  }

 private:
  template <class Half>
  HWY_INLINE void MultiplyPairs(D d, const Bf16Pair* HWY_RESTRICT w, Index rows, V x, Half half) {
    RONDO_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      BitsOf<D> pairs[4];
      LoadPairs<kParts>(d, w + (v / kParts * kRow * rows + v % kParts) * Lanes(d), pairs);
      RONDO_UNROLL
      for (int gate = 0; gate < 4; ++gate) z[v][gate] = Fma(d, x, half(pairs[gate]), z[v][gate]);
    }
  }
};

// The cells of lstm_cell-inl.h: c and h of the step before become those of this one. The output gate comes last,
// because divisions wait for each other and c needs the other three.
template <class D, class T, class V = hn::Vec<D>>
HWY_INLINE void FinishStandard(D d, const V (&z)[4], T* c, T* h) {
  const V i = Sigmoid(d, z[0]), g = Tanh(d, z[2]), f = Sigmoid(d, z[1]);
  const V state = NextCellState(d, i, g, f, hn::LoadU(d, c));
  const V o = Sigmoid(d, z[3]);
  hn::StoreU(state, d, c);
  hn::StoreU(hn::Mul(o, Tanh(d, state)), d, h);
}

// Any activations, and the first step of a sequence, where c is zero. z: [i f g o].
template <class D, class T>
HWY_NOINLINE void FinishAny(D d, const RecurrentStepLayer& layer, const T* z, bool from_zero, T* c, T* h) {
  using V = hn::Vec<D>;
  const Gates<V> gate = AnyLstm::Activate(d, LoadGates<1>(d, z, 0), layer);
  const V state =
      from_zero ? NextCellState(d, gate.i, gate.g) : NextCellState(d, gate.i, gate.g, gate.f, hn::LoadU(d, c));
  hn::StoreU(state, d, c);
  hn::StoreU(hn::Mul(gate.o, AnyLstm::Output(d, state, layer)), d, h);
}

// kPanels panels from panel `first` on. (Inlined, so that arguments stay in registers: each waits for its store else.)
template <int kPanels, int kParts, class D, class T, class W>
HWY_INLINE void LstmStepPanels(D d, const RecurrentStepLayer& layer, const T* bias, const W* weights, const T* x,
                               const T* before, T* state, bool from_zero, Index first) {
  using Sums = StepSums<D, kPanels, kParts, /*kGates=*/4>;
  const RecurrentLayout& layout = layer.layout;
  const Index lanes = static_cast<Index>(hn::Lanes(d)), unit = layout.first_unit(first);
  constexpr bool kRounded = std::is_same_v<W, Bf16Pair>;  // pairs of rows, without a bias
  const Index rows = kRounded ? bf16_depth(layout) : layout.rows();
  const Index input_rows = kRounded ? bf16_pairs(layout.inputs()) : layout.inputs();
  Sums sums;
  sums.Begin(d, bias != nullptr ? bias + layout.panel_offset(first) : nullptr, layout.rows());
  weights += 4 * unit * rows + (kRounded ? 0 : Sums::kRow * lanes * layout.first_input());
  sums.Multiply(d, x, layout.inputs(), weights, rows);
  if (!from_zero) sums.Multiply(d, before, layout.units(), weights + Sums::kRow * lanes * input_rows, rows);
  T *h = state + unit, *c = h + layer.state_stride;
  if (IsStandard(layer) && !from_zero) {
    RONDO_UNROLL
    for (int v = 0; v < Sums::kVectors; ++v) FinishStandard(d, sums.z[v], c + v * lanes, h + v * lanes);
    return;
  }
  HWY_ALIGN T z[Sums::kVectors][4 * hn::MaxLanes(D())];
  RONDO_UNROLL
  for (int v = 0; v < Sums::kVectors; ++v) {
    RONDO_UNROLL
    for (int gate = 0; gate < 4; ++gate) hn::Store(sums.z[v][gate], d, z[v] + gate * lanes);
  }
  for (int v = 0; v < Sums::kVectors; ++v) FinishAny(d, layer, z[v], from_zero, c + v * lanes, h + v * lanes);
}

// The same of a GRU. The sums of the inputs end with their bias; then the tile moves on by one gate, as in a sequence
// (recurrent_sums-inl.h).
template <int kPanels, int kParts, class D, class T>
HWY_INLINE void GruStepPanels(D d, const RecurrentStepLayer& layer, const T* bias, const T* weights, const T* x,
                              const T* before, T* state, bool from_zero, Index first) {
  using V = hn::Vec<D>;
  using Sums = StepSums<D, kPanels, kParts, /*kGates=*/3>;
  const RecurrentLayout& layout = layer.layout;
  const Index lanes = static_cast<Index>(hn::Lanes(d)), unit = layout.first_unit(first), rows = layout.rows();
  const Index row = Sums::kRow * lanes;
  weights += 3 * unit * rows;
  Sums sums, state_bias;
  sums.Begin(d, bias != nullptr ? weights : nullptr, rows);
  state_bias.Begin(d, bias != nullptr ? weights + row * layout.first_of_state() : nullptr, rows);
  V of_inputs[Sums::kVectors];
  RONDO_UNROLL
  for (int v = 0; v < Sums::kVectors; ++v) {
    sums.z[v][1] = hn::Add(sums.z[v][1], state_bias.z[v][0]);
    sums.z[v][2] = hn::Add(sums.z[v][2], state_bias.z[v][1]);
  }
  sums.Multiply(d, x, layout.inputs(), weights + row * layout.first_input(), rows);
  RONDO_UNROLL
  for (int v = 0; v < Sums::kVectors; ++v) {
    of_inputs[v] = sums.z[v][0];
    sums.z[v][0] = sums.z[v][1];
    sums.z[v][1] = sums.z[v][2];
    sums.z[v][2] = state_bias.z[v][2];
  }
  if (!from_zero) sums.Multiply(d, before, layout.units(), weights + row * layout.first_recurrent(), rows);
  const auto finish = [&](auto cell, int v) HWY_ATTR {
    using Cell = decltype(cell);
    const V r = Cell::Gate(d, sums.z[v][1], layer), z = Cell::Gate(d, sums.z[v][0], layer);
    const V g = Cell::Candidate(d, Fma(d, r, sums.z[v][2], of_inputs[v]), layer);
    const Index at = unit + v * lanes;
    hn::StoreU(from_zero ? NextState(d, z, g) : NextState(d, z, g, hn::LoadU(d, before + at)), d, state + at);
  };
  if (IsStandard(layer)) {
    RONDO_UNROLL
    for (int v = 0; v < Sums::kVectors; ++v) finish(StandardGru(), v);
  } else {
    for (int v = 0; v < Sums::kVectors; ++v) finish(AnyGru<false>(), v);
  }
}

// Whole panels are walked forth and back in turn: what a step has read last, the next one finds in the nearest cache.
template <bool kLstm, class W, class T>
HWY_INLINE void Step(const RecurrentStepLayer& layer, const T* bias, const W* weights, const T* x, T* state,
                     Index step) {
  const hn::ScalableTag<T> d;
  const RecurrentLayout& layout = layer.layout;
  if (!layout.use_bias()) bias = nullptr;
  const Index whole = layout.whole_panels(), panels = layout.panels();
  const T* before = state;
  const auto panels_from = [&](auto at_once, auto parts, auto tag, Index first) HWY_ATTR {
    constexpr int kPanels = decltype(at_once)::value, kParts = decltype(parts)::value;
    if constexpr (kLstm) {
      LstmStepPanels<kPanels, kParts>(tag, layer, bias, weights, x, before, state, step == 0, first);
    } else {
      GruStepPanels<kPanels, kParts>(tag, layer, bias, weights, x, before, state, step == 0, first);
    }
  };
  constexpr std::integral_constant<int, 1> one;
  if constexpr (HWY_NATIVE_FMA && hn::MaxLanes(d) >= 16) {
    // Half vectors side by side divide sooner and use three ports instead of two.
    if (panels == 1 && whole == 1)
      return panels_from(one, std::integral_constant<int, 2>(), hn::Half<decltype(d)>(), 0);
  }
  if (panels > 1 && PanelsAtOnce(whole) < panels) {  // h changes while there are panels left that need it as it was
    T* scratch = state + (kLstm ? 2 : 1) * layer.state_stride;
    std::memcpy(scratch, state, static_cast<size_t>(layout.units()) * sizeof(T));
    before = scratch;
  }
  for (Index done = 0; done < whole;) {
    const Index n = PanelsAtOnce(whole - done);
    const Index first = step % 2 == 0 ? done : whole - done - n;
    WithConstant<kMostPanels>(n, [&](auto at_once) HWY_ATTR { panels_from(at_once, one, d, first); });
    done += n;
  }
  for (Index panel = whole; panel < panels; ++panel) {
    WithPanelTag(d, layout.panel_lanes(panel), [&](auto narrow) HWY_ATTR { panels_from(one, one, narrow, panel); });
  }
}

template <class T>
void LstmStep(const RecurrentStepLayer& layer, const T* weights, const T* x, T* state, Index step) {
  Step</*kLstm=*/true>(layer, weights, weights, x, state, step);
}

template <class T>
void GruStep(const RecurrentStepLayer& layer, const T* weights, const T* x, T* state, Index step) {
  Step</*kLstm=*/false>(layer, weights, weights, x, state, step);
}

void LstmBf16Step(const RecurrentStepLayer& layer, const float* weights, const Bf16Pair* rounded, const float* x,
                  float* state, Index step) {
  Step</*kLstm=*/true>(layer, weights, rounded, x, state, step);
}

void FillRecurrentStep(KernelTable& table) {
  table.f32.lstm.step = LstmStep<float>;
  table.f64.lstm.step = LstmStep<double>;
  table.f32.gru.step = GruStep<float>;
  table.f64.gru.step = GruStep<double>;
  table.bf16.lstm_step = LstmBf16Step;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
