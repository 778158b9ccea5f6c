// A layer as a model of its own, in each kind of file and back.
#pragma once

#include <vector>

#include <rondo/layer.hpp>
#include <rondo/tensor.hpp>

namespace rondo::test {

struct SavedLayerCase {
  Layer layer;
  std::vector<Tensor> inputs;    // (batch, ...) each
  std::vector<Tensor> weights;   // in Keras's order
  std::vector<Tensor> targets;   // one per output
  bool in_configuration = true;  // false: a user's functions, which no configuration has
};

// Expects, as non-fatal gtest expectations, that a model which has been trained for a step comes back from .keras and
// .h5 with the bits of its weights, predictions and optimizer's variables, and from .weights.h5 with the first two.
void check_saved(const SavedLayerCase& layer_case);

}  // namespace rondo::test
