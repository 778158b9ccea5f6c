// LSTM over whole sequences: forward, backward and weight gradients on packed panels.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lstm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/lstm_cell-inl.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
Rows<T> Offset(Rows<T> rows, Index elements) {
  return {rows.data + elements, rows.batch_stride, rows.step_stride};
}

// ---- forward -----------------------------------------------------------------------------------------------------

// sums[r] = bias + x W + h U of rows [row, row + kRows) for one panel in one step.
template <int kRows, class D, class T>
HWY_NOINLINE void SumsTile(D d, const LstmArgs<T>& p, Index step, Index panel, Index row, T* sums) {
  const LstmLayout& layout = p.layout;
  const Index width = layout.panel_width();
  const T* weights = p.weights + panel * layout.panel_size();
  const T* recurrent = weights + layout.inputs * width;

  Tile<D, kRows, 4> tile;
  if (layout.use_bias) {
    tile.FillRows(d, recurrent + layout.units * width);
  } else {
    tile.Fill(hn::Zero(d));
  }
  tile.MultiplyRows(d, p.x.at(row, step), p.x.batch_stride, weights, layout.inputs);
  if (step > 0) {
    tile.MultiplyRows(d, p.h.at(row, (step - 1) % p.h_slots), p.h.batch_stride, recurrent, layout.units);
  } else if (p.h0) {
    tile.MultiplyRows(d, p.h0.at(row, 0), p.h0.batch_stride, recurrent, layout.units);
  }
  tile.Store(d, sums, width);
}

// The cell of these rows, from their sums.
template <class Cell, class D, class T>
HWY_NOINLINE void CellRows(D d, const LstmArgs<T>& p, Index step, Index panel, Range rows, const T* sums) {
  const Index unit = panel * p.layout.lanes;
  for (Index b = rows.begin; b < rows.end; ++b, sums += p.layout.panel_width()) {
    const T* c_before = step > 0 ? p.c.at(b, (step - 1) % p.c_slots) + unit : p.c0 ? p.c0.at(b, 0) + unit : nullptr;
    CellForward<Cell>(d, p, sums, c_before, p.c.at(b, step % p.c_slots) + unit, p.h.at(b, step % p.h_slots) + unit,
                      p.gates != nullptr ? p.gates_at(step, panel, b) : nullptr,
                      p.gates != nullptr ? p.cell_output.at(b, step) + unit : nullptr);
  }
}

template <class Cell, class T>
void ForwardSequence(const LstmArgs<T>& p, Range rows) {
  const hn::ScalableTag<T> d;
  HWY_ALIGN T sums[static_cast<size_t>(kMaxRows) * 4 * hn::MaxLanes(decltype(d)())];
  const Index tiles = RowTiles(rows.size());
  for (Index step = 0; step < p.steps; ++step) {
    for (Index panel = 0; panel < p.layout.panels(); ++panel) {
      for (Index i = 0; i < tiles; ++i) {
        const Range tile = RowTile(rows.size(), i);
        const Index row = rows.begin + tile.begin;
        WithConstant<kMaxRows>(tile.size(),
                               [&](auto n) HWY_ATTR { SumsTile<decltype(n)::value>(d, p, step, panel, row, sums); });
        CellRows<Cell>(d, p, step, panel, {row, rows.begin + tile.end}, sums);
      }
    }
  }
}

template <class T>
bool IsStandard(const LstmArgs<T>& p) {
  return p.activation.kind == ActivationKind::tanh && p.recurrent_activation.kind == ActivationKind::sigmoid;
}

template <class T>
void LstmForward(const LstmArgs<T>& p, Range rows) {
  if (rows.empty()) return;
  IsStandard(p) ? ForwardSequence<StandardCell>(p, rows) : ForwardSequence<AnyCell>(p, rows);
}

// ---- backward ----------------------------------------------------------------------------------------------------

