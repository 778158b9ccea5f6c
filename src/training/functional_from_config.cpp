// Functional models from their configurations: graphs, as Keras 3 writes them. Each layer lists its calls
// ("inbound_nodes"), and their arguments name tensors by the layer, the call and the output that made them.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include <rondo/error.hpp>

#include "graph/symbol.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"
#include "training/from_config.hpp"
#include "training/functional.hpp"

namespace rondo {

namespace {

using graph::Json;
using Node = std::shared_ptr<graph::LayerNode>;

struct FunctionalFields {
  Json layers, input_layers, output_layers;
};

template <class Visitor>
void fields(Visitor& v, FunctionalFields& f) {
  v.required("layers", f.layers);
  v.required("input_layers", f.input_layers);
  v.required("output_layers", f.output_layers);
}

// Layer, call, output.
using KerasHistory = std::tuple<std::string, Index, Index>;

KerasHistory history_of(const Json& name) {
  if (!training::is_tensor_name(name)) {
    throw ConfigError("Functional: a tensor is named by its layer, the number of the call and that of the output; " +
                      core::value_text(name) + " was given");
  }
  return {name[0].get<std::string>(), name[1].get<Index>(), name[2].get<Index>()};
}

std::string text_of(const KerasHistory& tensor) {
  const auto& [layer, call, output] = tensor;
  return "output " + std::to_string(output) + " of call " + std::to_string(call) + " of layer '" + layer + "'";
}

[[noreturn]] void refuse(const std::string& layer, const std::string& what) {
  throw ConfigError("Functional: a call of layer '" + layer + "' " + what);
}

// Keras's forms of a tensor that is a constant.
bool has_constant(const Json& argument) {
  if (argument.is_array()) return std::ranges::any_of(argument, has_constant);
  if (!argument.is_object()) return false;
  const Json name = argument.value("class_name", Json());
  return name == "__tensor__" || name == "__numpy__";
}

void refuse_constant(const std::string& layer, const std::string& what, const Json& argument) {
  if (!has_constant(argument)) return;
  refuse(layer, "has a constant tensor as its " + what + ", which is not supported; make it an input of the model");
}

// The tensors of an argument, which may be lists in lists.
void collect(const std::string& layer, const Json& argument, std::vector<KerasHistory>& tensors) {
  if (argument.is_array()) {
    for (const Json& element : argument) collect(layer, element, tensors);
  } else if (argument.is_object() && argument.value("class_name", "") == "__keras_tensor__") {
    tensors.push_back(history_of(argument.at("config").at("keras_history")));
  } else if (!argument.is_null()) {
    refuse(layer, "has an argument that is no tensor: " + core::value_text(argument));
  }
}

bool is_off(const Json& argument) {
  return argument.is_array() ? std::ranges::all_of(argument, is_off) : core::is_off(argument);
}

struct Call {
  Node layer;
  Index number;
  std::vector<KerasHistory> inputs = {};
  graph::CallArguments arguments = {};
  std::size_t there = 0;  // of the inputs, from the first on, have been made
};

Call call_of(const Node& layer, Index number, const Json& given) {
  if (!given.is_object()) {
    refuse(layer->name(), "is written as Keras 2 does, " + core::value_text(given) +
                              "; load the model with Keras 3 and write it anew");
  }
  Call call{layer, number};
  refuse_constant(layer->name(), "input", given.at("args"));
  collect(layer->name(), given.at("args"), call.inputs);
  for (const auto& [key, value] : given.at("kwargs").items()) {
    if (key == "training" && !value.is_null() && is_off(value)) call.arguments.as_in_training = false;
    if (is_off(value)) continue;
    refuse_constant(layer->name(), key, value);
    if (key != "initial_state" || !layer->takes_initial_state()) {
      refuse(layer->name(), "has the argument " + key + " = " + core::value_text(value) + ", which is not supported");
    }
    collect(layer->name(), value, call.inputs);
  }
  return call;
}

class Graph {
 public:
  explicit Graph(const Json& layers) {
    std::vector<Call> calls;
    for (const Json& each : layers) {
      const Node layer = layers::layer_from_config(each);
      if (!names_.insert(layer->name()).second) {
        throw ConfigError("Functional: two layers have the name '" + layer->name() + "'");
      }
      if (layer->is_input()) {
        symbols_.emplace(KerasHistory{layer->name(), 0, 0}, graph::input_symbol(layer));
        continue;
      }
      Index number = 0;
      for (const Json& call : each.at("inbound_nodes")) calls.push_back(call_of(layer, number++, call));
    }
    make(calls);
  }

