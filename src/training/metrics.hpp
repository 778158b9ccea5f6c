// The rules behind the public Metric handles: per row a value, over an epoch the mean of all rows.
#pragma once

#include <memory>
#include <string>

#include <rondo/metrics.hpp>

#include "training/losses.hpp"

namespace rondo::training {

// A metric for known shapes.
struct BoundMetric {
  enum class Kind { loss, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy };
  Kind kind = Kind::loss;
  BoundLoss loss = {};   // for Kind::loss
  double threshold = 0;  // for binary_accuracy
  bool root = false;     // the root of the mean

  // values[r] for rows of predictions and labels, strides in elements.
  template <class T>
  void rows(const kernels::Ops<T>& ops, const T* truth, Index truth_stride, const T* prediction,
            Index prediction_stride, Index rows, Index features, T* values) const;
};

}  // namespace rondo::training

namespace rondo::detail {

class MetricImpl {
 public:
  virtual ~MetricImpl() = default;
  virtual std::string class_name() const = 0;
  // Sample shapes of predictions and labels. ShapeError, in words, where they do not fit; `name` is for the message.
  virtual training::BoundMetric bind(const std::string& name, const Shape& prediction, const Shape& truth) const = 0;
};

}  // namespace rondo::detail
