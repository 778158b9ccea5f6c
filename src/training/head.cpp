#include "training/head.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/dispatch.hpp"
#include "core/thread_buffers.hpp"
#include "training/batch_losses.hpp"

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
      whole_(dynamic_cast<const BatchLoss*>(loss_.get())),
      loss_weight_(options.loss_weight),
      divides_by_weighted_rows_(options.divides_by_weighted_rows && sample_weights) {
  if (whole_ != nullptr && whole_->per() != Per::row) refuse_rows_of_different_weight(sample_weights);
  const auto beside_rows = [&](Index features) {
    engine::ValueInfo info;
    info.sample = prediction.sample.with(-1, features);
    info.steps = prediction.steps;
    info.features = features;
    info.data = builder.rows(prediction.steps, features, /*compact=*/true);
    return info;
  };
  truth_ = beside_rows(loss_->labels_in_row(prediction.features));
  if (loss_->labels() == Labels::sequence) {
    truth_.sample = truth_sample;
    truth_.steps = 1;
    truth_.features = truth_sample[0];
    truth_.data = builder.rows(truth_.steps, truth_.features, /*compact=*/true);
  }
  if (sample_weights) sample_weights_ = beside_rows(1);
  const auto number_a_row = [&] { return builder.elements(prediction.steps * capacity_); };
  loss_values_ = number_a_row();
  if (prediction.mask) {
    mask_weights_ = number_a_row();
    if (sample_weights) all_weights_ = number_a_row();
  }
  if (loss_->traits().ignored_class) loss_weights_ = number_a_row();
  if (weighs_rows()) counts_ = builder.elements(capacity_);
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

Place Head::loss_weights() const { return loss_weights_ ? loss_weights_ : row_weights(); }

bool Head::one_value_a_sample() const { return whole_ != nullptr && whole_->per() == Per::sample; }

// A sum over all rows of a sample or of the batch knows no weights of rows.
void Head::refuse_rows_of_different_weight(bool sample_weights) const {
  const std::string of = whole_->per() == Per::batch ? "the whole batch" : "a sample";
  const std::string what = "loss '" + loss_->traits().name + "' has one value of " + of + ": ";
  if (prediction_.mask) throw ConfigError(what + "it is not for outputs with a mask");
  if (sample_weights && whole_->per() == Per::batch) throw ConfigError(what + "it takes no sample_weight");
}

void Head::forward(const Run& run, const engine::Member& member, Index stage) const noexcept {
  const Range rows = member.share(run.rows);
  const bool last = stage + 1 == forward_stages();
  try {
    core::with_type(dtype_, [&]<class T>() {
      if (stage == 0 && weighs_rows()) return weigh_rows<T>(run, rows);
      if (whole_ != nullptr && stage == 1 && member.rank() == 0) return whole_batch<T>(run);
      if (last && !rows.empty()) values_of_rows<T>(run, rows);
    });
  } catch (...) {
    run.failure->report();
  }
}

template <class T>
void Head::weigh_rows(const Run& run, Range rows) const noexcept {
  const auto mask = prediction_.mask.rows<const std::uint8_t>(run.arena);
  const auto truth = truth_.data.rows<const T>(run.arena);
  const std::optional<Index>& ignored = loss_->traits().ignored_class;
  T* counts = counts_.pointer<T>(run.arena);
  std::fill(counts + rows.begin, counts + rows.end, T{0});
  const Index in_time_step = prediction_.steps_in_time_step();
  for (Index t = 0; t < prediction_.steps; ++t) {
    for (Index b = rows.begin; b < rows.end; ++b) {
      const Index at = t * capacity_ + b;
      const T masked = !mask || *mask.at(b, t / in_time_step) != 0 ? T{1} : T{0};
      const T counted = ignored && *truth.at(b, t) == static_cast<T>(*ignored) ? T{0} : masked;
      const T weight = sample_weights_ ? *sample_weights_->data.rows<const T>(run.arena).at(b, t) : T{1};
      counts[b] += counted;
      if (mask_weights_) mask_weights_.pointer<T>(run.arena)[at] = masked;
      if (all_weights_) all_weights_.pointer<T>(run.arena)[at] = masked * weight;
      if (loss_weights_) loss_weights_.pointer<T>(run.arena)[at] = counted * weight;
    }
  }
}

Head::Extent Head::loss_extent(const Run& run) const noexcept {
  if (whole_ == nullptr || whole_->per() == Per::row) return {prediction_.steps, run.rows};
  return {1, whole_->per() == Per::batch ? 1 : run.rows};
}

// f(place) for each value of the loss.
template <class F>
void Head::for_loss_values(const Run& run, F&& f) const {
  const Extent extent = loss_extent(run);
  for (Index t = 0; t < extent.steps; ++t) {
    for (Index i = t * capacity_; i < t * capacity_ + extent.rows; ++i) f(i);
  }
}

template <class T>
double Head::denominator(const Run& run) const noexcept {
  const Reduction reduction = loss_->traits().reduction;
  if (reduction == Reduction::sum || reduction == Reduction::none) return 1;
  double sum = 0;
  if (reduction == Reduction::weighted_mean && loss_weights()) {
    const T* weights = loss_weights().pointer<const T>(run.arena);
    for_loss_values(run, [&](Index i) { sum += static_cast<double>(weights[i]); });
    return sum;
  }
  if (whole_ != nullptr && whole_->leaves_zeros_out()) {
    const T* values = loss_values_.pointer<const T>(run.arena);
    const T* mask = mask_weights_.pointer<const T>(run.arena);
    for_loss_values(run, [&](Index i) { sum += values[i] != 0 && (mask == nullptr || mask[i] != 0) ? 1 : 0; });
    return sum;
  }
  const Extent extent = loss_extent(run);
  if (!counts_) return static_cast<double>(extent.steps * extent.rows);
  const T* counts = counts_.pointer<const T>(run.arena);
  for (Index b = 0; b < run.rows; ++b) sum += static_cast<double>(counts[b]);  // whole numbers: exact
  if (!divides_by_weighted_rows_) return sum;
  // The mean of loss mask / mean(mask) weight / mean(weight != 0).
  const T* weights = sample_weights_->data.pointer<const T>(run.arena);  // compact rows of one number
  double weighted = 0;
  for_loss_values(run, [&](Index i) { weighted += weights[i] != 0 ? 1 : 0; });
  return sum * weighted / static_cast<double>(extent.steps * extent.rows);
}

// ---- a loss of more than a row ------------------------------------------------------------------------------------

namespace {

struct WholeBatch {
  std::vector<double> truth, prediction, values, weights, gradient;
};

template <class T>
void gather(const engine::ValueInfo& info, const Run& run, std::vector<double>& to) {
  const auto from = info.data.rows<const T>(run.arena);
  to.clear();
  for (Index b = 0; b < run.rows; ++b) {
    for (Index t = 0; t < info.steps; ++t) to.insert(to.end(), from.at(b, t), from.at(b, t) + info.features);
  }
}

}  // namespace

template <class T>
void Head::whole_batch(const Run& run) const {
  core::ThreadBuffers<WholeBatch> buffers;
  WholeBatch& b = *buffers;
  gather<T>(truth_, run, b.truth);
  gather<T>(prediction_, run, b.prediction);
  const LossBatch batch{.samples = run.rows,
                        .steps = prediction_.steps,
                        .features = prediction_.features,
                        .labels = truth_.features,
                        .truth = b.truth,
                        .prediction = b.prediction};
  const Extent extent = loss_extent(run);
  // Of the losses, sample after sample; of the buffers, step after step.
  const auto number = [&](Index place) {
    return static_cast<std::size_t>(place % capacity_ * extent.steps + place / capacity_);
  };
  b.values.assign(static_cast<std::size_t>(extent.steps * extent.rows), 0);
  whole_->values(batch, b.values);
  T* values = loss_values_.pointer<T>(run.arena);
  for_loss_values(run, [&](Index i) { values[i] = static_cast<T>(b.values[number(i)]); });
  if (!prediction_.gradient) return;

  const double scale = scale_for<T>(run);
  const T* weights = loss_weights().pointer<const T>(run.arena);
  b.weights.assign(b.values.size(), scale);
  if (weights != nullptr) {
    for_loss_values(run, [&](Index i) { b.weights[number(i)] *= static_cast<double>(weights[i]); });
  }
  b.gradient.assign(b.prediction.size(), 0);
  whole_->add_gradient(batch, b.weights, b.gradient);
  const auto to = prediction_.gradient.rows<T>(run.arena);
  auto from = b.gradient.begin();
  for (Index row = 0; row < run.rows; ++row) {
    for (Index t = 0; t < prediction_.steps; ++t, from += prediction_.features) {
      std::transform(from, from + prediction_.features, to.at(row, t), [](double v) { return static_cast<T>(v); });
    }
  }
}

// What the derivatives of a row's value are multiplied with, besides its weight.
template <class T>
T Head::scale_for(const Run& run) const noexcept {
  const double count = denominator<T>(run);
  return count == 0 ? T{0} : static_cast<T>(loss_weight_) / static_cast<T>(count);
}

// ---- rows -----------------------------------------------------------------------------------------------------------

template <class T>
void Head::values_of_rows(const Run& run, Range rows) const {
  const kernels::Ops<T>& ops = table_->ops<T>();
  const auto truth = truth_.data.rows<const T>(run.arena);
  const auto prediction = prediction_.data.rows<const T>(run.arena);
  const auto gradient = prediction_.gradient.rows<T>(run.arena);
  const T* weights = loss_weights().pointer<const T>(run.arena);
  const T scale = whole_ == nullptr ? scale_for<T>(run) : T{0};
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
    if (whole_ == nullptr) loss_->rows(ops, args);
    args.gradient = nullptr;
    for (const MetricAt& m : metrics_) {
      if (!m.values) continue;
      args.value = m.values.pointer<T>(run.arena) + at;
      m.metric->rows()->rows(ops, args);
    }
  }
}

double Head::loss(const Run& run) const noexcept {
  return core::with_type(dtype_, [&]<class T>() {
    const T* values = loss_values_.pointer<const T>(run.arena);
    const T* weights = loss_weights().pointer<const T>(run.arena);
    const Extent extent = loss_extent(run);
    const double total = sum_of_rows(values, weights, extent.steps, extent.rows, capacity_).total;
    return RunningMean{total, denominator<T>(run)}.mean();
  });
}

std::vector<double> Head::loss_values(const Run& run) const {
  const Extent extent = loss_extent(run);
  std::vector<double> all(static_cast<std::size_t>(extent.steps * extent.rows));
  core::with_type(dtype_, [&]<class T>() {
    const T* values = loss_values_.pointer<const T>(run.arena);
    const T* weights = loss_weights().pointer<const T>(run.arena);
    for_loss_values(run, [&](Index i) {
      all[static_cast<std::size_t>(i % capacity_ * extent.steps + i / capacity_)] =
          static_cast<double>(values[i]) * (weights != nullptr ? static_cast<double>(weights[i]) : 1);
    });
  });
  return all;
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
