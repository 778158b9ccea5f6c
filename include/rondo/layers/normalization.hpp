// Layers that scale by what the data are like.
#pragma once

#include <optional>
#include <string>

#include <rondo/constraints.hpp>
#include <rondo/dtype_policy.hpp>
#include <rondo/initializers.hpp>
#include <rondo/layer.hpp>
#include <rondo/regularizers.hpp>

namespace rondo {

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
  std::optional<Regularizer> beta_regularizer = {}, gamma_regularizer = {};
  std::optional<Constraint> beta_constraint = {}, gamma_constraint = {};
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

}  // namespace rondo
