// LSTM backward through time: gradients of sums, inputs and initial states, on packed panels.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lstm_backward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/lstm_bf16-inl.h"
#include "kernels/lstm_cell-inl.h"
#include "kernels/lstm_rows-inl.h"
#include "kernels/row_sums-inl.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// ---- products with dz ----------------------------------------------------------------------------------------------

// Panels of dz, of which each meets four weight rows to the unit, in a pass.
template <class T>
constexpr Index kPanelsPerPass = HWY_MAX(Index{1}, kDepthPerPass / (4 * Index{hn::MaxLanes(hn::ScalableTag<T>())}));

// out[r] = start[r] (or 0) + dz[step] of some panels times transposed weights, for kRows rows and one column group.
// `transposed` stands at the first of those panels.
template <int kRows, int kVectors, class D, class T>
HWY_NOINLINE void GatesTile(D d, const LstmArgs<T>& p, Index step, Index row, Range panels, const T* transposed,
                            const Rows<const T>& start, const Rows<T>& out) {
  Tile<D, kRows, kVectors> tile;
  if (start) {
    tile.Load(d, start.data, start.batch_stride);
  } else {
    tile.Fill(hn::Zero(d));
  }
  for (Index panel = panels.begin; panel < panels.end; ++panel) {
    const Index units = p.layout.units_in(panel);
    WithPanelVectors(d, p.layout.panel_lanes(panel), [&](auto v) HWY_ATTR {
      constexpr int kLanes = static_cast<int>(hn::MaxLanes(D())) * decltype(v)::value / 4;
      tile.template MultiplyGates<kLanes>(d, p.dz_at(step, panel, row), transposed, units);
    });
    transposed += units * 4 * kVectors * p.layout.lanes();
  }
  tile.Store(d, out.data, out.batch_stride);
}

// The same for a block of rows and group g of the columns, panels in passes whose weights stay in the cache. start and
// out stand at the first row.
template <class T>
void GatesTimes(const LstmArgs<T>& p, Index step, Range rows, const T* transposed, const ColumnGroups& groups, Index g,
                const Rows<const T>& start, const Rows<T>& out) {
  if constexpr (kMayRound<T>) {
    if (p.bf16) return RoundedGatesTimes(p, step, rows, transposed, groups, g, start, out);
  }
  const hn::ScalableTag<T> d;
  const Index vectors = groups.width(g);
  transposed += groups.first(g) * p.layout.lanes() * 4 * p.layout.units();
  const Index lanes = p.layout.lanes(), tiles = RowTiles(rows.size());
  ForPasses(p.layout.panels(), kPanelsPerPass<T>, [&](Range panels) HWY_ATTR {
    const T* weights = transposed + p.layout.first_unit(panels.begin) * 4 * vectors * lanes;
    for (Index i = 0; i < tiles; ++i) {
      const Range tile = RowTile(rows.size(), i);
      WithConstant<kMaxRows>(tile.size(), [&](auto n) HWY_ATTR {
        WithConstant<static_cast<int>(ColumnGroups::kWidest)>(vectors, [&](auto v) HWY_ATTR {
          GatesTile<decltype(n)::value, decltype(v)::value>(
              d, p, step, rows.begin + tile.begin, panels, weights,
              From(panels.begin > 0 ? Rows<const T>(out) : start, tile.begin, 0, 0), From(out, tile.begin, 0, 0));
        });
      });
    }
  });
}

// out = dz[step] times transposed weights of `columns` weight rows: dx of a step, or dh0.
template <class T>
void GatesTimesAll(const LstmArgs<T>& p, Index step, Range rows, const T* transposed, Index columns,
                   const Rows<T>& out) {
  const Index lanes = p.layout.lanes();
  const ColumnGroups groups(columns, lanes);
  for (Index g = 0; g < groups.count(); ++g) {
    const Index first = groups.first(g) * lanes;
    ForBlocks(rows, /*by_tile=*/false, [&](Range block) HWY_ATTR {
      GatesTimes(p, step, block, transposed, groups, g, Rows<const T>{}, From(out, block.begin, 0, first));
    });
  }
}

// ---- one step ------------------------------------------------------------------------------------------------------

// What one step reads and writes.
template <class T>
struct BackwardStep {
  Index number = 0;
  bool last = false;
  Rows<const std::uint8_t> mask, mask_after;  // of this step and of the one after
  Rows<const T> dh;                           // from outside, or null
};

template <class T>
BackwardStep<T> StepAt(const LstmBackwardArgs<T>& q, Index step) {
  const LstmArgs<T>& p = q.forward;
  BackwardStep<T> s;
  s.number = step;
  s.last = step == p.steps - 1;
  s.mask = From(p.mask, 0, step, 0);
  if (!s.last) s.mask_after = From(p.mask, 0, step + 1, 0);
  if (q.dh_every_step) {
    s.dh = From(q.dh, 0, step, 0);
  } else if (s.last) {
    s.dh = q.dh;
  }
  return s;
}

