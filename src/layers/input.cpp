// Input: the shape of one sample at the head of a model.
#include <nlohmann/json.hpp>

#include <rondo/layers.hpp>

#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"

namespace rondo {

namespace {

using graph::Json;

class InputNode final : public graph::LayerNode {
 public:
  InputNode(const Shape& sample, const graph::LayerOptions& options) : LayerNode("InputLayer", options) {
    if (sample.empty()) throw ShapeError(where() + ": give the shape of one sample, for example Input({5, 2})");
    declare_input(sample);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override { return inputs; }
  std::vector<engine::Value> plan(engine::PlanBuilder&, const std::vector<engine::Value>& inputs) const override {
    return inputs;
  }

  Json config() const override {
    Json batch_shape = Json::array({nullptr});
    for (const Index d : declared_input()) batch_shape.push_back(d == Shape::kUnknown ? Json(nullptr) : Json(d));
    return {{"batch_shape", batch_shape}, {"dtype", std::string(to_string(dtype()))}, {"name", name()}};
  }

 protected:
  void create_parameters(const std::vector<Shape>&) override {}
};

}  // namespace

Input::Input(const Shape& shape, const InputOptions& options)
    : Layer(graph::make_layer<InputNode>(shape, graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::input_from_config(const Json& config) {
  std::vector<Index> dims;
  const Json batch_shape = config.value("batch_shape", Json::array());
  for (std::size_t i = 1; i < batch_shape.size(); ++i) {
    dims.push_back(batch_shape[i].is_null() ? Shape::kUnknown : batch_shape[i].get<Index>());
  }
  return std::make_shared<InputNode>(Shape(dims), common_options(config));
}

}  // namespace rondo
