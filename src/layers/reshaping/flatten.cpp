// Flatten: all numbers of a sample in a row.
#include <nlohmann/json.hpp>

#include <rondo/layers.hpp>

#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"
#include "layers/reshaping/rearrange.hpp"

namespace rondo {

namespace {

class FlattenNode final : public graph::LayerNode {
 public:
  FlattenNode(const Shape& input_shape, const graph::LayerOptions& common) : LayerNode("Flatten", common) {
    declare_input(input_shape);
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
  graph::Json config() const override {
    graph::Json config = LayerNode::config();
    config["data_format"] = "channels_last";
    return config;
  }
};

}  // namespace

Flatten::Flatten(const FlattenOptions& options)
    : Layer(graph::make_layer<FlattenNode>(options.input_shape, graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::flatten_from_config(const graph::Json& config) {
  if (config.value("data_format", "channels_last") != "channels_last") {
    throw ConfigError("Flatten: the option data_format = \"channels_first\" is not supported");
  }
  return std::make_shared<FlattenNode>(Shape{}, common_options(config));
}

}  // namespace rondo
