// LSTM weight gradients in the packed layout, and the transposed weights that backward reads.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lstm_gradients.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/lstm_rows-inl.h"
#include "kernels/table.hpp"
#include "kernels/tiles-inl.h"
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// ---- gradients -----------------------------------------------------------------------------------------------------
//
// The gradient of a weight is the sum over steps and batch rows of dz times what the weight was multiplied with: 1 for
// the bias, an input, a unit's h of the step before. A tile takes a few weight rows, that is, columns of [1, x, h].

// Pairs of a pass in the order of the chain: steps from last_step downwards, in each the same rows.
struct GradientPass {
  Index last_step = 0;
  Index steps = 0;
  Range rows;
};

// Elements of one tile's copy in passes of so many rows, and of a vector behind it.
constexpr Index TileCopySize(Index rows_per_pass) { return (rows_per_pass + 1) * kMaxRows; }

// Per panel: tiles of the bias and the inputs together, then tiles of recurrent rows.
HWY_INLINE Index InputTiles(const LstmLayout& layout) { return RowTiles(layout.first_recurrent()); }
Index TilesPerPanel(const LstmLayout& layout) { return InputTiles(layout) + RowTiles(layout.units()); }
Index LstmGradientTiles(const LstmLayout& layout) { return layout.panels() * TilesPerPanel(layout); }

// Weight rows of tile i of a panel.
struct TileRows {
  Range rows;  // of the panel
  bool recurrent = false;
};

