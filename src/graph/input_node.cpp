#include "graph/input_node.hpp"

#include "core/fields.hpp"

namespace rondo::graph {

InputNode::InputNode(const Shape& sample, const LayerOptions& options, Index batch_size)
    : LayerNode("InputLayer", options), batch_size_(batch_size) {
  if (sample.empty()) throw ShapeError(where() + ": give the shape of one sample, for example Input({5, 2})");
  declare_input(sample);
  mark_built();
}

Json InputNode::config() const {
  return core::config_of(InputFields{declared_input().prepend(batch_size_), dtype(), name()});
}

}  // namespace rondo::graph
