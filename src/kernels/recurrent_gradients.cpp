// Weight gradients of recurrent layers in the packed layout, and the transposed weights that backward reads.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/recurrent_gradients.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/recurrent_rows-inl.h"
#include "kernels/table.hpp"
#include "kernels/tiles-inl.h"
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// ---- gradients -----------------------------------------------------------------------------------------------------
//
// The gradient of a weight is the sum over steps and batch rows of dz times what the weight was multiplied with: 1 for
// a bias, an input, a unit's h of the step before. A tile takes a few weight rows, that is, columns of [1, x] or of
// [1, h]; where a GRU resets before its product, columns of h for z and r and columns of r h for the candidate.

// Pairs of a pass in the order of the chain: steps from last_step downwards, in each the same rows.
struct GradientPass {
  Index last_step = 0;
  Index steps = 0;
  Range rows;
};

// Elements of one tile's copy in passes of so many rows, and of what is written behind it.
constexpr Index TileCopySize(Index rows_per_pass) { return rows_per_pass * kMaxRows + 8; }

// Per panel: tiles of the bias and the inputs together, then tiles of what goes with the state.
HWY_INLINE Index InputTiles(const RecurrentLayout& layout) { return RowTiles(layout.first_of_state()); }
HWY_INLINE Index StateTiles(const RecurrentLayout& layout) { return RowTiles(layout.rows() - layout.first_of_state()); }
Index TilesPerPanel(const RecurrentLayout& layout) {
  const Index reset = layout.cell() == RecurrentCell::gru_reset_before ? RowTiles(layout.units()) : 0;
  return InputTiles(layout) + StateTiles(layout) + reset;
}
Index GradientTiles(const RecurrentLayout& layout) { return layout.panels() * TilesPerPanel(layout); }

enum class Columns { inputs, state, reset_state };

// Weight rows of tile i of a panel.
struct TileRows {
  Range rows;  // of the panel
  Columns columns = Columns::inputs;
};

HWY_INLINE TileRows TileNumber(const RecurrentLayout& layout, Index i) {
  const Index first = layout.first_of_state();
  if (i < InputTiles(layout)) return {RowTile(first, i), Columns::inputs};
  i -= InputTiles(layout);
  Columns columns = Columns::state;
  if (i >= StateTiles(layout)) {
    i -= StateTiles(layout);
    columns = Columns::reset_state;
  }
  const Range rows = RowTile(layout.rows() - first, i);
  return {{first + rows.begin, first + rows.end}, columns};
}

// Whether the first row of a tile is that of a bias, whose column is all ones.
HWY_INLINE bool HasBias(const RecurrentLayout& layout, const TileRows& tile) {
  if (tile.columns == Columns::inputs) return layout.use_bias() && tile.rows.begin == 0;
  return layout.use_recurrent_bias() && tile.rows.begin == layout.first_of_state();
}

// The dropout of a tile's columns, or null: they are records where each gate has its own.
template <class T>
HWY_INLINE const Dropped<T>* DroppedOf(const RecurrentArgs<T>& p, Columns columns) {
  if (columns == Columns::reset_state) return nullptr;  // forward has seen to r h
  const Dropped<T>& dropped = columns == Columns::inputs ? p.dropped_x : p.dropped_h;
  return dropped.bits ? &dropped : nullptr;
}

// kMaxRows elements, and perhaps some more, by vectors: rows are padded, and what is too much is overwritten by the
// next.
template <class T>
HWY_INLINE void CopyRow(const T* from, T* to) {
  constexpr size_t kWide = kMaxRows > 4 ? 8 : 4;
  static_assert(kMaxRows <= 8);
  const hn::CappedTag<T, kWide> d;
  for (size_t k = 0; k < kWide; k += hn::Lanes(d)) hn::StoreU(hn::LoadU(d, from + k), d, to + k);
}

