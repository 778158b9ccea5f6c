#include "formats/audio/weights.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <rondo/error.hpp>

#include "core/fields.hpp"
#include "core/file_bytes.hpp"
#include "core/names.hpp"
#include "formats/keras/config.hpp"

namespace rondo::audio {

// ---- writing -------------------------------------------------------------------------------------------------------

void require_option(const std::string& who, const Layer& layer, const Json& config, const char* option,
                    const Json& value) {
  if (config.at(option) == value) return;
  throw ConfigError(who + ": " + layer.class_name() + " '" + layer.name() + "' has " + option + " = " +
                    config.at(option).dump() + "; the format has " + value.dump() + " alone");
}

void require_usual(const std::string& who, const Layer& layer, const Json& config) {
  require_option(who, layer, config, "activation", "tanh");
  require_option(who, layer, config, "recurrent_activation", "sigmoid");
  require_option(who, layer, config, "go_backwards", false);
}

std::vector<Tensor> finite_weights(const std::string& who, const Layer& layer) {
  std::vector<Tensor> weights = layer.get_weights();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::vector<double> numbers = weights[i].to_vector();
    if (std::all_of(numbers.begin(), numbers.end(), [](double number) { return std::isfinite(number); })) continue;
    throw ConfigError(who + ": the weight '" + layer.weights()[i].path + "' holds numbers that are not finite");
  }
  return weights;
}

std::vector<Tensor> weights_with_bias(const std::string& who, const Layer& layer, const Json& config,
                                      const Shape& bias) {
  std::vector<Tensor> weights = finite_weights(who, layer);
  if (!config.at("use_bias").get<bool>()) weights.emplace_back(bias, layer.dtype());
  return weights;
}

// ---- reading -------------------------------------------------------------------------------------------------------

Json read_json(const std::string& path) {
  const core::FileBytes file(path);
  const core::Bytes bytes = file.bytes();
  // No value is shorter than two bytes, so the file says how many there can be.
  return keras::parse_config({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "'" + path + "'",
                             {.bytes = bytes.size(), .values = bytes.size()});
}

void rethrow_in_file(const std::string& path) {
  try {
    throw;
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    const std::string what = error.what();
    throw FileError(what.starts_with("'" + path + "'") ? what : "'" + path + "': " + what);
  } catch (const Json::exception& error) {
    throw FileError("'" + path + "': it does not have what such a file has: " + error.what());
  }
}

std::string shown(const Json& value) { return core::value_text(value).substr(0, 40); }

Index size_of(const Json& value, const std::string& name, Index most) {
  const Index size = value.is_number_integer() ? value.get<Index>() : 0;
  if (size >= 1 && size <= most) return size;
  throw FileError(name + " is " + shown(value) + "; it must be a whole number, 1 to " + std::to_string(most));
}

double number_of(const Json& value, const std::string& name) {
  if (value.is_number()) return value.get<double>();
  throw FileError(name + " holds " + shown(value) + " where a number is expected");
}

}  // namespace rondo::audio
