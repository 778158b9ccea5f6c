// Metrics without a model: batches of tensors, in the order of rows in which a model's head has them.
#include <algorithm>
#include <vector>

#include <rondo/error.hpp>
#include <rondo/metrics.hpp>

#include "core/standard_floats.hpp"
#include "engine/staging.hpp"
#include "training/metrics/families.hpp"

namespace rondo {

namespace {

using training::BatchRows;
using training::BoundMetric;
using training::who;

// (N,) are rows of one number.
Shape in_rows(const Shape& prediction) { return prediction.rank() == 1 ? prediction.append(1) : prediction; }

// What the metric's function says of each row, [step][row].
template <class T>
std::vector<T> values_of_rows(const training::RowFunction& function, const BatchRows<T>& b) {
  std::vector<T> values(static_cast<std::size_t>(b.steps * b.rows));
  for (Index t = 0; t < b.steps; ++t) {
    function.rows(kernels::chosen().ops<T>(), {.rows = b.rows,
                                               .features = b.features,
                                               .truth = b.truth.at(0, t),
                                               .truth_stride = b.truth.batch_stride,
                                               .prediction = b.prediction.at(0, t),
                                               .prediction_stride = b.prediction.batch_stride,
                                               .value = values.data() + t * b.rows});
  }
  return values;
}

// Of each row, [step][row], from a weight for each row or for each sample.
template <class T>
std::vector<T> row_weights(const Tensor& weights, Index steps) {
  const Index rows = weights.shape()[0], of_sample = weights.size() / std::max<Index>(rows, 1);
  const auto given = weights.data<T>();
  std::vector<T> all;
  for (Index t = 0; t < steps; ++t) {
    for (Index b = 0; b < rows; ++b) {
      all.push_back(given[static_cast<std::size_t>(b * of_sample + (of_sample == steps ? t : 0))]);
    }
  }
  return all;
}

[[noreturn]] void refuse_weights(const std::string& name, const Tensor& weights, const Shape& beside) {
  throw ShapeError(who(name) + ": sample_weight has shape " + to_string(weights.shape()) +
                   ", which does not fit the shape " + to_string(beside) + " that it is for");
}

// Values and weights of a batch, of which a weight may be repeated along any axis.
class WeightedValues {
 public:
  WeightedValues(const std::string& name, const Tensor& values, const Tensor& weights)
      : dims_(values.shape()), given_(weights.shape()), weights_(weights.to_vector()) {
    while (given_.rank() > dims_.rank() && given_.back() == 1) given_ = given_.without_last();
    bool fits = given_.rank() <= dims_.rank();
    for (Index axis = 0; fits && axis < given_.rank(); ++axis) {
      fits = given_[axis] == dims_[axis] || given_[axis] == 1;
    }
    if (!fits) refuse_weights(name, weights, dims_);
  }

  // Of the value at a row-major position.
  double weight(Index position) const {
    Index at = 0, inside = dims_.elements();
    for (Index axis = 0; axis < given_.rank(); ++axis) {
      inside /= dims_[axis];
      const Index index = position / inside % dims_[axis];
      at = at * given_[axis] + (given_[axis] == 1 ? 0 : index);
    }
    return weights_[static_cast<std::size_t>(at)];
  }

