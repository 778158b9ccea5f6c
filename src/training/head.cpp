#include "training/head.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/dispatch.hpp"

namespace rondo::training {

using engine::Place;
using engine::Run;

Head::Head(engine::PlanBuilder& builder, const engine::ValueInfo& prediction, const Shape& truth_sample,
           const HeadOptions& options, bool sample_weights)
    : table_(&kernels::chosen()),
      dtype_(builder.dtype()),
      capacity_(builder.capacity()),
      prediction_(prediction),
      loss_(options.loss->impl().bind(prediction.sample, truth_sample)),
      loss_weight_(options.loss_weight) {
  const auto beside_rows = [&](Index features) {
    engine::ValueInfo info;
    info.sample = prediction.sample.with(-1, features);
    info.steps = prediction.steps;
    info.features = features;
    info.data = builder.rows(prediction.steps, features, /*compact=*/true);
    return info;
  };
  truth_ = beside_rows(loss_->labels_in_row(prediction.features));
  if (sample_weights) sample_weights_ = beside_rows(1);
  const auto number_a_row = [&] { return builder.elements(prediction.steps * capacity_); };
  loss_values_ = number_a_row();
  if (prediction.mask) {
    mask_weights_ = number_a_row();
    counts_ = builder.elements(capacity_);
    if (sample_weights) all_weights_ = number_a_row();
  }
  for (std::size_t i = 0; i < options.metrics.size(); ++i) {
    const Metric& metric = options.metrics[i];
    auto bound = metric.impl().bind(metric.name(), prediction.sample, truth_sample);
    const engine::Place values = bound->rows() != nullptr ? number_a_row() : engine::Place{};
    metrics_.push_back({std::move(bound), /*weighted=*/i >= options.unweighted_metrics, values});
  }
}

// [step][row], or nowhere: all count for 1.
Place Head::row_weights() const {
  if (all_weights_) return all_weights_;
  if (mask_weights_) return mask_weights_;
  return sample_weights_ ? sample_weights_->data : Place{};  // compact rows of one number stand just so
}

void Head::forward(const Run& run, const engine::Member& member, Index stage) const noexcept {
  const Range rows = member.share(run.rows);
  if (prediction_.mask && stage == 0) return core::with_type(dtype_, [&]<class T>() { weigh_rows<T>(run, rows); });
  if (rows.empty()) return;
  try {
    core::with_type(dtype_, [&]<class T>() { values_of_rows<T>(run, rows); });
  } catch (...) {
    run.failure->report();
  }
}

template <class T>
void Head::weigh_rows(const Run& run, Range rows) const noexcept {
  const auto mask = prediction_.mask.rows<const std::uint8_t>(run.arena);
  T* counts = counts_.pointer<T>(run.arena);
  std::fill(counts + rows.begin, counts + rows.end, T{0});
  const Index in_time_step = prediction_.steps_in_time_step();
  for (Index t = 0; t < prediction_.steps; ++t) {
    for (Index b = rows.begin; b < rows.end; ++b) {
      const T counted = *mask.at(b, t / in_time_step) != 0 ? T{1} : T{0};
      mask_weights_.pointer<T>(run.arena)[t * capacity_ + b] = counted;
      counts[b] += counted;
      if (!all_weights_) continue;
      all_weights_.pointer<T>(run.arena)[t * capacity_ + b] =
          counted * *sample_weights_->data.rows<const T>(run.arena).at(b, t);
    }
  }
}

template <class T>
double Head::denominator(const Run& run) const noexcept {
  const Reduction reduction = loss_->traits().reduction;
  if (reduction == Reduction::sum) return 1;
  if (reduction == Reduction::weighted_mean && row_weights()) return sum_of_weights<T>(run);
  if (!counts_) return static_cast<double>(prediction_.steps * run.rows);
  const T* counts = counts_.pointer<const T>(run.arena);
  double sum = 0;  // of whole numbers: exact
  for (Index b = 0; b < run.rows; ++b) sum += static_cast<double>(counts[b]);
  return sum;
}

template <class T>
double Head::sum_of_weights(const Run& run) const noexcept {
  const T* weights = row_weights().pointer<const T>(run.arena);
  double sum = 0;
  for (Index t = 0; t < prediction_.steps; ++t) {
    for (Index i = t * capacity_; i < t * capacity_ + run.rows; ++i) sum += static_cast<double>(weights[i]);
  }
  return sum;
}

template <class T>
void Head::values_of_rows(const Run& run, Range rows) const {
  const kernels::Ops<T>& ops = table_->ops<T>();
  const auto truth = truth_.data.rows<const T>(run.arena);
  const auto prediction = prediction_.data.rows<const T>(run.arena);
  const auto gradient = prediction_.gradient.rows<T>(run.arena);
  const T* weights = row_weights().pointer<const T>(run.arena);
  const double count = denominator<T>(run);
  const T scale = count == 0 ? T{0} : static_cast<T>(loss_weight_) / static_cast<T>(count);
  for (Index t = 0; t < prediction_.steps; ++t) {
    const Index at = t * capacity_ + rows.begin;
    kernels::LossArgs<T> args{.rows = rows.size(),
                              .features = prediction_.features,
                              .truth = truth.at(rows.begin, t),
                              .truth_stride = truth.batch_stride,
                              .prediction = prediction.at(rows.begin, t),
                              .prediction_stride = prediction.batch_stride,
                              .value = loss_values_.pointer<T>(run.arena) + at,
                              .gradient = gradient ? gradient.at(rows.begin, t) : nullptr,
                              .gradient_stride = gradient.batch_stride,
                              .scale = scale,
                              .row_weights = weights != nullptr ? weights + at : nullptr};
    loss_->rows(ops, args);
    args.gradient = nullptr;
    for (const MetricAt& m : metrics_) {
      if (!m.values) continue;
      args.value = m.values.pointer<T>(run.arena) + at;
      m.metric->rows()->rows(ops, args);
    }
  }
}

RunningMean Head::sum(const Run& run, const Place& values, const Place& weights) const noexcept {
  return core::with_type(dtype_, [&]<class T>() {
    return sum_of_rows(values.pointer<const T>(run.arena), weights.pointer<const T>(run.arena), prediction_.steps,
                       run.rows, capacity_);
  });
}

double Head::loss(const Run& run) const noexcept {
  const double count = core::with_type(dtype_, [&]<class T>() { return denominator<T>(run); });
  return RunningMean{sum(run, loss_values_, row_weights()).total, count}.mean();
}

template <class T>
BatchRows<T> Head::batch_for(const Run& run, const MetricAt& metric) const noexcept {
  return {.steps = prediction_.steps,
          .rows = run.rows,
          .truth = truth_.data.rows<const T>(run.arena),
          .prediction = prediction_.data.rows<const T>(run.arena),
          .labels = truth_.features,
          .features = prediction_.features,
          .stride = capacity_,
          .values = metric.values.pointer<const T>(run.arena),
          .weights = (metric.weighted ? row_weights() : mask_weights_).template pointer<const T>(run.arena)};
}

void Head::add_metric(const Run& run, std::size_t i, std::span<double> state) const {
  const MetricAt& m = metrics_[i];
  core::with_type(dtype_, [&]<class T>() { m.metric->add(batch_for<T>(run, m), state); });
}

}  // namespace rondo::training
