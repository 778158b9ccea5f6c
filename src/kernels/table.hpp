// The kernels of one instruction set, as a table of functions. A plan fetches a table once; nothing is dispatched
// inside a step. All functions are pure: they read and write what their arguments name, allocate nothing, never throw.
//
// Bits: every sum is one chain of fused multiply-adds per element in the logical order that the argument's comment
// names, so all targets agree to the bit (see docs/architecture.md, "Reproducible to the bit").
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/range.hpp"
#include "kernels/activation.hpp"
#include "kernels/bf16.hpp"
#include "kernels/layout.hpp"
#include "kernels/rows.hpp"

namespace rondo::kernels {

// ---- LSTM ------------------------------------------------------------------------------------------------------

// What forward and backward share. "Step" is the processing order: with go_backwards step 0 is the last time.
//
// Buffers that hold something of every step are rings: step s stands in slot s % slots. Training keeps all steps, or a
// chunk of them that is computed again in backward; inference needs one or two slots.
//
// A mask leaves rows out of steps: a row keeps its h and c over a step that it skips.

// What backward needs again of each row: the gates' values i, f, g, o (or, unless the cell is standard, the sums before
// the activation), the cell state c and activation(c). One record in a row, so that memory is read in a straight line:
// [slots][panels][capacity][kKeptWidth][units of the panel].
constexpr Index kKeptWidth = 6, kKeptCell = 4, kKeptOutput = 5;

// Backward's derivatives of the sums: [panels][slots][capacity][4 gates][units of the panel], where a step after
// another stands before it. That is the order in which the weight gradients take them, so a full batch is one long
// column.
inline Index dz_elements(Index slots, Index capacity, const LstmLayout& layout) {
  // One slot of room between panels: without it they would fall into the same sets of a cache.
  return (slots + 1) * capacity * 4 * layout.padded_units();
}

constexpr Index slot_of(Index step, Index slots) { return step < slots ? step : step % slots; }

template <class T>
struct LstmArgs {
  LstmLayout layout;
  Activation activation;            // of the candidate and of the cell: tanh
  Activation recurrent_activation;  // of the gates: sigmoid
  Index steps = 0;                  // of the whole sequence
  Index capacity = 0;               // batch rows that the buffers hold
  const T* weights = nullptr;

  Rows<const std::uint8_t> mask;  // (batch, steps, 1): 0 for a skipped step; null: none is
  Rows<const T> x;                // (batch, steps, inputs)
  Rows<T> h;                      // (batch, h_slots, units): the output
  Index h_slots = 0;
  Rows<const T> h0, c0;  // (batch, 1, units) each, or null: zero
  Rows<T> c;             // (batch, 1, units): the cell state of the last step done

  // Training only (null otherwise).
  T* kept = nullptr;
  Index kept_slots = 0;
  T* dz = nullptr;
  Index dz_slots = 0;

  // Products of operands rounded to bfloat16, for which x, h and weights are copied, and dz stands there instead.
  Bf16Operands bf16;

