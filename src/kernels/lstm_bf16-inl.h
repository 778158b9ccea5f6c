// The products of an LSTM on bfloat16 operands, and how these come to stand where the products take them.
//
// A step multiplies one row of numbers, x and the h of the step before, with one panel of weights; backward multiplies
// one row of dz. Each is written as it comes to be: x when a step begins, h and dz when their cells are done.

#if defined(RONDO_KERNELS_LSTM_BF16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_LSTM_BF16_INL_H_
#undef RONDO_KERNELS_LSTM_BF16_INL_H_
#else
#define RONDO_KERNELS_LSTM_BF16_INL_H_
#endif

#include <hwy/highway.h>
#include <type_traits>

#include "kernels/bf16-inl.h"
#include "kernels/recurrent_rows-inl.h"
#include "kernels/table.hpp"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Whether products of this type may have bfloat16 operands.
template <class T>
constexpr bool kMayRound = std::is_same_v<T, float>;

// Whether products are made of tiles whose sums stand in vector registers; else as many rows at once as a block has.
template <class T>
HWY_INLINE bool HasRegisterTile(const RecurrentArgs<T>& p) {
  return p.bf16.tile.rows <= kMaxRows;
}

// ---- operands ------------------------------------------------------------------------------------------------------

// Number of the first unit in a row of operands.
HWY_INLINE Index FirstUnitNumber(const RecurrentLayout& layout) { return 2 * bf16_pairs(layout.inputs()); }

HWY_INLINE Bf16Pair* OperandRow(const RecurrentArgs<float>& p, Index step, Index row) {
  return p.bf16.rows.at(row, slot_of(step, p.bf16.slots));
}

// h of some rows from a unit on, for the products of `step`. h stands at the first row and unit.
inline void RoundState(const RecurrentArgs<float>& p, Index step, Range rows, const Rows<const float>& h, Index unit,
                       Index count) {
  for (Index b = rows.begin; b < rows.end; ++b) {
    RoundRow(h.at(b - rows.begin, 0), count, OperandRow(p, step, b), FirstUnitNumber(p.layout) + unit);
  }
}

// What stands there before the cells of a step begin: x, and before the first step of a range the state before it.
inline void RoundStep(const RecurrentArgs<float>& p, Index step, bool first, const Rows<const float>& h_before,
                      Range rows) {
  for (Index b = rows.begin; b < rows.end; ++b) RoundRow(p.x.at(b, step), p.layout.inputs(), OperandRow(p, step, b), 0);
  if (!first) return;
  if (h_before) return RoundState(p, step, rows, From(h_before, rows.begin, 0, 0), 0, p.layout.units());
  for (Index b = rows.begin; b < rows.end; ++b) {
    std::fill_n(OperandRow(p, step, b) + bf16_pairs(p.layout.inputs()), bf16_pairs(p.layout.units()), Bf16Pair{0});
  }
}

// dz in pairs of steps. The second step of a pair comes first, as backward walks.
HWY_INLINE Bf16Pair* DzPairsAt(const RecurrentArgs<float>& p, Index step, Index panel, Index row) {
  const Index slots = (p.dz_slots + 1) / 2, slot = slots - 1 - slot_of(step, p.dz_slots) / 2;
  return p.bf16.dz_pairs + (slots + 1) * p.layout.first_unit(panel) * 4 * p.capacity +
         (slot * p.capacity + row) * p.layout.panel_width(panel);
}

