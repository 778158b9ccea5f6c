// Recurrent layers backward through time: gradients of sums, inputs and initial states, on packed panels.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/recurrent_backward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/gru_cell-inl.h"
#include "kernels/lstm_bf16-inl.h"
#include "kernels/lstm_cell-inl.h"
#include "kernels/recurrent_rows-inl.h"
#include "kernels/row_sums-inl.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// ---- products with dz ----------------------------------------------------------------------------------------------

// Which kCount derivatives of a record a product takes, from slot on, and which of the kRowsOfUnit weight rows of a
// unit they meet, from row on.
template <int kCount, int kRowsOfUnit = kCount>
struct GatesOf {
  Index slot = 0, row = 0;
  static constexpr int kGates = kCount, kOfUnit = kRowsOfUnit;
  static constexpr Index of_unit() { return kOfUnit; }
  // Rows of a tile of so many vectors. Where a GRU resets before its product, speed is not worth the code of all.
  static constexpr int MostRows(Index /*vectors*/) { return kGates == kOfUnit ? kMaxRows : HWY_MIN(kMaxRows, 2); }
};
// The same where each of them is a product by itself. In tiles of full width alone speed is worth the code.
struct SingleGates {
  Index slot = 0, row = 0, count = 1, rows_of_unit = 1;
  Index of_unit() const { return rows_of_unit; }
  static constexpr int MostRows(Index vectors) {
    return vectors == ColumnGroups::kWidest ? kMaxRowsOfDropout : HWY_MIN(kMaxRowsOfDropout, 3);
  }
};

// What goes back to the inputs, and to the state; where the reset gate comes before the product, to r h beside it.
template <class Cell>
constexpr auto kToInputs = GatesOf<Cell::kGates>{};
template <class Cell>
constexpr auto kToState = GatesOf < Cell::kResetsBefore ? 2 : Cell::kGates,
               Cell::kGates > {.slot = Cell::kGates == 4 ? 0 : 1};
constexpr SingleGates kToReset = {.slot = 0, .row = 2, .count = 1, .rows_of_unit = 3};

// Panels of dz, of which each meets so many weight rows to the unit, in a pass.
template <class T>
constexpr Index PanelsPerPass(Index of_unit) {
  return HWY_MAX(Index{1}, kDepthPerPass / (of_unit * Index{hn::MaxLanes(hn::ScalableTag<T>())}));
}

template <int kRows, int kVectors, class D, class T>
HWY_INLINE void StartTile(D d, Tile<D, kRows, kVectors>& tile, const Rows<const T>& start) {
  if (start) {
    tile.Load(d, start.data, start.batch_stride);
  } else {
    tile.Fill(hn::Zero(d));
  }
}

// out[r] = start[r] (or 0) + dz[step] of some panels times transposed weights, for kRows rows and one column group.
// `transposed` stands at the first of those panels.
template <class Gates, int kRows, int kVectors, class D, class T>
HWY_NOINLINE void GatesTile(D d, const RecurrentArgs<T>& p, Index step, Index row, Index slot, Range panels,
                            const T* transposed, const Rows<const T>& start, const Rows<T>& out) {
  Tile<D, kRows, kVectors> tile;
  StartTile(d, tile, start);
  for (Index panel = panels.begin; panel < panels.end; ++panel) {
    const Index units = p.layout.units_in(panel), panel_lanes = p.layout.panel_lanes(panel);
    WithPanelVectors(d, panel_lanes, [&](auto v) HWY_ATTR {
      constexpr int kLanes = static_cast<int>(hn::MaxLanes(D())) * decltype(v)::value / 4;
      tile.template MultiplyGates<kLanes, Gates::kGates, Gates::kOfUnit>(d, p.dz_at(step, panel, row) + slot * kLanes,
                                                                         transposed, units);
    });
    transposed += units * Gates::kOfUnit * kVectors * p.layout.lanes();
  }
  tile.Store(d, out.data, out.batch_stride);
}

