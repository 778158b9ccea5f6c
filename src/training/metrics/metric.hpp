// The rules behind the public Metric handles: what is kept of the batches of an epoch, and the result.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include <rondo/metrics.hpp>

#include "training/losses.hpp"
#include "training/metrics/batch.hpp"

namespace rondo::training {

// A metric for known shapes. Immutable; safe from any thread.
class BoundMetric {
 public:
  explicit BoundMetric(Labels labels = Labels::same, const Shape& result_shape = {})
      : labels_(labels), result_shape_(result_shape) {}
  virtual ~BoundMetric() = default;

  Labels labels() const { return labels_; }
  // {}: one number; or {n}.
  const Shape& result_shape() const { return result_shape_; }

  // How many doubles it keeps over an epoch, which begin as 0.
  virtual Index state_size() const = 0;
  // A value of each row, which the members of a team compute, each of its rows; null: the metric takes rows itself.
  virtual const RowFunction* rows() const { return nullptr; }
  // Whether single numbers of a row may have weights.
  virtual bool weighs_elements() const { return false; }
  // By one thread, batch after batch.
  virtual void add(const MetricBatch& batch, std::span<double> state) const = 0;
  // Fills as many numbers as the result has.
  virtual void result(std::span<const double> state, std::span<double> out) const = 0;

 private:
  Labels labels_;
  Shape result_shape_;
};

}  // namespace rondo::training

namespace rondo::detail {

class MetricImpl {
 public:
  virtual ~MetricImpl() = default;
  virtual std::string class_name() const = 0;  // empty: the name alone says it
  // Keras's, of a metric of this name.
  virtual nlohmann::ordered_json config(const std::string& name) const = 0;
  virtual Direction direction() const = 0;
  // Whether it is of values, not of labels and predictions: for MetricState alone.
  virtual bool of_values() const { return false; }
  // Sample shapes of predictions and labels. ShapeError, in words, where they do not fit; `name` is for the message.
  virtual std::shared_ptr<const training::BoundMetric> bind(const std::string& name, const Shape& prediction,
                                                            const Shape& truth) const = 0;
};

}  // namespace rondo::detail

namespace rondo::training {

// The mean of a function of rows. `config` is Keras's, whatever name it has.
std::shared_ptr<const detail::MetricImpl> rows_metric(std::string class_name, std::shared_ptr<const RowFunction> rows,
                                                      nlohmann::ordered_json config,
                                                      Direction direction = Direction::none);

}  // namespace rondo::training
