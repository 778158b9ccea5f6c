// The loop of predict.
#pragma once

#include "training/model_node.hpp"

namespace rondo::training {

// What happens around each batch, for callbacks and the progress bar.
class BatchHooks {
 public:
  virtual ~BatchHooks() = default;
  virtual void begin(Index batch) = 0;
  virtual void end(Index batch) = 0;
};

// The shape of the predictions for data of a shape. StateError before the model is built, ShapeError where X does not
// fit.
Shape prediction_shape(const ModelNode& node, const Shape& X);

// Predictions of X into `out`, which has that shape and the model's dtype (ShapeError otherwise). hooks may be null.
void predict_into(const ModelNode& node, const Tensor& X, Index batch_size, Tensor& out, BatchHooks* hooks);

}  // namespace rondo::training
