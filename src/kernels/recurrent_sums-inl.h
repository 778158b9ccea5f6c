// The sums of one panel of a recurrent layer in one step: bias + x W + h U.

#if defined(RONDO_KERNELS_RECURRENT_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_RECURRENT_SUMS_INL_H_
#undef RONDO_KERNELS_RECURRENT_SUMS_INL_H_
#else
#define RONDO_KERNELS_RECURRENT_SUMS_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/recurrent_rows-inl.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
struct PanelSums {
  const T *bias = nullptr, *recurrent_bias = nullptr;  // null: none
  const T *input_weights = nullptr, *recurrent_weights = nullptr;
  Index inputs = 0, units = 0;
  Rows<const T> x;
  Rows<const T> h;                     // of the step before; units is 0 where it is zero
  Rows<const T> x_records, h_records;  // in their place, with dropout; null: none
};

// Of one panel; x and h have one step.
template <class T>
HWY_INLINE PanelSums<T> SumsOfPanel(const RecurrentArgs<T>& p, Index panel, const Rows<const T>& x,
                                    const Rows<const T>& h) {
  const RecurrentLayout& layout = p.layout;
  const T* weights = p.weights + layout.panel_offset(panel);
  const Index width = layout.panel_width(panel);
  PanelSums<T> s;
  if (layout.use_bias()) s.bias = weights;
  if (layout.use_recurrent_bias()) s.recurrent_bias = weights + layout.first_of_state() * width;
  s.input_weights = weights + layout.first_input() * width;
  s.recurrent_weights = weights + layout.first_recurrent() * width;
  s.inputs = layout.inputs();
  s.units = h ? layout.units() : 0;
  s.x = x;
  s.h = h;
  s.x_records = p.dropped_x.records;
  s.h_records = p.dropped_h.records;
  return s;
}

// The parts of a pass over `depth`, which counts inputs and units.
template <class T>
HWY_INLINE Range InputsOf(const PanelSums<T>& p, Range depth) {
  return {depth.begin, HWY_MIN(depth.end, p.inputs)};
}
template <class T>
HWY_INLINE Range UnitsOf(const PanelSums<T>& p, Range depth) {
  return {HWY_MAX(depth.begin, p.inputs) - p.inputs, depth.end - p.inputs};
}

// kShared: how many gates share a vector of the tile, or 0: there is no dropout.
template <int kShared, class TileOf, class D, class T>
HWY_INLINE void MultiplyInputs(TileOf& tile, D d, const PanelSums<T>& p, Index row, Range inputs, Index width) {
  if (inputs.empty()) return;
  const T* weights = p.input_weights + inputs.begin * width;
  if constexpr (kShared > 0) {
    if (p.x_records) {
      return tile.template MultiplyRecords<kShared>(d, p.x_records.at(row, 0) + inputs.begin * kRecordWidth,
                                                    p.x_records.batch_stride, weights, inputs.size());
    }
  }
  tile.MultiplyRows(d, p.x.at(row, 0) + inputs.begin, p.x.batch_stride, weights, inputs.size());
}
template <int kShared, class TileOf, class D, class T>
HWY_INLINE void MultiplyUnits(TileOf& tile, D d, const PanelSums<T>& p, Index row, Range units, Index width) {
  if (units.empty()) return;
  const T* weights = p.recurrent_weights + units.begin * width;
  if constexpr (kShared > 0) {
    tile.template MultiplyRecords<kShared>(d, p.h_records.at(row, 0) + units.begin * kRecordWidth,
                                           p.h_records.batch_stride, weights, units.size());
  } else {
    tile.MultiplyRows(d, p.h.at(row, 0) + units.begin, p.h.batch_stride, weights, units.size());
  }
}

// LSTM: adds the products of `depth` to the sums of rows [row, row + kRows).
template <int kRows, int kVectors, bool kDrops, class D, class T>
HWY_NOINLINE void LstmSumsTile(D d, const PanelSums<T>& p, Index row, Range depth, T* sums, Index stride) {
  constexpr int kShared = kDrops ? 4 / kVectors : 0;
  const Index width = kVectors * static_cast<Index>(hn::Lanes(d));
  Tile<D, kRows, kVectors> tile;
  if (depth.begin > 0) {
    tile.Load(d, sums, stride);
  } else if (p.bias != nullptr) {
    tile.FillRows(d, p.bias);
  } else {
    tile.Fill(hn::Zero(d));
  }
  MultiplyInputs<kShared>(tile, d, p, row, InputsOf(p, depth), width);
  MultiplyUnits<kShared>(tile, d, p, row, UnitsOf(p, depth), width);
  tile.Store(d, sums, stride);
}

// GRU: three gates at a time, first those of the inputs, which begin a record, then those of the state, which end it.
// Between them the tile moves on by one vector of the record.
template <int kRows, bool kDrops, class D, class T>
HWY_NOINLINE void GruSumsTile(D d, const PanelSums<T>& p, Index row, Range depth, T* sums, Index stride) {
  using V = hn::Vec<D>;
  const Index lanes = static_cast<Index>(hn::Lanes(d)), width = 3 * lanes;
  Tile<D, kRows, 3> tile;
  const auto bias = [&](const T* from, Index gate)
                        HWY_ATTR { return from != nullptr ? hn::LoadU(d, from + gate * lanes) : hn::Zero(d); };
  if (depth.begin >= p.inputs) {
    tile.Load(d, sums + lanes, stride);
  } else {
    if (depth.begin > 0) {
      tile.Load(d, sums, stride);
    } else {
      const V g = bias(p.bias, 0), z = hn::Add(bias(p.bias, 1), bias(p.recurrent_bias, 0)),
              r = hn::Add(bias(p.bias, 2), bias(p.recurrent_bias, 1));
      tile.FillVectors({g, z, r});
    }
    MultiplyInputs<kDrops ? 1 : 0>(tile, d, p, row, InputsOf(p, depth), width);
    if (depth.end < p.inputs) return tile.Store(d, sums, stride);
    tile.StoreFirstAndShift(d, bias(p.recurrent_bias, 2), sums, stride);
  }
  MultiplyUnits<kDrops ? 1 : 0>(tile, d, p, row, UnitsOf(p, depth), width);
  tile.Store(d, sums + lanes, stride);
}

