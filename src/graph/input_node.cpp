#include "graph/input_node.hpp"

#include <nlohmann/json.hpp>

namespace rondo::graph {

InputNode::InputNode(const Shape& sample, const LayerOptions& options) : LayerNode("InputLayer", options) {
  if (sample.empty()) throw ShapeError(where() + ": give the shape of one sample, for example Input({5, 2})");
  declare_input(sample);
  mark_built();
}

Json InputNode::config() const {
  return {{"batch_shape", batch_shape_config(declared_input())},
          {"dtype", std::string(to_string(dtype()))},
          {"name", name()}};
}

}  // namespace rondo::graph
