// Calls: what a graph is made of. Each holds the calls that made its inputs, so a graph lives as long as somebody holds
// one of its outputs, and no cycle can be written.
#pragma once

#include <memory>
#include <vector>

#include <rondo/symbol.hpp>

#include "graph/layer_node.hpp"

namespace rondo::graph {

struct Call {
  std::shared_ptr<LayerNode> layer;
  std::vector<Symbol> inputs;  // none for an InputLayer
  std::vector<Shape> outputs;  // sample shapes
};

// Calls a layer with symbols: checks the shapes and makes the weights.
Symbols call(const std::shared_ptr<LayerNode>& layer, const std::vector<Symbol>& inputs);

// What enters a network at an InputNode.
Symbol input_symbol(const std::shared_ptr<LayerNode>& input);

// The same tensor? (An InputLayer has one, however often it is asked for.)
bool same(const Symbol& a, const Symbol& b);

}  // namespace rondo::graph