// out[r] = start[r] (or 0) + dz[step] times transposed weights, for kRows rows and one column group.
template <int kRows, int kVectors, class D, class T>
HWY_NOINLINE void GatesTimes(D d, const LstmArgs<T>& p, Index step, Index row, const T* transposed, const T* start,
                             Index start_stride, T* out, Index out_stride) {
  Tile<D, kRows, kVectors> tile;
  if (start != nullptr) {
    tile.Load(d, start, start_stride);
  } else {
    tile.Fill(hn::Zero(d));
  }
  for (Index panel = 0; panel < p.layout.panels(); ++panel) {
    const Index units = p.layout.units_in(panel);
    tile.MultiplyGates(d, p.gates_at(step, panel, row), transposed, units);
    transposed += units * 4 * kVectors * p.layout.lanes;
  }
  tile.Store(d, out, out_stride);
}

// Walks column groups and row tiles of a product with dz[step]. f(tile rows, width, group) is called per tile.
template <class F>
HWY_INLINE void ForGroupTiles(const ColumnGroups& groups, Range rows, F&& f) {
  const Index tiles = RowTiles(rows.size());
  for (Index g = 0; g < groups.count(); ++g) {
    for (Index i = 0; i < tiles; ++i) {
      const Range tile = RowTile(rows.size(), i);
      WithConstant<kMaxRows>(tile.size(), [&](auto n) HWY_ATTR {
        WithConstant<static_cast<int>(ColumnGroups::kWidest)>(
            groups.width(g), [&](auto w) HWY_ATTR { f(n, w, rows.begin + tile.begin, g); });
      });
    }
  }
}

// The cells of rows and of panels [first, first + width) backwards in time; dh[r][v] given.
template <class Cell, class T>
HWY_NOINLINE void BackwardRows(const LstmBackwardArgs<T>& q, Index step, Range rows, Index first, Index width,
                               const T* dh) {
  const hn::ScalableTag<T> d;
  const LstmArgs<T>& p = q.forward;
  const bool no_dc = step == p.steps - 1 && !q.dc_final;
  for (Index v = 0; v < width; ++v) {
    const Index unit = (first + v) * p.layout.lanes;
    for (Index b = rows.begin; b < rows.end; ++b) {
      const T* c_before = step > 0 ? p.c.at(b, step - 1) + unit : p.c0 ? p.c0.at(b, 0) + unit : nullptr;
      CellBackward<Cell>(d, p, hn::LoadU(d, dh + ((b - rows.begin) * width + v) * p.layout.lanes),
                         p.gates_at(step, first + v, b), p.c.at(b, step) + unit, p.cell_output.at(b, step) + unit,
                         c_before, q.dc.at(b, 0) + unit, no_dc);
    }
  }
}

// The last step: dh comes from outside alone.
template <class Cell, class T>
HWY_NOINLINE void BackwardLastStep(const LstmBackwardArgs<T>& q, Range rows) {
  const hn::ScalableTag<T> d;
  const LstmArgs<T>& p = q.forward;
  const Index step = p.steps - 1;
  HWY_ALIGN T dh_vector[hn::MaxLanes(decltype(d)())];
  for (Index panel = 0; panel < p.layout.panels(); ++panel) {
    const Index unit = panel * p.layout.lanes;
    for (Index b = rows.begin; b < rows.end; ++b) {
      auto dh = hn::Zero(d);
      if (q.dh) dh = hn::LoadU(d, q.dh.at(b, q.dh_every_step ? step : 0) + unit);
      if (q.dh_final) dh = hn::Add(dh, hn::LoadU(d, q.dh_final.at(b, 0) + unit));
      if (q.dc_final) hn::StoreU(hn::LoadU(d, q.dc_final.at(b, 0) + unit), d, q.dc.at(b, 0) + unit);
      hn::Store(dh, d, dh_vector);
      BackwardRows<Cell>(q, step, {b, b + 1}, panel, 1, dh_vector);
    }
  }
}

// An earlier step: dh = outside + dz[step + 1] U^T; each tile's cells follow at once, while it is in the cache.
template <class Cell, class T>
void BackwardStep(const LstmBackwardArgs<T>& q, Index step, Range rows) {
  const hn::ScalableTag<T> d;
  const LstmArgs<T>& p = q.forward;
  const Index lanes = p.layout.lanes;
  const ColumnGroups groups(p.layout.units, lanes);
  HWY_ALIGN T dh[static_cast<size_t>(kMaxRows * ColumnGroups::kWidest) * hn::MaxLanes(decltype(d)())];
  ForGroupTiles(groups, rows, [&](auto n, auto w, Index row, Index g) HWY_ATTR {
    constexpr int kRows = decltype(n)::value, kWidth = decltype(w)::value;
    const Index first = groups.first(g);
    const T* transposed = q.recurrent_transposed + first * lanes * 4 * p.layout.units;
    const T* outside = q.dh && q.dh_every_step ? q.dh.at(row, step) + first * lanes : nullptr;
    GatesTimes<kRows, kWidth>(d, p, step + 1, row, transposed, outside, q.dh.batch_stride, dh, kWidth * lanes);
    BackwardRows<Cell>(q, step, {row, row + kRows}, first, kWidth, dh);
  });
}