// to += from for `count` elements of each row.
template <class T>
void AddRows(const Rows<const T>& from, const Rows<T>& to, Index rows, Index count) {
  const hn::ScalableTag<T> d;
  for (Index b = 0; b < rows; ++b) {
    const T* term = from.at(b, 0);
    T* sum = to.at(b, 0);
    ForVectors(d, count, [&](Index i) HWY_ATTR {
      StorePart(d, hn::Add(LoadPart(d, sum, i, count), LoadPart(d, term, i, count)), sum, i, count);
    });
  }
}

// to = 0 + first + second for `count` elements of each row, whole vectors, without those that are nowhere.
template <class T>
void SumRows(const Rows<const T>& first, const Rows<const T>& second, const Rows<T>& to, Index rows, Index count) {
  const hn::ScalableTag<T> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  for (Index b = 0; b < rows; ++b) {
    T* out = to.at(b, 0);
    for (Index i = 0; i < count; i += lanes) {
      auto sum = hn::Zero(d);
      if (first) sum = hn::Add(sum, hn::LoadU(d, first.at(b, 0) + i));
      if (second) sum = hn::Add(sum, hn::LoadU(d, second.at(b, 0) + i));
      hn::StoreU(sum, d, out + i);
    }
  }
}

// dh of a block of rows and of column group g: what comes from outside and, through dz U^T, from the step after. A row
// that the step after skipped gets that step's dh as it was.
template <class T>
HWY_INLINE void OutputGradient(const LstmBackwardArgs<T>& q, const BackwardStep<T>& s, Range rows,
                               const ColumnGroups& groups, Index g, const Rows<T>& dh) {
  const LstmArgs<T>& p = q.forward;
  const Index first = groups.first(g) * p.layout.lanes(), width = groups.width(g) * p.layout.lanes();
  const Rows<const T> outside = From(s.dh, rows.begin, 0, first);
  if (!s.last) {
    GatesTimes(p, s.number + 1, rows, q.recurrent_transposed, groups, g, outside, dh);
    const Rows<const T> carried = From(Rows<const T>(q.dh_carried), rows.begin, 0, first);
    ForMask(
        From(s.mask_after, rows.begin, 0, 0), rows.size(), [](Range) {},
        [&](Index row) { AddRows(From(carried, row, 0, 0), From(dh, row, 0, 0), 1, width); });
    return;
  }
  SumRows(outside, From(q.dh_final, rows.begin, 0, first), dh, rows.size(), width);
}

// The cells of a block of rows of one panel backwards; dh stands at its first row and unit.
template <class Cell, class T>
HWY_INLINE void CellsOfBlock(const LstmBackwardArgs<T>& q, const BackwardStep<T>& s, Index panel, Range rows,
                             const Rows<const T>& dh) {
  const hn::ScalableTag<T> d;
  const LstmArgs<T>& p = q.forward;
  const Index unit = p.layout.first_unit(panel), panel_lanes = p.layout.panel_lanes(panel);
  HWY_ALIGN T exact[kMayRound<T> ? static_cast<size_t>(kRowsPerBlock) * 4 * hn::MaxLanes(decltype(d)()) : 1];
  const bool rounds = kMayRound<T> && p.bf16;
  const CellBackwardRows<T> at{
      .dh = dh,
      .gates = p.kept_at(0, s.number, panel, rows.begin),
      .c = p.kept_at(kKeptCell, s.number, panel, rows.begin),
      .output = p.kept_at(kKeptOutput, s.number, panel, rows.begin),
      .c_before = s.number > 0 ? Rows<const T>(p.kept_at(kKeptCell, s.number - 1, panel, rows.begin))
                               : From(p.c0, rows.begin, 0, unit),
      .dz = {rounds ? exact : p.dz_at(s.number, panel, rows.begin), p.layout.panel_width(panel), 0},
      .dc = From(q.dc, rows.begin, 0, unit)};
  ForMask(
      From(s.mask, rows.begin, 0, 0), rows.size(),
      [&](Range taken) HWY_ATTR {
        ForRowsOfPanel(d, panel_lanes, taken, [&](auto narrow, auto parts, Index begin, Index end) HWY_ATTR {
          CellBackward<Cell, decltype(parts)::value>(narrow, p, at, begin, end);
        });
      },
      [&](Index row) {
        std::copy_n(dh.at(row, 0), panel_lanes, q.dh_carried.at(rows.begin + row, 0) + unit);
        std::fill_n(at.dz.at(row, 0), 4 * panel_lanes, T{0});
      });
  if constexpr (kMayRound<T>) {
    if (rounds) RoundDerivatives(p, s.number, panel, rows, at.dz);
  }
}

