// The rules behind the public Loss handles: which labels fit which predictions, and which kernel computes the loss.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include <rondo/losses.hpp>
#include <rondo/shape.hpp>

#include "kernels/table.hpp"

namespace rondo::training {

// How labels stand beside predictions.
enum class Labels {
  same,    // the predictions' shape, up to a last axis of 1
  sparse,  // class numbers: the predictions' shape without the class axis, or with 1 there
};

// A loss for known shapes.
struct BoundLoss {
  kernels::LossKind kind = kernels::LossKind::mean_squared_error;
  double label_smoothing = 0;
  Labels labels = Labels::same;
};

// How labels of this sample shape fit predictions of that one; no value if they do not. Where both readings are
// possible (one output), `same` wins.
bool labels_fit(Labels labels, const Shape& prediction, const Shape& truth);

// The text of a mismatch, for a ShapeError. `who` is "loss 'mse'" or "metric 'accuracy'".
std::string labels_mismatch(const std::string& who, Labels expected, const Shape& prediction, const Shape& truth);

}  // namespace rondo::training

namespace rondo::detail {

class LossImpl {
 public:
  virtual ~LossImpl() = default;
  virtual const std::string& name() const = 0;        // "mean_squared_error"
  virtual nlohmann::ordered_json config() const = 0;  // Keras's
  // Sample shapes of predictions and labels. ShapeError, in words, where they do not fit.
  virtual training::BoundLoss bind(const Shape& prediction, const Shape& truth) const = 0;
};

}  // namespace rondo::detail