// out = dz[step] times transposed weights of `columns` rows: dx of a step, or dh0.
template <class T>
void GatesTimesTransposed(const LstmArgs<T>& p, Index step, Range rows, const T* transposed, Index columns, Rows<T> out,
                          Index out_step) {
  const hn::ScalableTag<T> d;
  const Index lanes = p.layout.lanes;
  const ColumnGroups groups(columns, lanes);
  ForGroupTiles(groups, rows, [&](auto n, auto w, Index row, Index g) HWY_ATTR {
    const Index first = groups.first(g) * lanes;
    GatesTimes<decltype(n)::value, decltype(w)::value>(d, p, step, row, transposed + first * 4 * p.layout.units,
                                                       static_cast<const T*>(nullptr), Index{0},
                                                       out.at(row, out_step) + first, out.batch_stride);
  });
}

template <class Cell, class T>
void BackwardSequence(const LstmBackwardArgs<T>& q, Range rows) {
  const LstmArgs<T>& p = q.forward;
  for (Index step = p.steps - 1; step >= 0; --step) {
    if (step == p.steps - 1) {
      BackwardLastStep<Cell>(q, rows);
    } else {
      BackwardStep<Cell>(q, step, rows);
    }
    if (q.dx) GatesTimesTransposed(p, step, rows, q.input_transposed, p.layout.inputs, q.dx, step);
  }
  if (q.dh0) GatesTimesTransposed(p, 0, rows, q.recurrent_transposed, p.layout.units, q.dh0, 0);
  if (q.dc0) {
    for (Index b = rows.begin; b < rows.end; ++b) {
      for (Index u = 0; u < p.layout.units; ++u) q.dc0.at(b, 0)[u] = q.dc.at(b, 0)[u];
    }
  }
}

template <class T>
void LstmBackward(const LstmBackwardArgs<T>& q, Range rows) {
  if (rows.empty()) return;
  IsStandard(q.forward) ? BackwardSequence<StandardCell>(q, rows) : BackwardSequence<AnyCell>(q, rows);
}

// ---- weight gradients --------------------------------------------------------------------------------------------

// A pass over about this many (step, row) pairs keeps dz in the cache; shorter passes cost up to 12 % at 1024 units.
constexpr Index kRowsPerPass = 1024;

// Per panel: tiles of input rows, tiles of recurrent rows, and the bias.
Index LstmGradientTiles(const LstmLayout& layout) {
  return layout.panels() * (RowTiles(layout.inputs) + RowTiles(layout.units) + (layout.use_bias ? 1 : 0));
}

// Weight rows [first, first + kRows) of one panel, steps [pass.begin, pass.end): sum over steps and rows of a(row) dz.
template <int kRows, class D, class T, class A>
HWY_NOINLINE void GradientTile(D d, const LstmArgs<T>& p, Index batch, Index panel, Range pass, A a, T* out) {
  const Index width = p.layout.panel_width();
  Tile<D, kRows, 4> tile;
  if (pass.begin > 0) {
    tile.Load(d, out, width);
  } else {
    tile.Fill(hn::Zero(d));
  }
  for (Index step = pass.begin; step < pass.end; ++step) {
    const Rows<const T> rows = a(step);
    if (rows) tile.MultiplyColumns(d, rows.data, rows.batch_stride, p.gates_at(step, panel, 0), width, batch);
  }
  tile.Store(d, out, width);
}

template <class D, class T>
HWY_NOINLINE void BiasGradientTile(D d, const LstmArgs<T>& p, Index batch, Index panel, Range pass, T* out) {
  Tile<D, 1, 4> tile;
  if (pass.begin > 0) {
    tile.Load(d, out, 0);
  } else {
    tile.Fill(hn::Zero(d));
  }
  for (Index step = pass.begin; step < pass.end; ++step) {
    tile.AddColumns(d, p.gates_at(step, panel, 0), p.layout.panel_width(), batch);
  }
  tile.Store(d, out, 0);
}

