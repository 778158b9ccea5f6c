#include "support/keras_config.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "graph/symbol.hpp"
#include "layers/nodes.hpp"

namespace rondo::golden {

namespace {

// Runs `make`; a ConfigError becomes NotSupported: the class alone where it is missing, else the message's beginning.
template <class Make>
auto supported(const std::string& class_name, Make make) -> decltype(make()) {
  try {
    return make();
  } catch (const ConfigError& error) {
    const std::string text = error.what();
    const bool missing = text.find("'" + class_name + "' is in Keras, but not in Rondo") != std::string::npos;
    throw NotSupported(missing ? class_name : text.substr(0, text.find(" = ")));
  }
}

bool is_off(const Json& value) { return value.is_null() || value == false; }

// Takes options out of a configuration one by one, so that what nobody asked for can be refused.
class Options {
 public:
  Options(std::string what, const Json& config) : what_(std::move(what)), config_(config) {}

  template <class T>
  T take(const std::string& key, T standard) {
    known_.push_back(key);
    return config_.contains(key) && !config_[key].is_null() ? config_[key].get<T>() : standard;
  }
  // For options that may only have this value.
  void require(const std::string& key, const Json& value) {
    known_.push_back(key);
    if (!config_.contains(key) || config_[key] == value) return;
    throw NotSupported(what_ + " " + key + (value.is_string() ? " " + config_[key].get<std::string>() : ""));
  }
  void ignore(const std::string& key) { known_.push_back(key); }
  void refuse_rest() const { refuse_other_keys(what_, config_, known_); }

 private:
  std::string what_;
  const Json& config_;
  std::vector<std::string> known_;
};

}  // namespace

void refuse_other_keys(const std::string& what, const Json& object, const std::vector<std::string>& known) {
  for (const auto& [key, value] : object.items()) {
    if (is_off(value) || std::find(known.begin(), known.end(), key) != known.end()) continue;
    throw NotSupported(what + (what.empty() ? "" : " ") + key);
  }
}

// ---- layers --------------------------------------------------------------------------------------------------------

namespace {

// Of a layer and those inside it.
void set_dtype(Json& config, DType dtype) {
  config["dtype"] = std::string(to_string(dtype));
  for (const char* inside : {"layer", "backward_layer", "cell"}) {
    if (config.contains(inside)) set_dtype(config[inside].at("config"), dtype);
  }
}

}  // namespace

std::shared_ptr<graph::LayerNode> layer_from(const Json& serialized, DType dtype) {
  const std::string class_name = serialized.at("class_name");
  if (class_name == "Sequential" || class_name == "Functional") return model_from(serialized, dtype).node();
  Json config = serialized.at("config");
  if (class_name == "TimeDistributed") {  // whose layer may be a model
    return TimeDistributed(detail::Access::make<Layer>(layer_from(config.at("layer"), dtype)),
                           {.trainable = config.value("trainable", true), .name = config.at("name")})
        .node();
  }
  set_dtype(config, dtype);
  return supported(class_name, [&] { return layers::layer_from_config(class_name, config); });
}

namespace {

Sequential sequential_from(const Json& config, DType dtype) {
  // Before any is added: a layer that is not known is a case not supported, whatever the shapes.
  std::vector<Layer> layers;
  for (const Json& layer : config.at("layers")) layers.push_back(detail::Access::make<Layer>(layer_from(layer, dtype)));
  Sequential model({.name = config.at("name")});
  for (const Layer& layer : layers) model.add(layer);
  return model;
}

// A graph, from the calls of each layer: "inbound_nodes", whose tensors are named [layer, call, output].
class GraphReader {
 public:
  GraphReader(const Json& config, DType dtype) : config_(config) {
    for (const Json& layer : config.at("layers"))
      layers_.emplace_back(layer.at("config").at("name"), layer_from(layer, dtype));
  }

  Model read() {
    std::size_t before = 0;
    do {
      before = done_.size();
      for (std::size_t i = 0; i < layers_.size(); ++i) call_ready(i);
    } while (done_.size() > before);
    return Model(symbols(config_.at("input_layers")), symbols(config_.at("output_layers")),
                 {.name = config_.at("name")});
  }