// Where products go that are summed gate by gate: out = sum + `kept` times the products of each gate that its
// bits are set for, or without bits, of a single gate, out = products. What a gate has added up so far stands in its
// `partial`, from the second pass over the panels on.
template <class T>
struct GateProducts {
  Rows<const std::uint8_t> bits;  // of the first gate
  Index plane = 0;                // to those of the next one
  Index column = 0;               // the first one's
  T kept = 1;
  Rows<const T> sum;
  Rows<T> partial;  // of the first gate; step_stride is that to the next one
  Rows<T> out;
};

template <int kRows, int kVectors, class D, class T>
HWY_NOINLINE void OneByOneTile(D d, const RecurrentArgs<T>& p, Index step, Index first_row, Index tile_row,
                               SingleGates gates, Range panels, const T* transposed, const GateProducts<T>& at) {
  const Index lanes = p.layout.lanes(), stride = gates.rows_of_unit * kVectors * lanes;
  // Of dz_at: it would show between loops as short as these.
  const Index per_unit = p.dz_per_unit(), vector = p.dz_vector(step, first_row + tile_row) + gates.slot;
  const Index first_unit = p.layout.first_unit(panels.begin);
  const Rows<T> out = From(at.out, tile_row, 0, 0);
  Rows<const std::uint8_t> bits = From(at.bits, tile_row, 0, 0);
  Rows<const T> sum = From(at.sum, tile_row, 0, 0);
  for (Index gate = 0; gate < gates.count; ++gate, bits.data += at.plane, sum = out) {
    Tile<D, kRows, kVectors> tile;
    const Rows<T> partial = From(at.partial, tile_row, gate, 0);
    StartTile(d, tile, panels.begin > 0 ? Rows<const T>(partial) : Rows<const T>{});
    const T* weights = transposed + gate * kVectors * lanes;
    for (Index panel = panels.begin, unit = first_unit; panel < panels.end; ++panel) {
      const Index panel_lanes = p.layout.panel_lanes(panel), units = HWY_MIN(panel_lanes, p.layout.units() - unit);
      tile.MultiplyRows(d, p.dz + per_unit * unit + (vector + gate) * panel_lanes, kRecordWidth * panel_lanes, weights,
                        stride, units);
      weights += units * stride;
      unit += panel_lanes;
    }
    if (panels.end < p.layout.panels()) {
      tile.Store(d, partial.data, partial.batch_stride);
    } else if (at.bits) {
      const auto kept = [&](int r, int v) HWY_ATTR {
        return LoadBits<true>(d, bits.at(r, 0), at.column + v * static_cast<Index>(hn::Lanes(d)));
      };
      tile.StoreScaled(d, at.kept, kept, sum.data, sum.batch_stride, out.data, out.batch_stride);
    } else {
      tile.Store(d, out.data, out.batch_stride);
    }
  }
}

// f(n, v, tile, panels, weights) for the tiles of a block of rows and group g of the columns: n rows, v vectors; panels
// in passes whose weights stay in the cache.
template <class Gates, class T, class F>
HWY_INLINE void ForGatesTiles(Gates gates, const RecurrentArgs<T>& p, Range rows, const T* transposed,
                              const ColumnGroups& groups, Index g, F&& f) {
  const Index vectors = groups.width(g), lanes = p.layout.lanes(), of_unit = gates.of_unit();
  const Index most = Gates::MostRows(vectors), tiles = RowTiles(rows.size(), most);
  transposed += groups.first(g) * lanes * of_unit * p.layout.units() + gates.row * vectors * lanes;
  ForPasses(p.layout.panels(), PanelsPerPass<T>(of_unit), [&](Range panels) HWY_ATTR {
    const T* weights = transposed + p.layout.first_unit(panels.begin) * of_unit * vectors * lanes;
    for (Index i = 0; i < tiles; ++i) {
      const Range tile = RowTile(rows.size(), i, most);
      WithConstant<static_cast<int>(ColumnGroups::kWidest)>(vectors, [&](auto v) HWY_ATTR {
        WithConstant<Gates::MostRows(decltype(v)::value)>(tile.size(),
                                                          [&](auto n) HWY_ATTR { f(n, v, tile, panels, weights); });
      });
    }
  });
}

