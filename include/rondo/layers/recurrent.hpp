// Recurrent layers, and the cells that RNN walks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <rondo/activations.hpp>
#include <rondo/constraints.hpp>
#include <rondo/dtype_policy.hpp>
#include <rondo/initializers.hpp>
#include <rondo/keras_compat.hpp>
#include <rondo/layer.hpp>
#include <rondo/regularizers.hpp>

namespace rondo {

struct LSTMOptions {
  ActivationFn activation = "tanh";  // of the candidate and of the cell state
  // Of the gates; in Keras 2.0 hard_sigmoid (keras_compat.hpp).
  ActivationFn recurrent_activation = detail::keras_defaults().recurrent_activation;
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;  // the forget gate's bias starts at 1
  std::optional<Regularizer> kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  std::optional<Regularizer> activity_regularizer = {};  // of what is returned, the states too with return_state
  std::optional<Constraint> kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  bool return_sequences = false;  // every step's output instead of the last one
  bool return_state = false;      // also the last h and c
  bool go_backwards = false;      // walks time backwards; sequences come out in that order
  bool stateful = false;          // the state at the end of a batch starts the next one
  bool recompute = false;  // training computes steps again in backward instead of keeping them all: much less memory
                           // for long sequences, about a third more time, the same bits
  bool zero_output_for_mask = false;  // a masked step puts out zeros instead of the output before it
  // In training, the part of the inputs, and of the state before each step, that becomes zero: 0 to 1, see below.
  Real dropout = 0.0;
  Real recurrent_dropout = 0.0;            // not under mixed_bfloat16: ConfigError
  std::optional<std::uint64_t> seed = {};  // of what dropout draws; default: the random seed when the layer is made
  bool trainable = true;
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};  // of a sample, on a model's first layer: {timesteps, features}
};

// Long short-term memory (Hochreiter and Schmidhuber 1997, with forget gate), Keras's formulas and weights.
//
// Input (batch, timesteps, features); output (batch, units), or (batch, timesteps, units) with return_sequences.
// Weights: kernel (features, 4 units), recurrent_kernel (units, 4 units), bias (4 units); columns are the gates i, f,
// c, o. Per step, from h = c = 0:
//
//   i = r(x K_i + h R_i + b_i)   f = r(x K_f + h R_f + b_f)   o = r(x K_o + h R_o + b_o)
//   c = f c + i a(x K_c + h R_c + b_c)                        h = o a(c)
//
// Dropout (Gal and Ghahramani 2016, as Keras has it) works in training alone: a number is 0 with probability `dropout`
// (of x) or `recurrent_dropout` (of h in the products with R; c is never dropped), else 1 / (1 - rate) times itself. It
// is drawn once for a call and a batch row, and stays the same over the time steps. The gates share it; with
// recurrent_dropout each has draws of its own, of h and of x. A dropout of exactly 1 leaves no input; with
// recurrent_dropout, and in cells, a rate of exactly 1 counts as 0, as in Keras. Draws are a function of the seed, the
// layer, its call, the training step and the place in the batch (as of Dropout). Rates outside 0 to 1: ConfigError.
//
// The activations must work elementwise (not softmax, log_softmax, sparsemax, glu): ConfigError otherwise.
//
//   model.add(LSTM(10, {.return_sequences = true, .input_shape = {5, 2}}));
class LSTM : public Layer {
 public:
  explicit LSTM(Dim units, const LSTMOptions& options = {});
};

struct GRUOptions {
  ActivationFn activation = "tanh";  // of the candidate
  // Of the gates; in Keras 2.0 hard_sigmoid.
  ActivationFn recurrent_activation = detail::keras_defaults().recurrent_activation;
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  std::optional<Regularizer> kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  std::optional<Regularizer> activity_regularizer = {};  // of what is returned, the states too with return_state
  std::optional<Constraint> kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  bool return_sequences = false;  // every step's output instead of the last one
  bool return_state = false;      // also the last h
  bool go_backwards = false;      // walks time backwards; sequences come out in that order
  bool stateful = false;          // the state at the end of a batch starts the next one
  bool recompute = false;  // training computes steps again in backward instead of keeping them all: much less memory
                           // for long sequences, about a third more time, the same bits
  bool reset_after =
      detail::keras_defaults()
          .reset_after;  // the reset gate multiplies the product of the state, not the state (and is faster)
  bool zero_output_for_mask = false;  // a masked step puts out zeros instead of the output before it
  // In training, the part of the inputs, and of the state before each step, that becomes zero: 0 to 1, see below.
  Real dropout = 0.0;
  Real recurrent_dropout = 0.0;
  std::optional<std::uint64_t> seed = {};  // of what dropout draws; default: the random seed when the layer is made
  bool trainable = true;
  std::optional<DTypePolicy> dtype = {};  // not mixed_bfloat16: ConfigError
  std::string name = {};
  Shape input_shape = {};  // of a sample, on a model's first layer: {timesteps, features}
};

