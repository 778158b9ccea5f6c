// Activation functions, by name or with parameters. The layer that applies one is rondo::Activation (layers.hpp).
//
//   LSTM(10, {.activation = "relu"});
//   Dense(3, {.activation = "softmax"});
//   Activation(activations::leaky_relu({.negative_slope = 0.1}));
//
// Names (Keras's): linear, relu, leaky_relu, relu6, elu, celu, selu, gelu, silu (also swish), hard_silu (hard_swish),
// sigmoid, hard_sigmoid, hard_sigmoid_2, sparse_sigmoid, log_sigmoid, tanh, hard_tanh, tanh_shrink, softplus, softsign,
// squareplus, sparse_plus, soft_shrink, hard_shrink, threshold, exponential, mish, softmax, log_softmax, sparsemax,
// glu. The last four work across the last axis; glu halves it. Formulas are Keras 3's; hard_sigmoid is relu6(x + 3)
// / 6. What Keras 1 and 2 called so is hard_sigmoid_2, x/5 + 1/2 within [0, 1]; set_keras_compat (keras_compat.hpp)
// makes the one name mean the other.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <rondo/shape.hpp>

namespace rondo {

namespace detail {
struct ActivationAccess;
}

// A function by name or from rondo::activations. A value; immutable; thread-safe.
class ActivationFn {
 public:
  // ConfigError for a name that is not known, with the nearest one that is.
  ActivationFn(const char* name) : ActivationFn(std::string(name)) {}
  ActivationFn(const std::string& name);
  ActivationFn(std::nullptr_t) = delete;

  // Keras's name: "tanh".
  const std::string& name() const { return name_; }
  bool operator==(const ActivationFn&) const = default;

 private:
  friend struct detail::ActivationAccess;
  ActivationFn() = default;
  std::string name_;
  int kind_ = 0;                  // kernels::ActivationKind
  double a_ = 0, b_ = 0, c_ = 0;  // its parameters
};

// All names that ActivationFn takes, in alphabetical order.
std::vector<std::string> activation_names();

// Functions with parameters, with Keras's names and defaults. Parameters must be finite: ConfigError otherwise.
namespace activations {

struct ReluOptions {
  Real negative_slope = 0.0;
  Real max_value = 1.0 / 0.0;  // 0 or more; infinity: no upper bound
  Real threshold = 0.0;
};
// x >= max_value: max_value; x > threshold: x; else negative_slope * (x - threshold).
ActivationFn relu(ReluOptions options = {});

struct LeakyReluOptions {
  Real negative_slope = 0.2;
};
ActivationFn leaky_relu(LeakyReluOptions options = {});

struct EluOptions {
  Real alpha = 1.0;  // celu: not 0
};
// x > 0: x; else alpha * (e^x - 1); celu: alpha * (e^(x / alpha) - 1).
ActivationFn elu(EluOptions options = {});
ActivationFn celu(EluOptions options = {});

struct GeluOptions {
  bool approximate = false;  // by tanh
};
ActivationFn gelu(GeluOptions options = {});

struct SquareplusOptions {
  Real b = 4.0;  // 0 or more
};
// (x + sqrt(x^2 + b)) / 2.
ActivationFn squareplus(SquareplusOptions options = {});

struct ShrinkOptions {
  Real threshold = 0.5;  // 0 or more
};
// soft: towards 0 by the threshold; hard: 0 within it.
ActivationFn soft_shrink(ShrinkOptions options = {});
ActivationFn hard_shrink(ShrinkOptions options = {});

struct ThresholdOptions {
  Real threshold = 1.0;
  Real default_value = 0.0;
};
// x > threshold: x; else default_value.
ActivationFn threshold(ThresholdOptions options = {});

}  // namespace activations
}  // namespace rondo
