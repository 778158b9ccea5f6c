// Samples and labels of a call, checked against the model.
#pragma once

#include <string>

#include <rondo/tensor.hpp>

#include "training/model_node.hpp"

namespace rondo::training {

struct Data {
  const Tensor* X = nullptr;
  const Tensor* y = nullptr;
  Index samples = 0;
  Shape sample;  // of X, as the model reads it
  Shape truth;   // of y
};

// ShapeError unless data of these shapes, of rank 1 or more, have as many samples, and one at least. `what` as below.
void require_samples(const ModelNode& node, const Shape& X, const Shape& y, const std::string& what);

// Checks that X and y fit each other and the declared input; ShapeError otherwise. `what` names them in messages (""
// for the training data, "validation " for those).
Data check_data(const ModelNode& node, const Tensor& X, const Tensor& y, const std::string& what);

// The fixed part of N samples that a fraction of validation leaves for training (Keras: floor(N (1 - fraction))).
// ConfigError where nothing would remain on one side.
Index training_samples(const ModelNode& node, Index samples, double validation_split);

}  // namespace rondo::training
