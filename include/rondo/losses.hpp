// Losses, by name or as objects with options.
//
//   model.compile({.loss = "mse"});
//   model.compile({.loss = losses::BinaryCrossentropy({.from_logits = true})});
//
// Names (Keras's): mean_squared_error (mse, MSE), mean_absolute_error (mae, MAE), binary_crossentropy (bce, BCE),
// categorical_crossentropy, sparse_categorical_crossentropy, and crossentropy (ce), which becomes one of the last three
// by the shapes of predictions and labels. Class names ("MeanSquaredError") are taken too.
//
// The loss of a batch is the mean over all samples (and time steps) of the value per row. Labels must have the
// predictions' shape; (N,) and (N, 1) are the same. Sparse labels are class numbers without the class axis; those of
// the other crossentropies lie between 0 and 1 (rows need not sum to 1). fit and evaluate refuse others.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <rondo/shape.hpp>

namespace rondo {

namespace detail {
class LossImpl;
struct Access;
}  // namespace detail

// A loss by name or from rondo::losses. A value that is never empty; immutable; thread-safe. Not a base for losses of
// your own.
class Loss {
 public:
  // ConfigError for a name that is not known, with the nearest one that is.
  Loss(const char* name) : Loss(std::string(name)) {}
  Loss(const std::string& name);
  Loss(std::nullptr_t) = delete;
  Loss(const Loss&) = default;
  Loss& operator=(const Loss&) = default;

  // Keras's function name: "mean_squared_error".
  const std::string& name() const;
  const detail::LossImpl& impl() const { return *impl_; }

 private:
  friend struct detail::Access;
  explicit Loss(std::shared_ptr<const detail::LossImpl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<const detail::LossImpl> impl_;
};

namespace losses {

// Mean over the last axis of (prediction - label)^2.
class MeanSquaredError : public Loss {
 public:
  MeanSquaredError();
};

// Mean over the last axis of |prediction - label|.
class MeanAbsoluteError : public Loss {
 public:
  MeanAbsoluteError();
};

struct BinaryCrossentropyOptions {
  bool from_logits = false;    // predictions are before the sigmoid
  Real label_smoothing = 0.0;  // s: labels become t (1 - s) + s / 2
};
// Mean over the last axis of -(t log p + (1 - t) log(1 - p)), p within [1e-7, 1 - 1e-7].
class BinaryCrossentropy : public Loss {
 public:
  explicit BinaryCrossentropy(BinaryCrossentropyOptions options = {});
};

struct CategoricalCrossentropyOptions {
  bool from_logits = false;    // predictions are before the softmax
  Real label_smoothing = 0.0;  // s: labels become t (1 - s) + s / classes
};
// -sum over classes of t log(p / sum p), with p / sum p within [1e-7, 1 - 1e-7].
class CategoricalCrossentropy : public Loss {
 public:
  explicit CategoricalCrossentropy(CategoricalCrossentropyOptions options = {});
};

struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;
};
// Categorical crossentropy whose labels are class numbers 0, 1, ...
class SparseCategoricalCrossentropy : public Loss {
 public:
  explicit SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options = {});
};

}  // namespace losses
}  // namespace rondo
