// The end of a model's plan: labels, loss and metrics on the predictions.
//
// Every batch row has its values computed by the thread that owns the row; the sums are taken afterwards by one thread,
// row by row, so that no number of threads shows in them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/builder.hpp"
#include "training/losses.hpp"
#include "training/metrics.hpp"

namespace rondo::training {

// A sum over rows and their number; the mean is what Keras logs.
struct RunningMean {
  double total = 0;
  double count = 0;
  double mean() const { return count == 0 ? 0 : total / count; }
};

class Head {
 public:
  // Binds loss and metrics to the shapes and takes buffers from the builder. ShapeError where the labels do not fit.
  Head(engine::PlanBuilder& builder, const engine::ValueInfo& prediction, const Shape& truth_sample, const Loss& loss,
       const std::vector<Metric>& metrics);

  // The labels' place in the arena, for staging.
  const engine::ValueInfo& truth() const { return truth_; }
  const BoundLoss& rule() const { return loss_; }
  bool sparse() const { return loss_.labels == Labels::sparse; }
  Index classes() const { return prediction_.features; }

  // Values of these batch rows; the gradient of the batch's mean loss too, where the plan has a place for it.
  void compute(const engine::Run& run, Range rows) const noexcept;

  // The mean loss of the batch, after compute() of all rows.
  double loss(const engine::Run& run) const noexcept;
  // Adds the batch's metric values to one running mean per metric.
  void add_metrics(const engine::Run& run, std::span<RunningMean> means) const noexcept;
  // A metric's epoch value from its running mean.
  double metric(std::size_t i, const RunningMean& mean) const;
  std::size_t metrics() const { return metrics_.size(); }

 private:
  struct MetricAt {
    BoundMetric metric;
    engine::Place values;
  };

  template <class T>
  void compute_as(const engine::Run& run, Range rows) const noexcept;
  RunningMean sum(const engine::Run& run, const engine::Place& values) const noexcept;
  template <class T>
  RunningMean sum_as(const engine::Run& run, const T* values) const noexcept;

  const kernels::KernelTable* table_;
  DType dtype_;
  Index capacity_;
  engine::ValueInfo prediction_;
  engine::ValueInfo truth_;
  BoundLoss loss_;
  engine::Place loss_values_;  // [step][row]
  std::vector<MetricAt> metrics_;
};

}  // namespace rondo::training
