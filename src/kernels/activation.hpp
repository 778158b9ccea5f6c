// The activations that kernels know, by kind and parameters. What users name is in <rondo/activations.hpp>.
#pragma once

namespace rondo::kernels {

enum class ActivationKind {
  // Elementwise.
  linear,
  relu,  // slope a below the threshold c, at most b
  elu,   // alpha a
  celu,  // alpha a
  selu,
  softplus,
  softsign,
  squareplus,   // b: a
  soft_shrink,  // threshold a
  hard_shrink,  // threshold a
  threshold,    // threshold a, value b at or below it
  sparse_plus,
  sparse_sigmoid,
  silu,
  gelu,
  gelu_tanh,
  tanh,
  tanh_shrink,
  sigmoid,
  exponential,
  hard_sigmoid,
  hard_sigmoid_2,  // that of Keras 1 and 2
  hard_silu,
  hard_tanh,
  mish,
  log_sigmoid,
  // Across the features of a row.
  softmax,
  log_softmax,
  sparsemax,
  glu,  // halves the features
};

constexpr bool is_elementwise(ActivationKind kind) { return kind < ActivationKind::softmax; }

struct Activation {
  ActivationKind kind = ActivationKind::linear;
  double a = 0, b = 0, c = 0;
  bool operator==(const Activation&) const = default;
};

}  // namespace rondo::kernels
