// Configurations in files: JSON, with what a file of somebody else's may not do.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include <rondo/model.hpp>

namespace rondo::keras {

using Json = nlohmann::ordered_json;

// FileError, beginning with `where`, for what is no JSON object, nested more than 100 deep, or of more values.
Json parse_config(std::string_view text, const std::string& where, std::size_t most_values = 1'000'000);

// {module, class_name, config, registered_name} of a model, with what it is compiled with as "compile_config", as in
// Keras 3's config.json.
Json config_of(const Model& model);

// Compiles a model as such a compile_config says. Losses and metrics of several outputs stand in their order or by
// their names.
void compile_from(const Json& compile_config, const Model& model);

}  // namespace rondo::keras
