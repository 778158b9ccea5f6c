#include "training/functional.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include <rondo/model.hpp>

#include "core/fields.hpp"
#include "graph/symbol.hpp"

namespace rondo {

namespace training {

FunctionalNode::FunctionalNode(const std::vector<Symbol>& inputs, const std::vector<Symbol>& outputs,
                               const graph::LayerOptions& common)
    : ModelNode("Functional", common) {
  network_ = graph::Network(where(), inputs, outputs);
  (void)dtype();  // one for all layers
  for (const Symbol& input : inputs) declared_.push_back(input.shape().from(1));
  if (declared_.size() == 1) declare_input(declared_.front());
  mark_built();  // calling them has built the layers
}

std::vector<Symbol> FunctionalNode::input_symbols() const {
  std::vector<Symbol> symbols;
  for (const auto& layer : network_.input_layers()) symbols.push_back(graph::input_symbol(layer));
  return symbols;
}

std::string FunctionalNode::input_name(std::size_t input) const {
  return network_.inputs() == 1 ? "X" : "X['" + network_.input_layers()[input]->name() + "']";
}

std::vector<Shape> FunctionalNode::output_shapes(const std::vector<Shape>& inputs) const {
  if (inputs.size() != network_.inputs()) {
    throw ShapeError(where() + " takes " + std::to_string(network_.inputs()) + " inputs, " +
                     std::to_string(inputs.size()) + " were given");
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    bool fits = inputs[i].rank() == declared_[i].rank();
    for (Index axis = 0; fits && axis < declared_[i].rank(); ++axis) {
      // The number of time steps may be another: the weights do not depend on it, or a layer says so.
      const bool time = axis == 0 && declared_[i].rank() > 1;
      fits = time || declared_[i][axis] == Shape::kUnknown || declared_[i][axis] == inputs[i][axis];
    }
    if (fits) continue;
    throw ShapeError(where() + " expects " + input_name(i) + " of shape " + graph::batch_text(declared_[i]) + ", got " +
                     graph::batch_text(inputs[i]));
  }
  return network_.output_shapes(inputs);
}

std::vector<Shape> FunctionalNode::state_shapes() const {
  if (declared_.size() < 2 || network_.outputs().size() != declared_.size()) return {};
  const std::vector<Shape> outputs = network_.output_shapes(declared_);
  if (!std::equal(declared_.begin() + 1, declared_.end(), outputs.begin() + 1)) return {};
  return {declared_.begin() + 1, declared_.end()};
}

namespace {

using graph::Json;
using graph::Network;

}  // namespace

graph::Json FunctionalNode::config() const {
  const std::vector<Network::TensorName> names = network_.tensor_names();
  const auto history = [&](Network::TensorNumber n) {
    return Json::array({names[n].layer, names[n].call, names[n].output});
  };
  const std::vector<Shape> shapes = network_.shapes(declared_);
  const auto tensor = [&](Network::TensorNumber n) {
    return Json{{"class_name", "__keras_tensor__"},
                {"config",
                 {{"shape", to_config(shapes[n].prepend(Shape::kUnknown))},
                  {"dtype", std::string(to_string(dtype()))},
                  {"keras_history", history(n)}}}};
  };
  Json config = LayerNode::config();
  config["layers"] = Json::array();
  for (const auto& layer : layers()) {
    Json nodes = Json::array();
    for (const Network::Call& call : network_.calls()) {
      if (call.layer != layer) continue;
      Json args = Json::array(), kwargs = Json::object();
      std::vector<Json> tensors;
      for (const auto n : call.inputs) tensors.push_back(tensor(n));
      if (layer->takes_initial_state() && tensors.size() > 1) {
        args.push_back(tensors.front());
        kwargs["initial_state"] = std::vector<Json>(tensors.begin() + 1, tensors.end());
      } else if (tensors.size() == 1) {
        args.push_back(tensors.front());
      } else {
        args.push_back(tensors);
      }
      if (!call.arguments.as_in_training) kwargs["training"] = false;
      nodes.push_back({{"args", args}, {"kwargs", kwargs}});
    }
    Json serialized = to_config(layer);
    serialized["name"] = layer->name();
    serialized["inbound_nodes"] = nodes;
    config["layers"].push_back(std::move(serialized));
  }
  const auto listed = [&](const std::vector<Network::TensorNumber>& tensors) {
    Json list = Json::array();
    for (const auto n : tensors) list.push_back(history(n));
    return list.size() == 1 ? list.front() : list;
  };
  std::vector<Network::TensorNumber> inputs;
  for (std::size_t i = 0; i < network_.inputs(); ++i) inputs.push_back(i);
  config["input_layers"] = listed(inputs);
  config["output_layers"] = listed(network_.outputs());
  return config;
}

std::shared_ptr<graph::LayerNode> FunctionalNode::copy(const graph::Changes& changes) const {
  std::map<const LayerNode*, std::shared_ptr<LayerNode>> copies;
  const auto copied = [&](const std::shared_ptr<LayerNode>& layer) {
    std::shared_ptr<LayerNode>& copy = copies[layer.get()];
    if (copy == nullptr) copy = layer->copy();
    return copy;
  };
  std::vector<Symbol> inputs;
  for (const auto& layer : network_.input_layers()) inputs.push_back(graph::input_symbol(copied(layer)));
  return std::make_shared<FunctionalNode>(inputs, network_.outputs_for(inputs, copied), options_for_copy(changes));
}

}  // namespace training

Model::Model(const std::vector<Symbol>& inputs, const std::vector<Symbol>& outputs, const ModelOptions& options)
    : Model(graph::make_layer<training::FunctionalNode>(inputs, outputs, graph::LayerOptions{options.name, {}})) {}

}  // namespace rondo
