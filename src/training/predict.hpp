// The loop of predict.
#pragma once

#include <span>
#include <vector>

#include "training/data.hpp"
#include "training/model_node.hpp"

namespace rondo::training {

// What happens around each batch, for callbacks and the progress bar.
class BatchHooks {
 public:
  virtual ~BatchHooks() = default;
  virtual void begin(Index batch) = 0;
  virtual void end(Index batch) = 0;
};

// StateError before the model is built.
void require_built(const ModelNode& node);

// Tensors for the predictions of X. StateError before the model is built, ShapeError where X does not fit.
std::vector<Tensor> prediction_tensors(const ModelNode& node, const Tensors& X);

// Predictions of X into `out`, which have those shapes and the model's dtype (ShapeError otherwise). hooks may be null.
// Allocates nothing where the program is known and there are few inputs and outputs.
void predict_into(const ModelNode& node, std::span<const Tensor* const> X, Index batch_size,
                  std::span<Tensor* const> out, BatchHooks* hooks);

}  // namespace rondo::training
