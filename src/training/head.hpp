// Head: what stands behind an output of a model in training and evaluation: labels, loss and metrics.
//
// Every batch row has its values computed by the thread that owns the row; the sums are taken afterwards by one thread,
// row by row, so that no number of threads shows in them.
//
// Rows may weigh differently: a mask of the output leaves time steps out, the user's sample weights count some for
// more. Keras's denominators: a loss is divided by the number of rows, or by that of the rows that the mask leaves,
// whatever the sample weights are, unless its reduction is another one; a metric by the sum of the weights. The number
// that a mask leaves is the whole batch's, so a head with a mask takes two stages.
//
// A loss of more than a row (batch_losses.hpp) is computed by one member, when all rows are there.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/builder.hpp"
#include "training/losses.hpp"
#include "training/metrics/metric.hpp"
#include "training/running_mean.hpp"

namespace rondo::training {

class BatchLoss;

// What compile says about one output.
struct HeadOptions {
  std::optional<Loss> loss = {};
  double loss_weight = 1;
  std::vector<Metric> metrics = {};  // the first ones; then those that heed sample weights
  std::size_t unweighted_metrics = 0;
  // As in Keras 1 and 2.0: rows whose sample weight is 0 are not among those that the loss is divided by.
  bool divides_by_weighted_rows = false;
};

class Head final : public engine::Executor {
 public:
  // Binds loss and metrics to the shapes and takes buffers from the builder; room for sample weights too, if there are
  // any. ShapeError where the labels do not fit.
  Head(engine::PlanBuilder& builder, const engine::ValueInfo& prediction, const Shape& truth_sample,
       const HeadOptions& options, bool sample_weights);

  // The places in the arena of the labels and of a sample weight for each row (time step), for staging.
  const engine::ValueInfo& truth() const { return truth_; }
  const std::optional<engine::ValueInfo>& sample_weights() const { return sample_weights_; }
  const BoundLoss& loss_function() const { return *loss_; }
  Index classes() const { return prediction_.features; }
  // Whether all rows of a sample have one value together, and so one weight.
  bool one_value_a_sample() const;

  // Values of the member's rows; the gradient of the batch's loss too, where the plan has a place for it.
  Index forward_stages() const override { return whole_ != nullptr ? 3 : weighs_rows() ? 2 : 1; }
  void forward(const engine::Run& run, const engine::Member& member, Index stage) const noexcept override;
  void backward(const engine::Run&, const engine::Member&, Index) const noexcept override {}
  double flops_per_row() const override { return 0; }  // next to nothing

  // The loss of the batch, without its weight among other outputs, after forward.
  double loss(const engine::Run& run) const noexcept;
  // The values that it is made of, times their weights: [sample][row], or fewer of a loss of more than a row.
  std::vector<double> loss_values(const engine::Run& run) const;
  double loss_weight() const { return loss_weight_; }

  std::size_t metrics() const { return metrics_.size(); }
  const std::shared_ptr<const BoundMetric>& metric(std::size_t i) const { return metrics_[i].metric; }
  // Adds the batch to what the metric keeps of an epoch, after forward.
  void add_metric(const engine::Run& run, std::size_t i, std::span<double> state) const;

 private:
  struct MetricAt {
    std::shared_ptr<const BoundMetric> metric;
    bool weighted;         // by sample weights; by the mask they all are
    engine::Place values;  // nowhere where it takes rows itself
  };

  // Of the values of a loss: rows in the buffers' order, [step][row].
  struct Extent {
    Index steps, rows;
  };
  Extent loss_extent(const engine::Run& run) const noexcept;
  // Whether it is not known beforehand which rows count.
  bool weighs_rows() const { return prediction_.mask || loss_->traits().ignored_class || divides_by_weighted_rows_; }

  template <class F>
  void for_loss_values(const engine::Run& run, F&& f) const;
  void refuse_rows_of_different_weight(bool sample_weights) const;
  template <class T>
  T scale_for(const engine::Run& run) const noexcept;
  template <class T>
  void whole_batch(const engine::Run& run) const;
  template <class T>
  void weigh_rows(const engine::Run& run, Range rows) const noexcept;
  template <class T>
  void values_of_rows(const engine::Run& run, Range rows) const;
  // By how much the losses of all rows are divided.
  template <class T>
  double denominator(const engine::Run& run) const noexcept;
  template <class T>
  BatchRows<T> batch_for(const engine::Run& run, const MetricAt& metric) const noexcept;
  engine::Place row_weights() const;
  engine::Place loss_weights() const;

  const kernels::KernelTable* table_;
  DType dtype_;
  Index capacity_;
  engine::ValueInfo prediction_;
  engine::ValueInfo truth_;
  std::optional<engine::ValueInfo> sample_weights_;
  std::shared_ptr<const BoundLoss> loss_;
  const BatchLoss* whole_;  // the same, if it is of more than a row
  double loss_weight_;
  bool divides_by_weighted_rows_;
  // Each [step][row]:
  engine::Place loss_values_;
  engine::Place mask_weights_;  // 0 or 1; nowhere without a mask
  engine::Place all_weights_;   // times the sample weights; nowhere without a mask or without them
  engine::Place loss_weights_;  // times whether the loss counts the row; nowhere if it counts all that a mask leaves
  engine::Place counts_;        // [row]: how many steps count in the loss; nowhere if it is known
  std::vector<MetricAt> metrics_;
};

}  // namespace rondo::training