 private:
  using History = std::tuple<std::string, int, int>;

  static History history_of(const Json& name) { return {name.at(0), name.at(1), name.at(2)}; }
  static bool is_tensor(const Json& value) {
    return value.is_object() && value.value("class_name", "") == "__keras_tensor__";
  }

  // The calls of a layer whose inputs are known by now.
  void call_ready(std::size_t i) {
    const auto& [name, node] = layers_[i];
    if (node->is_input()) {
      if (done_.insert({name, 0}).second) symbols_.emplace(History{name, 0, 0}, graph::input_symbol(node));
      return;
    }
    int number = 0;
    for (const Json& call : config_.at("layers").at(i).at("inbound_nodes")) {
      const int n = number++;
      std::vector<History> wanted;
      collect(call.at("args"), wanted);
      refuse_other_keys("call", call.at("kwargs"), {"initial_state", "training", "mask"});
      if (call.at("kwargs").contains("initial_state")) collect(call["kwargs"]["initial_state"], wanted);
      const auto known = [&](const History& h) { return symbols_.contains(h); };
      if (done_.contains({name, n}) || !std::all_of(wanted.begin(), wanted.end(), known)) continue;
      std::vector<Symbol> inputs;
      for (const History& h : wanted) inputs.push_back(symbols_.at(h));
      int output = 0;
      for (const Symbol& symbol : graph::call(node, inputs)) symbols_.emplace(History{name, n, output++}, symbol);
      done_.insert({name, n});
    }
  }

  static void collect(const Json& value, std::vector<History>& wanted) {
    if (is_tensor(value)) return wanted.push_back(history_of(value.at("config").at("keras_history")));
    if (!value.is_array()) throw NotSupported("a call with other arguments than tensors");
    for (const Json& element : value) collect(element, wanted);
  }

  std::vector<Symbol> symbols(const Json& names) const {
    std::vector<Symbol> all;
    if (names.at(0).is_string()) return {symbols_.at(history_of(names))};
    for (const Json& name : names) all.push_back(symbols_.at(history_of(name)));
    return all;
  }

