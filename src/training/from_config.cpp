// Models from their configurations, for the registry of layers. Apart from the models' own files, so that a program
// that reads no configuration is not linked with all layers.
#include <nlohmann/json.hpp>

#include <rondo/model.hpp>

#include "core/access.hpp"
#include "layers/nodes.hpp"

namespace rondo {

std::shared_ptr<graph::LayerNode> layers::sequential_from_config(const graph::Json& config) {
  const Sequential model({.name = config.value("name", std::string())});
  model.set_trainable(config.value("trainable", true));  // its own alone: the layers, which have theirs, follow
  for (const graph::Json& layer : config.at("layers")) {
    model.add(detail::Access::make<Layer>(layer_from_config(layer)));
  }
  return model.node();
}

}  // namespace rondo
