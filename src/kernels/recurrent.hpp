// The kernels of recurrent layers: what they are given, and what they promise. LSTM and GRU walk the same code; what
// differs is the cell (lstm_cell-inl.h, gru_cell-inl.h) and where the sums of a product stand (layout.hpp).
//
// "Step" is the processing order: with go_backwards step 0 is the last time.
//
// Buffers that hold something of every step are rings: step s stands in slot s % slots. Training keeps all steps, or a
// chunk of them that is computed again in backward; inference needs one or two slots.
//
// A mask leaves rows out of steps: a row keeps its state over a step that it skips.
#pragma once

#include <bit>
#include <cstdint>

#include "core/range.hpp"
#include "kernels/activation.hpp"
#include "kernels/bf16.hpp"
#include "kernels/layout.hpp"
#include "kernels/rows.hpp"

namespace rondo::kernels {

// Vectors in the record of a row's sums, and in that of their derivatives (layout.hpp).
constexpr Index kRecordWidth = 4;

// What backward needs again of each row, one record in a row, so that memory is read in a straight line:
// [slots][panels][capacity][kept_width][units of the panel].
//
//   LSTM  the gates' values i, f, g, o, the cell state c and activation(c)
//   GRU   the candidate g, the gates' values z and r, and the part of g's sum that r multiplies
//
// Where activations are not the standard ones, the sums stand in place of the values that come from them.
constexpr Index kKeptCell = 4, kKeptOutput = 5;  // of an LSTM
inline Index kept_width(const RecurrentLayout& layout) { return layout.is_lstm() ? 6 : kRecordWidth; }

// Backward's derivatives of the sums: [panels][slots][capacity][kRecordWidth][units of the panel], where a step after
// another stands before it. That is the order in which the weight gradients take them, so a full batch is one long
// column.
inline Index dz_elements(Index slots, Index capacity, const RecurrentLayout& layout) {
  // One slot of room between panels: without it they would fall into the same sets of a cache.
  return (slots + 1) * capacity * kRecordWidth * layout.padded_units();
}

// Recurrent dropout, in training: the product of each gate takes some numbers of a row, times `kept`, and for the
// others zero; which ones is the same in all steps. That is a bit to each gate of each number, gates in the order of a
// row of weights (the fourth of a GRU says nothing). A row has its bits twice: number by number, as forward and the
// weight gradients take them, which make a record of four to each number; then gate by gate, for all others.
template <class T>
struct Dropped {
  Rows<const std::uint8_t> bits;  // (batch, 1, dropped_bytes), or null: each gate takes all numbers as they are
  Index plane = 0;                // dropped_plane
  T kept = 1;
  Rows<T> records;  // scratch (batch, 1, kRecordWidth times the padded numbers): those of a step

  Rows<const std::uint8_t> bits_of(Index gate, Index row) const {
    return {bits.at(row, 0) + (kRecordWidth + gate) * plane, bits.batch_stride, 0};
  }
};
// Bytes that hold the bits of a gate, and those of a row, where a word may be read from each byte on. What stands
// behind a row's last number is of no account.
inline Index dropped_plane(Index numbers) { return round_up(numbers, 64) / 8; }
inline Index dropped_bytes(Index numbers) { return 2 * kRecordWidth * dropped_plane(numbers) + 8; }
static_assert(std::endian::native == std::endian::little, "bits of a word are those of its bytes");

constexpr Index slot_of(Index step, Index slots) { return step < slots ? step : step % slots; }

template <class T>
struct RecurrentArgs {
  RecurrentLayout layout;
  Activation activation;            // of the candidate and of an LSTM's cell: tanh
  Activation recurrent_activation;  // of the gates: sigmoid
  Index steps = 0;                  // of the whole sequence
  Index capacity = 0;               // batch rows that the buffers hold
  const T* weights = nullptr;

  Rows<const std::uint8_t> mask;  // (batch, steps, 1): 0 for a skipped step; null: none is
  Rows<const T> x;                // (batch, steps, inputs)
  Rows<T> h;                      // (batch, h_slots, units): the output
  Index h_slots = 0;
  Rows<const T> h0, c0;  // (batch, 1, units) each, or null: zero
  Rows<T> c;             // LSTM: (batch, 1, units), the cell state of the last step done
  Rows<T> reset_h;       // GRU that resets before its product: (batch, h_slots, units), r h of a step

  Dropped<T> dropped_x, dropped_h;  // of x only with h; of a GRU not the h that z multiplies

  // Training, and a GRU that resets before its product (null otherwise).
  T* kept = nullptr;
  Index kept_slots = 0;
  // Training only.
  T* dz = nullptr;
  Index dz_slots = 0;