// The same gate by gate, each chain from zero. dropped: of the columns, or none.
template <class T>
HWY_NOINLINE void OneByOneTimes(SingleGates gates, const RecurrentArgs<T>& p, Index step, Range rows,
                                const T* transposed, const Dropped<T>& dropped, const ColumnGroups& groups, Index g,
                                const Rows<const T>& start, const Rows<T>& out) {
  const hn::ScalableTag<T> d;
  constexpr Index kRoom = kRowsPerBlock * ColumnGroups::kWidest * Index{hn::MaxLanes(decltype(d)())};
  HWY_ALIGN T scratch[static_cast<size_t>(kRecordWidth * kRoom)];
  const Index lanes = p.layout.lanes();
  GateProducts<T> at;
  static constexpr T kZeros[ColumnGroups::kWidest * hn::MaxLanes(decltype(d)())] = {};
  at.sum = start ? start : Rows<const T>{kZeros, 0, 0};
  at.partial = {scratch, groups.width(g) * lanes, kRoom};
  at.out = out;
  if (dropped.bits) {
    at.bits = dropped.bits_of(gates.row, rows.begin);
    at.plane = dropped.plane;
    at.column = groups.first(g) * lanes;
    at.kept = dropped.kept;
  }
  ForGatesTiles(gates, p, rows, transposed, groups, g,
                [&](auto n, auto v, Range tile, Range panels, const T* weights) HWY_ATTR {
                  OneByOneTile<decltype(n)::value, decltype(v)::value>(d, p, step, rows.begin, tile.begin, gates,
                                                                       panels, weights, at);
                });
}

// The same for a block of rows and group g of the columns. start and out stand at the first row. dropped: of the
// columns.
template <class Gates, class T>
void GatesTimes(Gates gates, const RecurrentArgs<T>& p, Index step, Range rows, const T* transposed,
                const Dropped<T>& dropped, const ColumnGroups& groups, Index g, const Rows<const T>& start,
                const Rows<T>& out) {
  if (dropped.bits) {
    const SingleGates single{gates.slot, gates.row, Gates::kGates, gates.of_unit()};
    return OneByOneTimes(single, p, step, rows, transposed, dropped, groups, g, start, out);
  }
  if constexpr (kMayRound<T> && Gates::kGates == 4) {
    if (p.bf16) return RoundedGatesTimes(p, step, rows, transposed, groups, g, start, out);
  }
  const hn::ScalableTag<T> d;
  ForGatesTiles(
      gates, p, rows, transposed, groups, g, [&](auto n, auto v, Range tile, Range panels, const T* weights) HWY_ATTR {
        GatesTile<Gates, decltype(n)::value, decltype(v)::value>(
            d, p, step, rows.begin + tile.begin, gates.slot, panels, weights,
            From(panels.begin > 0 ? Rows<const T>(out) : start, tile.begin, 0, 0), From(out, tile.begin, 0, 0));
      });
}