HWY_INLINE TileRows TileNumber(const LstmLayout& layout, Index i) {
  if (i < InputTiles(layout)) return {RowTile(layout.first_recurrent(), i), false};
  const Range units = RowTile(layout.units(), i - InputTiles(layout));
  return {{layout.first_recurrent() + units.begin, layout.first_recurrent() + units.end}, true};
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

// The columns of [1, x] or h that a tile takes, pair by pair; returns the number of steps that have them: the step
// before the first has no h, unless it was given.
template <class T>
HWY_INLINE Index CopyColumns(const LstmArgs<T>& p, const GradientPass& pass, const TileRows& tile, T* to) {
  const bool ones = !tile.recurrent && p.layout.use_bias() && tile.rows.begin == 0;
  const Index column = tile.rows.begin - (tile.recurrent ? p.layout.first_recurrent() : p.layout.first_input());
  for (Index s = 0; s < pass.steps; ++s) {
    const Index step = pass.last_step - s;
    const T* row = p.x.at(pass.rows.begin, step) + column;
    Index stride = p.x.batch_stride;
    if (tile.recurrent && step > 0) {
      row = p.h.at(pass.rows.begin, slot_of(step - 1, p.h_slots)) + column;
      stride = p.h.batch_stride;
    } else if (tile.recurrent) {
      if (!p.h0) return s;
      row = p.h0.at(pass.rows.begin, 0) + column;
      stride = p.h0.batch_stride;
    }
    for (Index b = pass.rows.begin; b < pass.rows.end; ++b, row += stride, to += kMaxRows) {
      if (ones) {
        to[0] = T{1};
        for (int k = 1; k < kMaxRows; ++k) to[k] = row[k];
      } else {
        CopyRow(row, to);
      }
    }
  }
  return pass.steps;
}

// out (or 0) plus the products of a pass. dz stands at the pass's first pair and moves by dz_step from step to step.
template <int kRows, int kVectors, class D, class T>
HWY_NOINLINE void GradientTile(D d, const T* columns, const T* dz, Index dz_step, Index steps, Index rows, bool add,
                               T* out) {
  const Index width = kVectors * static_cast<Index>(hn::Lanes(d));
  Tile<D, kRows, kVectors> tile;
  if (add) {
    tile.Load(d, out, width);
  } else {
    tile.Fill(hn::Zero(d));
  }
  for (Index s = 0; s < steps; ++s) {
    tile.MultiplyColumns(d, columns, kMaxRows, dz, width, rows);
    columns += rows * kMaxRows;
    dz += dz_step;
  }
  tile.Store(d, out, width);
}

// Tiles [tiles.begin, tiles.end) of a panel, whose columns have been copied.
template <class T>
void PanelGradients(const LstmArgs<T>& p, const GradientPass& pass, Index panel, Range tiles, const T* copies,
                    Index copy_size, const Index* steps, bool add, T* gradient) {
  const hn::ScalableTag<T> d;
  const LstmLayout& layout = p.layout;
  const T* dz = p.dz_at(pass.last_step, panel, pass.rows.begin);
  const Index dz_step = p.capacity * layout.panel_width(panel);
  const bool full = pass.rows.size() == p.capacity;  // then the steps are one long column
  for (Index i = tiles.begin; i < tiles.end; ++i, copies += copy_size, ++steps) {
    const Range rows = TileNumber(layout, i).rows;
    T* out = gradient + layout.panel_offset(panel) + rows.begin * layout.panel_width(panel);
    WithConstant<kMaxRows>(rows.size(), [&](auto n) HWY_ATTR {
      WithPanelVectors(d, layout.panel_lanes(panel), [&](auto v) HWY_ATTR {
        constexpr int kRows = decltype(n)::value, kVectors = decltype(v)::value;
        full ? GradientTile<kRows, kVectors>(d, copies, dz, 0, 1, *steps * pass.rows.size(), add, out)
             : GradientTile<kRows, kVectors>(d, copies, dz, dz_step, *steps, pass.rows.size(), add, out);
      });
    });
  }
}

// A pass over a range of tiles, numbered panel by panel. Without any state before a step, those of recurrent rows have
// nothing to add.
template <Index kRows, class T>
HWY_NOINLINE void PassGradients(const LstmArgs<T>& p, const GradientPass& pass, bool add, Range tiles, T* gradient) {
  constexpr Index kCopySize = TileCopySize(kRows);
  HWY_ALIGN T copies[static_cast<size_t>(kTilesPerCopy<T> * kCopySize)];  // of float 62 KB, in long passes 123
  Index steps[static_cast<size_t>(kTilesPerCopy<T>)];
  const Index per_panel = TilesPerPanel(p.layout);
  ForCopiedTiles(
      tiles, per_panel, p.steps > 1 || p.h0 ? per_panel : InputTiles(p.layout), kTilesPerCopy<T>,
      [&](Index i, Index slot)
          HWY_ATTR { steps[slot] = CopyColumns(p, pass, TileNumber(p.layout, i), copies + slot * kCopySize); },
      [&](Index panel, Range mine, Index slot) HWY_ATTR {
        PanelGradients(p, pass, panel, mine, copies + slot * kCopySize, kCopySize, steps + slot, add, gradient);
      });
}

template <class T>
void LstmGradients(const LstmArgs<T>& p, Range steps, Range rows, T* gradient, bool add, Range tiles) {
  if (tiles.empty()) return;
  const Index rows_per_pass = RowsPerPass<T>(p.layout);
  ForGradientPasses(steps.size(), rows, rows_per_pass, [&](Index left, Index n, Range part) HWY_ATTR {
    const GradientPass pass{steps.begin + left - 1, n, part};
    rows_per_pass == kRowsPerPass ? PassGradients<kRowsPerPass>(p, pass, add, tiles, gradient)
                                  : PassGradients<kMostRowsPerPass>(p, pass, add, tiles, gradient);
    add = true;
  });
}

// ---- transposed weights --------------------------------------------------------------------------------------------

template <class T>
void LstmTranspose(const LstmLayout& layout, const T* weights, Index first_row, Index count, T* out, Range panels) {
  const Index lanes = layout.lanes();
  const ColumnGroups groups(count, lanes);
  for (Index g = 0; g < groups.count(); ++g) {
    const Index first = groups.first(g) * lanes, width = groups.width(g) * lanes;
    const Index columns = HWY_MIN(width, count - first);
    for (Index panel = panels.begin; panel < panels.end; ++panel) {
      const Index panel_lanes = layout.panel_lanes(panel), panel_width = layout.panel_width(panel);
      const T* from = weights + layout.panel_offset(panel) + (first_row + first) * panel_width;
      T* to = out + (first * layout.units() + layout.first_unit(panel) * width) * 4;
      for (Index gate = 0; gate < 4; ++gate) {
        Transpose(from + gate * panel_lanes, panel_width, columns, layout.units_in(panel), to + gate * width,
                  4 * width);
      }
      for (Index row = 0; row < 4 * layout.units_in(panel); ++row) {
        std::fill(to + row * width + columns, to + (row + 1) * width, T{0});
      }
    }
  }
}

template <class T>
void Fill(Ops<T>& ops) {
  ops.lstm_gradients = LstmGradients<T>;
  ops.lstm_gradient_tiles = LstmGradientTiles;
  ops.lstm_transpose = LstmTranspose<T>;
}

void FillLstmGradients(KernelTable& table) {
  Fill(table.f32);
  Fill(table.f64);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