  const Json& config_;
  std::vector<std::pair<std::string, std::shared_ptr<graph::LayerNode>>> layers_;
  std::map<History, Symbol> symbols_;
  std::set<std::pair<std::string, int>> done_;
};

}  // namespace

Model model_from(const Json& serialized, DType dtype) {
  const std::string class_name = serialized.at("class_name");
  if (class_name == "Sequential") return sequential_from(serialized.at("config"), dtype);
  if (class_name == "Functional") return GraphReader(serialized.at("config"), dtype).read();
  throw NotSupported(class_name);
}

ActivationFn activation_from(const Json& function, Index rank) {
  const std::string name = function.at("name");
  Options o("activation", function.at("kwargs"));
  const Index axis = o.take("axis", Index{-1});
  if (axis != -1 && axis != rank - 1) throw NotSupported("activation axis");
  const auto done = [&](const ActivationFn& fn) {
    o.refuse_rest();
    return fn;
  };
  const auto real = [&](const char* key, double standard) { return o.take(key, standard); };
  using namespace activations;
  if (name == "relu") {
    const ReluOptions standard;
    return done(relu({.negative_slope = real("negative_slope", standard.negative_slope),
                      .max_value = real("max_value", standard.max_value),
                      .threshold = real("threshold", standard.threshold)}));
  }
  if (name == "leaky_relu") return done(leaky_relu({.negative_slope = real("negative_slope", 0.2)}));
  if (name == "elu") return done(elu({.alpha = real("alpha", 1)}));
  if (name == "celu") return done(celu({.alpha = real("alpha", 1)}));
  if (name == "gelu") return done(gelu({.approximate = o.take("approximate", false)}));
  if (name == "squareplus") return done(squareplus({.b = real("b", 4)}));
  if (name == "soft_shrink") return done(soft_shrink({.threshold = real("threshold", 0.5)}));
  if (name == "hard_shrink") return done(hard_shrink({.threshold = real("threshold", 0.5)}));
  if (name == "threshold") {
    return done(threshold({.threshold = real("threshold", 1), .default_value = real("default_value", 0)}));
  }
  return done(supported(name, [&] { return ActivationFn(name); }));
}

// ---- losses --------------------------------------------------------------------------------------------------------

Loss loss_from(const Json& serialized, const Json& arguments) {
  if (serialized.is_array()) throw NotSupported("a loss for each output");
  if (serialized.is_string()) return supported(serialized, [&] { return Loss(serialized.get<std::string>()); });
  const std::string class_name = serialized.at("class_name");
  const Loss standard = supported(class_name, [&] { return Loss(class_name); });

  Json config = serialized.at("config");
  config.update(arguments);
  config.update(serialized.value("fn_kwargs", Json::object()));
  Options o("loss", config);
  o.ignore("name");
  o.require("reduction", "sum_over_batch_size");
  o.require("axis", -1);
  Loss loss = standard;
  if (class_name == "BinaryCrossentropy") {
    loss = losses::BinaryCrossentropy(
        {.from_logits = o.take("from_logits", false), .label_smoothing = o.take("label_smoothing", 0.0)});
  } else if (class_name == "CategoricalCrossentropy") {
    loss = losses::CategoricalCrossentropy(
        {.from_logits = o.take("from_logits", false), .label_smoothing = o.take("label_smoothing", 0.0)});
  } else if (class_name == "SparseCategoricalCrossentropy") {
    loss = losses::SparseCategoricalCrossentropy({.from_logits = o.take("from_logits", false)});
  }
  o.refuse_rest();
  return loss;
}

// ---- metrics -------------------------------------------------------------------------------------------------------

Metric metric_from(const Json& serialized) {
  if (serialized.is_string()) return supported(serialized, [&] { return Metric(serialized.get<std::string>()); });
  const std::string class_name = serialized.at("class_name");
  // Keras's class compares elementwise; the name, which Metric takes, chooses one of three others.
  if (class_name == "Accuracy") throw NotSupported(class_name);
  const Metric standard = supported(class_name, [&] { return Metric(class_name); });

  Options o("metric", serialized.at("config"));
  const auto name = o.take("name", standard.name());
  o.ignore("dtype");
  o.require("axis", -1);
  o.require("label_smoothing", 0);
  Metric metric = standard.renamed(name);
  if (class_name == "BinaryAccuracy") {
    metric = metrics::BinaryAccuracy({.name = name, .threshold = o.take("threshold", 0.5)});
  }
  o.refuse_rest();
  return metric;
}

// ---- optimizers ----------------------------------------------------------------------------------------------------

Optimizer optimizer_from(const Json& serialized) {
  if (serialized.is_string()) return supported(serialized, [&] { return Optimizer(serialized.get<std::string>()); });
  const std::string class_name = serialized.at("class_name");
  const Optimizer standard = supported(class_name, [&] { return Optimizer(class_name); });

  const Json& config = serialized.at("config");
  const Json& learning_rate = config.at("learning_rate");
  if (learning_rate.is_object()) throw NotSupported("schedule " + learning_rate.at("class_name").get<std::string>());
  const double rate = learning_rate;
  Options o("optimizer", config);
  for (const char* key : {"name", "learning_rate"}) o.ignore(key);
  if (is_off(config.value("use_ema", Json()))) o.ignore("ema_momentum");
  Optimizer optimizer = standard;
  if (class_name == "SGD") {
    optimizer =
        SGD({.learning_rate = rate, .momentum = o.take("momentum", 0.0), .nesterov = o.take("nesterov", false)});
  } else if (class_name == "RMSprop") {
    optimizer = RMSprop({.learning_rate = rate,
                         .rho = o.take("rho", 0.9),
                         .momentum = o.take("momentum", 0.0),
                         .epsilon = o.take("epsilon", 1e-7),
                         .centered = o.take("centered", false)});
  } else if (class_name == "Adam") {
    optimizer = Adam({.learning_rate = rate,
                      .beta_1 = o.take("beta_1", 0.9),
                      .beta_2 = o.take("beta_2", 0.999),
                      .epsilon = o.take("epsilon", 1e-7),
                      .amsgrad = o.take("amsgrad", false)});
  } else {
    throw NotSupported(class_name);
  }
  o.refuse_rest();
  return optimizer;
}

}  // namespace rondo::golden
