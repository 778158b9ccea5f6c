// A look into a model: what its layers put out for some samples, as in predict.
#pragma once

#include <string>
#include <vector>

#include "training/diagnosis/sentence.hpp"
#include "training/model_node.hpp"
#include "training/program.hpp"

namespace rondo::training {

struct Look {
  struct Layer {
    const graph::LayerNode* node;
    bool is_finite = true;        // all that comes out
    Index units = 0, silent = 0;  // the last axis, and how much of it is 0 in all samples and time steps
  };
  struct Output {
    Tensor values;
    bool has_mask;
  };
  std::vector<Layer> layers;  // in the order of their calls
  std::vector<Output> outputs;
};

// One walk over the samples, by the caller's thread. The model is built and not stateful. Draws nothing, changes
// nothing.
Look look_into(const ModelNode& node, const Samples& samples);

// A layer that ends in relu and of which nine tenths of the units, or all, are 0 for so many samples.
Findings dead_units(const std::string& layer, Index units, Index silent, Index samples);

}  // namespace rondo::training