// The columns that a tile takes, pair by pair; returns the number of steps that have them: the step before the first
// has no h, unless it was given. The column of a bias is there in any case.
template <bool kDrops, class T>
HWY_INLINE Index CopyColumns(const RecurrentArgs<T>& p, const GradientPass& pass, const TileRows& tile, T* to) {
  const bool ones = HasBias(p.layout, tile), of_state = tile.columns != Columns::inputs;
  constexpr Index kRecord = kDrops ? kRecordWidth : 1, kWidth = kRecord * kMaxRows;
  [[maybe_unused]] const Dropped<T>* dropped = DroppedOf(p, tile.columns);
  const Index column = tile.rows.begin - (of_state ? p.layout.first_recurrent() : p.layout.first_input());
  for (Index s = 0; s < pass.steps; ++s) {
    const Index step = pass.last_step - s;
    const T* row = p.x.at(pass.rows.begin, step) + column;
    Index stride = p.x.batch_stride;
    if (of_state && step == 0 && !p.h0) {
      for (Index n = 0; n < pass.rows.size(); ++n) std::fill_n(to + n * kWidth, kRecord, T{1});
      return s;
    }
    if (tile.columns == Columns::reset_state) {
      row = p.reset_h.at(pass.rows.begin, slot_of(step, p.h_slots)) + column;
      stride = p.reset_h.batch_stride;
    } else if (of_state && step > 0) {
      row = p.h.at(pass.rows.begin, slot_of(step - 1, p.h_slots)) + column;
      stride = p.h.batch_stride;
    } else if (of_state) {
      row = p.h0.at(pass.rows.begin, 0) + column;
      stride = p.h0.batch_stride;
    }
    const Index batch = pass.rows.size();
    if constexpr (kDrops) {
      const Index first = ones ? 1 : 0;  // a bias has no dropout
      const std::uint8_t* bits = dropped->bits.at(pass.rows.begin, 0);
      const Index bits_stride = dropped->bits.batch_stride;
      const T kept = dropped->kept;
      for (Index b = 0; b < batch; ++b, row += stride, bits += bits_stride, to += kWidth) {
        if (ones) std::fill_n(to, kRecordWidth, T{1});
        WriteRecords<kMaxRows>(row + first, kMaxRows, bits, column + first, kept, to + kRecordWidth * first);
      }
    } else if (ones) {
      for (Index b = 0; b < batch; ++b, row += stride, to += kWidth) {
        to[0] = T{1};
        CopyRow(row + 1, to + 1);
      }
    } else {
      for (Index b = 0; b < batch; ++b, row += stride, to += kWidth) CopyRow(row, to);
    }
  }
  return pass.steps;
}

// out (or 0) plus the products of a pass. dz stands at the pass's first pair and moves by dz_step from step to step. A
// row of dz is kOfRecord vectors, one of `out` kOfRow. kShared as in recurrent_sums-inl.h.
template <int kRows, int kVectors, int kOfRecord, int kOfRow, int kShared, class D, class T>
HWY_NOINLINE void GradientTile(D d, const T* columns, const T* dz, Index dz_step, Index steps, Index rows, bool add,
                               T* out) {
  constexpr Index kWidth = kShared > 0 ? kRecordWidth * kMaxRows : kMaxRows;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  Tile<D, kRows, kVectors> tile;
  if (add) {
    tile.Load(d, out, kOfRow * lanes);
  } else {
    tile.Fill(hn::Zero(d));
  }
  for (Index s = 0; s < steps; ++s) {
    if constexpr (kShared > 0) {
      tile.template MultiplyRecordColumns<kShared>(d, columns, kWidth, dz, kOfRecord * lanes, rows);
    } else {
      tile.MultiplyColumns(d, columns, kWidth, dz, kOfRecord * lanes, rows);
    }
    columns += rows * kWidth;
    dz += dz_step;
  }
  tile.Store(d, out, kOfRow * lanes);
}