// out = dz[step] times transposed weights of `columns` weight rows: dx of a step, or dh0.
template <class Gates, class T>
void GatesTimesAll(Gates gates, const RecurrentArgs<T>& p, Index step, Range rows, const T* transposed,
                   const Dropped<T>& dropped, Index columns, const Rows<T>& out) {
  const Index lanes = p.layout.lanes();
  const ColumnGroups groups(columns, lanes);
  for (Index g = 0; g < groups.count(); ++g) {
    const Index first = groups.first(g) * lanes;
    ForBlocks(rows, /*by_tile=*/false, [&](Range block) HWY_ATTR {
      GatesTimes(gates, p, step, block, transposed, dropped, groups, g, Rows<const T>{},
                 From(out, block.begin, 0, first));
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
BackwardStep<T> StepAt(const RecurrentBackwardArgs<T>& q, Index step) {
  const RecurrentArgs<T>& p = q.forward;
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
// that the step after skipped gets that step's dh as it was; of a GRU that passes beside (RecurrentBackwardArgs::dc).
template <class Cell, class T>
HWY_INLINE void OutputGradient(const RecurrentBackwardArgs<T>& q, const BackwardStep<T>& s, Range rows,
                               const ColumnGroups& groups, Index g, const Rows<T>& dh) {
  const RecurrentArgs<T>& p = q.forward;
  const Index first = groups.first(g) * p.layout.lanes(), width = groups.width(g) * p.layout.lanes();
  const Rows<const T> outside = From(s.dh, rows.begin, 0, first);
  if (!s.last) {
    GatesTimes(kToState<Cell>, p, s.number + 1, rows, q.recurrent_transposed, p.dropped_h, groups, g, outside, dh);
    if constexpr (Cell::kGates != 4) return;
    const Rows<const T> carried = From(Rows<const T>(q.dh_carried), rows.begin, 0, first);
    ForMask(
        From(s.mask_after, rows.begin, 0, 0), rows.size(), [](Range) {},
        [&](Index row) { AddRows(From(carried, row, 0, 0), From(dh, row, 0, 0), 1, width); });
    return;
  }
  SumRows(outside, From(q.dh_final, rows.begin, 0, first), dh, rows.size(), width);
}

// The cells of a block of rows of one panel of an LSTM backwards; dh stands at its first row and unit.
template <class Cell, class T>
HWY_INLINE void LstmCellsOfBlock(const RecurrentBackwardArgs<T>& q, const BackwardStep<T>& s, Index panel, Range rows,
                                 const Rows<const T>& dh) {
  const hn::ScalableTag<T> d;
  const RecurrentArgs<T>& p = q.forward;
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
      .dz = {rounds ? exact : p.dz_at(s.number, panel, rows.begin), kRecordWidth * panel_lanes, 0},
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
        std::fill_n(at.dz.at(row, 0), kRecordWidth * panel_lanes, T{0});
      });
  if constexpr (kMayRound<T>) {
    if (rounds) RoundDerivatives(p, s.number, panel, rows, at.dz);
  }
}

// The state before a step, or null: zero.
template <class T>
HWY_INLINE Rows<const T> StateBefore(const RecurrentArgs<T>& p, Index step) {
  return step > 0 ? Rows<const T>(From(p.h, 0, slot_of(step - 1, p.h_slots), 0)) : p.h0;
}

// The same of a GRU; with kReset what goes through a reset gate before its product, and dh is the gradient of r h.
template <class Cell, bool kReset, class T>
HWY_INLINE void GruCellsOfBlock(const RecurrentBackwardArgs<T>& q, const BackwardStep<T>& s, Index panel, Range rows,
                                const Rows<const T>& dh) {
  const hn::ScalableTag<T> d;
  const RecurrentArgs<T>& p = q.forward;
  const Index unit = p.layout.first_unit(panel), panel_lanes = p.layout.panel_lanes(panel);
  const GruBackwardRows<T> at{.dh = dh,
                              .kept = p.kept_at(0, s.number, panel, rows.begin),
                              .h_before = From(StateBefore(p, s.number), rows.begin, 0, unit),
                              .dz = {p.dz_at(s.number, panel, rows.begin), kRecordWidth * panel_lanes, 0},
                              .passed = From(q.dc, rows.begin, 0, unit)};
  ForMask(
      From(s.mask, rows.begin, 0, 0), rows.size(),
      [&](Range taken) HWY_ATTR {
        ForRowsOfPanel(d, panel_lanes, taken, [&](auto narrow, auto parts, Index begin, Index end) HWY_ATTR {
          constexpr int kParts = decltype(parts)::value;
          if constexpr (kReset) {
            GruResetBackward<kParts>(narrow, p, at, begin, end);
          } else {
            GruCellBackward<Cell, kParts>(narrow, p, at, begin, end);
          }
        });
      },
      [&](Index row) {
        if constexpr (kReset) return;
        AddRows(From(dh, row, 0, 0), From(at.passed, row, 0, 0), 1, panel_lanes);
        std::fill_n(at.dz.at(row, 0), kRecordWidth * panel_lanes, T{0});
      });
}

// Panels of column group g: whole panels are vectors of units; the narrow ones share the last vector.
HWY_INLINE Range PanelsOf(const RecurrentLayout& layout, const ColumnGroups& groups, Index g) {
  return {groups.first(g), g + 1 == groups.count() ? layout.panels() : groups.first(g + 1)};
}

// What the candidate's derivative gives a reset gate before its product: it needs those of all panels.
template <class Cell, class T>
void WalkReset(const RecurrentBackwardArgs<T>& q, const BackwardStep<T>& s, Range rows) {
  const RecurrentArgs<T>& p = q.forward;
  const RecurrentLayout& layout = p.layout;
  if (!StateBefore(p, s.number)) {  // r has nothing to do
    for (Index panel = 0; panel < layout.panels(); ++panel) {
      const Index lanes = layout.panel_lanes(panel);
      for (Index b = rows.begin; b < rows.end; ++b) {
        std::fill_n(p.dz_at(s.number, panel, b) + 2 * lanes, lanes, T{0});
      }
    }
    return;
  }
  constexpr Index kLanes = hn::MaxLanes(hn::ScalableTag<T>());
  HWY_ALIGN T scratch[static_cast<size_t>(kRowsPerBlock * ColumnGroups::kWidest * kLanes)];
  const ColumnGroups groups(layout.units(), layout.lanes());
  for (Index g = 0; g < groups.count(); ++g) {
    const Range panels = PanelsOf(layout, groups, g);
    ForBlocks(rows, /*by_tile=*/false, [&](Range block) HWY_ATTR {
      const Rows<T> dq{scratch, groups.width(g) * layout.lanes(), 0};
      OneByOneTimes(kToReset, p, s.number, block, q.recurrent_transposed, p.dropped_h, groups, g, Rows<const T>{}, dq);
      for (Index panel = panels.begin; panel < panels.end; ++panel) {
        const Index unit = layout.first_unit(panel) - panels.begin * layout.lanes();
        GruCellsOfBlock<Cell, /*kReset=*/true>(q, s, panel, block, Rows<const T>(From(dq, 0, 0, unit)));
      }
    });
  }
}

// Column group by column group; the cells of a block follow at once, while its dh is in the cache. At the end of a
// chunk before the last, dh stands complete in dh_border.
template <class Cell, class T>
void WalkStep(const RecurrentBackwardArgs<T>& q, const BackwardStep<T>& s, bool from_border, Range rows) {
  constexpr Index kLanes = hn::MaxLanes(hn::ScalableTag<T>());
  const RecurrentLayout& layout = q.forward.layout;
  const ColumnGroups groups(layout.units(), layout.lanes());
  HWY_ALIGN T scratch[static_cast<size_t>(kRowsPerBlock * ColumnGroups::kWidest * kLanes)];
  for (Index g = 0; g < groups.count(); ++g) {
    const Range panels = PanelsOf(layout, groups, g);
    const bool whole = layout.panel_lanes(panels.end - 1) == layout.lanes();
    const bool one_pass =
        q.forward.bf16 ? bf16_dz_depth(layout) <= kDepthPerPass : layout.panels() <= PanelsPerPass<T>(Cell::kGates);
    ForBlocks(rows, whole && one_pass && HasRegisterTile(q.forward), [&](Range block) HWY_ATTR {
      Rows<T> dh{scratch, groups.width(g) * layout.lanes(), 0};
      if (from_border) {
        dh = From(q.dh_border, block.begin, 0, panels.begin * layout.lanes());
      } else {
        OutputGradient<Cell>(q, s, block, groups, g, dh);
      }
      for (Index panel = panels.begin; panel < panels.end; ++panel) {
        const Rows<const T> of_panel = From(dh, 0, 0, layout.first_unit(panel) - panels.begin * layout.lanes());
        if constexpr (Cell::kGates == 4) {
          LstmCellsOfBlock<Cell>(q, s, panel, block, of_panel);
        } else {
          GruCellsOfBlock<Cell, /*kReset=*/false>(q, s, panel, block, of_panel);
        }
      }
    });
  }
  if constexpr (Cell::kResetsBefore) WalkReset<Cell>(q, s, rows);
}

// dh of step s, whose cells belong to the chunk before.
template <class Cell, class T>
void LeaveBorder(const RecurrentBackwardArgs<T>& q, const BackwardStep<T>& s, Range rows) {
  const RecurrentLayout& layout = q.forward.layout;
  const ColumnGroups groups(layout.units(), layout.lanes());
  for (Index g = 0; g < groups.count(); ++g) {
    ForBlocks(rows, /*by_tile=*/false, [&](Range block) HWY_ATTR {
      OutputGradient<Cell>(q, s, block, groups, g, From(q.dh_border, block.begin, 0, groups.first(g) * layout.lanes()));
    });
  }
}

// ---- sequences -----------------------------------------------------------------------------------------------------

// What arrives at the last cell state; at a GRU's last state nothing comes beside the output. (Zeros by vectors: a call
// of memset shows in tiny steps.)
template <class T>
void StartCellGradient(const RecurrentBackwardArgs<T>& q, Range rows) {
  const hn::ScalableTag<T> d;
  T *dc = q.dc.at(rows.begin, 0), *end = q.dc.at(rows.end, 0);  // rows are padded to whole vectors
  for (; dc < end; dc += hn::Lanes(d)) hn::StoreU(hn::Zero(d), d, dc);
  if (!q.dc_final) return;
  for (Index b = rows.begin; b < rows.end; ++b) {
    std::copy_n(q.dc_final.at(b, 0), q.forward.layout.units(), q.dc.at(b, 0));
  }
}

// dh0 and dc0, where they are wanted.
template <class Cell, class T>
void StateGradients(const RecurrentBackwardArgs<T>& q, Range rows) {
  const RecurrentArgs<T>& p = q.forward;
  const Index units = p.layout.units();
  if (q.dh0) {
    GatesTimesAll(kToState<Cell>, p, 0, rows, q.recurrent_transposed, p.dropped_h, units, q.dh0);
    if constexpr (Cell::kGates == 4) {
      ForMask(
          From(p.mask, rows.begin, 0, 0), rows.size(), [](Range) {},
          [&](Index row) {
            const Index b = rows.begin + row;
            AddRows(From(Rows<const T>(q.dh_carried), b, 0, 0), From(q.dh0, b, 0, 0), 1, units);
          });
    } else {
      AddRows(From(Rows<const T>(q.dc), rows.begin, 0, 0), From(q.dh0, rows.begin, 0, 0), rows.size(), units);
    }
  }
  if (!q.dc0) return;
  for (Index b = rows.begin; b < rows.end; ++b) std::copy_n(q.dc.at(b, 0), units, q.dc0.at(b, 0));
}

template <class Cell, class T>
void BackwardSequence(const RecurrentBackwardArgs<T>& q, Range steps, Range rows) {
  const RecurrentArgs<T>& p = q.forward;
  if (steps.end == p.steps) StartCellGradient(q, rows);
  for (Index step = steps.end - 1; step >= steps.begin; --step) {
    WalkStep<Cell>(q, StepAt(q, step), /*from_border=*/step == steps.end - 1 && steps.end < p.steps, rows);
    if (!q.dx) continue;
    GatesTimesAll(kToInputs<Cell>, p, step, rows, q.input_transposed, p.dropped_x, p.layout.inputs(),
                  From(q.dx, 0, step, 0));
  }
  if (steps.begin > 0) {
    LeaveBorder<Cell>(q, StepAt(q, steps.begin - 1), rows);
  } else {
    StateGradients<Cell>(q, rows);
  }
}

template <class T>
void LstmBackward(const RecurrentBackwardArgs<T>& q, Range steps, Range rows) {
  if (rows.empty()) return;
  IsStandard(q.forward) ? BackwardSequence<StandardLstm>(q, steps, rows) : BackwardSequence<AnyLstm>(q, steps, rows);
}

template <class T>
void GruBackward(const RecurrentBackwardArgs<T>& q, Range steps, Range rows) {
  if (rows.empty()) return;
  if (q.forward.layout.cell() == RecurrentCell::gru_reset_before) return BackwardSequence<AnyGru<true>>(q, steps, rows);
  IsStandard(q.forward) ? BackwardSequence<StandardGru>(q, steps, rows)
                        : BackwardSequence<AnyGru<false>>(q, steps, rows);
}

void FillRecurrentBackward(KernelTable& table) {
  table.f32.lstm.backward = LstmBackward<float>;
  table.f64.lstm.backward = LstmBackward<double>;
  table.f32.gru.backward = GruBackward<float>;
  table.f64.gru.backward = GruBackward<double>;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