template <class T>
void GradientTileNumber(const LstmArgs<T>& p, Index batch, Index number, Range pass, T* gradient) {
  const hn::ScalableTag<T> d;
  const LstmLayout& layout = p.layout;
  const Index input_tiles = RowTiles(layout.inputs), unit_tiles = RowTiles(layout.units);
  const Index per_panel = LstmGradientTiles(layout) / layout.panels();
  const Index panel = number / per_panel, i = number % per_panel;
  T* out = gradient + panel * layout.panel_size();
  const auto row_of_panel = [&](Index row) { return out + row * layout.panel_width(); };

  if (i < input_tiles) {
    const Range rows = RowTile(layout.inputs, i);
    const auto inputs = [&](Index step) { return Rows<const T>{p.x.at(0, step) + rows.begin, p.x.batch_stride, 0}; };
    WithConstant<kMaxRows>(rows.size(), [&](auto n) HWY_ATTR {
      GradientTile<decltype(n)::value>(d, p, batch, panel, pass, inputs, row_of_panel(rows.begin));
    });
  } else if (i < input_tiles + unit_tiles) {
    const Range rows = RowTile(layout.units, i - input_tiles);
    const auto states = [&](Index step) {
      if (step > 0) return Rows<const T>{p.h.at(0, step - 1) + rows.begin, p.h.batch_stride, 0};
      return p.h0 ? Offset(p.h0, rows.begin) : Rows<const T>{};
    };
    WithConstant<kMaxRows>(rows.size(), [&](auto n) HWY_ATTR {
      GradientTile<decltype(n)::value>(d, p, batch, panel, pass, states, row_of_panel(layout.inputs + rows.begin));
    });
  } else {
    BiasGradientTile(d, p, batch, panel, pass, row_of_panel(layout.inputs + layout.units));
  }
}

template <class T>
void LstmGradients(const LstmArgs<T>& p, Index batch, T* gradient, Range tiles) {
  const Index steps_per_pass = std::max<Index>(1, kRowsPerPass / std::max<Index>(1, batch));
  for (Index begin = 0; begin < p.steps; begin += steps_per_pass) {
    const Range pass{begin, std::min(p.steps, begin + steps_per_pass)};
    for (Index number = tiles.begin; number < tiles.end; ++number) {
      GradientTileNumber(p, batch, number, pass, gradient);
    }
  }
}

template <class T>
void LstmTranspose(const LstmLayout& layout, const T* weights, Index first_row, Index count, T* out, Range panels) {
  const Index lanes = layout.lanes;
  const ColumnGroups groups(count, lanes);
  for (Index g = 0; g < groups.count(); ++g) {
    const Index first = groups.first(g) * lanes, width = groups.width(g) * lanes;
    T* group = out + first * 4 * layout.units;
    for (Index panel = panels.begin; panel < panels.end; ++panel) {
      const T* from = weights + panel * layout.panel_size() + (first_row + first) * layout.panel_width();
      T* to = group + panel * lanes * 4 * width;
      const Index columns = std::min(width, count - first);
      for (Index unit = 0; unit < layout.units_in(panel); ++unit) {
        for (Index gate = 0; gate < 4; ++gate) {
          const T* column = from + gate * lanes + unit;
          for (Index k = 0; k < columns; ++k) to[k] = column[k * layout.panel_width()];
          for (Index k = columns; k < width; ++k) to[k] = 0;
          to += width;
        }
      }
    }
  }
}

template <class T>
void Fill(Ops<T>& ops) {
  ops.lanes = static_cast<Index>(hn::Lanes(hn::ScalableTag<T>()));
  ops.lstm_forward = LstmForward<T>;
  ops.lstm_backward = LstmBackward<T>;
  ops.lstm_gradients = LstmGradients<T>;
  ops.lstm_gradient_tiles = LstmGradientTiles;
  ops.lstm_transpose = LstmTranspose<T>;
}

void FillLstm(KernelTable& table) {
  Fill(table.f32);
  Fill(table.f64);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
