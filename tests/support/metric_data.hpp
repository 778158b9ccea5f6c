// Labels, predictions and weights for tests of metrics, and what a metric makes of them.
#pragma once

#include <optional>
#include <random>
#include <vector>

#include <rondo/metrics.hpp>
#include <rondo/tensor.hpp>

namespace rondo::test {

struct MetricData {
  Tensor y_true;   // (rows, columns) of 0 and 1
  Tensor y_pred;   // multiples of 1/64 above 0, so that there are equals and what lies on thresholds
  Tensor weights;  // (rows,) of 0, 1, 2 and 3
};

inline MetricData metric_data(Index rows, Index columns, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<double> labels, predictions, weights;
  for (Index i = 0; i < rows * columns; ++i) {
    labels.push_back(static_cast<double>(random() % 2));
    predictions.push_back(static_cast<double>(random() % 64 + 1) / 64);
  }
  for (Index i = 0; i < rows; ++i) weights.push_back(static_cast<double>(random() % 4));
  return {Tensor({rows, columns}, labels), Tensor({rows, columns}, predictions), Tensor({rows}, weights)};
}

inline Tensor metric_result(const Metric& metric, const Tensor& y_true, const Tensor& y_pred,
                            const std::optional<Tensor>& weights = {}) {
  MetricState state(metric);
  state.update_state(y_true, y_pred, weights);
  return state.result();
}

// Of a metric that is one number.
inline double metric_value(const Metric& metric, const Tensor& y_true, const Tensor& y_pred,
                           const std::optional<Tensor>& weights = {}) {
  return metric_result(metric, y_true, y_pred, weights)();
}

}  // namespace rondo::test