  // The cell states, or another vector of the records, of a panel's rows from `row` on.
  Rows<T> kept_at(Index which, Index step, Index panel, Index row) const {
    const Index lanes = layout.panel_lanes(panel);
    const Index start = (slot_of(step, kept_slots) * layout.padded_units() + layout.first_unit(panel)) * capacity;
    return {kept + kKeptWidth * (start + row * lanes) + which * lanes, kKeptWidth * lanes, 0};
  }
  T* dz_at(Index step, Index panel, Index row) const {
    const Index start = (dz_slots + 1) * layout.first_unit(panel) * 4;
    const Index slot = dz_slots - 1 - slot_of(step, dz_slots);
    return dz + start * capacity + (slot * capacity + row) * layout.panel_width(panel);
  }
};

template <class T>
struct LstmBackwardArgs {
  LstmArgs<T> forward;
  const T* recurrent_transposed = nullptr;  // lstm_transpose of the recurrent rows; with bf16: its pairs, 4 bytes each
  const T* input_transposed = nullptr;      // lstm_transpose of the input rows; only where dx is wanted
  Rows<const T> dh;                         // gradient of the output: (batch, steps, units) if dh_every_step,
  bool dh_every_step = false;               // else (batch, 1, units), of the last step
  Rows<const T> dh_final, dc_final;         // gradient of the final states, or null
  Rows<T> dc;                               // scratch (batch, 1, units)
  Rows<T> dh_carried;                       // scratch (batch, 1, units), where there is a mask
  Rows<T> dh_border;                        // scratch (batch, 1, units), where backward goes chunk by chunk
  Rows<T> dx;                               // (batch, steps, inputs), or null: not wanted
  Rows<T> dh0, dc0;                         // (batch, 1, units), or null: not wanted
};

// A layer of a stream: one step of one sequence at a time.
struct LstmStepLayer {
  LstmLayout layout;
  Activation activation, recurrent_activation;
  // A state is three rows of units this far apart: h, c and scratch.
  Index state_stride = 0;
};

// ---- Dense -----------------------------------------------------------------------------------------------------

template <class T>
struct DenseArgs {
  DenseLayout layout;
  Index steps = 0;
  const T* weights = nullptr;
  Rows<const T> x;  // (batch, steps, inputs)
  Rows<T> y;        // (batch, steps, units), before any activation
};

template <class T>
struct DenseBackwardArgs {
  DenseLayout layout;
  Index steps = 0;
  const T* transposed = nullptr;  // dense_transpose of the weights, or the input rows of their own transpose
  Rows<const T> dy;               // (batch, steps, units)
  Rows<T> dx;                     // (batch, steps, inputs)
};

template <class T>
struct DenseGradientArgs {
  DenseLayout layout;
  Index steps = 0;
  Index batch = 0;
  bool add = false;  // to what stands in `gradient`
  Rows<const T> x;   // (batch, steps, inputs)
  Rows<const T> dy;  // (batch, steps, units)
  T* gradient = nullptr;
};

// ---- element by element --------------------------------------------------------------------------------------------

// sum = first + second, which may be the same rows as `sum`.
template <class T>
struct AddArgs {
  Rows<const T> first, second;
  Rows<T> sum;
  Index steps = 0, features = 0;
};

// ---- losses ----------------------------------------------------------------------------------------------------

enum class LossKind {
  mean_squared_error,
  mean_absolute_error,
  binary_crossentropy,
  binary_crossentropy_from_logits,
  categorical_crossentropy,
  categorical_crossentropy_from_logits,
  sparse_categorical_crossentropy,
  sparse_categorical_crossentropy_from_logits,
};

// Losses of `rows` rows, each contiguous. value[r] is the row's loss (Keras's mean over the last axis, or the sum over
// the classes). gradient, if not null, is its derivative by the prediction times `scale`; its padding is left alone.
// Rows are summed feature by feature in order (16 interleaved chains from 16 features on).
template <class T>
struct LossArgs {
  LossKind kind = LossKind::mean_squared_error;
  double label_smoothing = 0;
  Index rows = 0;
  Index features = 0;
  const T* truth = nullptr;  // (rows, features); sparse: (rows, 1), class numbers
  Index truth_stride = 0;
  const T* prediction = nullptr;
  Index prediction_stride = 0;
  T* value = nullptr;
  T* gradient = nullptr;
  Index gradient_stride = 0;
  T scale = 1;
  const T* row_weights = nullptr;  // times each row's gradient; null: 1
};

// ---- optimizer updates, elementwise over packed arrays -----------------------------------------------------------

struct SgdArgs {
  double learning_rate = 0, momentum = 0;
  bool nesterov = false;
};

struct AdamArgs {
  double alpha = 0;  // learning rate with both bias corrections
  double beta_1 = 0, beta_2 = 0, epsilon = 0;
  bool amsgrad = false;
};

struct RmspropArgs {
  double learning_rate = 0, rho = 0, momentum = 0, epsilon = 0;
  bool centered = false;
};

// ---- the table -------------------------------------------------------------------------------------------------

template <class T>
struct Ops {
  Index lanes = 0;

  // A range of steps for a range of batch rows. A whole sequence may be cut into ranges that follow each other; the
  // bits do not show it. Chain of a sum: bias, inputs ascending, units ascending.
  void (*lstm_forward)(const LstmArgs<T>&, Range steps, Range rows) = nullptr;
  // One step of one sequence, with the chains of lstm_forward: state becomes that after x. Before step 0 the state is
  // zero, whatever stands there. (Arguments in registers: tiny steps would wait for a struct to be written and read.)
  void (*lstm_step)(const LstmStepLayer&, const T* weights, const T* x, T* state, Index step) = nullptr;
  // lstm_forward from the last step to the first. A range must not cross a multiple of dz_slots. Chain of dh: the
  // gradient from outside, then unit by unit, within a unit gate by gate. dx alike from zero.
  void (*lstm_backward)(const LstmBackwardArgs<T>&, Range steps, Range rows) = nullptr;
  // Weight gradients of such a range and of some batch rows, a range of lstm_gradient_tiles in the packed layout; added
  // to what is there if `add`. Chain: steps from the last to the first, as backward walks, and in a step batch rows
  // ascending. A single step without h0 leaves the recurrent rows alone: their gradient is zero.
  void (*lstm_gradients)(const LstmArgs<T>&, Range steps, Range rows, T* gradient, bool add, Range tiles) = nullptr;
  Index (*lstm_gradient_tiles)(const LstmLayout&) = nullptr;
  // Packs rows [first_row, first_row + count) of the weights for the backward product: column groups over those rows,
  // in each group a row per (unit, gate). Range of panels of units. `out` needs lstm_transposed_size elements.
  void (*lstm_transpose)(const LstmLayout&, const T* weights, Index first_row, Index count, T* out,
                         Range panels) = nullptr;