  // Products of operands rounded to bfloat16, for which x, h and weights are copied, and dz stands there instead. LSTM.
  Bf16Operands bf16;

  // A vector of the records of a panel's rows from `row` on.
  Rows<T> kept_at(Index which, Index step, Index panel, Index row) const {
    const Index lanes = layout.panel_lanes(panel), width = kept_width(layout);
    const Index start = (slot_of(step, kept_slots) * layout.padded_units() + layout.first_unit(panel)) * capacity;
    return {kept + width * (start + row * lanes) + which * lanes, width * lanes, 0};
  }
  T* dz_at(Index step, Index panel, Index row) const {
    return dz + dz_per_unit() * layout.first_unit(panel) + dz_vector(step, row) * layout.panel_lanes(panel);
  }
  Index dz_per_unit() const { return (dz_slots + 1) * capacity * kRecordWidth; }
  // The first vector of a record among those of its panel.
  Index dz_vector(Index step, Index row) const {
    return ((dz_slots - 1 - slot_of(step, dz_slots)) * capacity + row) * kRecordWidth;
  }
};

template <class T>
struct RecurrentBackwardArgs {
  RecurrentArgs<T> forward;
  const T* recurrent_transposed = nullptr;  // transpose of the recurrent rows; with bf16: its pairs, 4 bytes each
  const T* input_transposed = nullptr;      // transpose of the input rows; only where dx is wanted
  Rows<const T> dh;                         // gradient of the output: (batch, steps, units) if dh_every_step,
  bool dh_every_step = false;               // else (batch, 1, units), of the last step
  Rows<const T> dh_final, dc_final;         // gradient of the final states, or null
  // Scratch (batch, 1, units): the gradient that passes from step to step beside the products. Of an LSTM's c; of a
  // GRU's h, as far as it goes through z or over a skipped step.
  Rows<T> dc;
  Rows<T> dh_carried;  // scratch (batch, 1, units), where an LSTM has a mask
  Rows<T> dh_border;   // scratch (batch, 1, units), where backward goes chunk by chunk
  Rows<T> dx;          // (batch, steps, inputs), or null: not wanted
  Rows<T> dh0, dc0;    // (batch, 1, units), or null: not wanted
};

// A layer of a stream: one step of one sequence at a time.
struct RecurrentStepLayer {
  RecurrentLayout layout;
  Activation activation, recurrent_activation;
  // A state is rows of units this far apart: h, of an LSTM c, and scratch.
  Index state_stride = 0;
};

template <class T>
struct RecurrentOps {
  // A range of steps for a range of batch rows. A whole sequence may be cut into ranges that follow each other; the
  // bits do not show it. Chain of a sum: bias (of a GRU's z and r the sum of both biases), inputs ascending, units
  // ascending.
  void (*forward)(const RecurrentArgs<T>&, Range steps, Range rows) = nullptr;
  // One step of one sequence, with the chains of forward: state becomes that after x. Before step 0 the state is zero,
  // whatever stands there. Not of a GRU that resets before its product. (Arguments in registers: tiny steps would wait
  // for a struct to be written and read.)
  void (*step)(const RecurrentStepLayer&, const T* weights, const T* x, T* state, Index step) = nullptr;
  // forward from the last step to the first. A range must not cross a multiple of dz_slots. Chain of dh: the gradient
  // from outside, then unit by unit, within a unit gate by gate as they stand in a row of weights. dx alike from zero.
  // With dropout such a chain for each gate from zero, which are then added gate by gate, times
  // `kept` where the gate took the number.
  void (*backward)(const RecurrentBackwardArgs<T>&, Range steps, Range rows) = nullptr;
  // Weight gradients of such a range and of some batch rows, a range of gradient_tiles in the packed layout; added to
  // what is there if `add`. Chain: steps from the last to the first, as backward walks, and in a step batch rows
  // ascending. A single step without h0 leaves the recurrent units' rows alone: their gradient is zero.
  void (*gradients)(const RecurrentArgs<T>&, Range steps, Range rows, T* gradient, bool add, Range tiles) = nullptr;
  Index (*gradient_tiles)(const RecurrentLayout&) = nullptr;
  // Packs rows [first_row, first_row + count) of the weights for the backward product: column groups over those rows,
  // in each group a row per (unit, gate). Range of panels of units. `out` needs transposed_size elements.
  void (*transpose)(const RecurrentLayout&, const T* weights, Index first_row, Index count, T* out,
                    Range panels) = nullptr;
};

inline Index transposed_size(const RecurrentLayout& layout, Index count) {
  return layout.gates() * layout.units() * round_up(count, layout.lanes());
}

}  // namespace rondo::kernels