// dz of some rows of a panel, for the products of backward and for the weight gradients. dz stands at the first row;
// its padding is made zero, as what stands there meets zeros and must not be infinite.
inline void RoundDerivatives(const RecurrentArgs<float>& p, Index step, Index panel, Range rows,
                             const Rows<float>& dz) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const Index lanes = p.layout.panel_lanes(panel), units = p.layout.units_in(panel), width = 4 * lanes;
  const Index slot = slot_of(step, p.dz_slots);
  const bool second = slot % 2 != 0, joins = !second && slot + 1 < p.dz_slots && step + 1 < p.steps;
  for (Index b = rows.begin; b < rows.end; ++b) {
    float* from = dz.at(b - rows.begin, 0);
    for (Index gate = 0; gate < 4; ++gate) std::fill(from + gate * lanes + units, from + (gate + 1) * lanes, 0.0f);
    Bf16Pair* pairs = DzPairsAt(p, step, panel, b);
    for (Index i = 0; i < width; i += static_cast<Index>(hn::Lanes(d))) {
      const auto bits = RoundedBits(d, hn::LoadU(d, from + i));
      auto pair = second ? hn::And(bits, hn::Set(du, 0xffff0000u)) : hn::ShiftRight<16>(bits);
      if (joins) pair = hn::Or(pair, hn::And(hn::LoadU(du, pairs + i), hn::Set(du, 0xffff0000u)));
      hn::StoreU(pair, du, pairs + i);
    }
    RoundRow(from, width, p.bf16.dz.at(b, step % 2), 4 * p.layout.first_unit(panel));
  }
}

// ---- products ------------------------------------------------------------------------------------------------------

// A product of a block of rows in passes whose weights stay in the cache; a, start and out stand at the block's first
// row. The product is changed in place, as a copy read back by vectors would wait for its stores.
inline void ProductOfBlock(const Bf16Tile& tile, Bf16Product&& product, Index rows) {
  const Bf16Pair* const a = product.a;
  const float* const start = product.start;
  float* const out = product.out;
  const Index start_stride = product.start_stride, whole_depth = product.depth, tiles = RowTiles(rows, tile.rows);
  const Index width = product.vectors * static_cast<Index>(hn::Lanes(hn::ScalableTag<float>()));
  ForPasses(whole_depth, kDepthPerPass, [&](Range depth) {
    product.depth = depth.size();
    if (depth.begin > 0) product.start_stride = product.out_stride;
    for (Index i = 0; i < tiles; ++i) {
      const Range part = RowTile(rows, i, tile.rows);
      product.rows = part.size();
      product.a = a + part.begin * product.row_stride + depth.begin;
      product.out = out + part.begin * product.out_stride;
      if (depth.begin > 0) {
        product.start = product.out;
      } else if (start != nullptr) {
        product.start = start + part.begin * start_stride;
      }
      tile.multiply(product);
    }
    product.w += depth.size() * width;
  });
}

// bias + x W + h U of a block of rows of one panel; without h, where that is zero.
inline void RoundedSumsOfBlock(const RecurrentArgs<float>& p, Index step, Index panel, bool with_state, Range rows,
                               const Rows<float>& sums) {
  const RecurrentLayout& layout = p.layout;
  ProductOfBlock(p.bf16.tile,
                 {.vectors = layout.panel_width(panel) / layout.lanes(),
                  .start = layout.use_bias() ? p.weights + layout.panel_offset(panel) : nullptr,
                  .start_stride = 0,
                  .out = sums.data,
                  .out_stride = sums.batch_stride,
                  .a = OperandRow(p, step, rows.begin),
                  .row_stride = p.bf16.rows.batch_stride,
                  .w = p.bf16.weights + layout.first_unit(panel) * 4 * bf16_depth(layout),
                  .depth = with_state ? bf16_depth(layout) : bf16_pairs(layout.inputs())},
                 rows.size());
}

// out = start (or 0) + dz of a step times group g of transposed weights, for a block of rows; start and out stand at
// the first one.
inline void RoundedGatesTimes(const RecurrentArgs<float>& p, Index step, Range rows, const float* transposed,
                              const ColumnGroups& groups, Index g, const Rows<const float>& start,
                              const Rows<float>& out) {
  const Index depth = bf16_dz_depth(p.layout);
  ProductOfBlock(p.bf16.tile,
                 {.vectors = groups.width(g),
                  .start = start.data,
                  .start_stride = start.batch_stride,
                  .out = out.data,
                  .out_stride = out.batch_stride,
                  .a = p.bf16.dz.at(rows.begin, step % 2),
                  .row_stride = p.bf16.dz.batch_stride,
                  .w = reinterpret_cast<const Bf16Pair*>(transposed) + groups.first(g) * p.layout.lanes() * depth,
                  .depth = depth},
                 rows.size());
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