// Gated recurrent unit (Cho et al. 2014), Keras's formulas and weights: one state and three gates instead of an LSTM's
// two and four, so three quarters of its weights and less of its time.
//
// Input (batch, timesteps, features); output (batch, units), or (batch, timesteps, units) with return_sequences.
// Weights: kernel (features, 3 units), recurrent_kernel (units, 3 units); columns are the gates z, r, h. The bias is
// (2, 3 units), b for the inputs above c for the state, or (3 units) without reset_after, where c is zero. Per step,
// from h = 0:
//
//   z = r(x K_z + b_z + h R_z + c_z)   r = r(x K_r + b_r + h R_r + c_r)
//   g = a(x K_h + b_h + r (h R_h + c_h))                        with reset_after
//   g = a(x K_h + b_h + (r h) R_h)                              without, as in the paper
//   h = z h + (1 - z) g
//
// Dropout is that of LSTM; of the state it is in all products, but the h that z multiplies is whole, and without
// reset_after the product is that of r times the dropped h.
//
// An initial state is one tensor (batch, units). The activations must work elementwise (not softmax, log_softmax,
// sparsemax, glu): ConfigError otherwise.
//
//   model.add(GRU(10, {.return_sequences = true, .input_shape = {5, 2}}));
class GRU : public Layer {
 public:
  explicit GRU(Dim units, const GRUOptions& options = {});
};

struct LSTMCellOptions {
  ActivationFn activation = "tanh";
  ActivationFn recurrent_activation = detail::keras_defaults().recurrent_activation;
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;
  std::optional<Regularizer> kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  std::optional<Constraint> kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  Real dropout = 0.0;  // as of LSTM
  Real recurrent_dropout = 0.0;
  std::optional<std::uint64_t> seed = {};
  bool trainable = true;
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
};

// One step of an LSTM: {x (batch, features), h, c} to {h, h, c}, h and c (batch, units). Under an RNN dropout is drawn
// once for all steps of a sequence.
class LSTMCell : public Layer {
 public:
  explicit LSTMCell(Dim units, const LSTMCellOptions& options = {});
};

struct GRUCellOptions {
  ActivationFn activation = "tanh";
  ActivationFn recurrent_activation = detail::keras_defaults().recurrent_activation;
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  std::optional<Regularizer> kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  std::optional<Constraint> kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  bool reset_after = detail::keras_defaults().reset_after;
  Real dropout = 0.0;  // as of LSTM
  Real recurrent_dropout = 0.0;
  std::optional<std::uint64_t> seed = {};
  bool trainable = true;
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
};

// One step of a GRU: {x, h} to {h, h}.
class GRUCell : public Layer {
 public:
  explicit GRUCell(Dim units, const GRUCellOptions& options = {});
};

struct StackedRNNCellsOptions {
  bool trainable = true;
  std::string name = {};
};

// Cells on top of each other as one: the states of all, cell by cell. ConfigError for what is no cell.
class StackedRNNCells : public Layer {
 public:
  explicit StackedRNNCells(const std::vector<Layer>& cells, const StackedRNNCellsOptions& options = {});
};

struct RNNOptions {
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool zero_output_for_mask = false;
  bool trainable = true;
  std::string name = {};
  Shape input_shape = {};  // of a sample, on a model's first layer: {timesteps, features}
};

// Walks a cell over a sequence: (batch, timesteps, ...) to (batch, units), options as of LSTM. A cell is LSTMCell,
// GRUCell, StackedRNNCells, or any Model of yours of {x of a step, states...} to {y, new states...}, whose states keep
// their shapes (batch, units); its gradients come from its layers:
//
//   // A cell that adds up what it sees.
//   const Input x({3}), h({3});
//   const Symbol sum = Add()({Dense(3)(x), h});
//   Sequential model{RNN(Model({x, h}, {sum, sum}), {.input_shape = {30, 3}}), Dense(1)};
//
// Initial states are zero or given behind x. LSTM and GRU do the same as RNN over their cells in much less time.
// ConfigError for a layer that is no cell.
class RNN : public Layer {
 public:
  explicit RNN(const Layer& cell, const RNNOptions& options = {});
};

}  // namespace rondo
