// Layers that many models begin and end with.
#pragma once

#include <optional>
#include <string>

#include <rondo/activations.hpp>
#include <rondo/constraints.hpp>
#include <rondo/dtype_policy.hpp>
#include <rondo/initializers.hpp>
#include <rondo/layer.hpp>
#include <rondo/regularizers.hpp>

namespace rondo {

struct InputOptions {
  std::optional<DTypePolicy> dtype = {};  // default: dtype_policy()
  std::string name = {};                  // default: "input_layer", "input_layer_1", ...
  // Rows of a batch, for files: Keras loads a model with stateful layers where it knows them. Rondo takes any number.
  std::optional<Dim> batch_size = {};
};

// The shape of one sample, without the batch axis: Input({timesteps, features}). The first entry of a Sequential model,
// or where a graph begins (symbol.hpp).
class Input : public Layer {
 public:
  explicit Input(const Shape& shape, const InputOptions& options = {});

  // What enters there; the same one each time.
  operator Symbol() const;
};

struct DenseOptions {
  ActivationFn activation = "linear";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  std::optional<Regularizer> kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  std::optional<Constraint> kernel_constraint = {}, bias_constraint = {};
  bool trainable = true;
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};  // of a sample, on a model's first layer: {features}
};

// y = f(x K + b) along the last axis of an input of rank 2 or more: (batch, ..., features) to (batch, ..., units).
// Weights: kernel (features, units), bias (units). An activity_regularizer is on y.
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

}  // namespace rondo
