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
// An initial state is one tensor (batch, units). The activations must work elementwise (not softmax, log_softmax,
// sparsemax, glu): ConfigError otherwise.
//
//   model.add(GRU(10, {.return_sequences = true, .input_shape = {5, 2}}));
class GRU : public Layer {
 public:
  explicit GRU(Dim units, const GRUOptions& options = {});
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

}  // namespace rondo
