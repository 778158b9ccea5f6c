// LSTM weight gradients in the packed layout, and the transposed weights that backward reads.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lstm_gradients.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/table.hpp"
#include "kernels/tiles-inl.h"
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// ---- gradients -----------------------------------------------------------------------------------------------------

// All tiles of a panel take the same (step, row) pairs of dz before the next ones. With AVX2 a pass of 128 rows (16 KB)
// stays in the first cache, which its tiles of 3 rows need; with AVX-512 short passes cost up to 12 % at 1024 units.
constexpr Index kRowsPerPass = kManyRegisters ? 1024 : 128;

// Per panel: tiles of the bias and the inputs together, then tiles of recurrent rows.
Index InputTiles(const LstmLayout& layout) { return RowTiles(layout.first_recurrent()); }
Index TilesPerPanel(const LstmLayout& layout) { return InputTiles(layout) + RowTiles(layout.units()); }
Index LstmGradientTiles(const LstmLayout& layout) { return layout.panels() * TilesPerPanel(layout); }

// What a tile of weights is multiplied with in one step: a[n] = 1 if `ones`, then columns of x or of h.
template <class T>
struct TileInputs {
  bool recurrent = false;
  bool ones = false;
  Index column = 0;

  Rows<const T> at(const LstmArgs<T>& p, Index step) const {
    const Rows<const T> rows = recurrent ? Rows<const T>(step > 0 ? Rows<const T>(p.h) : p.h0) : p.x;
    if (!rows) return rows;
    return {rows.at(0, recurrent ? HWY_MAX(Index{0}, step - 1) : step) + column, rows.batch_stride, 0};
  }
};

// Weight rows [first, first + kRows) of one panel: out (or 0) plus the sum over steps, from the last of them to the
// first, and over rows.
template <int kRows, int kVectors, bool kOnes, class D, class T>
HWY_NOINLINE void GradientTile(D d, const LstmArgs<T>& p, Index batch, Index panel, Range steps, bool add,
                               const TileInputs<T>& inputs, T* out) {
  const Index width = kVectors * static_cast<Index>(hn::Lanes(d));
  Tile<D, kRows, kVectors> tile;
  if (add) {
    tile.Load(d, out, width);
  } else {
    tile.Fill(hn::Zero(d));
  }
  for (Index step = steps.end - 1; step >= steps.begin; --step) {
    const Rows<const T> a = inputs.at(p, step);
    if (!a) continue;
    tile.template MultiplyColumns<kOnes>(d, a.data, a.batch_stride, p.gates_at(step, panel, 0), width, batch);
  }
  tile.Store(d, out, width);
}

template <class T>
void GradientTileNumber(const LstmArgs<T>& p, Index batch, Index number, Range steps, bool add, T* gradient) {
  const hn::ScalableTag<T> d;
  const LstmLayout& layout = p.layout;
  const Index panel = number / TilesPerPanel(layout), i = number % TilesPerPanel(layout);
  TileInputs<T> inputs;
  Range rows;
  if (i < InputTiles(layout)) {
    rows = RowTile(layout.first_recurrent(), i);
    inputs.ones = layout.use_bias() && rows.begin == 0;
    inputs.column = HWY_MAX(Index{0}, rows.begin - layout.first_input());
  } else {
    rows = RowTile(layout.units(), i - InputTiles(layout));
    inputs.recurrent = true;
    inputs.column = rows.begin;
  }
  const Index first = inputs.recurrent ? layout.first_recurrent() + rows.begin : rows.begin;
  T* out = gradient + layout.panel_offset(panel) + first * layout.panel_width(panel);
  WithConstant<kMaxRows>(rows.size(), [&](auto n) HWY_ATTR {
    WithPanelVectors(d, layout.panel_lanes(panel), [&](auto v) HWY_ATTR {
      constexpr int kRows = decltype(n)::value, kVectors = decltype(v)::value;
      inputs.ones ? GradientTile<kRows, kVectors, true>(d, p, batch, panel, steps, add, inputs, out)
                  : GradientTile<kRows, kVectors, false>(d, p, batch, panel, steps, add, inputs, out);
    });
  });
}

template <class T>
void LstmGradients(const LstmArgs<T>& p, Index batch, T* gradient, bool add, Range tiles) {
  const Index steps_per_pass = HWY_MAX(Index{1}, kRowsPerPass / HWY_MAX(Index{1}, batch));
  for (Index end = p.steps; end > 0; end -= steps_per_pass) {
    const Range steps{HWY_MAX(Index{0}, end - steps_per_pass), end};
    for (Index number = tiles.begin; number < tiles.end; ++number) {
      GradientTileNumber(p, batch, number, steps, add || end < p.steps, gradient);
    }
  }
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
        Transpose(from + gate * panel_lanes, panel_width, columns, layout.units_in(panel), to + gate * width, 4 * width);
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