// sums += a times kGates of the three gates in the rows of a GRU's weights; with kDrops a has records.
template <int kRows, int kGates, bool kDrops, class D, class T>
HWY_NOINLINE void GatesOfGruTile(D d, const T* a, Index a_stride, const T* weights, Index depth, T* sums,
                                 Index stride) {
  Tile<D, kRows, kGates> tile;
  tile.Load(d, sums, stride);
  if constexpr (kDrops) {
    tile.template MultiplyRecords<1, 3>(d, a, a_stride, weights, depth);
  } else {
    tile.template MultiplyRows<3>(d, a, a_stride, weights, depth);
  }
  tile.Store(d, sums, stride);
}

// Rows of a tile.
template <bool kDrops>
constexpr int kMostRows = kDrops ? kMaxRowsOfDropout : kMaxRows;

// f(n, tag, v, tile) for the tiles of a block of rows: n rows, at most kMost, of v vectors of the tag.
template <int kGates, int kMost, class D, class F>
HWY_INLINE void ForTilesOfPanel(D d, Index panel_lanes, Index rows, F&& f) {
  const Index tiles = RowTiles(rows, kMost);
  for (Index i = 0; i < tiles; ++i) {
    const Range tile = RowTile(rows, i, kMost);
    WithConstant<kMost>(tile.size(), [&](auto n) HWY_ATTR {
      WithPanelGates<kGates>(d, panel_lanes, [&](auto tag, auto v) HWY_ATTR { f(n, tag, v, tile); });
    });
  }
}

// The sums of a block of rows.
template <int kGates, bool kDrops, class D, class T>
HWY_INLINE void SumsOfBlock(D d, const PanelSums<T>& p, Index panel_lanes, Range rows, const Rows<T>& sums) {
  ForPasses(p.inputs + p.units, kDepthPerPass, [&](Range depth) HWY_ATTR {
    ForTilesOfPanel<kGates, kMostRows<kDrops>>(
        d, panel_lanes, rows.size(), [&](auto n, auto tag, auto v, Range tile) HWY_ATTR {
          constexpr int kRows = decltype(n)::value, kVectors = decltype(v)::value;
          const Index row = rows.begin + tile.begin;
          T* out = sums.at(tile.begin, 0);
          if constexpr (kGates == 4) {
            LstmSumsTile<kRows, kVectors, kDrops>(tag, p, row, depth, out, sums.batch_stride);
          } else {
            GruSumsTile<kRows, kDrops>(tag, p, row, depth, out, sums.batch_stride);
          }
        });
  });
}
template <int kGates, class D, class T>
HWY_INLINE void SumsOfBlock(D d, const PanelSums<T>& p, Index panel_lanes, Range rows, const Rows<T>& sums) {
  p.h_records ? SumsOfBlock<kGates, true>(d, p, panel_lanes, rows, sums)
              : SumsOfBlock<kGates, false>(d, p, panel_lanes, rows, sums);
}

// sums += a times kGates gates of a GRU.
template <int kGates, bool kDrops, class D, class T>
HWY_INLINE void AddGatesOfGru(D d, const Rows<const T>& a, const T* weights, Index depth, Index panel_lanes, Range rows,
                              const Rows<T>& sums) {
  ForTilesOfPanel<3, kMostRows<kDrops>>(d, panel_lanes, rows.size(), [&](auto n, auto tag, auto, Range tile) HWY_ATTR {
    GatesOfGruTile<decltype(n)::value, kGates, kDrops>(tag, a.at(rows.begin + tile.begin, 0), a.batch_stride, weights,
                                                       depth, sums.at(tile.begin, 0), sums.batch_stride);
  });
}

// The same for a GRU that resets before its product: all but that one; then that one, of a = r h.
template <class D, class T>
HWY_INLINE void SumsBeforeReset(D d, const PanelSums<T>& p, Index panel_lanes, Range rows, const Rows<T>& sums) {
  PanelSums<T> inputs = p;
  inputs.units = 0;
  SumsOfBlock<3>(d, inputs, panel_lanes, rows, sums);
  if (p.units == 0) return;
  const Rows<T> gates = From(sums, 0, 0, panel_lanes);
  p.h_records ? AddGatesOfGru<2, true>(d, p.h_records, p.recurrent_weights, p.units, panel_lanes, rows, gates)
              : AddGatesOfGru<2, false>(d, p.h, p.recurrent_weights, p.units, panel_lanes, rows, gates);
}
template <class D, class T>
HWY_INLINE void SumsOfReset(D d, const PanelSums<T>& p, Index panel_lanes, Range rows, const Rows<const T>& a,
                            const Rows<T>& sums) {
  AddGatesOfGru<1, false>(d, a, p.recurrent_weights + 2 * panel_lanes, p.units, panel_lanes, rows, sums);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
