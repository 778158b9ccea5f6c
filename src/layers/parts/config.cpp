#include "layers/parts/config.hpp"

#include <nlohmann/json.hpp>

namespace rondo::layers {

graph::LayerOptions common_options(const graph::Json& config) {
  graph::LayerOptions options;
  options.name = config.value("name", std::string());
  options.trainable = config.value("trainable", true);
  if (config.contains("dtype")) {
    const graph::Json& dtype = config["dtype"];
    if (dtype.is_string()) options.dtype = dtype.get<std::string>();
    if (dtype.is_object() && dtype.contains("config")) {
      options.dtype = dtype["config"].value("name", std::string("float32"));
    }
  }
  return options;
}

std::optional<std::uint64_t> seed_from_config(const graph::Json& config) {
  if (!config.contains("seed") || !config["seed"].is_number()) return std::nullopt;
  return config["seed"].get<std::uint64_t>();
}

graph::Json seed_config(const std::optional<std::uint64_t>& seed) { return seed ? graph::Json(*seed) : graph::Json(); }

void refuse_options(const std::string& class_name, const graph::Json& config, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (!config.contains(key)) continue;
    const graph::Json& value = config[key];
    const bool off = value.is_null() || value == false || (value.is_number() && value.get<double>() == 0);
    if (!off) throw ConfigError(class_name + ": the option " + key + " = " + value.dump() + " is not supported");
  }
}

}  // namespace rondo::layers
