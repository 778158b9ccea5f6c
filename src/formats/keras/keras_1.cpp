#include "formats/keras/keras_1.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <rondo/error.hpp>

#include "core/fields.hpp"

namespace rondo::keras {

namespace {

struct NewName {
  const char *old, *now;
};

// Dense and BatchNormalization have some of them.
constexpr std::array kNewNames = {
    NewName{"output_dim", "units"},
    NewName{"init", "kernel_initializer"},
    NewName{"inner_init", "recurrent_initializer"},
    NewName{"inner_activation", "recurrent_activation"},
    NewName{"bias", "use_bias"},
    NewName{"W_regularizer", "kernel_regularizer"},
    NewName{"U_regularizer", "recurrent_regularizer"},
    NewName{"b_regularizer", "bias_regularizer"},
    NewName{"W_constraint", "kernel_constraint"},
    NewName{"b_constraint", "bias_constraint"},
    NewName{"dropout_W", "dropout"},
    NewName{"dropout_U", "recurrent_dropout"},
    NewName{"p", "rate"},
    NewName{"beta_init", "beta_initializer"},
    NewName{"gamma_init", "gamma_initializer"},
};
// The data's shape stands in batch_input_shape, too; the last is how the step is computed.
constexpr std::array kLeftOut = {"input_dim", "input_length", "consume_less"};
constexpr std::array kClasses = {"Dense", "LSTM", "GRU", "Dropout", "BatchNormalization"};

// {"name": "L1L2Regularizer", "l1": 0.0, "l2": 0.01}.
void rename_class(Json& object) {
  if (!object.is_object() || object.contains("class_name") || !object.contains("name")) return;
  const Json name = object["name"];
  object.erase("name");
  object = {{"class_name", name == "L1L2Regularizer" ? Json("L1L2") : name}, {"config", object}};
  Json& options = object["config"];
  if (name != "MaxNorm" || !options.contains("m")) return;
  options["max_value"] = options["m"];
  options.erase("m");
}

// The places of the gates' triples (kernel, recurrent kernel, bias) in the order that Keras has had since.
std::vector<std::size_t> gate_order(const graph::LayerNode& layer) {
  if (layer.class_name() == "LSTM") return {0, 2, 1, 3};  // i, c, f, o -> i, f, c, o
  if (layer.class_name() == "GRU") return {0, 1, 2};
  return {};
}

}  // namespace

Json renamed_options(Json layer) {
  Json& options = layer["config"];
  if (!layer.contains("class_name") || !options.is_object()) return layer;
  options.erase("input_dtype");  // the first layer of a model has it, whatever its class
  if (std::ranges::find(kClasses, layer["class_name"]) == kClasses.end()) return layer;
  for (const NewName& name : kNewNames) {
    if (!options.contains(name.old) || options.contains(name.now)) continue;
    rename_class(options[name.old]);
    options[name.now] = options[name.old];
    options.erase(name.old);
  }
  if (options.contains("forget_bias_init")) {
    if (options["forget_bias_init"] != "one" && options["forget_bias_init"] != "zero") {
      throw ConfigError("forget_bias_init = " + core::value_text(options["forget_bias_init"]) +
                        " of Keras 1 is not there");
    }
    options["unit_forget_bias"] = options["forget_bias_init"] == "one";
    options.erase("forget_bias_init");
  }
  if (layer["class_name"] == "BatchNormalization" && options.value("mode", Json(0)) == 0) options.erase("mode");
  for (const char* name : kLeftOut) options.erase(name);
  return layer;
}

Parts parts_of_weights(const graph::LayerNode& layer, std::size_t weights, std::size_t given) {
  Parts parts;
  if (given == weights) {
    for (std::size_t i = 0; i < weights; ++i) parts.push_back({i});
    return parts;
  }
  if (layer.class_name() == "Bidirectional") {
    for (std::size_t direction = 0; direction < 2; ++direction) {
      for (std::vector<std::size_t>& part : parts_of_weights(*layer.children()[direction], weights / 2, given / 2)) {
        for (std::size_t& place : part) place += direction * given / 2;
        parts.push_back(std::move(part));
      }
    }
    return parts;
  }
  const std::vector<std::size_t> gates = gate_order(layer);
  if (gates.empty() || weights != 3 || given != 3 * gates.size()) return {};
  for (std::size_t weight = 0; weight < weights; ++weight) {
    parts.emplace_back();
    for (const std::size_t gate : gates) parts.back().push_back(3 * gate + weight);
  }
  return parts;
}

Shape part_shape(const Shape& weight, std::size_t parts) {
  return parts == 1 ? weight : weight.with(-1, weight[-1] / static_cast<Index>(parts));
}

}  // namespace rondo::keras