// Which vectors of dz and of a row of weights a GRU's tile takes depends on its columns (layout.hpp).
template <int kRows, int kShared, class D, class T>
HWY_INLINE void GruGradientTile(D d, const RecurrentLayout& layout, Columns which, const T* columns, const T* dz,
                                Index dz_step, Index steps, Index rows, bool add, T* out) {
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  if (which == Columns::inputs) {
    return GradientTile<kRows, 3, 4, 3, kShared>(d, columns, dz, dz_step, steps, rows, add, out);
  }
  if (which == Columns::reset_state) {
    return GradientTile<kRows, 1, 4, 3, 0>(d, columns, dz, dz_step, steps, rows, add, out + 2 * lanes);
  }
  if (layout.cell() == RecurrentCell::gru) {
    return GradientTile<kRows, 3, 4, 3, kShared>(d, columns, dz + lanes, dz_step, steps, rows, add, out);
  }
  GradientTile<kRows, 2, 4, 3, kShared>(d, columns, dz + lanes, dz_step, steps, rows, add, out);
}

// Tiles [tiles.begin, tiles.end) of a panel, whose columns have been copied.
template <int kGates, class T>
void PanelGradients(const RecurrentArgs<T>& p, const GradientPass& pass, Index panel, Range tiles, const T* copies,
                    Index copy_size, const Index* steps, bool add, T* gradient) {
  const hn::ScalableTag<T> d;
  const RecurrentLayout& layout = p.layout;
  const T* dz = p.dz_at(pass.last_step, panel, pass.rows.begin);
  const Index batch = pass.rows.size(), dz_step = p.capacity * kRecordWidth * layout.panel_lanes(panel);
  const bool full = batch == p.capacity;  // then the steps are one long column
  for (Index i = tiles.begin; i < tiles.end; ++i, copies += copy_size, ++steps) {
    const TileRows tile = TileNumber(layout, i);
    const bool drops = DroppedOf(p, tile.columns) != nullptr;
    T* out = gradient + layout.panel_offset(panel) + tile.rows.begin * layout.panel_width(panel);
    // So many rows of the tile, from these columns and derivatives on.
    const auto add_products = [&](Index count, const T* columns, const T* from, Index n_steps, Index n_rows,
                                  bool adds) HWY_ATTR {
      WithConstant<kMaxRows>(count, [&](auto n) HWY_ATTR {
        WithPanelGates<kGates>(d, layout.panel_lanes(panel), [&](auto tag, auto v) HWY_ATTR {
          constexpr int kRows = decltype(n)::value, kV = decltype(v)::value;
          if constexpr (kGates == 4) {
            drops ? GradientTile<kRows, kV, kV, kV, 4 / kV>(tag, columns, from, dz_step, n_steps, n_rows, adds, out)
                  : GradientTile<kRows, kV, kV, kV, 0>(tag, columns, from, dz_step, n_steps, n_rows, adds, out);
          } else {
            const Columns which = tile.columns;
            drops ? GruGradientTile<kRows, 1>(tag, layout, which, columns, from, dz_step, n_steps, n_rows, adds, out)
                  : GruGradientTile<kRows, 0>(tag, layout, which, columns, from, dz_step, n_steps, n_rows, adds, out);
          }
        });
      });
    };
    if (kGates == 4 || *steps > 0) {
      add_products(tile.rows.size(), copies, dz, full ? 1 : *steps, full ? *steps * batch : batch, add);
    }
    if (kGates == 4 || *steps == pass.steps || !HasBias(layout, tile)) continue;
    // The first step of all, in which the bias of the state stands alone.
    const Index width = drops ? kRecordWidth * kMaxRows : kMaxRows;
    add_products(1, copies + *steps * batch * width, dz + *steps * dz_step, 1, batch, add || *steps > 0);
  }
}

// Tiles that have work: without any state before a step, those of recurrent units have none.
HWY_INLINE Index WantedTiles(const RecurrentLayout& layout, bool has_state) {
  if (has_state) return TilesPerPanel(layout);
  return InputTiles(layout) + (layout.use_recurrent_bias() ? 1 : 0);
}

