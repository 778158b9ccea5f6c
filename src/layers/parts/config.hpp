// Nodes from their configurations.
#pragma once

#include <memory>
#include <string_view>
#include <tuple>

#include "core/fields.hpp"
#include "graph/layer_node.hpp"

namespace rondo::layers {

// Reads a layer's options, of which there is a listing fields(v, options...); returns those that all layers have.
template <class... Options>
graph::LayerOptions read_layer(std::string_view class_name, const graph::Json& config, Options&... options) {
  graph::LayerOptions common;
  core::FieldReader reader(class_name, config);
  fields(reader, common);
  fields(reader, options...);
  reader.finish();
  return common;
}

// The same, and makes Node(options..., common) of them.
template <class Node, class... Options>
std::shared_ptr<graph::LayerNode> node_from_config(std::string_view class_name, const graph::Json& config) {
  std::tuple<Options...> options;
  return std::apply(
      [&](auto&... each) {
        const graph::LayerOptions common = read_layer(class_name, config, each...);
        return std::make_shared<Node>(each..., common);
      },
      options);
}

}  // namespace rondo::layers
