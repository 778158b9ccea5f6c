#include "core/fields.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <rondo/error.hpp>

#include "core/fork_safe.hpp"
#include "core/names.hpp"

namespace rondo {

using Json = nlohmann::ordered_json;

Json to_config(const Shape& shape) {
  if (shape.empty()) return nullptr;
  Json sizes = Json::array();
  for (const Index size : shape) sizes.push_back(size == Shape::kUnknown ? Json() : Json(size));
  return sizes;
}

void from_config(const Json& config, Shape& shape) {
  std::vector<Index> sizes;
  if (!config.is_null()) {
    for (const Json& size : config.get_ref<const Json::array_t&>()) {
      sizes.push_back(size.is_null() ? Shape::kUnknown : core::whole_number(size));
    }
  }
  shape = Shape(sizes);
}

Json to_config(const std::optional<DTypePolicy>& policy) { return policy ? Json(policy->name()) : Json(); }

void from_config(const Json& config, Dim& value) { value = core::whole_number(config); }

void from_config(const Json& config, std::optional<DTypePolicy>& policy) {
  if (config.is_null()) return;
  const bool is_object = config.is_object() && config.contains("config") && config["config"].contains("name");
  if (!config.is_string() && !is_object) throw std::invalid_argument("it must be a name, or a policy with its name");
  policy = (is_object ? config["config"]["name"] : config).get<std::string>();
}

namespace core {

namespace {

// What some version of Keras writes beside the options listed, whatever stands there: how an implementation goes about
// its work, what a file says of its own making, and the dtype of what computes in that of the model.
constexpr auto kChangeNoNumber = std::to_array<std::string_view>({
    "autocast",
    "batch_input_shape",
    "batch_shape",
    "build_config",
    "build_input_shape",
    "dtype",
    "implementation",
    "jit_compile",
    "module",
    "registered_name",
    "renorm_momentum",  // renorm is refused
    "shared_object_id",
    "trainable",
});

std::string option_text(const std::string& key, const Json& value) {
  return "the option " + key + " = " + value_text(value);
}

// As much of a value as begins with so many characters, which are then fewer: it may have megabytes.
Json beginning_of(const Json& value, std::size_t& left) {
  const auto taken = [&](const std::string& text) {
    const std::string beginning = text.substr(0, left);
    left -= beginning.size();
    return beginning;
  };
  if (value.is_string()) return taken(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value;
  Json part = value.is_array() ? Json::array() : Json::object();
  for (auto each = value.begin(); each != value.end() && left > 0; ++each) {
    --left;  // for what stands between them
    if (value.is_array()) {
      part.push_back(beginning_of(*each, left));
    } else {
      const std::string key = taken(each.key());
      part[key] = beginning_of(*each, left);
    }
  }
  return part;
}

// The whole numbers that a double holds one by one.
constexpr double kLargestWhole = 0x1p53;

constexpr const char* kUnreadable = ": its configuration cannot be read: ";

}  // namespace

Index whole_number(const Json& config) {
  if (config.is_number_integer()) {
    const bool fits = !config.is_number_unsigned() ||
                      config.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<Index>::max());
    if (fits) return config.get<Index>();
  } else if (config.is_number()) {
    const double value = config.get<double>();
    if (std::abs(value) <= kLargestWhole && value == std::trunc(value)) return static_cast<Index>(value);
  }
  throw std::invalid_argument("it must be a whole number");
}

bool is_off(const Json& value) {
  return value.is_null() || value == false || value == "" || (value.is_number() && value.get<double>() == 0);
}

std::string value_text(const Json& value) {
  constexpr std::size_t kMost = 120;
  std::size_t left = kMost + 1;
  std::string text = beginning_of(value, left).dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return text;
}

FieldReader::FieldReader(std::string_view who, const Json& config) : who_(who), config_(config) {
  if (!config.is_object()) throw ConfigError(who_ + kUnreadable + value_text(config) + " is not an object of options");
}

const Json* FieldReader::find(const char* key) {
  known_.emplace_back(key);
  const auto found = config_.find(key);
  return found == config_.end() ? nullptr : &*found;
}

void FieldReader::absent(const char* key, const Json& value) {
  const Json* given = find(key);
  // 0 is not off here: it may be the number of a class.
  if (given == nullptr || *given == value || (value.is_null() && *given == false)) return;
  throw ConfigError(who_ + ": " + option_text(key, *given) + " is not supported; leave it out" +
                    (value.is_null() ? "" : ", or give " + value_text(value)));
}

void FieldReader::finish() const {
  for (const auto& [key, value] : config_.items()) {
    if (std::ranges::find(known_, key) != known_.end()) continue;
    if (std::ranges::find(kChangeNoNumber, key) != kChangeNoNumber.end()) continue;
    const std::string nearest = did_you_mean(key, known_);
    if (is_off(value) && nearest.empty()) continue;
    throw ConfigError(who_ + ": " + option_text(key, value) + " is not known." + nearest +
                      " Known: " + quoted_list(known_));
  }
}

void FieldReader::refuse_missing(const char* key) const {
  throw ConfigError(who_ + kUnreadable + "the option '" + key + "' is missing");
}

void FieldReader::refuse_value(const char* key, const Json& given, const char* why) const {
  throw ConfigError(who_ + kUnreadable + option_text(key, given) + ": " + why);
}

Serialized serialized(std::string_view what, const Json& json) {
  static constinit Lazy<Json> none;
  const Json& no_options = none.get([] { return Json::object(); });
  if (json.is_string()) return {.name = json.get<std::string>(), .class_name = {}, .config = no_options};
  const auto class_name = json.is_object() ? json.find("class_name") : json.end();
  if (class_name != json.end() && class_name->is_string()) {
    const auto found = json.find("config");
    const Json& config = found != json.end() ? *found : no_options;
    const bool is_function = *class_name == "function" && config.is_string();
    if (is_function) return {.name = config.get<std::string>(), .class_name = {}, .config = no_options};
    return {.name = {}, .class_name = class_name->get<std::string>(), .config = config};
  }
  throw ConfigError(std::string(what) + " " + value_text(json) +
                    ": its configuration cannot be read: give a name, or an object of class_name and config");
}

Json serialize(const char* module, const std::string& class_name, const Json& config) {
  return {{"module", module}, {"class_name", class_name}, {"config", config}, {"registered_name", nullptr}};
}

}  // namespace core
}  // namespace rondo
