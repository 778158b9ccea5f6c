// The layers that have an ONNX form. Each is a function in a file of layers/ that adds the layer's operators to a graph
// and says what came out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rondo/onnx.hpp>

#include "formats/onnx/graph_writer.hpp"
#include "graph/layer_node.hpp"
#include "kernels/activation.hpp"
#include "training/model_node.hpp"

namespace rondo::onnx {

// The time axis of a tensor, as far as it is that of an input: the name of its size, and of the input that says how
// many steps of each row count. Empty: unknown; all of them.
struct Steps {
  std::string size = {}, lengths = {};
  bool operator==(const Steps&) const = default;
};

// A tensor of the graph: (batch, sample...) in the order of Keras's axes.
struct Value {
  std::string name;
  Shape sample = {};
  Steps steps = {};
};
using Values = std::vector<Value>;

// A state that goes in under one name and out under another, (batch, units).
struct StateNames {
  std::string in, out;
  std::string made;  // by the graph; empty until it is
  Index units;
};

// What the functions of layers write to.
struct Export {
  GraphWriter graph;
  ExportOnnxOptions options;
  std::vector<StateNames> states = {};
  bool inside_time_distributed = false;  // where states begin anew with each step
};

// What export_onnx writes to a file.
std::vector<std::byte> bytes_of(const Model& model, const ExportOnnxOptions& options);

// Adds the calls of a model, or a layer of any class, and returns its outputs. ConfigError, naming it, for a layer that
// has no ONNX form.
Values add_network(Export& to, const training::ModelNode& model, const Values& inputs);
Values add_layer(Export& to, const graph::LayerNode& layer, const Values& inputs);

// ---- layers/
// ---------------------------------------------------------------------------------------------------------

Values add_activation_layer(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_add(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_batch_normalization(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_bidirectional(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_concatenate(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_dense(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_flatten(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_masking(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_nothing(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_permute(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_recurrent(Export& to, const graph::LayerNode& layer, const Values& inputs);  // LSTM, GRU
Values add_repeat_vector(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_reshape(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_rnn(Export& to, const graph::LayerNode& layer, const Values& inputs);
Values add_time_distributed(Export& to, const graph::LayerNode& layer, const Values& inputs);

// A function applied to a tensor whose last axis has so many features; returns the name of the result.
std::string add_activation(GraphWriter& graph, const kernels::Activation& f, const std::string& x, Index features);

// The steps of a tensor that count: true, or false behind the end of a row's sequence, (batch, timesteps, 1). `x` has
// lengths.
std::string counted_steps(GraphWriter& graph, const Value& x);

// ---- what these functions read of a layer
// ----------------------------------------------------------------------------

struct Weight {
  std::vector<Index> dims;
  std::vector<double> values;  // row-major
};
// By its name; none if the layer has none of that name.
std::optional<Weight> weight(const graph::LayerNode& layer, const std::string& name);
// The axes of a tensor of so many, with two exchanged.
std::vector<Index> exchanged(Index rank, Index a, Index b);

}  // namespace rondo::onnx
