#include "support/keras_config.hpp"

#include <algorithm>

#include "core/fields.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/constraints.hpp"
#include "training/from_config.hpp"
#include "training/schedules.hpp"

namespace rondo {

// Rondo's own configurations have no parameters of activations.
namespace activations {

template <class Visitor>
void fields(Visitor& v, ReluOptions& o) {
  v("negative_slope", o.negative_slope);
  v("max_value", o.max_value);
  v("threshold", o.threshold);
}
template <class Visitor>
void fields(Visitor& v, LeakyReluOptions& o) {
  v("negative_slope", o.negative_slope);
}
template <class Visitor>
void fields(Visitor& v, EluOptions& o) {
  v("alpha", o.alpha);
}
template <class Visitor>
void fields(Visitor& v, GeluOptions& o) {
  v("approximate", o.approximate);
}
template <class Visitor>
void fields(Visitor& v, SquareplusOptions& o) {
  v("b", o.b);
}
template <class Visitor>
void fields(Visitor& v, ShrinkOptions& o) {
  v("threshold", o.threshold);
}
template <class Visitor>
void fields(Visitor& v, ThresholdOptions& o) {
  v("threshold", o.threshold);
  v("default_value", o.default_value);
}

}  // namespace activations

namespace golden {

namespace {

// What a ConfigError says is missing: a class, an option of one, or, of kinds that say nothing of their classes
// ("loss"), the option alone, with its value where that is a name.
std::string missing_kind(const std::string& what, const std::string& text) {
  const std::size_t end = text.find("' is in Keras, but not in Rondo");
  if (end != std::string::npos) return text.substr(text.rfind('\'', end - 1) + 1, end - text.rfind('\'', end - 1) - 1);
  const std::string option = text.substr(0, text.find(" = ")), before = ": the option ";
  if (what.empty() || option.find(before) == std::string::npos) return option;
  const std::string kind = what + " " + option.substr(option.find(before) + before.size());
  const std::string value = text.substr(option.size() + 3);
  return value.starts_with('"') ? kind + " " + value.substr(1, value.find('"', 1) - 1) : kind;
}

// Runs `make`; a ConfigError becomes NotSupported.
template <class Make>
auto supported(const std::string& what, Make make) -> decltype(make()) {
  try {
    return make();
  } catch (const ConfigError& error) {
    throw NotSupported(missing_kind(what, error.what()));
  }
}

// Of a layer and those inside it.
void set_dtype(Json& config, DType dtype) {
  config["dtype"] = std::string(to_string(dtype));
  for (const char* inside : {"layer", "backward_layer", "cell"}) {
    if (config.contains(inside) && config[inside].is_object()) set_dtype(config[inside].at("config"), dtype);
  }
  for (const char* list : {"layers", "cells"}) {
    if (!config.contains(list)) continue;
    for (Json& inside : config[list]) set_dtype(inside.at("config"), dtype);
  }
}

Json with_dtype(Json serialized, DType dtype) {
  set_dtype(serialized.at("config"), dtype);
  return serialized;
}

}  // namespace

void refuse_other_keys(const std::string& what, const Json& object, const std::vector<std::string>& known) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_null() || value == false || std::find(known.begin(), known.end(), key) != known.end()) continue;
    throw NotSupported(what + (what.empty() ? "" : " ") + key);
  }
}

std::shared_ptr<graph::LayerNode> layer_from(const Json& serialized, DType dtype) {
  return supported("", [&] { return layers::layer_from_config(with_dtype(serialized, dtype)); });
}

Model model_from(const Json& serialized, DType dtype) {
  return supported("", [&] { return training::model_from_config(with_dtype(serialized, dtype)); });
}

namespace {

template <class Options>
ActivationFn read(ActivationFn (*make)(Options), const Json& given) {
  Options options;
  core::read_fields("activation", given, options);
  return make(options);
}

ActivationFn activation_of(const std::string& name, const Json& given) {
  using namespace activations;
  if (name == "relu") return read(relu, given);
  if (name == "leaky_relu") return read(leaky_relu, given);
  if (name == "elu") return read(elu, given);
  if (name == "celu") return read(celu, given);
  if (name == "gelu") return read(gelu, given);
  if (name == "squareplus") return read(squareplus, given);
  if (name == "soft_shrink") return read(soft_shrink, given);
  if (name == "hard_shrink") return read(hard_shrink, given);
  if (name == "threshold") return read(threshold, given);
  core::NoOptions none;
  core::read_fields("activation", given, none);
  return name;
}

}  // namespace

ActivationFn activation_from(const Json& function, Index rank) {
  Json given = Json::object();
  for (const auto& [key, value] : function.at("kwargs").items()) {
    if (!value.is_null()) given[key] = value;
  }
  const Index axis = given.value("axis", Index{-1});
  if (axis != -1 && axis != rank - 1) throw NotSupported("activation axis");
  given.erase("axis");
  return supported("activation", [&] { return activation_of(function.at("name"), given); });
}

Loss loss_from(const Json& serialized, const Json& arguments) {
  if (serialized.is_array()) throw NotSupported("a loss for each output");
  Json whole = serialized;
  if (whole.is_object()) {
    whole["config"].update(arguments);
    whole["config"].update(serialized.value("fn_kwargs", Json::object()));
  }
  return supported("loss", [&] { return training::loss_from_config(whole); });
}

Metric metric_from(const Json& serialized) {
  return supported("metric", [&] { return training::metric_from_config(serialized); });
}

Optimizer optimizer_from(const Json& serialized) {
  return supported("optimizer", [&] { return training::optimizer_from_config(serialized); });
}

std::optional<Constraint> constraint_from(const Json& serialized) {
  return supported("constraint", [&] {
    std::optional<Constraint> constraint;
    from_config(serialized, constraint);
    return constraint;
  });
}

LearningRateSchedule schedule_from(const Json& serialized) {
  return supported("schedule", [&] { return training::schedule_from_config(serialized); });
}

}  // namespace golden
}  // namespace rondo
