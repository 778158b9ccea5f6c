// Dense on packed panels: forward, input gradient and weight gradient.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dense.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/table.hpp"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

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

// Rows of a panel product: `depth` rows of `columns` weights in column groups, the bias row behind each group's.
template <class T>
void Product(Rows<const T> a, Rows<T> out, Index steps, Range rows, const T* panels, Index depth, bool use_bias,
             Index columns) {
  const hn::ScalableTag<T> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const ColumnGroups groups(columns, lanes);
  const Index tiles = RowTiles(rows.size());
  for (Index step = 0; step < steps; ++step) {
    for (Index g = 0; g < groups.count(); ++g) {
      const Index first = groups.first(g) * lanes, width = groups.width(g) * lanes;
      const T* panel = panels + first * (depth + (use_bias ? 1 : 0));
      const T* bias = use_bias ? panel + depth * width : nullptr;
      for (Index i = 0; i < tiles; ++i) {
        const Range tile = RowTile(rows.size(), i);
        const Index row = rows.begin + tile.begin;
        WithConstant<kMaxRows>(tile.size(), [&](auto n) HWY_ATTR {
          WithConstant<static_cast<int>(ColumnGroups::kWidest)>(groups.width(g), [&](auto w) HWY_ATTR {
            ProductTile<decltype(n)::value, decltype(w)::value>(d, a.at(row, step), a.batch_stride, panel, depth, bias,
                                                                out.at(row, step) + first, out.batch_stride);
          });
        });
      }
    }
  }
}

template <class T>
void DenseForward(const DenseArgs<T>& p, Range rows) {
  if (rows.empty()) return;
  Product(p.x, p.y, p.steps, rows, p.weights, p.layout.inputs, p.layout.use_bias, p.layout.units);
}

template <class T>
void DenseBackward(const DenseBackwardArgs<T>& p, Range rows) {
  if (rows.empty()) return;
  Product(p.dy, p.dx, p.steps, rows, p.transposed, p.layout.units, false, p.layout.inputs);
}

// ---- weight gradients --------------------------------------------------------------------------------------------

// Per column group: tiles of input rows, and the bias.
Index TilesPerGroup(const DenseLayout& layout) { return RowTiles(layout.inputs) + (layout.use_bias ? 1 : 0); }

Index DenseGradientTiles(const DenseLayout& layout) { return layout.groups().count() * TilesPerGroup(layout); }

template <int kRows, int kVectors, class D, class T>
HWY_NOINLINE void GradientTile(D d, const DenseGradientArgs<T>& p, Index first_column, Index first_row, T* out) {
  Tile<D, kRows, kVectors> tile;
  tile.Fill(hn::Zero(d));
  for (Index step = 0; step < p.steps; ++step) {
    tile.MultiplyColumns(d, p.x.at(0, step) + first_row, p.x.batch_stride, p.dy.at(0, step) + first_column,
                         p.dy.batch_stride, p.batch);
  }
  tile.Store(d, out, tile.Lanes(d) * kVectors);
}

template <int kVectors, class D, class T>
HWY_NOINLINE void BiasGradientTile(D d, const DenseGradientArgs<T>& p, Index first_column, T* out) {
  Tile<D, 1, kVectors> tile;
  tile.Fill(hn::Zero(d));
  for (Index step = 0; step < p.steps; ++step) {
    tile.AddColumns(d, p.dy.at(0, step) + first_column, p.dy.batch_stride, p.batch);
  }
  tile.Store(d, out, 0);
}

template <class T>
void DenseGradients(const DenseGradientArgs<T>& p, Range tiles) {
  const hn::ScalableTag<T> d;
  const Index lanes = p.layout.lanes;
  const ColumnGroups groups = p.layout.groups();
  const Index input_tiles = RowTiles(p.layout.inputs), per_group = TilesPerGroup(p.layout);
  for (Index number = tiles.begin; number < tiles.end; ++number) {
    const Index g = number / per_group, i = number % per_group;
    const Index column = groups.first(g) * lanes, width = groups.width(g) * lanes;
    T* panel = p.gradient + p.layout.panel_offset(g);
    WithConstant<static_cast<int>(ColumnGroups::kWidest)>(groups.width(g), [&](auto w) HWY_ATTR {
      if (i == input_tiles) {
        BiasGradientTile<decltype(w)::value>(d, p, column, panel + p.layout.inputs * width);
        return;
      }
      const Range rows = RowTile(p.layout.inputs, i);
      WithConstant<kMaxRows>(rows.size(), [&](auto n) HWY_ATTR {
        GradientTile<decltype(n)::value, decltype(w)::value>(d, p, column, rows.begin, panel + rows.begin * width);
      });
    });
  }
}

// Column groups over the inputs, in each a row per unit.
template <class T>
void DenseTranspose(const DenseLayout& layout, const T* weights, T* out) {
  const ColumnGroups groups(layout.inputs, layout.lanes);
  for (Index g = 0; g < groups.count(); ++g) {
    const Index first = groups.first(g) * layout.lanes, width = groups.width(g) * layout.lanes;
    for (Index unit = 0; unit < layout.units; ++unit) {
      for (Index k = 0; k < width; ++k) {
        *out++ = first + k < layout.inputs ? weights[layout.index(first + k, unit)] : T{0};
      }
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
