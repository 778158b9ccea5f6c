// The kernels of one instruction set, as a table of functions. A plan fetches a table once; nothing is dispatched
// inside a step. All functions are pure: they read and write what their arguments name, allocate nothing, never throw.
//
// Bits: every sum is one chain of fused multiply-adds per element in the logical order that the argument's comment
// names, so all targets agree to the bit (see docs/architecture.md, "Reproducible to the bit").
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/range.hpp"
#include "kernels/activation.hpp"
#include "kernels/bf16.hpp"
#include "kernels/layout.hpp"
#include "kernels/recurrent.hpp"
#include "kernels/row_updates.hpp"
#include "kernels/rows.hpp"

namespace rondo::kernels {

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

// ---- dropout ----------------------------------------------------------------------------------------------------

// Words of RandomStream's blocks from the one of this counter on: what meets a word below keep_from is dropped.
struct DropoutDraw {
  std::array<std::uint32_t, 4> counter{};
  std::array<std::uint32_t, 2> key{};
  std::uint32_t keep_from = 0;
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
  double learning_rate = 0, rho = 0, momentum = 0;
  double epsilon = 0, epsilon_behind = 0;  // under the root, and added to it
  bool centered = false;
};

struct AdagradArgs {
  double learning_rate = 0;
  double epsilon = 0, epsilon_behind = 0;  // likewise
};

struct AdadeltaArgs {
  double learning_rate = 0, rho = 0, epsilon = 0;
};

struct AdamaxArgs {
  double alpha = 0;  // learning rate with the bias correction
  double beta_1 = 0, beta_2 = 0, epsilon = 0;
};

struct NadamArgs {
  double of_mean = 0, of_gradient = 0;  // how much of each makes the step, learning rate and bias corrections included
  double of_velocity = 0;               // the bias correction of v
  double beta_1 = 0, beta_2 = 0, epsilon = 0;
};

struct FtrlArgs {
  double learning_rate = 0;
  double least = 0;  // what is always in r: beta / learning rate + 2 l2
  double l1 = 0;
  double shrinkage = 0;  // times w, in the gradient
};

struct LionArgs {
  double learning_rate = 0, beta_1 = 0, beta_2 = 0;
};

struct ScheduleFreeArgs {
  double learning_rate = 0;
  double of_velocity = 0;  // the bias correction of v
  double of_newest = 0;    // what the newest z counts for in the mean x
  double beta_1 = 0, beta_2 = 0, epsilon = 0;
};

// An update that few models use, in its smallest form: n is a multiple of the vector's lanes. a and b are what is
// remembered; b is left alone by rules that remember one array.
template <class Args, class T>
using Update = void (*)(const Args&, T* w, const T* g, T* a, T* b, Index n);

// ---- the table -------------------------------------------------------------------------------------------------

template <class T>
struct Ops {
  Index lanes = 0;

  RecurrentOps<T> lstm, gru;
  const RecurrentOps<T>& recurrent(const RecurrentLayout& layout) const { return layout.is_lstm() ? lstm : gru; }

  void (*dense_forward)(const DenseArgs<T>&, Range rows) = nullptr;
  void (*dense_backward)(const DenseBackwardArgs<T>&, Range rows) = nullptr;
  void (*dense_gradients)(const DenseGradientArgs<T>&, Range tiles) = nullptr;
  Index (*dense_gradient_tiles)(const DenseLayout&) = nullptr;
  void (*dense_transpose)(const DenseLayout&, const T* weights, T* out) = nullptr;

  void (*add)(const AddArgs<T>&, Range rows) = nullptr;

  // A factor to each word: `kept`, or 0.
  void (*dropout_factors)(const DropoutDraw&, T kept, T* factors, Index count) = nullptr;

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
  Update<AdagradArgs, T> adagrad = nullptr;
  Update<AdadeltaArgs, T> adadelta = nullptr;
  Update<AdamaxArgs, T> adamax = nullptr;
  Update<NadamArgs, T> nadam = nullptr;
  Update<FtrlArgs, T> ftrl = nullptr;  // of learning_rate_power -0.5
  Update<LionArgs, T> lion = nullptr;
  Update<ScheduleFreeArgs, T> schedule_free = nullptr;
  RowUpdates<T> rows;
  // What is too small to matter becomes zero: below 2^-100 (double 2^-900).
  void (*zero_tiny)(T* x, Index n) = nullptr;
  // Whether no element of these ranges of x is larger in size than `most`, and none is NaN.
  bool (*within)(const T* x, std::span<const Range> ranges, T most) = nullptr;
};

inline Index dense_transposed_size(const DenseLayout& layout) {
  return layout.units * round_up(layout.inputs, layout.lanes);
}

// What the policy mixed_bfloat16 adds for float layers.
struct Bf16Ops {
  Bf16Tile tile;  // by conversion
  // Rounded copies of the weights for the products of forward and backward. Ranges of panels of units.
  void (*lstm_weights)(const RecurrentLayout&, const float* weights, Bf16Pair* out, Range panels) = nullptr;
  void (*lstm_transpose)(const RecurrentLayout&, const float* weights, Index first_row, Index count, Bf16Pair* out,
                         Range panels) = nullptr;
  // As RecurrentOps::gradients, for a range of steps that begins at a multiple of dz_slots. Chain: pairs of steps from
  // the last to the first, and in a pair batch rows ascending.
  void (*lstm_gradients)(const RecurrentArgs<float>&, Range steps, Range rows, float* gradient, bool add,
                         Range tiles) = nullptr;
  Index (*lstm_gradient_tiles)(const RecurrentLayout&, const Bf16Tile&) = nullptr;

  // As RecurrentOps::step, with lstm_weights in place of the weights, but not of the bias; the same chains.
  void (*lstm_step)(const RecurrentStepLayer&, const float* weights, const Bf16Pair* rounded, const float* x,
                    float* state, Index step) = nullptr;
};

inline Index bf16_transposed_size(const RecurrentLayout& layout, Index count) {
  return bf16_dz_depth(layout) * round_up(count, layout.lanes());
}

struct KernelTable {
  const char* target = "";  // Highway's name: AVX3 (AVX-512), AVX2, SSE4, SCALAR
  Ops<float> f32;
  Ops<double> f64;
  Bf16Ops bf16;
  // Rows of kernels::Dropped, with a block to each number, those of a row behind those of the row before.
  void (*dropout_bits)(const DropoutDraw&, const Rows<std::uint8_t>& bits, Index rows, Index numbers) = nullptr;

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
