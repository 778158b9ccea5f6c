// Network: layers called one after the other, each with what others or the inputs have given.
//
// Calls are the network's, not the layers': one layer may be called several times, here and in other networks. Tensors
// have numbers: first the inputs, then the outputs of each call. Shapes are those of samples, without the batch axis.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "graph/layer_node.hpp"
#include "graph/symbol.hpp"

namespace rondo::graph {

class Network {
 public:
  using LayerPtr = std::shared_ptr<LayerNode>;
  using TensorNumber = std::size_t;
  struct Call {
    LayerPtr layer;
    std::vector<TensorNumber> inputs;
    TensorNumber first_output;
    std::size_t outputs;
    CallArguments arguments = {};
  };

  // With one input, which is its output until a call is added.
  Network() = default;
  // What leads from the inputs to the outputs. ConfigError where an output hangs on something else, in words.
  Network(const std::string& where, const std::vector<Symbol>& inputs, const std::vector<Symbol>& outputs);

  // A network in a line: calls the layer with the output there is; its first output takes its place.
  void append(const LayerPtr& layer);
  // Takes the last call back.
  void pop();

  std::size_t inputs() const { return inputs_; }
  // The InputLayers of a graph, in the order of its inputs; none in a line.
  const std::vector<LayerPtr>& input_layers() const { return input_layers_; }
  const std::vector<Call>& calls() const { return calls_; }
  const std::vector<TensorNumber>& outputs() const { return outputs_; }
  // Each once, in Keras's order, with the InputLayers of a graph.
  const std::vector<LayerPtr>& layers() const { return layers_; }

  // How Keras names a tensor: an output of a layer, in one of its calls here.
  struct TensorName {
    std::string layer;
    std::size_t call, output;
  };
  // Of all tensors of a graph.
  std::vector<TensorName> tensor_names() const;
  // The call that puts a tensor out; null for an input.
  const Call* maker(TensorNumber tensor) const;

  // Of all tensors, for these inputs. ShapeError where a layer cannot take what comes; it says what the layer before it
  // does, where that is the cause.
  std::vector<Shape> shapes(const std::vector<Shape>& inputs) const;
  // The first layer that does not keep time; null if all do.
  const LayerNode* first_to_mix_time(const std::vector<Shape>& inputs) const;
  // Whether all calls do, of one input and one output.
  bool works_row_by_row() const;
  // Of the outputs.
  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const;
  // Calls the layers, or what stands for them, with symbols in another graph, and returns its outputs.
  using Substitute = std::function<LayerPtr(const LayerPtr& layer)>;
  std::vector<Symbol> outputs_for(const std::vector<Symbol>& inputs, const Substitute& substitute = {}) const;
  // Makes the parameters of all layers.
  void build(const std::vector<Shape>& inputs) const;
  // Adds the network to a plan and returns its outputs. With `first_outputs`, also the first one of each call, in
  // buffers that no other call uses: of a plan without gradients, to look into a model.
  std::vector<engine::Value> plan(engine::PlanBuilder& builder, const std::vector<engine::Value>& inputs,
                                  std::vector<engine::Value>* first_outputs = nullptr) const;

 private:
  std::vector<Shape> shapes_after(const Call& call, const std::vector<Shape>& known) const;

  std::size_t inputs_ = 1;
  std::vector<Call> calls_;
  std::vector<TensorNumber> outputs_{0};
  std::vector<LayerPtr> layers_, input_layers_;
};

}  // namespace rondo::graph
