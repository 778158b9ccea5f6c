// What an LSTM under the policy mixed_bfloat16 has in a plan beside its float buffers.
#pragma once

#include "engine/builder.hpp"
#include "kernels/bf16.hpp"
#include "kernels/table.hpp"

namespace rondo::layers {

// The copies of a recurrent layer's weights that plans derive.
enum DerivedCopy : Index { kRecurrentTransposed, kInputTransposed, kRounded };

struct LstmBf16 {
  kernels::Bf16Tile tile;      // none: the layer is not under the policy
  engine::BoundPlace weights;  // derived copy
  engine::Place rows;          // what the steps multiply
  Index slots = 0;             // of rows
  engine::Place dz, dz_pairs;  // training only

  LstmBf16() = default;
  // Places for elements of four bytes, which a plan of float32 has.
  LstmBf16(engine::PlanBuilder& builder, const std::shared_ptr<engine::ParameterBlock>& block,
           const kernels::RecurrentLayout& layout, Index row_slots)
      : tile(kernels::bf16_tile(block->table())),
        weights(builder.derived(block, kRounded, kernels::bf16_weights_size(layout))),
        rows(builder.zeroed_rows(row_slots, round_up(kernels::bf16_depth(layout), kernels::kRowPadding))),
        slots(row_slots) {}

  void add_backward(engine::PlanBuilder& builder, const kernels::RecurrentLayout& layout, Index dz_slots) {
    dz = builder.rows(2, kernels::bf16_dz_depth(layout));
    dz_pairs = builder.elements(kernels::dz_elements(kernels::bf16_pairs(dz_slots), builder.capacity(), layout));
  }

  explicit operator bool() const { return static_cast<bool>(tile); }

  kernels::Bf16Operands operands(const engine::Run& run) const {
    return {.tile = tile,
            .weights = weights.pointer<kernels::Bf16Pair>(run),
            .rows = rows.rows<kernels::Bf16Pair>(run.arena),
            .slots = slots,
            .dz = dz.rows<kernels::Bf16Pair>(run.arena),
            .dz_pairs = dz_pairs.pointer<kernels::Bf16Pair>(run.arena)};
  }
};

}  // namespace rondo::layers
