// Recurrent layers forward over whole sequences on packed panels.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/recurrent_forward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/gru_cell-inl.h"
#include "kernels/lstm_bf16-inl.h"
#include "kernels/lstm_cell-inl.h"
#include "kernels/recurrent_rows-inl.h"
#include "kernels/recurrent_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// What one step reads and writes.
template <class T>
struct ForwardStep {
  Rows<const std::uint8_t> mask;
  Rows<const T> x;
  Rows<const T> h_before, c_before;  // null: zero
  Rows<T> h, c;
  Rows<T> reset_h;  // null: not wanted
};

template <class T>
HWY_INLINE ForwardStep<T> StepAt(const RecurrentArgs<T>& p, Index step) {
  ForwardStep<T> s;
  s.mask = From(p.mask, 0, step, 0);
  s.x = From(p.x, 0, step, 0);
  s.h_before = step > 0 ? Rows<const T>(From(p.h, 0, slot_of(step - 1, p.h_slots), 0)) : p.h0;
  s.c_before = step > 0 ? Rows<const T>(p.c) : p.c0;
  s.h = From(p.h, 0, slot_of(step, p.h_slots), 0);
  s.c = p.c;
  s.reset_h = From(p.reset_h, 0, slot_of(step, p.h_slots), 0);
  return s;
}

// The records of a step, where each gate has dropout of its own.
template <class T>
void DropRows(const Dropped<T>& dropped, const Rows<const T>& numbers, Range rows, Index count) {
  if (!dropped.bits || !numbers) return;
  constexpr Index kAtOnce = 8;
  const T kept = dropped.kept;
  for (Index b = rows.begin; b < rows.end; ++b) {
    const T* from = numbers.at(b, 0);
    const std::uint8_t* bits = dropped.bits.at(b, 0);
    T* to = dropped.records.at(b, 0);
    for (Index k = 0; k < count; k += kAtOnce) {
      WriteRecords<kAtOnce>(from + k, count - k, bits, k, kept, to + kRecordWidth * k);
    }
  }
}
template <class T>
void DropStep(const RecurrentArgs<T>& p, const ForwardStep<T>& s, Range rows) {
  DropRows(p.dropped_x, s.x, rows, p.layout.inputs());
  DropRows(p.dropped_h, s.h_before, rows, p.layout.units());
}

// A skipped row keeps its state.
template <class T>
void KeepState(const Rows<const T>& before, const Rows<T>& after, Index row, Index units) {
  for (Index u = 0; u < units; ++u) after.at(row, 0)[u] = before ? before.at(row, 0)[u] : T{0};
}

// ---- cells ---------------------------------------------------------------------------------------------------------

