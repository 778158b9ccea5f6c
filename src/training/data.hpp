// Samples and labels of a call, checked against the model.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <rondo/model.hpp>

#include "training/model_node.hpp"

namespace rondo::training {

// One tensor for each input or output of a model. The caller keeps them.
using Tensors = std::vector<const Tensor*>;

// What fit and evaluate are given: rows [first, first + samples) of tensors.
struct Data {
  Tensors X, y;
  Tensors sample_weights;  // none, or one for each y
  Index first = 0, samples = 0;
  std::vector<Shape> sample, truth;  // of each X, as the model reads it, and of each y

  ModelNode::ProgramShapes shapes(Index capacity) const { return {capacity, sample, truth, !sample_weights.empty()}; }
};

// The tensors in the order of the model's inputs, or of its outputs. ShapeError, ConfigError with the known names,
// unless there is one for each.
Tensors in_order(const ModelNode& node, const detail::Given& inputs);
Tensors in_order_of_outputs(const ModelNode& node, const detail::Given& labels, const std::string& what);

// ShapeError unless data of these shapes, of rank 1 or more, have as many samples, and one at least. `X_name` and
// `y_name` name them, `what` as below.
void require_samples(const ModelNode& node, const std::string& what, const std::string& X_name, const Shape& X,
                     const std::string& y_name, const Shape& y);

// Sample shapes of data as the model reads them; ShapeError where they do not fit its inputs, or differ in their number
// of samples.
std::vector<Shape> check_inputs(const ModelNode& node, const Tensors& X, const std::string& what);

// Sorts the tensors, and checks that they fit each other and the declared inputs; ShapeError otherwise. `what` names
// them in messages ("" for the training data, "validation " for those).
Data check_data(const ModelNode& node, const detail::Given& X, const detail::Given& y,
                const std::optional<Outputs>& sample_weight, const std::string& what);

// The fixed part of N samples that a fraction of validation leaves for training (Keras: floor(N (1 - fraction))).
// ConfigError where nothing would remain on one side.
Index training_samples(const ModelNode& node, Index samples, double validation_split);

}  // namespace rondo::training
