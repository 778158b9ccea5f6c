// LSTM forward over whole sequences on packed panels.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lstm_forward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/lstm_bf16-inl.h"
#include "kernels/lstm_cell-inl.h"
#include "kernels/lstm_rows-inl.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// bias + x W + h U of one panel in one step.
template <class T>
struct PanelSums {
  const T* bias = nullptr;     // null: none
  const T* weights = nullptr;  // of the inputs, then of the units
  Index inputs = 0, units = 0;
  Rows<const T> x;
  Rows<const T> h;  // of the step before; units is 0 where it is zero
};

// Adds the products of `depth`, counted over inputs and units, to the sums of rows [row, row + kRows).
template <int kRows, int kVectors, class D, class T>
HWY_NOINLINE void SumsTile(D d, const PanelSums<T>& p, Index row, Range depth, T* sums, Index stride) {
  const Index width = kVectors * static_cast<Index>(hn::Lanes(d));
  Tile<D, kRows, kVectors> tile;
  if (depth.begin > 0) {
    tile.Load(d, sums, stride);
  } else if (p.bias != nullptr) {
    tile.FillRows(d, p.bias);
  } else {
    tile.Fill(hn::Zero(d));
  }
  const Range inputs{depth.begin, HWY_MIN(depth.end, p.inputs)};
  if (!inputs.empty()) {
    tile.MultiplyRows(d, p.x.at(row, 0) + inputs.begin, p.x.batch_stride, p.weights + inputs.begin * width,
                      inputs.size());
  }
  const Range units{HWY_MAX(depth.begin, p.inputs), depth.end};
  if (!units.empty()) {
    tile.MultiplyRows(d, p.h.at(row, 0) + units.begin - p.inputs, p.h.batch_stride, p.weights + units.begin * width,
                      units.size());
  }
  tile.Store(d, sums, stride);
}

template <class D, class T>
HWY_INLINE void SumsOfBlock(D d, const PanelSums<T>& p, Index panel_lanes, Range rows, const Rows<T>& sums) {
  const Index tiles = RowTiles(rows.size());
  ForPasses(p.inputs + p.units, kDepthPerPass, [&](Range depth) HWY_ATTR {
    for (Index i = 0; i < tiles; ++i) {
      const Range tile = RowTile(rows.size(), i);
      WithConstant<kMaxRows>(tile.size(), [&](auto n) HWY_ATTR {
        WithPanelVectors(d, panel_lanes, [&](auto v) HWY_ATTR {
          SumsTile<decltype(n)::value, decltype(v)::value>(d, p, rows.begin + tile.begin, depth, sums.at(tile.begin, 0),
                                                           sums.batch_stride);
        });
      });
    }
  });
}

// What one step reads and writes.
template <class T>
struct ForwardStep {
  Rows<const std::uint8_t> mask;
  Rows<const T> x;
  Rows<const T> h_before, c_before;  // null: zero
  Rows<T> h, c;
};

template <class T>
HWY_INLINE ForwardStep<T> StepAt(const LstmArgs<T>& p, Index step) {
  ForwardStep<T> s;
  s.mask = From(p.mask, 0, step, 0);
  s.x = From(p.x, 0, step, 0);
  s.h_before = step > 0 ? Rows<const T>(From(p.h, 0, slot_of(step - 1, p.h_slots), 0)) : p.h0;
  s.c_before = step > 0 ? Rows<const T>(p.c) : p.c0;
  s.h = From(p.h, 0, slot_of(step, p.h_slots), 0);
  s.c = p.c;
  return s;
}

// A skipped row keeps its state.
template <class T>
void KeepState(const Rows<const T>& before, const Rows<T>& after, Index row, Index units) {
  for (Index u = 0; u < units; ++u) after.at(row, 0)[u] = before ? before.at(row, 0)[u] : T{0};
}

