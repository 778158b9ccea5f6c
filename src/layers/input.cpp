// Input: the shape of one sample at the head of a model, and the symbol of what enters there.
#include <nlohmann/json.hpp>

#include <rondo/layers.hpp>

#include "graph/input_node.hpp"
#include "graph/symbol.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"

namespace rondo {

Input::Input(const Shape& shape, const InputOptions& options)
    : Layer(graph::make_layer<graph::InputNode>(shape, graph::LayerOptions{options.name, options.dtype})) {}

Input::operator Symbol() const { return graph::input_symbol(node()); }

std::shared_ptr<graph::LayerNode> layers::input_from_config(const graph::Json& config) {
  std::vector<Index> dims;
  const graph::Json batch_shape = config.value("batch_shape", graph::Json::array());
  for (std::size_t i = 1; i < batch_shape.size(); ++i) {
    dims.push_back(batch_shape[i].is_null() ? Shape::kUnknown : batch_shape[i].get<Index>());
  }
  return std::make_shared<graph::InputNode>(Shape(dims), common_options(config));
}

}  // namespace rondo
