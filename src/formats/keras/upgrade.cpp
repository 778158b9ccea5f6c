#include "formats/keras/upgrade.hpp"

#include <rondo/error.hpp>
#include <rondo/keras_compat.hpp>

#include "core/fields.hpp"
#include "formats/keras/config.hpp"
#include "formats/keras/keras_1.hpp"
#include "training/from_config.hpp"

namespace rondo::keras {

namespace {

using training::is_tensor_name;

bool is_class(const Json& object, const char* name) {
  return object.is_object() && object.contains("class_name") && object["class_name"] == name;
}

bool is_object_of_class(const Json& object) {
  return object.is_object() && object.contains("class_name") && object["class_name"].is_string();
}

bool is_input(const Json& layer) { return is_class(layer, "InputLayer"); }

// The first layer used to have the shape of the data.
Json input_of(const Json& layer) {
  if (!layer.contains("config") || !layer["config"].is_object()) return nullptr;
  const Json shape = layer["config"].value("batch_input_shape", Json());
  if (!shape.is_array()) return nullptr;
  return {{"class_name", "InputLayer"}, {"config", {{"batch_shape", shape}}}};
}

// Whole numbers come in as floating point ones.
bool is_integer_type(const Json& dtype) {
  if (!dtype.is_string()) return false;
  const auto name = dtype.get<std::string>();
  return name.starts_with("int") || name.starts_with("uint") || name == "bool";
}

Json upgraded_sequential(Json config) {
  if (config.is_array()) config = {{"layers", config}};  // until Keras 2.2.2
  Json& layers = config.at("layers");
  if (layers.empty() || is_input(layers.front())) return config;
  Json input = input_of(layers.front());
  if (input.is_null() && config.contains("build_input_shape") && config["build_input_shape"].is_array()) {
    input = {{"class_name", "InputLayer"}, {"config", {{"batch_shape", config["build_input_shape"]}}}};
  }
  if (!input.is_null()) layers.insert(layers.begin(), input);
  return config;
}

// ---- calls of a graph's layers -------------------------------------------------------------------------------------

Json tensor(const Json& layer, const Json& call, const Json& output) {
  return {{"class_name", "__keras_tensor__"}, {"config", {{"keras_history", {layer, call, output}}}}};
}

// Names of tensors are ["lstm", 0, 1] or ["lstm", 0, 1, {arguments}].
Json upgraded_argument(const Json& value) {
  if (is_tensor_name(value)) return tensor(value[0], value[1], value[2]);
  if (!value.is_array()) return value;
  Json list = Json::array();
  for (const Json& element : value) list.push_back(upgraded_argument(element));
  return list;
}

// A call is a list of tensors' names; the arguments stand behind the first.
Json upgraded_call(const Json& call) {
  if (call.is_object()) return call;
  if (!call.is_array()) throw ConfigError("a call of a layer is written as " + core::value_text(call));
  const Json names = is_tensor_name(call) ? Json::array({call}) : call;
  Json args = Json::array(), kwargs = Json::object();
  for (const Json& name : names) {
    if (!is_tensor_name(name)) throw ConfigError("the input of a layer is written as " + core::value_text(name));
    args.push_back(tensor(name[0], name[1], name[2]));
    if (name.size() < 4) continue;
    for (const auto& [key, value] : name[3].items()) kwargs[key] = upgraded_argument(value);
  }
  return {{"args", args.size() == 1 ? args : Json::array({args})}, {"kwargs", kwargs}};
}

Json upgraded_graph(Json config) {
  for (Json& layer : config.at("layers")) {
    if (!layer.is_object() || !layer.contains("inbound_nodes")) continue;
    Json calls = Json::array();
    for (const Json& call : layer["inbound_nodes"]) calls.push_back(upgraded_call(call));
    layer["inbound_nodes"] = calls;
  }
  return config;
}

// TensorFlow's Keras has it in a list, of one since there is no virtual batch.
void upgrade_axis(Json& config) {
  if (!config.is_object() || !config.contains("axis")) return;
  const Json axis = config["axis"];
  if (axis.is_array() && axis.size() == 1) config["axis"] = axis[0];
}

// Models may be inside layers of models.
void upgrade_inside(Json& config) {
  if (!config.is_object()) return;
  for (const char* key : {"layers", "layer", "backward_layer", "cell", "cells"}) {
    if (!config.contains(key)) continue;
    if (config[key].is_array()) {
      for (Json& each : config[key]) each = upgraded_model(std::move(each));
    } else if (config[key].is_object()) {
      config[key] = upgraded_model(std::move(config[key]));
    }
  }
}

// ---- what a model is compiled with ---------------------------------------------------------------------------------

// "Custom>Adam": a class that TensorFlow had under a name of its own.
void strip_package(Json& object) {
  const auto name = object.at("class_name").get<std::string>();
  object["class_name"] = name.substr(name.find('>') + 1);
}

// TensorFlow's optimizers until 2.10, "legacy" since, always had a decay. Nadam's was that of its schedule; RMSprop
// without momentum and Adagrad added epsilon outside of the root.
void upgrade_tensorflow_optimizer(Json& optimizer) {
  Json& options = optimizer["config"];
  if (!options.contains("decay") && options.value("is_legacy_optimizer", Json()) != true) return;
  if (is_class(optimizer, "Nadam")) {
    options["schedule_decay"] = options.value("decay", Json(0.004));
    options.erase("decay");
  }
  const Json momentum = options.value("momentum", Json(0));
  const bool has_momentum = momentum.is_number() && momentum.get<double>() != 0;
  if (is_class(optimizer, "Adagrad") || (is_class(optimizer, "RMSprop") && !has_momentum)) {
    options["epsilon_outside_root"] = true;
  }
}

void upgrade_optimizer(Json& optimizer) {
  strip_package(optimizer);
  Json& options = optimizer["config"];
  if (!options.is_object()) return;
  if (options.contains("lr")) {
    options["learning_rate"] = options["lr"];
    options.erase("lr");
  }
  if (options.contains("epsilon") && options["epsilon"].is_null()) options.erase("epsilon");  // the standard one
  if (std::string("2.4") == detail::keras_defaults().version) upgrade_tensorflow_optimizer(optimizer);
  options.erase("is_legacy_optimizer");
  if (!optimizer.contains(kOwnOptions)) return;
  if (optimizer[kOwnOptions].is_object()) options.update(optimizer[kOwnOptions]);
  optimizer.erase(kOwnOptions);
}

// TensorFlow's Keras names the function of a loss beside its class, and means the mean where it says "auto".
void upgrade_losses(Json& losses) {
  if (!losses.is_structured()) return;
  if (is_object_of_class(losses)) {
    if (!losses.contains("config") || !losses["config"].is_object()) return;
    Json& options = losses["config"];
    options.erase("fn");
    if (options.value("reduction", Json()) == "auto") options.erase("reduction");
    return;
  }
  for (Json& each : losses) upgrade_losses(each);
}

// A function as a metric is the metric of that name.
void upgrade_metrics(Json& metrics) {
  if (metrics.is_array() || (metrics.is_object() && !metrics.contains("class_name"))) {
    for (Json& each : metrics) upgrade_metrics(each);
  }
  if (!is_class(metrics, "MeanMetricWrapper") || !metrics.contains("config")) return;
  const Json& fn = metrics["config"].value("fn", Json());
  if (!fn.is_string()) return;
  metrics = {{"class_name", fn}, {"config", {{"name", metrics["config"].value("name", fn.get<std::string>())}}}};
}

}  // namespace

Json upgraded_model(Json model) {
  if (!model.is_object() || !model.contains("config")) return model;
  model = renamed_options(std::move(model));
  if (is_class(model, "Model")) model["class_name"] = "Functional";
  Json& config = model["config"];
  if (is_input(model) && config.is_object() && is_integer_type(config.value("dtype", Json()))) config.erase("dtype");
  if (is_class(model, "BatchNormalization")) upgrade_axis(config);
  if (is_class(model, "Sequential")) config = upgraded_sequential(std::move(config));
  if (is_class(model, "Functional") && config.is_object()) config = upgraded_graph(std::move(config));
  upgrade_inside(config);
  return model;
}

Json upgraded_compile_config(Json config) {
  if (config.contains("optimizer_config")) {
    config["optimizer"] = config["optimizer_config"];
    config.erase("optimizer_config");
  }
  if (config.contains("optimizer") && is_object_of_class(config["optimizer"])) upgrade_optimizer(config["optimizer"]);
  if (config.contains("loss")) upgrade_losses(config["loss"]);
  for (const char* key : {"metrics", "weighted_metrics"}) {
    if (config.contains(key)) upgrade_metrics(config[key]);
  }
  return config;
}

}  // namespace rondo::keras
