// Layers around layers.
#pragma once

#include <optional>
#include <string>

#include <rondo/layer.hpp>

namespace rondo {

struct TimeDistributedOptions {
  bool trainable = true;
  std::string name = {};
  Shape input_shape = {};  // of a sample, on a model's first layer: {timesteps, ...}
};

// Applies a layer or model to each time step by itself, with the same weights: (batch, timesteps, ...) to (batch,
// timesteps, ...). A Dense does that by itself, and costs no more inside; an LSTM inside reads a sequence at each time
// step. The mask stays with the time steps. Weights are those of the layer, which is used, not copied; ConfigError for
// a stateful one, and for one that returns several tensors.
//
//   Sequential model{TimeDistributed(LSTM(8), {.input_shape = {7, 24, 1}}), LSTM(8), Dense(1)};   days of hours
//
// One inside another is first named: to C++, TimeDistributed(TimeDistributed(x)) is a copy.
//
//   const Layer hours = TimeDistributed(LSTM(8));
//   const Layer days = TimeDistributed(hours);
class TimeDistributed : public Layer {
 public:
  explicit TimeDistributed(const Layer& layer, const TimeDistributedOptions& options = {});
};

struct BidirectionalOptions {
  std::string merge_mode = "concat";         // or "sum", "mul", "ave" (the mean), "none" (two outputs)
  std::optional<Layer> backward_layer = {};  // used as it is; default: made like the first one
  bool trainable = true;
  std::string name = {};
  Shape input_shape = {};  // of a sample, on a model's first layer; default: that of the layer inside
};

// Two recurrent layers on one sequence, of which the second walks time backwards, and their outputs merged in the order
// of time (Schuster and Paliwal 1997). The given layer is a pattern: both are made anew from its options, as
// "forward_..." and "backward_...", with weights of their own, the forward layer's first.
//
// Without return_sequences the forward layer's last step is merged with the backward layer's last, that of time 0. With
// return_state come the states of the forward layer and then those of the backward layer; initial states are given in
// the same order. Masked steps put out zeros (Keras 3: zero_output_for_mask is set). ConfigError where the layers do
// not agree in return_sequences, return_state, stateful or dtype, walk in one direction, or are not recurrent. Cannot
// be streamed.
//
//   Sequential model{Bidirectional(LSTM(16, {.return_sequences = true}), {.input_shape = {30, 2}}), Dense(1)};
class Bidirectional : public Layer {
 public:
  explicit Bidirectional(const Layer& layer, const BidirectionalOptions& options = {});
};

}  // namespace rondo
