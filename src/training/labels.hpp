// What a loss asks of labels and of the model's output, beyond their shapes.
#pragma once

#include <string>

#include <rondo/tensor.hpp>

#include "training/data.hpp"
#include "training/model_node.hpp"

namespace rondo::training {

// ShapeError naming the first label that the loss of a head cannot take: a class number that does not exist, or no
// probability. Rows of probabilities need not sum to 1 (as in Keras). `what` is "" or "validation ".
void check_labels(const ModelNode& node, const Program& program, const Data& data, const std::string& what);

// ConfigError where training could only fail: softmax or categorical crossentropy over one unit, which are constants,
// and a crossentropy of probabilities on an output that is none.
void check_can_learn(const ModelNode& node, const Program& program);

}  // namespace rondo::training
