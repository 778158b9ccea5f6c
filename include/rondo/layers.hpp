// The layers. Arguments have Keras's names, order and defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <rondo/activations.hpp>
#include <rondo/dtype_policy.hpp>
#include <rondo/initializers.hpp>
#include <rondo/layer.hpp>

namespace rondo {

struct InputOptions {
  std::optional<DTypePolicy> dtype = {};  // default: dtype_policy()
  std::string name = {};                  // default: "input_layer", "input_layer_1", ...
};

// The shape of one sample, without the batch axis: Input({timesteps, features}). The first entry of a Sequential model,
// or where a graph begins (symbol.hpp).
class Input : public Layer {
 public:
  explicit Input(const Shape& shape, const InputOptions& options = {});

  // What enters there; the same one each time.
  operator Symbol() const;
};

struct LSTMOptions {
  ActivationFn activation = "tanh";               // of the candidate and of the cell state
  ActivationFn recurrent_activation = "sigmoid";  // of the gates
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;   // the forget gate's bias starts at 1
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
  ActivationFn activation = "tanh";               // of the candidate
  ActivationFn recurrent_activation = "sigmoid";  // of the gates
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool return_sequences = false;  // every step's output instead of the last one
  bool return_state = false;      // also the last h
  bool go_backwards = false;      // walks time backwards; sequences come out in that order
  bool stateful = false;          // the state at the end of a batch starts the next one
  bool recompute = false;   // training computes steps again in backward instead of keeping them all: much less memory
                            // for long sequences, about a third more time, the same bits
  bool reset_after = true;  // the reset gate multiplies the product of the state, not the state (and is faster)
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

// ---- cells: one time step, for RNN
// -----------------------------------------------------------------------------------

struct LSTMCellOptions {
  ActivationFn activation = "tanh";
  ActivationFn recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;
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
  ActivationFn recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool reset_after = true;
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

struct DenseOptions {
  ActivationFn activation = "linear";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  bool trainable = true;
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};  // of a sample, on a model's first layer: {features}
};

// y = f(x K + b) along the last axis of an input of rank 2 or more: (batch, ..., features) to (batch, ..., units).
// Weights: kernel (features, units), bias (units).
class Dense : public Layer {
 public:
  explicit Dense(Dim units, const DenseOptions& options = {});
};

struct ActivationOptions {
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// Applies a function; the shape stays (but glu halves the last axis).
class Activation : public Layer {
 public:
  explicit Activation(const ActivationFn& activation, const ActivationOptions& options = {});
};

struct DropoutOptions {
  Shape noise_shape = {};                  // with the batch in front; 1: one draw for the whole axis
  std::optional<std::uint64_t> seed = {};  // default: the random seed when the layer is made
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// In training a part `rate` of the numbers becomes zero, drawn anew in each step, and the others are multiplied by
// 1 / (1 - rate); elsewhere nothing happens (Srivastava et al. 2014). What is drawn is a function of the seed, the
// layer, the training step and the place in the batch, so fits can be repeated to the bit, on any number of threads.
//
//   model.add(Dropout(0.2));
class Dropout : public Layer {
 public:
  explicit Dropout(Real rate, const DropoutOptions& options = {});
};

struct BatchNormalizationOptions {
  Dim axis = -1;         // whose places are normalized each for itself; with the batch in front, negative from the end
  Real momentum = 0.99;  // what stays of the moving statistics in a step, 0 to 1
  Real epsilon = 1e-3;   // added to variances, 0 or more
  bool center = true;    // learns beta
  bool scale = true;     // learns gamma
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Initializer moving_mean_initializer = "zeros";
  Initializer moving_variance_initializer = "ones";
  bool trainable = true;
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// Scales each feature (or each place along `axis`) by its mean and variance, taken over the batch and all other axes
// (Ioffe and Szegedy 2015), with Keras's formulas. Any input of rank 2 or more; the shape stays, and so does the mask:
//
//   y = gamma (x - mean) / sqrt(variance + epsilon) + beta
//   moving_mean = momentum moving_mean + (1 - momentum) mean; moving_variance likewise
//
// While it is trained it takes the batch's mean and its (biased) variance, of the steps that count where there is a
// mask; elsewhere, and with trainable = false in training too, the moving ones, so a prediction depends on no other
// row. A step that fit refuses (NaN in the data or the gradients) leaves the moving statistics as they are.
//
// Weights, each (features): gamma, beta, and moving_mean, moving_variance, which are never trainable. ConfigError for
// an axis of 0 and a momentum or epsilon out of range; ShapeError where the input has no such axis or its size is
// unknown.
//
//   Sequential model{LSTM(16, {.return_sequences = true, .input_shape = {30, 2}}), BatchNormalization(), LSTM(8),
//                    Dense(1)};
class BatchNormalization : public Layer {
 public:
  explicit BatchNormalization(const BatchNormalizationOptions& options = {});
};

struct MaskingOptions {
  Real mask_value = 0.0;
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// Tells the layers behind it which time steps count: those of which some feature differs from mask_value. The others
// become zeros, and LSTM and GRU pass over them with their state. Input (batch, timesteps, features); for sequences of
// different lengths in one tensor:
//
//   Sequential model{Masking({.mask_value = -1, .input_shape = {30, 2}}), LSTM(16), Dense(1)};
class Masking : public Layer {
 public:
  explicit Masking(const MaskingOptions& options = {});
};

// ---- reshaping: without weights; time steps and features change places, so masks end here
// ----------------------------

struct FlattenOptions {
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// All numbers of a sample in a row: (batch, a, b) to (batch, a b).
class Flatten : public Layer {
 public:
  explicit Flatten(const FlattenOptions& options = {});
};

struct ReshapeOptions {
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// The numbers of a sample, in their order, in another shape, given without the batch axis; one size may be -1, what is
// left. ShapeError where the numbers do not fill it.
class Reshape : public Layer {
 public:
  explicit Reshape(const Shape& target_shape, const ReshapeOptions& options = {});
};

struct PermuteOptions {
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// The axes of a sample in another order, counted from 1: Permute({2, 1}) exchanges time and features.
class Permute : public Layer {
 public:
  explicit Permute(std::vector<Index> dims, const PermuteOptions& options = {});
};

struct RepeatVectorOptions {
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// The same numbers at each of n time steps: (batch, features) to (batch, n, features). Takes no memory for them.
class RepeatVector : public Layer {
 public:
  explicit RepeatVector(Dim n, const RepeatVectorOptions& options = {});
};

// ---- merging: layers of several tensors, for graphs (symbol.hpp) ----------------------------------------------------

struct AddOptions {
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
};

// The sum of two tensors or more, in their order: Add()({a, b}). Axes of 1 stretch to those of the others, and a tensor
// of fewer axes gets them behind the batch. The sum has a mask if all have one: a step counts if it does in one of
// them.
class Add : public Layer {
 public:
  explicit Add(const AddOptions& options = {});
};

struct ConcatenateOptions {
  Dim axis = -1;  // with the batch in front: 1 is time in (batch, timesteps, features); negative from the end
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
};

// Two tensors or more, one behind the other along an axis, in which alone they may differ: Concatenate()({a, b}). Masks
// are joined along time; along the features a step counts if it does in one of the tensors.
class Concatenate : public Layer {
 public:
  explicit Concatenate(const ConcatenateOptions& options = {});
};

// ---- wrappers: layers around layers ---------------------------------------------------------------------------------

struct TimeDistributedOptions {
  bool trainable = true;
  std::string name = {};
  Shape input_shape = {};  // of a sample, on a model's first layer: {timesteps, ...}
};

// Applies a layer or model to each time step by itself, with the same weights: (batch, timesteps, ...) to (batch,
// timesteps, ...). A Dense does that by itself, and costs no more inside; an LSTM inside reads a sequence at each time
// step. The mask stays with the time steps. Weights are those of the layer, which is used, not copied; ConfigError for
// a stateful one, and for one that returns several tensors.
//
//   Sequential model{TimeDistributed(LSTM(8), {.input_shape = {7, 24, 1}}), LSTM(8), Dense(1)};   days of hours
//
// One inside another is first named: to C++, TimeDistributed(TimeDistributed(x)) is a copy.
//
//   const Layer hours = TimeDistributed(LSTM(8));
//   const Layer days = TimeDistributed(hours);
class TimeDistributed : public Layer {
 public:
  explicit TimeDistributed(const Layer& layer, const TimeDistributedOptions& options = {});
};

struct BidirectionalOptions {
  std::string merge_mode = "concat";         // or "sum", "mul", "ave" (the mean), "none" (two outputs)
  std::optional<Layer> backward_layer = {};  // used as it is; default: made like the first one
  bool trainable = true;
  std::string name = {};
  Shape input_shape = {};  // of a sample, on a model's first layer; default: that of the layer inside
};

// Two recurrent layers on one sequence, of which the second walks time backwards, and their outputs merged in the order
// of time (Schuster and Paliwal 1997). The given layer is a pattern: both are made anew from its options, as
// "forward_..." and "backward_...", with weights of their own, the forward layer's first.
//
// Without return_sequences the forward layer's last step is merged with the backward layer's last, that of time 0. With
// return_state come the states of the forward layer and then those of the backward layer; initial states are given in
// the same order. Masked steps put out zeros (Keras 3: zero_output_for_mask is set). ConfigError where the layers do
// not agree in return_sequences, return_state, stateful or dtype, walk in one direction, or are not recurrent. Cannot
// be streamed.
//
//   Sequential model{Bidirectional(LSTM(16, {.return_sequences = true}), {.input_shape = {30, 2}}), Dense(1)};
class Bidirectional : public Layer {
 public:
  explicit Bidirectional(const Layer& layer, const BidirectionalOptions& options = {});
};

}  // namespace rondo
