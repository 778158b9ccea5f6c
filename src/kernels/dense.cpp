// Dense on packed panels: forward, input gradient and weight gradient.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dense.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/table.hpp"
#include "kernels/tiles-inl.h"
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int kWidestGroup = static_cast<int>(ColumnGroups::kWidest);

// out = bias (or 0) + a times one panel, for kRows rows.
template <int kRows, int kVectors, class D, class T>
HWY_NOINLINE void ProductTile(D d, const T* a, Index a_stride, const T* panel, Index depth, const T* bias, T* out,
                              Index out_stride) {
  Tile<D, kRows, kVectors> tile;
  if (bias != nullptr) {
    tile.FillRows(d, bias);
  } else {
    tile.Fill(hn::Zero(d));
  }
  tile.MultiplyRows(d, a, a_stride, panel, depth);
  tile.Store(d, out, out_stride);
}

// Rows of a panel product: column groups of weights in vectors of `lanes`, each with its bias before its `depth` rows.
template <class T>
void Product(const Rows<const T>& a, const Rows<T>& out, Index steps, Range rows, const T* panels, Index depth,
             bool use_bias, const ColumnGroups& groups, Index lanes) {
  const hn::ScalableTag<T> d;
  const Index tiles = RowTiles(rows.size());
  for (Index step = 0; step < steps; ++step) {
    for (Index g = 0; g < groups.count(); ++g) {
      const Index first = groups.first(g) * lanes, width = groups.width(g) * lanes;
      const T* panel = panels + first * (depth + (use_bias ? 1 : 0));
      const T* bias = use_bias ? panel : nullptr;
      const T* weights = use_bias ? panel + width : panel;
      for (Index i = 0; i < tiles; ++i) {
        const Range tile = RowTile(rows.size(), i);
        const Index row = rows.begin + tile.begin;
        WithConstant<kMaxRows>(tile.size(), [&](auto n) HWY_ATTR {
          WithColumns<kWidestGroup>(d, lanes, groups.width(g), [&](auto columns, auto v) HWY_ATTR {
            ProductTile<decltype(n)::value, decltype(v)::value>(columns, a.at(row, step), a.batch_stride, weights,
                                                                depth, bias, out.at(row, step) + first,
                                                                out.batch_stride);
          });
        });
      }
    }
  }
}

template <class T>
void DenseForward(const DenseArgs<T>& p, Range rows) {
  if (rows.empty()) return;
  Product(p.x, p.y, p.steps, rows, p.weights, p.layout.inputs, p.layout.use_bias, p.layout.groups(),
          p.layout.panel_lanes());
}

template <class T>
void DenseBackward(const DenseBackwardArgs<T>& p, Range rows) {
  if (rows.empty()) return;
  Product(p.dy, p.dx, p.steps, rows, p.transposed, p.layout.units, false, {p.layout.inputs, p.layout.lanes},
          p.layout.lanes);
}

// ---- weight gradients --------------------------------------------------------------------------------------------

// Per column group: tiles of the bias and the inputs together.
Index DenseGradientTiles(const DenseLayout& layout) { return layout.groups().count() * RowTiles(layout.rows()); }

// Weight rows of one column group, from columns of x and dy; with kOnes the first of them is the bias. (Numbers rather
// than Rows: g++ writes a Rows by halves and reads it back as a vector, for which the processor waits.)
template <int kRows, int kVectors, bool kOnes, class D, class T>
HWY_NOINLINE void GradientTile(D d, const DenseGradientArgs<T>& p, Index x_column, Index dy_column, T* out) {
  Tile<D, kRows, kVectors> tile;
  if (p.add) {
    tile.Load(d, out, tile.Lanes(d) * kVectors);
  } else {
    tile.Fill(hn::Zero(d));
  }
  for (Index step = p.steps - 1; step >= 0; --step) {
    tile.template MultiplyColumns<kOnes>(d, p.x.at(0, step) + x_column, p.x.batch_stride, p.dy.at(0, step) + dy_column,
                                         p.dy.batch_stride, p.batch);
  }
  tile.Store(d, out, tile.Lanes(d) * kVectors);
}

template <class T>
void DenseGradients(const DenseGradientArgs<T>& p, Range tiles) {
  const hn::ScalableTag<T> d;
  const DenseLayout& layout = p.layout;
  const ColumnGroups groups = layout.groups();
  const Index lanes = layout.panel_lanes(), per_group = RowTiles(layout.rows());
  for (Index number = tiles.begin; number < tiles.end; ++number) {
    const Index g = groups.count() == 1 ? 0 : number / per_group;
    const Index column = groups.first(g) * lanes, width = groups.width(g) * lanes;
    const Range rows = RowTile(layout.rows(), number - g * per_group);
    const bool ones = layout.use_bias && rows.begin == 0;
    const Index x_column = HWY_MAX(Index{0}, rows.begin - layout.first_input());
    T* out = p.gradient + layout.panel_offset(g) + rows.begin * width;
    WithConstant<kMaxRows>(rows.size(), [&](auto n) HWY_ATTR {
      WithColumns<kWidestGroup>(d, lanes, groups.width(g), [&](auto columns, auto v) HWY_ATTR {
        constexpr int kRows = decltype(n)::value, kVectors = decltype(v)::value;
        ones ? GradientTile<kRows, kVectors, true>(columns, p, x_column, column, out)
             : GradientTile<kRows, kVectors, false>(columns, p, x_column, column, out);
      });
    });
  }
}

// ---- transposed weights --------------------------------------------------------------------------------------------

// Column groups over the inputs, in each a row per unit.
template <class T>
void DenseTranspose(const DenseLayout& layout, const T* weights, T* out) {
  const ColumnGroups from_groups = layout.groups(), to_groups(layout.inputs, layout.lanes);
  const Index from_lanes = layout.panel_lanes();
  for (Index to_group = 0; to_group < to_groups.count(); ++to_group) {
    const Index first = to_groups.first(to_group) * layout.lanes, width = to_groups.width(to_group) * layout.lanes;
    const Index columns = HWY_MIN(width, layout.inputs - first);
    T* to = out + first * layout.units;
    for (Index g = 0; g < from_groups.count(); ++g) {
      const Index unit = from_groups.first(g) * from_lanes, from_width = from_groups.width(g) * from_lanes;
      const T* from = weights + layout.panel_offset(g) + (layout.first_input() + first) * from_width;
      Transpose(from, from_width, columns, HWY_MIN(from_width, layout.units - unit), to + unit * width, width);
    }
    for (Index unit = 0; unit < layout.units; ++unit) {
      std::fill(to + unit * width + columns, to + (unit + 1) * width, T{0});
    }
  }
}

template <class T>
void Fill(Ops<T>& ops) {
  ops.dense_forward = DenseForward<T>;
  ops.dense_backward = DenseBackward<T>;
  ops.dense_gradients = DenseGradients<T>;
  ops.dense_gradient_tiles = DenseGradientTiles;
  ops.dense_transpose = DenseTranspose<T>;
}

void FillDense(KernelTable& table) {
  Fill(table.f32);
  Fill(table.f64);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
