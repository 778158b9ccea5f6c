// From the plain program's graphs to the library's models.
#pragma once

#include <map>

#include <rondo/rondo.hpp>

#include "support/plain/graph.hpp"

namespace rondo::test {

struct GraphModel {
  Model model;
  std::map<const plain::GraphLayer*, Layer> layers;  // also those of models inside
  std::map<plain::Size, Symbol> tensors;             // by the graph's numbers
};

// An input's sample may have 0 for its steps: any number. With the graph's weights, on the instruction set that is
// chosen; layers are new each time.
GraphModel make_model(const plain::Graph& graph, const DTypePolicy& policy);

// Tells the layers of the graph, and those inside, their numbers in the library, on which dropout's draws depend.
void number_layers(const plain::Graph& graph, const GraphModel& made);

// The weights of a layer, in Keras's order.
std::vector<plain::Array> weights_of(const GraphModel& made, const plain::GraphLayer& layer);

}  // namespace rondo::test
