// Flatten: all numbers of a sample in a row.
#include <nlohmann/json.hpp>

#include <rondo/layers/reshaping.hpp>

#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"
#include "layers/reshaping/rearrange.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, FlattenOptions&) {
  v.absent("data_format", "channels_last");
}

namespace {

class FlattenNode final : public graph::LayerNode {
 public:
  FlattenNode(const FlattenOptions& options, const graph::LayerOptions& common) : LayerNode("Flatten", common) {
    declare_input(options.input_shape);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    const Shape& x = only_input(inputs);
    return {{x.fully_known() ? x.elements() : Shape::kUnknown}};
  }
  bool keeps_time(const std::vector<Shape>&) const override { return false; }
  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    return {layers::add_rearranged(builder, inputs[0], {builder.info(inputs[0]).sample.elements()})};
  }
  graph::Json config() const override { return core::with_fields(LayerNode::config(), FlattenOptions{}); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<FlattenNode>(FlattenOptions{.input_shape = declared_input()}, options_for_copy(changes));
  }
};

}  // namespace

Flatten::Flatten(const FlattenOptions& options)
    : Layer(graph::make_layer<FlattenNode>(options, graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::flatten_from_config(const graph::Json& config) {
  return node_from_config<FlattenNode, FlattenOptions>("Flatten", config);
}

}  // namespace rondo
