// Layers in a graph: forward, the losses of several outputs, the reverse walk, steps of training.
//
// A call of a layer returns its outputs and a function for the way back (walks/walks.hpp has one such call for each
// kind of layer). A graph is walked by asking for its outputs, so that what leads to none is not walked.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/plain/model.hpp"

namespace plain {

using Sizes = std::vector<Size>;  // of the axes of a sample, without the batch

// (batch, sample...), row-major, the last axis being the features.
struct Tensor {
  Array values;
  Size batch = 0;
  Sizes sample;    // one axis at least
  Mask mask = {};  // (batch, mask_steps); empty: every step counts
};

Size elements(const Sizes& sample);
// The steps of time, which a mask tells apart: those of the first of several axes; a lone axis is one step of features.
Size mask_steps(const Sizes& sample);
// [begin, end) of the batch.
Tensor rows(const Tensor& x, Size begin, Size end);

struct Graph;

// A layer of any kind, with Keras's options. A layer that is called several times, in one graph or in several, is one
// object.
struct GraphLayer : Layer {
  std::string name = {};
  bool return_state = false;               // recurrent layers
  bool recompute = false;                  // LSTM, GRU: says how to compute, not what
  double dropout = 0;                      // Dropout, LSTM, GRU and their cells
  double recurrent_dropout = 0;            // LSTM, GRU and their cells
  std::uint64_t seed = 0;                  // of what they draw
  std::uint32_t number = 0;                // the library's number of the layer, on which draws depend
  std::uint32_t backward_number = 0;       // Bidirectional: that of the second direction
  double mask_value = 0;                   // Masking
  Sizes sizes = {};                        // Reshape: the sample's; Permute: axes, counted from 1
  Size n = 1;                              // RepeatVector
  int axis = -1;                           // Concatenate, BatchNormalization: with the batch in front
  double momentum = 0.99, epsilon = 1e-3;  // BatchNormalization
  bool center = true, scale = true;        // BatchNormalization
  std::string merge_mode = "concat";       // Bidirectional, whose other options are those of its directions
  std::string direction = "LSTM";          // Bidirectional: or GRU
  std::vector<std::shared_ptr<GraphLayer>> cells = {};  // RNN: LSTMCell, GRUCell; several are stacked
  std::shared_ptr<GraphLayer> inside = {};              // TimeDistributed
  std::shared_ptr<Graph> model = {};                    // Model
  std::vector<Array> gradients = {};                    // of the weights; calls add theirs
};

struct Call {
  std::shared_ptr<GraphLayer> layer;
  std::vector<Size> inputs;    // tensors, by number
  Size first_output;           // the number of the first
  std::vector<Sizes> outputs;  // their samples
  bool as_in_training = true;  // in training
};

// Tensors are numbered: the inputs, then the outputs of the calls as they say.
struct Graph {
  std::vector<Sizes> inputs;
  std::vector<Call> calls;  // behind what they need
  std::vector<Size> outputs;
  bool line = false;  // a Sequential: one call behind the other, of one tensor each
};

// All layers with weights of their own, also those of models inside, each once.
std::vector<GraphLayer*> layers_of(const Graph& graph);

// From the gradients of a call's outputs to those of its inputs, whole arrays each. Adds those of weights to the
// layers'. Good for as long as the layers are there and their weights are those of the call.
using Backward = std::function<std::vector<Array>(const std::vector<Array>&)>;

struct Walked {
  std::vector<Tensor> outputs;
  Backward backward;
};

// In training BatchNormalization takes the batch's statistics, the moving ones move, and dropout drops; its draws
// depend on the rest.
struct Pass {
  bool training = false;
  std::uint32_t step = 0;                             // of training
  std::uint64_t walk = 0;                             // of a part that is walked for each time step
  std::map<std::uint32_t, std::uint32_t> calls = {};  // of layers that draw, by number, so far
  // The moving statistics as they were: calls that are not as in training take these, wherever they stand.
  std::map<const GraphLayer*, std::array<Array, 2>> statistics = {};
};

Walked walk(const Graph& graph, const std::vector<Tensor>& inputs, Pass& pass);
// No training.
std::vector<Tensor> predict(const Graph& graph, const std::vector<Tensor>& inputs);

// What an output is to be.
struct Target {
  Array truth;  // as for losses
  Loss loss;
  double weight = 1;          // of this loss in the sum
  Array sample_weights = {};  // of each row (a sample, or one of its steps); empty: 1
};
Target rows(const Target& target, Size samples, Size begin, Size end);

// Of one output: the mean over the rows that count of loss and sample weight, without the loss's weight, and its
// gradient.
struct OutputLoss {
  double value = 0;
  Array gradient;
};
OutputLoss loss_of_output(const Target& target, const Tensor& prediction);

// Each output's loss for the weights before the step.
std::vector<double> train(const Graph& graph, const std::vector<Tensor>& inputs, const std::vector<Target>& targets,
                          Optimizer& optimizer);

}  // namespace plain
