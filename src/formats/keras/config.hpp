// Configurations in files: JSON, with what a file of somebody else's may not do.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include <rondo/model.hpp>

namespace rondo::keras {

using Json = nlohmann::ordered_json;

// Beside an optimizer's configuration: the options that Keras 3 does not have, and passes over there.
constexpr const char* kOwnOptions = "rondo";

constexpr std::size_t kLargestConfig = std::size_t{8} << 20;  // bytes

struct JsonLimits {
  std::size_t bytes = kLargestConfig, values = 1'000'000;
};

// FileError, beginning with `where`, for what is no JSON object, larger than that, nested more than 100 deep, or with
// more than 256 values in one object.
Json parse_config(std::string_view text, const std::string& where, const JsonLimits& limits = {});

// ConfigError where a class or function anywhere in it is somebody's own: such a one may go by the name of one of
// Keras's, and is another.
void refuse_foreign(const Json& config);

// {module, class_name, config, registered_name} of a model, with what it is compiled with as "compile_config", as in
// Keras 3's config.json.
Json config_of(const Model& model);

// Compiles a model as such a compile_config says. Losses and metrics of several outputs stand in their order or by
// their names.
void compile_from(const Json& compile_config, const Model& model);

}  // namespace rondo::keras
