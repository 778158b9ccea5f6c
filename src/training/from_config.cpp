// Models from their configurations. Apart from the models' own files, so that a program that reads no configuration is
// not linked with all layers.
#include "training/from_config.hpp"

#include "core/access.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"
#include "training/model_node.hpp"

namespace rondo {

namespace {

struct SequentialFields {
  std::vector<std::shared_ptr<graph::LayerNode>> layers = {};
};

template <class Visitor>
void fields(Visitor& v, SequentialFields& f) {
  v.required("layers", f.layers);
}

}  // namespace

std::shared_ptr<graph::LayerNode> layers::sequential_from_config(const graph::Json& config) {
  SequentialFields f;
  const graph::LayerOptions common = read_layer("Sequential", config, f);
  return training::make_sequential(common, f.layers);
}

Model training::model_from_config(const graph::Json& config) {
  const core::Serialized given = core::serialized("model", config);
  const auto node = layers::layer_from_config(given.class_name, given.config);
  if (!node->is_model()) {
    throw ConfigError(given.class_name + " is a layer; a model is Sequential or Functional");
  }
  return detail::Access::make<Model>(detail::Access::make<Layer>(node));
}

}  // namespace rondo
