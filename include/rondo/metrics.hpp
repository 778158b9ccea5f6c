// Metrics, by name or as objects with options.
//
//   model.compile({.loss = "categorical_crossentropy", .metrics = {"accuracy", metrics::RootMeanSquaredError()}});
//
// Names (Keras's): accuracy (acc), binary_accuracy, categorical_accuracy, sparse_categorical_accuracy, mse, mae, mape,
// msle, root_mean_squared_error (also rmse, which Keras does not know), log_cosh_error, cosine_similarity, poisson,
// kl_divergence, categorical_hinge, and the crossentropies' names. "accuracy" becomes the binary, categorical or sparse
// one by the shapes of predictions and labels. The log key is the name as given.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <rondo/losses.hpp>
#include <rondo/shape.hpp>

namespace rondo {

namespace detail {
class MetricImpl;
struct Access;
}  // namespace detail

// A metric by name or from rondo::metrics. A value that is never empty; immutable; thread-safe. Not a base for metrics
// of your own.
class Metric {
 public:
  // ConfigError for a name that is not known, with the nearest one that is.
  Metric(const char* name) : Metric(std::string(name)) {}
  Metric(const std::string& name);
  Metric(std::nullptr_t) = delete;
  Metric(const Metric&) = default;
  Metric& operator=(const Metric&) = default;

  // The key in history and logs.
  const std::string& name() const { return name_; }
  // The same metric under another key.
  Metric renamed(const std::string& name) const { return Metric(name, impl_); }
  const detail::MetricImpl& impl() const { return *impl_; }

 private:
  friend struct detail::Access;
  Metric(std::string name, std::shared_ptr<const detail::MetricImpl> impl)
      : name_(std::move(name)), impl_(std::move(impl)) {}

  std::string name_;
  std::shared_ptr<const detail::MetricImpl> impl_;
};

// Metrics for compile, in order: {"mae", metrics::BinaryAccuracy()}, or names that a program has in a vector.
//
// Of a model with several outputs: one for each output, in order, or any number by the outputs' names (of the layers
// that make them): {{"price", {"mae", "mse"}}, {"sold", {"accuracy"}}}. They are logged as "price_mae".
class Metrics : public std::vector<Metric> {
 public:
  using std::vector<Metric>::vector;
  Metrics(const std::vector<Metric>& metrics) : std::vector<Metric>(metrics) {}
  // ConfigError for a name that is not known.
  Metrics(const std::vector<std::string>& names) : std::vector<Metric>(names.begin(), names.end()) {}
  Metrics(std::initializer_list<std::pair<const char*, std::vector<Metric>>> named);

  // How many of the metrics belong to which output, where they were given by name; none otherwise.
  const std::vector<std::pair<std::string, std::size_t>>& outputs() const { return outputs_; }

 private:
  std::vector<std::pair<std::string, std::size_t>> outputs_;
};

namespace metrics {

struct NameOptions {
  std::string name = {};  // default: the class in snake case
};

class MeanSquaredError : public Metric {
 public:
  explicit MeanSquaredError(const NameOptions& options = {});
};
class MeanAbsoluteError : public Metric {
 public:
  explicit MeanAbsoluteError(const NameOptions& options = {});
};
class MeanAbsolutePercentageError : public Metric {
 public:
  explicit MeanAbsolutePercentageError(const NameOptions& options = {});
};
class MeanSquaredLogarithmicError : public Metric {
 public:
  explicit MeanSquaredLogarithmicError(const NameOptions& options = {});
};
// Keras's name: "logcosh".
class LogCoshError : public Metric {
 public:
  explicit LogCoshError(const NameOptions& options = {});
};
class Poisson : public Metric {
 public:
  explicit Poisson(const NameOptions& options = {});
};
class KLDivergence : public Metric {
 public:
  explicit KLDivergence(const NameOptions& options = {});
};
class CategoricalHinge : public Metric {
 public:
  explicit CategoricalHinge(const NameOptions& options = {});
};
// The cosine itself: 1 for the same direction, where the loss is -1.
class CosineSimilarity : public Metric {
 public:
  explicit CosineSimilarity(const NameOptions& options = {});
};
// The root of the mean over all samples of an epoch, not the mean of the batches' roots.
class RootMeanSquaredError : public Metric {
 public:
  explicit RootMeanSquaredError(const NameOptions& options = {});
};

struct BinaryAccuracyOptions {
  std::string name = {};
  Real threshold = 0.5;  // 0 for logits
};
// How often (prediction > threshold) equals the label.
class BinaryAccuracy : public Metric {
 public:
  explicit BinaryAccuracy(const BinaryAccuracyOptions& options = {});
};

struct BinaryCrossentropyOptions {
  std::string name = {};
  bool from_logits = false;
  Real label_smoothing = 0.0;
};
// As the loss.
class BinaryCrossentropy : public Metric {
 public:
  explicit BinaryCrossentropy(const BinaryCrossentropyOptions& options = {});
};
struct CategoricalCrossentropyOptions {
  std::string name = {};
  bool from_logits = false;
  Real label_smoothing = 0.0;
};
class CategoricalCrossentropy : public Metric {
 public:
  explicit CategoricalCrossentropy(const CategoricalCrossentropyOptions& options = {});
};
struct SparseCategoricalCrossentropyOptions {
  std::string name = {};
  bool from_logits = false;
};
class SparseCategoricalCrossentropy : public Metric {
 public:
  explicit SparseCategoricalCrossentropy(const SparseCategoricalCrossentropyOptions& options = {});
};
// How often the largest prediction stands where the largest label stands: the first of equals; NaN counts as largest.
class CategoricalAccuracy : public Metric {
 public:
  explicit CategoricalAccuracy(const NameOptions& options = {});
};
// The same with class numbers as labels.
class SparseCategoricalAccuracy : public Metric {
 public:
  explicit SparseCategoricalAccuracy(const NameOptions& options = {});
};

}  // namespace metrics
}  // namespace rondo
