#include "training/head.hpp"

#include <cmath>

namespace rondo::training {

Head::Head(engine::PlanBuilder& builder, const engine::ValueInfo& prediction, const Shape& truth_sample,
           const Loss& loss, const std::vector<Metric>& metrics)
    : table_(&kernels::chosen()),
      dtype_(builder.dtype()),
      capacity_(builder.capacity()),
      prediction_(prediction),
      loss_(loss.impl().bind(prediction.sample, truth_sample)) {
  const Index truth_features = loss_.labels == Labels::sparse ? 1 : prediction.features;
  truth_.sample = prediction.sample.with(-1, truth_features);
  truth_.steps = prediction.steps;
  truth_.features = truth_features;
  truth_.data = builder.rows(prediction.steps, truth_features, /*compact=*/true);
  loss_values_ = builder.elements(prediction.steps * capacity_);
  for (const Metric& metric : metrics) {
    metrics_.push_back({metric.impl().bind(metric.name(), prediction.sample, truth_sample),
                        builder.elements(prediction.steps * capacity_)});
  }
}

template <class T>
void Head::compute_as(const engine::Run& run, Range rows) const noexcept {
  const kernels::Ops<T>& ops = table_->ops<T>();
  const auto truth = truth_.data.rows<const T>(run.arena);
  const auto prediction = prediction_.data.rows<const T>(run.arena);
  const auto gradient = prediction_.gradient.rows<T>(run.arena);
  const T scale = T{1} / static_cast<T>(run.rows * prediction_.steps);
  for (Index t = 0; t < prediction_.steps; ++t) {
    const Index at = t * capacity_ + rows.begin;
    ops.loss({.kind = loss_.kind,
              .label_smoothing = loss_.label_smoothing,
              .rows = rows.size(),
              .features = prediction_.features,
              .truth = truth.at(rows.begin, t),
              .truth_stride = truth.batch_stride,
              .prediction = prediction.at(rows.begin, t),
              .prediction_stride = prediction.batch_stride,
              .value = loss_values_.pointer<T>(run.arena) + at,
              .gradient = gradient ? gradient.at(rows.begin, t) : nullptr,
              .gradient_stride = gradient.batch_stride,
              .scale = scale});
    for (const MetricAt& m : metrics_) {
      m.metric.rows(ops, truth.at(rows.begin, t), truth.batch_stride, prediction.at(rows.begin, t),
                    prediction.batch_stride, rows.size(), prediction_.features, m.values.pointer<T>(run.arena) + at);
    }
  }
}

void Head::compute(const engine::Run& run, Range rows) const noexcept {
  if (rows.empty()) return;
  dtype_ == DType::float32 ? compute_as<float>(run, rows) : compute_as<double>(run, rows);
}

template <class T>
RunningMean Head::sum_as(const engine::Run& run, const T* values) const noexcept {
  RunningMean mean;
  for (Index t = 0; t < prediction_.steps; ++t, values += capacity_) {
    for (Index b = 0; b < run.rows; ++b) mean.total += static_cast<double>(values[b]);
  }
  mean.count = static_cast<double>(prediction_.steps * run.rows);
  return mean;
}

RunningMean Head::sum(const engine::Run& run, const engine::Place& values) const noexcept {
  return dtype_ == DType::float32 ? sum_as(run, values.pointer<const float>(run.arena))
                                  : sum_as(run, values.pointer<const double>(run.arena));
}

double Head::loss(const engine::Run& run) const noexcept { return sum(run, loss_values_).mean(); }

void Head::add_metrics(const engine::Run& run, std::span<RunningMean> means) const noexcept {
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    const RunningMean batch = sum(run, metrics_[i].values);
    means[i].total += batch.total;
    means[i].count += batch.count;
  }
}

double Head::metric(std::size_t i, const RunningMean& mean) const {
  return metrics_[i].metric.root ? std::sqrt(mean.mean()) : mean.mean();
}

}  // namespace rondo::training
