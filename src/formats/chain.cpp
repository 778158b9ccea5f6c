#include "formats/chain.hpp"

#include <rondo/error.hpp>

#include "core/access.hpp"
#include "training/model_node.hpp"

namespace rondo::formats {

namespace {

bool does_nothing(const graph::LayerNode& layer) {
  return layer.is_input() || layer.class_name() == "Dropout" || layer.class_name() == "ActivityRegularization";
}

void append(std::vector<Link>& chain, const training::ModelNode& model, Shape& shape, const std::string& who) {
  graph::Network::TensorNumber tensor = 0;
  for (const graph::Network::Call& call : model.network().calls()) {
    if (call.inputs.size() != 1 || call.inputs[0] != tensor || call.outputs != 1) {
      throw ConfigError(who + ": " + model.where() + " is no chain: " + call.layer->where() +
                        " takes or gives more than one tensor; in the file one layer stands behind the other");
    }
    if (call.layer->is_custom()) {
      throw ConfigError(who + ": " + call.layer->where() + " is of a class of yours, which the file has no form for");
    }
    tensor = call.first_output;
    if (call.layer->is_model()) {
      append(chain, static_cast<const training::ModelNode&>(*call.layer), shape, who);
    } else if (!does_nothing(*call.layer)) {
      const Layer layer = detail::Access::make<Layer>(call.layer);
      const Shape output = layer.compute_output_shape(shape);
      chain.push_back({layer, shape, output});
      shape = output;
    }
  }
  if (model.network().outputs() != std::vector{tensor}) {
    throw ConfigError(who + ": " + model.where() + " is no chain: its output is not that of its last layer");
  }
}

}  // namespace

std::vector<Link> chain_of(const Model& model, const std::string& who) {
  const std::vector<Symbol> inputs = model.inputs();
  if (inputs.size() != 1)
    throw ConfigError(who + ": " + model.node()->where() + " has several inputs; the file has one");
  std::vector<Link> chain;
  Shape shape = inputs[0].shape();
  append(chain, training::node_of(model), shape, who);
  return chain;
}

}  // namespace rondo::formats
