// Metrics, by name or as objects with options.
//
//   model.compile({.loss = "categorical_crossentropy", .metrics = {"accuracy", metrics::RootMeanSquaredError()}});
//
// Names (Keras's): the classes below in snake case, as "mean_absolute_error", "auc" or "f1_score"; mse, mae, mape, msle
// and bce for short; also rmse, which Keras does not know. "accuracy" (acc) becomes the binary, categorical or sparse
// one by the shapes of predictions and labels. The log key is the name as given.
//
// Formulas: t is a label, p its prediction, w the weight of their row (a sample, or a time step of one): 1, or 0 where
// a mask leaves it out, times the sample weight in weighted_metrics. A row of weight 0 is not there, whatever its
// numbers are. Labels have the predictions' shape unless it is said otherwise; (N,) and (N, 1) are the same.
//
// A metric of several numbers (of several thresholds, of each class) is logged as "<name>_0", "<name>_1", ...
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <rondo/metrics/accuracy.hpp>
#include <rondo/metrics/confusion.hpp>
#include <rondo/metrics/fscores.hpp>
#include <rondo/metrics/iou.hpp>
#include <rondo/metrics/means.hpp>
#include <rondo/metrics/metric.hpp>
#include <rondo/metrics/regression.hpp>
#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

namespace training {
class BoundMetric;
}  // namespace training

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
  Metrics(const std::vector<std::pair<std::string, std::vector<Metric>>>& named);

  // Of each output, in the order of the outputs.
  static Metrics of_each(const std::vector<std::vector<Metric>>& outputs);

  // How many of the metrics belong to which output, where that was said: by name, or in their order, with empty names.
  const std::vector<std::pair<std::string, std::size_t>>& outputs() const { return outputs_; }

 private:
  std::vector<std::pair<std::string, std::size_t>> outputs_;
};

// A metric at work without a model: what it makes of all that it has been shown.
//
//   MetricState auc(metrics::AUC({.num_thresholds = 500}));
//   auc.update_state(y_true, y_pred);
//   double area = auc.result()();
//
// A value: a copy goes on by itself. Not for several threads at once.
class MetricState {
 public:
  explicit MetricState(const Metric& metric) : metric_(metric) {}

  const Metric& metric() const { return metric_; }

  // Adds a batch: predictions (N, C) or (N, T, C), or (N,) for rows of one number, and labels that fit them. A weight
  // for each row, (N,) or (N, T), or for all steps of a sample, (N, 1); counts, Precision, Recall and AUC also take one
  // for each number, of the predictions' shape. ShapeError where these do not fit each other, or the first batch: the
  // number of samples and of time steps may change, nothing else.
  //
  // Of Mean and Sum: values, and a weight for each, or of a shape that repeats along the values' axes.
  void update_state(const Tensor& y_true, const Tensor& y_pred, const std::optional<Tensor>& sample_weight = {});
  // Of Mean and Sum. ConfigError for any other metric.
  void update_state(const Tensor& values);

  // A scalar, or a vector of several numbers; float64. StateError before the first update.
  Tensor result() const;
  void reset_state();

 private:
  template <class T>
  void add(const Tensor& truth, const Tensor& prediction, const std::optional<Tensor>& weights);
  void add_values(const Tensor& values, const std::optional<Tensor>& weights);
  void bind(const Shape& prediction, const Shape& truth);

  Metric metric_;
  std::shared_ptr<const training::BoundMetric> bound_;  // once shapes are known
  Shape sample_;                                        // of the first predictions
  std::vector<double> state_;
};

}  // namespace rondo