// The cells of a block of rows of one panel, from their sums.
template <class Cell, class D, class T>
HWY_INLINE void CellsOfBlock(D d, const LstmArgs<T>& p, const ForwardStep<T>& s, Index step, Index panel, Range rows,
                             const Rows<const T>& sums, const Rows<T>& values) {
  const Index unit = p.layout.first_unit(panel), panel_lanes = p.layout.panel_lanes(panel);
  CellForwardRows<T> at{.sums = sums,
                        .values = values,
                        .c_before = From(s.c_before, rows.begin, 0, unit),
                        .c = From(s.c, rows.begin, 0, unit),
                        .h = From(s.h, rows.begin, 0, unit),
                        .kept_c = {},
                        .kept_output = {}};
  if (p.kept != nullptr) {
    at.kept_c = p.kept_at(kKeptCell, step, panel, rows.begin);
    at.kept_output = p.kept_at(kKeptOutput, step, panel, rows.begin);
  }
  ForMask(
      From(s.mask, rows.begin, 0, 0), rows.size(),
      [&](Range taken) HWY_ATTR {
        ForRowsOfPanel(d, panel_lanes, taken, [&](auto narrow, auto parts, Index begin, Index end) HWY_ATTR {
          CellForward<Cell, decltype(parts)::value>(narrow, p, at, begin, end);
        });
      },
      [&](Index row) {
        KeepState<T>(at.c_before, at.c, row, panel_lanes);
        if (at.kept_c) KeepState<T>(at.c, at.kept_c, row, panel_lanes);
        KeepState<T>(From(s.h_before, rows.begin, 0, unit), at.h, row, panel_lanes);
      });
  if constexpr (kMayRound<T>) {
    if (p.bf16 && step + 1 < p.steps) RoundState(p, step + 1, rows, at.h, unit, p.layout.units_in(panel));
  }
}

// A block's sums wait in the cache for its cells; training keeps what the cell needs again.
template <class Cell, class T>
void ForwardSequence(const LstmArgs<T>& p, Range steps, Range rows) {
  const hn::ScalableTag<T> d;
  const LstmLayout& layout = p.layout;
  HWY_ALIGN T scratch[static_cast<size_t>(kRowsPerBlock) * 4 * hn::MaxLanes(decltype(d)())];
  for (Index step = steps.begin; step < steps.end; ++step) {
    const ForwardStep<T> s = StepAt(p, step);
    if constexpr (kMayRound<T>) {
      if (p.bf16) RoundStep(p, step, /*first=*/step == steps.begin, s.h_before, rows);
    }
    for (Index panel = 0; panel < layout.panels(); ++panel) {
      const T* weights = p.weights + layout.panel_offset(panel);
      const PanelSums<T> product{.bias = layout.use_bias() ? weights : nullptr,
                                 .weights = weights + layout.first_input() * layout.panel_width(panel),
                                 .inputs = layout.inputs(),
                                 .units = s.h_before ? layout.units() : 0,
                                 .x = s.x,
                                 .h = s.h_before};
      const Index depth = p.bf16 ? bf16_depth(layout) : layout.rows();
      const bool by_tile = layout.panel_lanes(panel) == layout.lanes() && depth <= kDepthPerPass && HasRegisterTile(p);
      ForBlocks(rows, by_tile, [&](Range block) HWY_ATTR {
        const Rows<T> in_cache{scratch, layout.panel_width(panel), 0};
        const Rows<T> kept = p.kept != nullptr ? p.kept_at(0, step, panel, block.begin) : in_cache;
        const Rows<T> sums = Cell::kKeepsSums ? kept : in_cache;
        if (kMayRound<T> && p.bf16) {
          if constexpr (kMayRound<T>) RoundedSumsOfBlock(p, step, panel, product.units > 0, block, sums);
        } else {
          SumsOfBlock(d, product, layout.panel_lanes(panel), block, sums);
        }
        CellsOfBlock<Cell>(d, p, s, step, panel, block, Rows<const T>(sums), Cell::kKeepsSums ? in_cache : kept);
      });
    }
  }
}

template <class T>
void LstmForward(const LstmArgs<T>& p, Range steps, Range rows) {
  if (rows.empty()) return;
  IsStandard(p) ? ForwardSequence<StandardCell>(p, steps, rows) : ForwardSequence<AnyCell>(p, steps, rows);
}

void FillLstmForward(KernelTable& table) {
  table.f32.lstm_forward = LstmForward<float>;
  table.f64.lstm_forward = LstmForward<double>;
  table.f32.lanes = static_cast<Index>(hn::Lanes(hn::ScalableTag<float>()));
  table.f64.lanes = static_cast<Index>(hn::Lanes(hn::ScalableTag<double>()));
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
