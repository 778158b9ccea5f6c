// Losses, by name or as objects with options.
//
//   model.compile({.loss = "mse"});
//   model.compile({.loss = losses::BinaryCrossentropy({.from_logits = true})});
//   model.compile({.loss = {"mse", "binary_crossentropy"}, .loss_weights = {1.0, 0.3}});   two outputs
//
// Names (Keras's): mean_squared_error (mse, MSE), mean_absolute_error (mae, MAE), binary_crossentropy (bce, BCE),
// categorical_crossentropy, sparse_categorical_crossentropy, and crossentropy (ce), which becomes one of the last three
// by the shapes of predictions and labels. Class names ("MeanSquaredError") are taken too.
//
// The loss of a batch is the mean over all samples (and time steps) of the value per row; where the output has a mask,
// over the steps that count. Labels must have the
// predictions' shape; (N,) and (N, 1) are the same. Sparse labels are class numbers without the class axis; those of
// the other crossentropies lie between 0 and 1 (rows need not sum to 1). fit and evaluate refuse others.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

// Losses for compile: one for all outputs, one for each in the model's order, or one for each by the outputs' names (of
// the layers that make them):
//
//   .loss = "mse"      .loss = {"mse", "mae"}      .loss = {{"price", "mse"}, {"sold", "binary_crossentropy"}}
class Losses {
 public:
  Losses() = default;  // none
  Losses(std::nullopt_t) {}
  Losses(const char* name) : losses_{Loss(name)} {}
  Losses(const std::string& name) : losses_{Loss(name)} {}
  Losses(std::nullptr_t) = delete;
  Losses(const Loss& loss) : losses_{loss} {}
  Losses(std::initializer_list<Loss> losses) : losses_(losses) {}
  Losses(const std::vector<Loss>& losses) : losses_(losses) {}
  Losses(std::initializer_list<std::pair<const char*, Loss>> named);

  explicit operator bool() const { return !losses_.empty(); }
  const std::vector<Loss>& losses() const { return losses_; }
  // As many as losses, or none.
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<Loss> losses_;
  std::vector<std::string> names_;
};

// What the losses of several outputs are multiplied with before they are added up: .loss_weights = {1.0, 0.3}, or by
// the outputs' names, {{"price", 1.0}, {"sold", 0.3}}. Default: 1 each. Any finite number.
class LossWeights {
 public:
  LossWeights() = default;
  LossWeights(std::initializer_list<Real> weights);
  LossWeights(const std::vector<double>& weights) : weights_(weights) {}
  LossWeights(std::initializer_list<std::pair<const char*, Real>> named);

  const std::vector<double>& weights() const { return weights_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<double> weights_;
  std::vector<std::string> names_;
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
