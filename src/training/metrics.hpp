// The rules behind the public Metric handles: per row a value, over an epoch the mean of all rows that count.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include <rondo/metrics.hpp>

#include "training/losses.hpp"

namespace rondo::training {

// A metric for known shapes: a value of each row, and what becomes of their mean over an epoch.
struct BoundMetric {
  std::shared_ptr<const RowFunction> rows;
  bool root = false;  // the root of the mean
};

}  // namespace rondo::training

namespace rondo::detail {

class MetricImpl {
 public:
  virtual ~MetricImpl() = default;
  virtual std::string class_name() const = 0;
  // Keras's, of a metric of this name.
  virtual nlohmann::ordered_json config(const std::string& name) const = 0;
  // Sample shapes of predictions and labels. ShapeError, in words, where they do not fit; `name` is for the message.
  virtual training::BoundMetric bind(const std::string& name, const Shape& prediction, const Shape& truth) const = 0;
};

}  // namespace rondo::detail

namespace rondo::training {

// The mean of a function of rows. `config` is Keras's, whatever name it has.
std::shared_ptr<const detail::MetricImpl> rows_metric(std::string class_name, std::shared_ptr<const RowFunction> rows,
                                                      nlohmann::ordered_json config);

}  // namespace rondo::training
