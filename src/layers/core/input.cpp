// Input: the shape of one sample at the head of a model, and the symbol of what enters there.
#include <rondo/layers/core.hpp>

#include "core/fields.hpp"
#include "graph/input_node.hpp"
#include "graph/symbol.hpp"
#include "layers/nodes.hpp"

namespace rondo {

Input::Input(const Shape& shape, const InputOptions& options)
    : Layer(graph::make_layer<graph::InputNode>(shape, graph::LayerOptions{options.name, options.dtype})) {}

Input::operator Symbol() const { return graph::input_symbol(node()); }

std::shared_ptr<graph::LayerNode> layers::input_from_config(const graph::Json& config) {
  graph::InputFields f;
  core::read_fields("InputLayer", config, f);
  const Shape sample = f.batch_shape.empty() ? Shape() : f.batch_shape.from(1);
  return std::make_shared<graph::InputNode>(sample, graph::LayerOptions{f.name, f.dtype});
}

}  // namespace rondo
