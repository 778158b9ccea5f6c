// LSTM weight gradients of bfloat16 operands, and the rounded copies of the weights.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lstm_bf16.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/lstm_bf16-inl.h"
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

namespace {

// ---- gradients -----------------------------------------------------------------------------------------------------
//
// As in recurrent_gradients.cpp, where passes, copies and tiles are explained; what is one step there is a pair of
// steps here, and a tile may want its columns as rows.

constexpr Index kColumnsAtOnce = kMaxRows > 4 ? 8 : 4;  // that CopyOnePair writes
constexpr Bf16Pair kOnes = 0x3f803f80;

// Elements of one tile's copy; as columns, with room for what CopyOnePair writes behind the last.
HWY_INLINE Index TileCopySize(const Bf16Tile& tile) {
  return (tile.along_rows ? kRowsPerPass : kRowsPerPass + 4) * tile.rows;
}

// Pairs of steps from the last downwards, in each the same rows.
struct PairPass {
  Index last_step = 0;  // the first step of the last pair
  Index pairs = 0;
  Index end = 0;  // of the steps: the last pair may lack its second one
  Range rows;
};

Index TilesPerPanel(const RecurrentLayout& layout, const Bf16Tile& tile) { return RowTiles(layout.rows(), tile.rows); }
Index GradientTiles(const RecurrentLayout& layout, const Bf16Tile& tile) {
  return layout.panels() * TilesPerPanel(layout, tile);
}

// Where the number that a weight row is multiplied with stands in a row of operands; -1 for the bias.
Index NumberOf(const RecurrentLayout& layout, Index weight_row) {
  if (weight_row < layout.first_recurrent()) return weight_row - layout.first_input();
  return FirstUnitNumber(layout) + weight_row - layout.first_recurrent();
}

// The columns of a tile out of one row of operands in two steps; the second may be null.
HWY_INLINE void CopyOnePair(const Bf16Pair* first, const Bf16Pair* second, Index number, Index count, Bf16Pair* to) {
#if HWY_TARGET == HWY_SCALAR
  for (Index i = 0; i < count; ++i) {
    const Bf16Pair high = second == nullptr ? 0 : GetBf16(second, number + i);
    to[i] = GetBf16(first, number + i) | high << 16;
  }
#else
  (void)count;  // too much is overwritten by the next
  const hn::Full128<Bf16> d;
  const hn::Full128<Bf16Pair> pairs;
  const auto low = hn::LoadU(d, reinterpret_cast<const Bf16*>(first) + number);
  const auto high = second == nullptr ? hn::Zero(d) : hn::LoadU(d, reinterpret_cast<const Bf16*>(second) + number);
  hn::StoreU(hn::BitCast(pairs, hn::InterleaveLower(d, low, high)), pairs, to);
  if constexpr (kMaxRows > 4) hn::StoreU(hn::BitCast(pairs, hn::InterleaveUpper(d, low, high)), pairs, to + 4);
#endif
}

// The columns of [1, x, h] that some weight rows take, pair by pair, `stride` apart.
void CopyColumns(const RecurrentArgs<float>& p, const PairPass& pass, Range weight_rows, Bf16Pair* to, Index stride) {
  const Index first_number = NumberOf(p.layout, weight_rows.begin), last = weight_rows.end - 1;
  const bool in_line = first_number >= 0 && NumberOf(p.layout, last) == first_number + last - weight_rows.begin;
  for (Index i = 0; i < pass.pairs; ++i) {
    const Index step = pass.last_step - 2 * i;
    for (Index b = pass.rows.begin; b < pass.rows.end; ++b, to += stride) {
      const Bf16Pair* first = OperandRow(p, step, b);
      const Bf16Pair* second = step + 1 < pass.end ? OperandRow(p, step + 1, b) : nullptr;
      if (in_line) {
        CopyOnePair(first, second, first_number, weight_rows.size(), to);
        continue;
      }
      for (Index r = weight_rows.begin; r < weight_rows.end; ++r) {
        const Index number = NumberOf(p.layout, r);
        const Bf16Pair high = second == nullptr || number < 0 ? 0 : GetBf16(second, number);
        to[r - weight_rows.begin] = number < 0 ? kOnes : GetBf16(first, number) | high << 16;
      }
    }
  }
}

// The columns of a tile, as it wants them.
void CopyTile(const RecurrentArgs<float>& p, const PairPass& pass, Range weight_rows, Bf16Pair* to) {
  if (!p.bf16.tile.along_rows) return CopyColumns(p, pass, weight_rows, to, p.bf16.tile.rows);
  HWY_ALIGN Bf16Pair columns[static_cast<size_t>(kRowsPerPass * kColumnsAtOnce)];
  for (Index row = weight_rows.begin; row < weight_rows.end;
       row += kColumnsAtOnce, to += kColumnsAtOnce * kRowsPerPass) {
    const Index count = HWY_MIN(kColumnsAtOnce, weight_rows.end - row);
    CopyColumns(p, pass, {row, row + count}, columns, kColumnsAtOnce);
    Transpose(reinterpret_cast<const float*>(columns), kColumnsAtOnce, pass.pairs * pass.rows.size(), count,
              reinterpret_cast<float*>(to), kRowsPerPass);
  }
}

// One tile of a panel, whose columns have been copied.
void TileGradient(const RecurrentArgs<float>& p, const PairPass& pass, Index panel, Range weight_rows,
                  const Bf16Pair* columns, bool add, float* gradient) {
  const Index width = p.layout.panel_width(panel);
  float* out = gradient + p.layout.panel_offset(panel) + weight_rows.begin * width;
  const bool full = pass.rows.size() == p.capacity;  // then the pairs are one long column
  const bool along_rows = p.bf16.tile.along_rows;
  Bf16Product product{.rows = weight_rows.size(),
                      .vectors = width / static_cast<Index>(hn::Lanes(hn::ScalableTag<float>())),
                      .start = add ? out : nullptr,
                      .start_stride = width,
                      .out = out,
                      .out_stride = width,
                      .a = columns,
                      .row_stride = along_rows ? kRowsPerPass : 1,
                      .depth_stride = along_rows ? 1 : p.bf16.tile.rows,
                      .w = DzPairsAt(p, pass.last_step, panel, pass.rows.begin),
                      .depth = pass.rows.size() * (full ? pass.pairs : 1)};
  for (Index i = 0; i < (full ? 1 : pass.pairs); ++i) {
    p.bf16.tile.multiply(product);
    product.start = out;
    product.a += product.depth * product.depth_stride;
    product.w += p.capacity * width;
  }
}

// A pass over a range of tiles, numbered panel by panel.
void PassGradients(const RecurrentArgs<float>& p, const PairPass& pass, bool add, Range tiles, float* gradient) {
  HWY_ALIGN Bf16Pair copies[static_cast<size_t>(kCopiedPairs)];
  const auto weight_rows = [&](Index i) { return RowTile(p.layout.rows(), i, p.bf16.tile.rows); };
  const Index per_panel = TilesPerPanel(p.layout, p.bf16.tile), size = TileCopySize(p.bf16.tile);
  ForCopiedTiles(
      tiles, per_panel, per_panel, kCopiedPairs / size,
      [&](Index i, Index slot) { CopyTile(p, pass, weight_rows(i), copies + slot * size); },
      [&](Index panel, Range mine, Index slot) {
        for (Index i = mine.begin; i < mine.end; ++i, ++slot) {
          TileGradient(p, pass, panel, weight_rows(i), copies + slot * size, add, gradient);
        }
      });
}

void LstmBf16Gradients(const RecurrentArgs<float>& p, Range steps, Range rows, float* gradient, bool add, Range tiles) {
  if (tiles.empty()) return;
  ForGradientPasses(bf16_pairs(steps.size()), rows, kRowsPerPass, [&](Index left, Index n, Range part) {
    PassGradients(p, {.last_step = steps.begin + 2 * (left - 1), .pairs = n, .end = steps.end, .rows = part}, add,
                  tiles, gradient);
    add = true;
  });
}

// ---- rounded weights -----------------------------------------------------------------------------------------------

// `count` rows of a panel in pairs of rows; returns what follows in `out`.
Bf16Pair* PairRows(const float* from, Index count, Index width, Bf16Pair* out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  for (Index row = 0; row < count; row += 2, from += 2 * width, out += width) {
    for (Index i = 0; i < width; i += static_cast<Index>(hn::Lanes(d))) {
      const auto second = row + 1 < count ? hn::LoadU(d, from + width + i) : hn::Zero(d);
      hn::StoreU(PairUp(d, hn::LoadU(d, from + i), second), du, out + i);
    }
  }
  return out;
}

void LstmBf16Weights(const RecurrentLayout& layout, const float* weights, Bf16Pair* out, Range panels) {
  for (Index panel = panels.begin; panel < panels.end; ++panel) {
    const Index width = layout.panel_width(panel);
    const float* from = weights + layout.panel_offset(panel);
    Bf16Pair* to = out + layout.first_unit(panel) * 4 * bf16_depth(layout);
    to = PairRows(from + layout.first_input() * width, layout.inputs(), width, to);
    PairRows(from + layout.first_recurrent() * width, layout.units(), width, to);
  }
}

// The gates of a weight row are rounded in pairs first; transposed, a pair is as good as a float.
void LstmBf16Transpose(const RecurrentLayout& layout, const float* weights, Index first_row, Index count, Bf16Pair* out,
                       Range panels) {
  constexpr Index kWidest = 4 * hn::MaxLanes(hn::ScalableTag<float>());  // of a panel, and of a column group
  HWY_ALIGN float rounded[static_cast<size_t>(kWidest * kWidest / 2)];
  const Index lanes = layout.lanes();
  const ColumnGroups groups(count, lanes);
  for (Index g = 0; g < groups.count(); ++g) {
    const Index first = groups.first(g) * lanes, width = groups.width(g) * lanes;
    const Index columns = HWY_MIN(width, count - first);
    for (Index panel = panels.begin; panel < panels.end; ++panel) {
      const Index panel_width = layout.panel_width(panel), pairs = panel_width / 2;
      const float* from = weights + layout.panel_offset(panel) + (first_row + first) * panel_width;
      float* to = reinterpret_cast<float*>(out) + first * bf16_dz_depth(layout) + 2 * layout.first_unit(panel) * width;
      for (Index c = 0; c < columns; ++c) {
        RoundRow(from + c * panel_width, panel_width, reinterpret_cast<Bf16Pair*>(rounded + c * pairs), 0);
      }
      Transpose(rounded, pairs, columns, pairs, to, width);
      for (Index row = 0; row < pairs; ++row) std::fill(to + row * width + columns, to + (row + 1) * width, 0.0f);
    }
  }
}

}  // namespace

void FillLstmBf16(KernelTable& table) {
  table.bf16.lstm_weights = LstmBf16Weights;
  table.bf16.lstm_transpose = LstmBf16Transpose;
  table.bf16.lstm_gradients = LstmBf16Gradients;
  table.bf16.lstm_gradient_tiles = GradientTiles;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
