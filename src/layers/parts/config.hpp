// Reading layer configurations: Keras's keys, with Keras's defaults where a key is missing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "graph/layer_node.hpp"

namespace rondo::layers {

// name, dtype (a name or Keras's DTypePolicy object) and trainable.
graph::LayerOptions common_options(const graph::Json& config);

// "seed": a number, or null for that of the layer.
std::optional<std::uint64_t> seed_from_config(const graph::Json& config);
graph::Json seed_config(const std::optional<std::uint64_t>& seed);

// ConfigError naming the layer and the key if one of these is present and neither null, false nor zero: an option that
// Rondo does not have must not be ignored.
void refuse_options(const std::string& class_name, const graph::Json& config, std::initializer_list<const char*> keys);

}  // namespace rondo::layers