 private:
  Shape dims_, given_;
  std::vector<double> weights_;
};

}  // namespace

void MetricState::update_state(const Tensor& y_true, const Tensor& y_pred, const std::optional<Tensor>& sample_weight) {
  const StandardFloats floats;
  if (metric_.impl().of_values()) {
    if (sample_weight) {
      throw ConfigError(who(metric_.name()) + " is of values: update_state(values, sample_weight)");
    }
    return add_values(y_true, y_pred);
  }
  const bool has_samples = y_true.rank() > 0 && y_pred.rank() > 0;
  if (!has_samples || y_true.shape()[0] != y_pred.shape()[0]) {
    throw ShapeError(who(metric_.name()) + ": y_true has shape " + to_string(y_true.shape()) + ", y_pred " +
                     to_string(y_pred.shape()) + "; the first axis must be the same samples");
  }
  const Tensor prediction = y_pred.reshape(in_rows(y_pred.shape()));
  bind(prediction.shape().from(1), y_true.shape().from(1));
  if (prediction.empty()) return;
  const bool single = prediction.dtype() == DType::float32 && y_true.dtype() == DType::float32;
  single ? add<float>(y_true, prediction, sample_weight) : add<double>(y_true, prediction, sample_weight);
}

void MetricState::update_state(const Tensor& values) {
  if (!metric_.impl().of_values()) {
    throw ConfigError(who(metric_.name()) + " compares labels with predictions: update_state(y_true, y_pred)");
  }
  const StandardFloats floats;
  add_values(values, {});
}

void MetricState::bind(const Shape& prediction, const Shape& truth) {
  std::shared_ptr<const BoundMetric> bound = metric_.impl().bind(metric_.name(), prediction, truth);
  if (bound_ == nullptr) {
    bound_ = std::move(bound);
    sample_ = prediction;
    return reset_state();
  }
  if (prediction.rank() == sample_.rank() && prediction.back() == sample_.back()) return;
  throw ShapeError(who(metric_.name()) + ": y_pred has shape " + to_string(prediction.prepend(Shape::kUnknown)) +
                   ", but began with " + to_string(sample_.prepend(Shape::kUnknown)) +
                   "; another kind of predictions takes a MetricState of its own");
}

template <class T>
void MetricState::add(const Tensor& truth, const Tensor& prediction, const std::optional<Tensor>& weights) {
  const Tensor t = truth.cast(dtype_of<T>), p = prediction.cast(dtype_of<T>);
  const Shape rows = p.shape().without_last();
  BatchRows<T> batch{.steps = rows.from(1).elements(), .rows = rows[0], .features = p.shape().back()};
  batch.labels = t.size() / rows.elements();
  batch.truth = {t.data<T>().data(), batch.steps * batch.labels, batch.labels};
  batch.prediction = {p.data<T>().data(), batch.steps * batch.features, batch.features};
  batch.stride = batch.rows;
  std::vector<T> values, of_rows;
  std::optional<Tensor> of_elements;
  if (const training::RowFunction* function = bound_->rows()) {
    values = values_of_rows(*function, batch);
    batch.values = values.data();
  }
  if (weights) {
    const Shape& given = weights->shape();
    if (given == rows || given == rows.append(1) || given == Shape{rows[0], 1}) {
      of_rows = row_weights<T>(weights->cast(dtype_of<T>), batch.steps);
      batch.weights = of_rows.data();
    } else if (bound_->weighs_elements() && given == p.shape()) {
      of_elements = weights->cast(dtype_of<T>);
      batch.element_weights = {of_elements->data<T>().data(), batch.steps * batch.features, batch.features};
    } else {
      refuse_weights(metric_.name(), *weights, bound_->weighs_elements() ? p.shape() : rows);
    }
  }
  bound_->add(batch, state_);
}

void MetricState::add_values(const Tensor& values, const std::optional<Tensor>& weights) {
  if (bound_ == nullptr) bind({}, {});
  if (values.empty()) return;
  const Index samples = values.rank() == 0 ? 1 : values.shape()[0], of_sample = values.size() / samples;
  std::optional<WeightedValues> weighted;
  if (weights) weighted.emplace(metric_.name(), values, *weights);
  const std::vector<double> given = values.to_vector();
  std::vector<double> by_step, weight_by_step;
  for (Index i = 0; i < of_sample; ++i) {
    for (Index b = 0; b < samples; ++b) {
      by_step.push_back(given[static_cast<std::size_t>(b * of_sample + i)]);
      if (weighted) weight_by_step.push_back(weighted->weight(b * of_sample + i));
    }
  }
  bound_->add(BatchRows<double>{.steps = of_sample,
                                .rows = samples,
                                .stride = samples,
                                .values = by_step.data(),
                                .weights = weighted ? weight_by_step.data() : nullptr},
              state_);
}

Tensor MetricState::result() const {
  const StandardFloats floats;
  if (bound_ == nullptr) {
    throw StateError(who(metric_.name()) + " was asked for its result before its first update_state");
  }
  std::vector<double> numbers(static_cast<std::size_t>(bound_->result_shape().elements()));
  bound_->result(state_, numbers);
  for (double& v : numbers) v = engine::standard_nan(v);
  return {bound_->result_shape(), std::move(numbers)};
}

void MetricState::reset_state() {
  state_.assign(bound_ == nullptr ? 0 : static_cast<std::size_t>(bound_->state_size()), 0);
}

}  // namespace rondo
