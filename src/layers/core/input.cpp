// Input: the shape of one sample at the head of a model, and the symbol of what enters there.
#include <rondo/layers/core.hpp>

#include "core/fields.hpp"
#include "graph/input_node.hpp"
#include "graph/symbol.hpp"
#include "layers/nodes.hpp"

namespace rondo {

namespace {

Index checked_batch_size(const std::optional<Dim>& size) {
  if (!size) return Shape::kUnknown;
  if (*size < 1) throw ConfigError("Input: batch_size must be 1 or more, not " + std::to_string(*size));
  return *size;
}

}  // namespace

Input::Input(const Shape& shape, const InputOptions& options)
    : Layer(graph::make_layer<graph::InputNode>(shape, graph::LayerOptions{options.name, options.dtype},
                                                checked_batch_size(options.batch_size))) {}

Input::operator Symbol() const { return graph::input_symbol(node()); }

std::shared_ptr<graph::LayerNode> layers::input_from_config(const graph::Json& config) {
  graph::InputFields f;
  core::read_fields("InputLayer", config, f);
  const graph::LayerOptions options{f.name, f.dtype};
  if (f.batch_shape.empty()) return std::make_shared<graph::InputNode>(Shape(), options);
  return std::make_shared<graph::InputNode>(f.batch_shape.from(1), options, f.batch_shape[0]);
}

}  // namespace rondo