  // Of one name of a tensor, or of a list of them.
  std::vector<Symbol> symbols(const char* what, const Json& names) const {
    if (!names.is_array()) {
      throw ConfigError(std::string("Functional: its ") + what + " are written as " + core::value_text(names) +
                        "; they must be in a list (a dictionary of them is not supported)");
    }
    if (!names.empty() && names.at(0).is_string()) return symbols(what, Json::array({names}));
    std::vector<Symbol> all;
    for (const Json& name : names.get_ref<const Json::array_t&>()) {
      const KerasHistory tensor = history_of(name);
      const auto found = symbols_.find(tensor);
      if (found == symbols_.end()) {
        throw ConfigError(std::string("Functional: among its ") + what + " is " + text_of(tensor) +
                          ", which nothing makes");
      }
      all.push_back(found->second);
    }
    return all;
  }

 private:
  // Each as soon as its inputs are there, in whatever order they are listed.
  void make(std::vector<Call>& calls) {
    std::map<KerasHistory, std::vector<Call*>> waiting;  // for a tensor
    std::vector<Call*> ready;
    const auto sort_in = [&](Call& call) {
      const KerasHistory* missing = first_missing(call);
      (missing == nullptr ? ready : waiting[*missing]).push_back(&call);
    };
    for (Call& call : calls) sort_in(call);
    while (!ready.empty()) {
      const Call& call = *ready.back();
      ready.pop_back();
      for (const KerasHistory& tensor : make(call)) {
        const auto released = waiting.extract(tensor);
        if (released.empty()) continue;
        for (Call* next : released.mapped()) sort_in(*next);
      }
    }
    for (Call& call : calls) {
      const KerasHistory* missing = first_missing(call);
      if (missing == nullptr) continue;
      refuse(call.layer->name(), "has the input " + text_of(*missing) + ", which nothing makes before it");
    }
  }

  // Returns what it gives.
  std::vector<KerasHistory> make(const Call& call) {
    std::vector<Symbol> inputs;
    for (const KerasHistory& tensor : call.inputs) inputs.push_back(symbols_.at(tensor));
    std::vector<KerasHistory> made;
    for (const Symbol& symbol : graph::call(call.layer, inputs, call.arguments)) {
      made.emplace_back(call.layer->name(), call.number, static_cast<Index>(made.size()));
      symbols_.emplace(made.back(), symbol);
    }
    return made;
  }

  // An input that is not there yet; null where all are. What was there is not looked for again.
  const KerasHistory* first_missing(Call& call) const {
    while (call.there < call.inputs.size() && symbols_.contains(call.inputs[call.there])) ++call.there;
    return call.there == call.inputs.size() ? nullptr : &call.inputs[call.there];
  }

  std::set<std::string> names_;
  std::map<KerasHistory, Symbol> symbols_;
};

}  // namespace

bool training::is_tensor_name(const Json& value) {
  return value.is_array() && value.size() >= 3 && value[0].is_string() && value[1].is_number_integer() &&
         value[2].is_number_integer();
}

std::shared_ptr<graph::LayerNode> layers::functional_from_config(const Json& config) {
  FunctionalFields f;
  const graph::LayerOptions common = read_layer("Functional", config, f);
  const Graph graph(f.layers);
  return std::make_shared<training::FunctionalNode>(graph.symbols("inputs", f.input_layers),
                                                    graph.symbols("outputs", f.output_layers), common);
}

}  // namespace rondo
