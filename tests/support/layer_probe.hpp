// One walk of a layer, forward and backward, with everything that goes in and comes out as tensors.
//
//   auto node = layers::layer_from_config("LSTM", {{"units", 3}, {"dtype", "float64"}});
//   test::Probed got = test::probe(*node, {.inputs = {x}, .cotangents = {dy}});
//   got.outputs[0], got.input_gradients[0], got.weight_gradients[1] ...
//
// The layer computes in its own dtype, in a training plan made for this call; all results have that dtype. Arguments
// may have either. The objective whose gradients come back is the sum over all outputs of sum(output * cotangent).
#pragma once

#include <vector>

#include <rondo/tensor.hpp>

#include "graph/layer_node.hpp"

namespace rondo::test {

struct ProbeArguments {
  std::vector<Tensor> inputs;              // (batch, ...) each
  std::vector<Tensor> initial_state = {};  // (batch, units) each, for layers that take states behind their inputs
  std::vector<Tensor> weights = {};        // in Keras's order; empty: the layer keeps its own
  std::vector<Tensor> cotangents = {};     // one per output; empty: forward only, and no gradients come back
  std::vector<Tensor> masks = {};          // (batch, timesteps) of the inputs; empty, or empty ones: every step counts
  bool training = true;                    // false: in a plan of inference, which keeps less; no cotangents then
  Index spare_rows = 0;                    // batch rows that the plan has room for beyond those it walks
  Index threads = 1;                       // that walk the plan together
  bool commit = false;                     // writes what the walk has found out beside gradients, as a step of fit does
};

struct Probed {
  std::vector<Tensor> outputs;
  Tensor output_mask;  // (batch, timesteps) of the first output; empty if it has none
  std::vector<Tensor> input_gradients;
  std::vector<Tensor> state_gradients;   // of initial_state
  std::vector<Tensor> weight_gradients;  // in the order of the weights; an empty tensor for a frozen one
};

// Builds the layer for the inputs if need be. Throws what the layer throws, and std::logic_error where the probe's own
// arguments are wrong in number or a gradient that was asked for has no place in the plan.
Probed probe(graph::LayerNode& node, const ProbeArguments& arguments);

// ShapeError unless the layer is built and takes these weights.
void set_weights(const graph::LayerNode& node, const std::vector<Tensor>& weights);

}  // namespace rondo::test