// Column group by column group; the cells of a block follow at once, while its dh is in the cache. At the end of a
// chunk before the last, dh stands complete in dh_border.
template <class Cell, class T>
void WalkStep(const LstmBackwardArgs<T>& q, const BackwardStep<T>& s, bool from_border, Range rows) {
  constexpr Index kLanes = hn::MaxLanes(hn::ScalableTag<T>());
  const LstmLayout& layout = q.forward.layout;
  const ColumnGroups groups(layout.units(), layout.lanes());
  HWY_ALIGN T scratch[static_cast<size_t>(kRowsPerBlock * ColumnGroups::kWidest * kLanes)];
  for (Index g = 0; g < groups.count(); ++g) {
    // Whole panels are vectors of units; the narrow ones share the last vector.
    const Range panels{groups.first(g), g + 1 == groups.count() ? layout.panels() : groups.first(g + 1)};
    const bool whole = layout.panel_lanes(panels.end - 1) == layout.lanes();
    const bool one_pass =
        q.forward.bf16 ? bf16_dz_depth(layout) <= kDepthPerPass : layout.panels() <= kPanelsPerPass<T>;
    ForBlocks(rows, whole && one_pass && HasRegisterTile(q.forward), [&](Range block) HWY_ATTR {
      Rows<T> dh{scratch, groups.width(g) * layout.lanes(), 0};
      if (from_border) {
        dh = From(q.dh_border, block.begin, 0, panels.begin * layout.lanes());
      } else {
        OutputGradient(q, s, block, groups, g, dh);
      }
      for (Index panel = panels.begin; panel < panels.end; ++panel) {
        const Index unit = layout.first_unit(panel) - panels.begin * layout.lanes();
        CellsOfBlock<Cell>(q, s, panel, block, Rows<const T>(From(dh, 0, 0, unit)));
      }
    });
  }
}

// dh of step s, whose cells belong to the chunk before.
template <class T>
void LeaveBorder(const LstmBackwardArgs<T>& q, const BackwardStep<T>& s, Range rows) {
  const LstmLayout& layout = q.forward.layout;
  const ColumnGroups groups(layout.units(), layout.lanes());
  for (Index g = 0; g < groups.count(); ++g) {
    ForBlocks(rows, /*by_tile=*/false, [&](Range block) HWY_ATTR {
      OutputGradient(q, s, block, groups, g, From(q.dh_border, block.begin, 0, groups.first(g) * layout.lanes()));
    });
  }
}

// ---- sequences -----------------------------------------------------------------------------------------------------

// What arrives at the last cell state. (Zeros by vectors: a call of memset shows in tiny steps.)
template <class T>
void StartCellGradient(const LstmBackwardArgs<T>& q, Range rows) {
  const hn::ScalableTag<T> d;
  T *dc = q.dc.at(rows.begin, 0), *end = q.dc.at(rows.end, 0);  // rows are padded to whole vectors
  for (; dc < end; dc += hn::Lanes(d)) hn::StoreU(hn::Zero(d), d, dc);
  if (!q.dc_final) return;
  for (Index b = rows.begin; b < rows.end; ++b) {
    std::copy_n(q.dc_final.at(b, 0), q.forward.layout.units(), q.dc.at(b, 0));
  }
}

// dh0 and dc0, where they are wanted.
template <class T>
void StateGradients(const LstmBackwardArgs<T>& q, Range rows) {
  const LstmArgs<T>& p = q.forward;
  const Index units = p.layout.units();
  if (q.dh0) {
    GatesTimesAll(p, 0, rows, q.recurrent_transposed, units, q.dh0);
    ForMask(
        From(p.mask, rows.begin, 0, 0), rows.size(), [](Range) {},
        [&](Index row) {
          const Index b = rows.begin + row;
          AddRows(From(Rows<const T>(q.dh_carried), b, 0, 0), From(q.dh0, b, 0, 0), 1, units);
        });
  }
  if (!q.dc0) return;
  for (Index b = rows.begin; b < rows.end; ++b) std::copy_n(q.dc.at(b, 0), units, q.dc0.at(b, 0));
}

template <class Cell, class T>
void BackwardSequence(const LstmBackwardArgs<T>& q, Range steps, Range rows) {
  const LstmArgs<T>& p = q.forward;
  if (steps.end == p.steps) StartCellGradient(q, rows);
  for (Index step = steps.end - 1; step >= steps.begin; --step) {
    WalkStep<Cell>(q, StepAt(q, step), /*from_border=*/step == steps.end - 1 && steps.end < p.steps, rows);
    if (q.dx) GatesTimesAll(p, step, rows, q.input_transposed, p.layout.inputs(), From(q.dx, 0, step, 0));
  }
  if (steps.begin > 0) {
    LeaveBorder(q, StepAt(q, steps.begin - 1), rows);
  } else {
    StateGradients(q, rows);
  }
}

template <class T>
void LstmBackward(const LstmBackwardArgs<T>& q, Range steps, Range rows) {
  if (rows.empty()) return;
  IsStandard(q.forward) ? BackwardSequence<StandardCell>(q, steps, rows) : BackwardSequence<AnyCell>(q, steps, rows);
}

void FillLstmBackward(KernelTable& table) {
  table.f32.lstm_backward = LstmBackward<float>;
  table.f64.lstm_backward = LstmBackward<double>;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