// The cells of a block of rows of one panel of an LSTM, from their sums.
template <class Cell, class D, class T>
HWY_INLINE void LstmCellsOfBlock(D d, const RecurrentArgs<T>& p, const ForwardStep<T>& s, Index step, Index panel,
                                 Range rows, const Rows<const T>& sums, const Rows<T>& values) {
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

enum class GruPart { gates, all };

// The same of a GRU, or the gates alone, which must be there before the product if r comes before it.
template <class Cell, GruPart kPart, class D, class T>
HWY_INLINE void GruCellsOfBlock(D d, const RecurrentArgs<T>& p, const ForwardStep<T>& s, Index panel, Range rows,
                                const Rows<const T>& sums, const Rows<T>& values) {
  const Index unit = p.layout.first_unit(panel), panel_lanes = p.layout.panel_lanes(panel);
  const GruForwardRows<T> at{.sums = sums,
                             .values = values,
                             .h_before = From(s.h_before, rows.begin, 0, unit),
                             .h = From(s.h, rows.begin, 0, unit),
                             .reset_h = From(s.reset_h, rows.begin, 0, unit),
                             .keep = p.kept != nullptr && !Cell::kKeepsSums};
  ForMask(
      From(s.mask, rows.begin, 0, 0), rows.size(),
      [&](Range taken) HWY_ATTR {
        ForRowsOfPanel(d, panel_lanes, taken, [&](auto narrow, auto parts, Index begin, Index end) HWY_ATTR {
          constexpr int kParts = decltype(parts)::value;
          GruGates<Cell, kParts>(narrow, p, at, begin, end);
          if constexpr (kPart != GruPart::gates) GruStates<Cell, kParts>(narrow, p, at, begin, end);
        });
      },
      [&](Index row) {
        if constexpr (kPart != GruPart::gates) KeepState<T>(at.h_before, at.h, row, panel_lanes);
        // It meets derivatives of zero, and must not be infinite.
        if (at.reset_h) std::fill_n(at.reset_h.at(row, 0), panel_lanes, T{0});
      });
}

// ---- walks ---------------------------------------------------------------------------------------------------------

// A block's sums wait in the cache for its cells; training keeps what the cell needs again.
template <class Cell, class T>
void ForwardSequence(const RecurrentArgs<T>& p, Range steps, Range rows) {
  constexpr bool kRounds = Cell::kGates == 4 && kMayRound<T>;
  const hn::ScalableTag<T> d;
  const RecurrentLayout& layout = p.layout;
  HWY_ALIGN T scratch[static_cast<size_t>(kRowsPerBlock * kRecordWidth) * hn::MaxLanes(decltype(d)())];
  for (Index step = steps.begin; step < steps.end; ++step) {
    const ForwardStep<T> s = StepAt(p, step);
    DropStep(p, s, rows);
    if constexpr (kRounds) {
      if (p.bf16) RoundStep(p, step, /*first=*/step == steps.begin, s.h_before, rows);
    }
    for (Index panel = 0; panel < layout.panels(); ++panel) {
      const PanelSums<T> product = SumsOfPanel(p, panel, s.x, s.h_before);
      const Index depth = kRounds && p.bf16 ? bf16_depth(layout) : layout.rows();
      const Index panel_lanes = layout.panel_lanes(panel);
      const bool by_tile = panel_lanes == layout.lanes() && depth <= kDepthPerPass && HasRegisterTile(p);
      ForBlocks(rows, by_tile, [&](Range block) HWY_ATTR {
        const Rows<T> in_cache{scratch, kRecordWidth * panel_lanes, 0};
        const Rows<T> kept = p.kept != nullptr ? p.kept_at(0, step, panel, block.begin) : in_cache;
        const Rows<T> sums = Cell::kKeepsSums ? kept : in_cache;
        const Rows<T> values = Cell::kKeepsSums ? in_cache : kept;
        if (kRounds && p.bf16) {
          if constexpr (kRounds) RoundedSumsOfBlock(p, step, panel, product.units > 0, block, sums);
        } else {
          SumsOfBlock<Cell::kGates>(d, product, panel_lanes, block, sums);
        }
        if constexpr (Cell::kGates == 4) {
          LstmCellsOfBlock<Cell>(d, p, s, step, panel, block, Rows<const T>(sums), values);
        } else {
          GruCellsOfBlock<Cell, GruPart::all>(d, p, s, panel, block, Rows<const T>(sums), values);
        }
      });
    }
  }
}

// r h as the candidate takes it, where it has dropout.
template <class T>
void DropReset(const RecurrentArgs<T>& p, const Rows<T>& reset_h, Index panel, Range rows) {
  if (!p.dropped_h.bits) return;
  const Rows<const std::uint8_t> bits = p.dropped_h.bits_of(/*gate=*/2, rows.begin);
  const Index first = p.layout.first_unit(panel), end = first + p.layout.units_in(panel);
  for (Index b = 0; b < rows.size(); ++b) {
    T* numbers = reset_h.at(rows.begin + b, 0);
    for (Index u = first; u < end; ++u) {
      numbers[u] = (bits.at(b, 0)[u / 8] >> (u % 8) & 1) != 0 ? numbers[u] * p.dropped_h.kept : T{0};
    }
  }
}

// Where the reset gate comes before the product of the state, that product waits for r h of all panels, so the sums of
// a step stand in what is kept of it.
template <class T>
void ForwardResetBefore(const RecurrentArgs<T>& p, Range steps, Range rows) {
  using Cell = AnyGru</*kBefore=*/true>;
  const hn::ScalableTag<T> d;
  const RecurrentLayout& layout = p.layout;
  HWY_ALIGN T scratch[static_cast<size_t>(kRowsPerBlock * kRecordWidth) * hn::MaxLanes(decltype(d)())];
  for (Index step = steps.begin; step < steps.end; ++step) {
    const ForwardStep<T> s = StepAt(p, step);
    DropStep(p, s, rows);
    for (const bool resets : {false, true}) {
      for (Index panel = 0; panel < layout.panels(); ++panel) {
        const PanelSums<T> product = SumsOfPanel(p, panel, s.x, s.h_before);
        const Index panel_lanes = layout.panel_lanes(panel);
        const Rows<T> values{scratch, kRecordWidth * panel_lanes, 0};
        ForBlocks(rows, /*by_tile=*/false, [&](Range block) HWY_ATTR {
          const Rows<T> sums = p.kept_at(0, step, panel, block.begin);
          if (resets) {
            if (product.units > 0) SumsOfReset(d, product, panel_lanes, block, Rows<const T>(s.reset_h), sums);
            GruCellsOfBlock<Cell, GruPart::all>(d, p, s, panel, block, Rows<const T>(sums), values);
          } else {
            SumsBeforeReset(d, product, panel_lanes, block, sums);
            GruCellsOfBlock<Cell, GruPart::gates>(d, p, s, panel, block, Rows<const T>(sums), values);
          }
          DropReset(p, s.reset_h, panel, block);  // both have written it
        });
      }
    }
  }
}

template <class T>
void LstmForward(const RecurrentArgs<T>& p, Range steps, Range rows) {
  if (rows.empty()) return;
  IsStandard(p) ? ForwardSequence<StandardLstm>(p, steps, rows) : ForwardSequence<AnyLstm>(p, steps, rows);
}

template <class T>
void GruForward(const RecurrentArgs<T>& p, Range steps, Range rows) {
  if (rows.empty()) return;
  if (p.layout.cell() == RecurrentCell::gru_reset_before) return ForwardResetBefore(p, steps, rows);
  IsStandard(p) ? ForwardSequence<StandardGru>(p, steps, rows) : ForwardSequence<AnyGru<false>>(p, steps, rows);
}

void FillRecurrentForward(KernelTable& table) {
  table.f32.lstm.forward = LstmForward<float>;
  table.f64.lstm.forward = LstmForward<double>;
  table.f32.gru.forward = GruForward<float>;
  table.f64.gru.forward = GruForward<double>;
  table.f32.lanes = static_cast<Index>(hn::Lanes(hn::ScalableTag<float>()));
  table.f64.lanes = static_cast<Index>(hn::Lanes(hn::ScalableTag<double>()));
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