// A pass over a range of tiles, numbered panel by panel.
template <Index kRows, int kGates, class T>
HWY_NOINLINE void PassGradients(const RecurrentArgs<T>& p, const GradientPass& pass, bool add, Range tiles,
                                T* gradient) {
  constexpr Index kTiles = HWY_MAX(kTilesPerCopy<T>, kRecordWidth);
  HWY_ALIGN T copies[static_cast<size_t>(kTiles * TileCopySize(kRows))];  // of float 62 KB, in long passes 123
  Index steps[static_cast<size_t>(kTiles)];
  const Index record = p.dropped_h.bits ? kRecordWidth : 1, copy_size = record * TileCopySize(kRows);
  ForCopiedTiles(
      tiles, TilesPerPanel(p.layout), WantedTiles(p.layout, p.steps > 1 || p.h0), kTiles / record,
      [&](Index i, Index slot) HWY_ATTR {
        const TileRows tile = TileNumber(p.layout, i);
        T* to = copies + slot * copy_size;
        steps[slot] =
            DroppedOf(p, tile.columns) ? CopyColumns<true>(p, pass, tile, to) : CopyColumns<false>(p, pass, tile, to);
      },
      [&](Index panel, Range mine, Index slot) HWY_ATTR {
        PanelGradients<kGates>(p, pass, panel, mine, copies + slot * copy_size, copy_size, steps + slot, add, gradient);
      });
}

template <int kGates, class T>
void RecurrentGradients(const RecurrentArgs<T>& p, Range steps, Range rows, T* gradient, bool add, Range tiles) {
  if (tiles.empty()) return;
  const Index rows_per_pass = RowsPerPass<T>(p.layout);
  ForGradientPasses(steps.size(), rows, rows_per_pass, [&](Index left, Index n, Range part) HWY_ATTR {
    const GradientPass pass{steps.begin + left - 1, n, part};
    rows_per_pass == kRowsPerPass ? PassGradients<kRowsPerPass, kGates>(p, pass, add, tiles, gradient)
                                  : PassGradients<kMostRowsPerPass, kGates>(p, pass, add, tiles, gradient);
    add = true;
  });
}

// ---- transposed weights --------------------------------------------------------------------------------------------

template <class T>
void RecurrentTranspose(const RecurrentLayout& layout, const T* weights, Index first_row, Index count, T* out,
                        Range panels) {
  const Index lanes = layout.lanes(), gates = layout.gates();
  const ColumnGroups groups(count, lanes);
  for (Index g = 0; g < groups.count(); ++g) {
    const Index first = groups.first(g) * lanes, width = groups.width(g) * lanes;
    const Index columns = HWY_MIN(width, count - first);
    for (Index panel = panels.begin; panel < panels.end; ++panel) {
      const Index panel_lanes = layout.panel_lanes(panel), panel_width = layout.panel_width(panel);
      const T* from = weights + layout.panel_offset(panel) + (first_row + first) * panel_width;
      T* to = out + (first * layout.units() + layout.first_unit(panel) * width) * gates;
      for (Index gate = 0; gate < gates; ++gate) {
        Transpose(from + gate * panel_lanes, panel_width, columns, layout.units_in(panel), to + gate * width,
                  gates * width);
      }
      for (Index row = 0; row < gates * layout.units_in(panel); ++row) {
        std::fill(to + row * width + columns, to + (row + 1) * width, T{0});
      }
    }
  }
}

template <int kGates, class T>
void FillGradients(RecurrentOps<T>& ops) {
  ops.gradients = RecurrentGradients<kGates, T>;
  ops.gradient_tiles = GradientTiles;
  ops.transpose = RecurrentTranspose<T>;
}

void FillRecurrentGradients(KernelTable& table) {
  FillGradients<4>(table.f32.lstm);
  FillGradients<4>(table.f64.lstm);
  FillGradients<3>(table.f32.gru);
  FillGradients<3>(table.f64.gru);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
