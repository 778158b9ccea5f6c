// Calls: what a graph is made of. Each holds the calls that made its inputs, so a graph lives as long as somebody holds
// one of its outputs, and no cycle can be written.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <rondo/symbol.hpp>

#include "graph/layer_node.hpp"

namespace rondo::graph {

// What a call says beside its inputs.
struct CallArguments {
  bool as_in_training = true;  // false: in training, too, the layer behaves as in inference
};

struct Call {
  Call(std::shared_ptr<LayerNode> called, std::vector<Symbol> from, std::vector<Shape> to, CallArguments beside = {})
      : layer(std::move(called)), inputs(std::move(from)), outputs(std::move(to)), arguments(beside) {}
  // Lets go of those before it one by one: a long chain of destructors inside each other would not fit the stack.
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  std::shared_ptr<LayerNode> layer;
  std::vector<Symbol> inputs;  // none for an InputLayer
  std::vector<Shape> outputs;  // sample shapes
  CallArguments arguments;
};

// Calls a layer with symbols: checks the shapes and makes the weights.
Symbols call(const std::shared_ptr<LayerNode>& layer, const std::vector<Symbol>& inputs,
             const CallArguments& arguments = {});

// What enters a network at an InputNode.
Symbol input_symbol(const std::shared_ptr<LayerNode>& input);

// Equal for symbols of one tensor. (An InputLayer has one, however often it is asked for.)
using Identity = std::pair<const void*, std::size_t>;
Identity identity(const Symbol& symbol);

}  // namespace rondo::graph