  void (*dense_forward)(const DenseArgs<T>&, Range rows) = nullptr;
  void (*dense_backward)(const DenseBackwardArgs<T>&, Range rows) = nullptr;
  void (*dense_gradients)(const DenseGradientArgs<T>&, Range tiles) = nullptr;
  Index (*dense_gradient_tiles)(const DenseLayout&) = nullptr;
  void (*dense_transpose)(const DenseLayout&, const T* weights, T* out) = nullptr;

  void (*add)(const AddArgs<T>&, Range rows) = nullptr;

  // y = f(x) over rows of `features` elements; elementwise kinds may run in place (y == x). Strides in elements.
  void (*activate)(const Activation&, const T* x, Index x_stride, T* y, Index y_stride, Index rows,
                   Index features) = nullptr;
  // dx = dy * f'(x), where y = f(x); may run in place (dx == dy) for elementwise kinds. dx's padding becomes zero.
  void (*activate_backward)(const Activation&, const T* x, Index x_stride, const T* y, Index y_stride, const T* dy,
                            Index dy_stride, T* dx, Index dx_stride, Index rows, Index features) = nullptr;

  void (*loss)(const LossArgs<T>&) = nullptr;

  // m (momentum) may be null for plain SGD.
  void (*sgd)(const SgdArgs&, T* w, const T* g, T* m, Index n) = nullptr;
  // v_max only with amsgrad.
  void (*adam)(const AdamArgs&, T* w, const T* g, T* m, T* v, T* v_max, Index n) = nullptr;
  // b only with momentum, a only when centered.
  void (*rmsprop)(const RmspropArgs&, T* w, const T* g, T* v, T* b, T* a, Index n) = nullptr;
  // What is too small to matter becomes zero: below 2^-100 (double 2^-900).
  void (*zero_tiny)(T* x, Index n) = nullptr;
  // Whether no element of these ranges of x is larger in size than `most`, and none is NaN.
  bool (*within)(const T* x, std::span<const Range> ranges, T most) = nullptr;
};

inline Index lstm_transposed_size(const LstmLayout& layout, Index count) {
  return 4 * layout.units() * round_up(count, layout.lanes());
}
inline Index dense_transposed_size(const DenseLayout& layout) {
  return layout.units * round_up(layout.inputs, layout.lanes);
}

// What the policy mixed_bfloat16 adds for float layers.
struct Bf16Ops {
  Bf16Tile tile;  // by conversion
  // Rounded copies of the weights for the products of forward and backward. Ranges of panels of units.
  void (*lstm_weights)(const LstmLayout&, const float* weights, Bf16Pair* out, Range panels) = nullptr;
  void (*lstm_transpose)(const LstmLayout&, const float* weights, Index first_row, Index count, Bf16Pair* out,
                         Range panels) = nullptr;
  // As Ops::lstm_gradients, for a range of steps that begins at a multiple of dz_slots. Chain: pairs of steps from the
  // last to the first, and in a pair batch rows ascending.
  void (*lstm_gradients)(const LstmArgs<float>&, Range steps, Range rows, float* gradient, bool add,
                         Range tiles) = nullptr;
  Index (*lstm_gradient_tiles)(const LstmLayout&, const Bf16Tile&) = nullptr;

  // As Ops::lstm_step, with lstm_weights in place of the weights, but not of the bias; the same chains.
  void (*lstm_step)(const LstmStepLayer&, const float* weights, const Bf16Pair* rounded, const float* x, float* state,
                    Index step) = nullptr;
};

inline Index bf16_transposed_size(const LstmLayout& layout, Index count) {
  return bf16_dz_depth(layout) * round_up(count, layout.lanes());
}

struct KernelTable {
  const char* target = "";  // Highway's name: AVX3 (AVX-512), AVX2, SSE4, SCALAR
  Ops<float> f32;
  Ops<double> f64;
  Bf16Ops bf16;

  template <class T>
  const Ops<T>& ops() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return f32;
    } else {
      return f64;
    }
  }
};

// The tables that this processor can run, best first. Collected once; safe from any thread.
const std::vector<const KernelTable*>& tables();

// The table that new layers take: the best, or what RONDO_TARGET or choose() said.
const KernelTable& chosen();
// ConfigError when no table has this name.
void choose(std::string_view target);

}  // namespace rondo::kernels
