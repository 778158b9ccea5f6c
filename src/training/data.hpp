// Samples and labels of a call, checked against the model.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <rondo/tensor.hpp>

#include "training/model_node.hpp"

namespace rondo::training {

// One tensor for each input of a model. The caller keeps them.
using Tensors = std::vector<const Tensor*>;

struct Data {
  Tensors X;
  const Tensor* y = nullptr;
  Index samples = 0;
  std::vector<Shape> sample;  // of each X, as the model reads it
  Shape truth;                // of y
};

// The tensors in the model's order. ShapeError, ConfigError with the known names, unless there is one for each input.
Tensors in_order(const ModelNode& node, const Inputs& inputs);

// ShapeError unless data of these shapes, of rank 1 or more, have as many samples, and one at least. `X_name` and
// `y_name` name them, `what` as below.
void require_samples(const ModelNode& node, const std::string& what, const std::string& X_name, const Shape& X,
                     const std::string& y_name, const Shape& y);

// Sample shapes of data as the model reads them; ShapeError where they do not fit its inputs, or differ in their number
// of samples.
std::vector<Shape> check_inputs(const ModelNode& node, const Tensors& X, const std::string& what);

// Checks that X and y fit each other and the declared inputs; ShapeError otherwise. `what` names them in messages (""
// for the training data, "validation " for those).
Data check_data(const ModelNode& node, const Tensors& X, const Tensor& y, const std::string& what);

// The fixed part of N samples that a fraction of validation leaves for training (Keras: floor(N (1 - fraction))).
// ConfigError where nothing would remain on one side.
Index training_samples(const ModelNode& node, Index samples, double validation_split);

}  // namespace rondo::training
