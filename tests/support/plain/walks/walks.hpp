// One call of each kind of layer: its outputs, and the way back (plain::Backward). A new layer is a function here, a
// line in walk_layer and, for what its configuration says, a field of GraphLayer.
#pragma once

#include <stdexcept>

#include "support/plain/graph.hpp"

namespace plain {

// Masks that a layer cannot merge.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// By the layer's kind. std::invalid_argument where there is none of that name.
Walked walk_layer(GraphLayer& layer, const std::vector<Tensor>& inputs, bool training);

Walked walk_dense(GraphLayer& layer, const Tensor& x);
Walked walk_activation(GraphLayer& layer, const Tensor& x);
Walked walk_masking(GraphLayer& layer, const Tensor& x);
Walked walk_dropout(const Tensor& x);                                    // of rate 0
Walked walk_lstm(GraphLayer& layer, const std::vector<Tensor>& inputs);  // x, or x, h and c
Walked walk_bidirectional(GraphLayer& layer,
                          const std::vector<Tensor>& inputs);  // states of both, those forwards first
Walked walk_time_distributed(GraphLayer& layer, const Tensor& x, bool training);
Walked walk_flatten(const Tensor& x);
Walked walk_reshape(GraphLayer& layer, const Tensor& x);
Walked walk_permute(GraphLayer& layer, const Tensor& x);
Walked walk_repeat_vector(GraphLayer& layer, const Tensor& x);
Walked walk_add(const std::vector<Tensor>& inputs);
Walked walk_concatenate(GraphLayer& layer, const std::vector<Tensor>& inputs);
Walked walk_batch_normalization(GraphLayer& layer, const Tensor& x, bool training);

// Adds a call's gradients of the layer's weights, in their order.
void add_gradients(GraphLayer& layer, const std::vector<Array>& gradients);

}  // namespace plain
