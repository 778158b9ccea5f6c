// One call of each kind of layer: its outputs, and the way back (plain::Backward). A new layer is a function here, a
// line in walk_layer and, for what its configuration says, a field of GraphLayer.
#pragma once

#include <stdexcept>

#include "support/plain/dropout.hpp"
#include "support/plain/graph.hpp"

namespace plain {

// Masks that a layer cannot merge.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// By the layer's kind. std::invalid_argument where there is none of that name.
Walked walk_layer(GraphLayer& layer, const std::vector<Tensor>& inputs, Pass& pass);

Walked walk_dense(GraphLayer& layer, const Tensor& x);
Walked walk_activation(GraphLayer& layer, const Tensor& x);
Walked walk_masking(GraphLayer& layer, const Tensor& x);
Walked walk_dropout(GraphLayer& layer, const Tensor& x, Pass& pass);
// LSTM, GRU, RNN: x, or x and the initial states.
Walked walk_recurrent(GraphLayer& layer, const std::vector<Tensor>& inputs, Pass& pass);
// States of both directions, those forwards first.
Walked walk_bidirectional(GraphLayer& layer, const std::vector<Tensor>& inputs, Pass& pass);
Walked walk_time_distributed(GraphLayer& layer, const Tensor& x, Pass& pass);
Walked walk_flatten(const Tensor& x);
Walked walk_reshape(GraphLayer& layer, const Tensor& x);
Walked walk_permute(GraphLayer& layer, const Tensor& x);
Walked walk_repeat_vector(GraphLayer& layer, const Tensor& x);
Walked walk_add(const std::vector<Tensor>& inputs);
Walked walk_concatenate(GraphLayer& layer, const std::vector<Tensor>& inputs);
Walked walk_batch_normalization(GraphLayer& layer, const Tensor& x, Pass& pass);

// What the layer's next call draws with: Draws::rate is `dropout`. Counts the call.
Draws next_draws(const GraphLayer& layer, Pass& pass);

// (batch, steps, ...) with the last step first.
template <class T>
std::vector<T> reversed(const std::vector<T>& all, Size batch, Size steps) {
  const Size each = all.size() / batch / steps;
  std::vector<T> out(all.size());
  for (Size b = 0; b < batch; ++b) {
    for (Size t = 0; t < steps; ++t) {
      for (Size i = 0; i < each; ++i) out[(b * steps + steps - 1 - t) * each + i] = all[(b * steps + t) * each + i];
    }
  }
  return out;
}

// Adds a call's gradients of the layer's weights, in their order.
void add_gradients(GraphLayer& layer, const std::vector<Array>& gradients);

}  // namespace plain
