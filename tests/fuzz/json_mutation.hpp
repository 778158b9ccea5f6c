// One change of a configuration: the type of a value, a number, a name, a key, a piece of it somewhere else.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace rondo::fuzz {

class JsonMutation {
 public:
  using Json = nlohmann::ordered_json;

  explicit JsonMutation(unsigned seed) : random_(seed) {}

  void apply(Json& document) {
    const std::vector<Json*> all = values_of(document);
    Json& place = *all[below(all.size())];
    switch (below(9)) {
      case 0: place = of_another_type(); break;
      case 1: change_key(place); break;
      case 2: remove_part(place); break;
      case 3: repeat_part(place); break;
      case 4: place = Json(*all[below(all.size())]); break;  // a copy: the source may be inside
      case 5: wrap(place); break;
      case 6: swap_parts(place); break;
      default: change_one(all); break;
    }
  }

 private:
  std::size_t below(std::size_t count) { return random_() % count; }

  template <std::size_t kCount>
  const char* one_of(const std::array<const char*, kCount>& all) {
    return all[below(kCount)];
  }

  static void collect(Json& value, std::vector<Json*>& all) {
    all.push_back(&value);
    if (!value.is_structured()) return;
    for (Json& part : value) collect(part, all);
  }
  static std::vector<Json*> values_of(Json& document) {
    std::vector<Json*> all;
    collect(document, all);
    return all;
  }

  Json number() {
    const std::array<Json, 22> numbers = {
        0,   1,          2,         3,         7,         -1,        -2,         16,  100,   4096,  65537,
        1e9, 2147483648, 1LL << 40, 1LL << 62, INT64_MAX, INT64_MIN, UINT64_MAX, 0.5, -0.25, 1e300, 1e-300};
    return numbers[below(numbers.size())];
  }
  Json of_another_type() {
    switch (below(7)) {
      case 0: return nullptr;
      case 1: return below(2) == 0;
      case 2: return number();
      case 3: return text();
      case 4: return Json::array();
      case 5: return Json::object();
      default: return Json::array({number(), text(), nullptr});
    }
  }
  std::string text() {
    static constexpr std::array<const char*, 44> kTexts = {"LSTM",
                                                           "GRU",
                                                           "Dense",
                                                           "Bidirectional",
                                                           "TimeDistributed",
                                                           "RNN",
                                                           "LSTMCell",
                                                           "GRUCell",
                                                           "StackedRNNCells",
                                                           "Sequential",
                                                           "Functional",
                                                           "Model",
                                                           "InputLayer",
                                                           "Masking",
                                                           "Dropout",
                                                           "Flatten",
                                                           "Reshape",
                                                           "Permute",
                                                           "RepeatVector",
                                                           "Add",
                                                           "Concatenate",
                                                           "BatchNormalization",
                                                           "Activation",
                                                           "ActivityRegularization",
                                                           "Lambda",
                                                           "relu",
                                                           "softmax",
                                                           "hard_sigmoid",
                                                           "glu",
                                                           "tanh",
                                                           "float64",
                                                           "mixed_bfloat16",
                                                           "adam",
                                                           "SGD",
                                                           "mse",
                                                           "binary_crossentropy",
                                                           "accuracy",
                                                           "L2",
                                                           "MaxNorm",
                                                           "Orthogonal",
                                                           "ExponentialDecay",
                                                           "__keras_tensor__",
                                                           "",
                                                           "a/b"};
    return one_of(kTexts);
  }
  std::string key() {
    static constexpr std::array<const char*, 40> kKeys = {"units",
                                                          "activation",
                                                          "recurrent_activation",
                                                          "return_sequences",
                                                          "return_state",
                                                          "stateful",
                                                          "go_backwards",
                                                          "layer",
                                                          "layers",
                                                          "backward_layer",
                                                          "cell",
                                                          "cells",
                                                          "config",
                                                          "class_name",
                                                          "name",
                                                          "batch_shape",
                                                          "batch_input_shape",
                                                          "build_input_shape",
                                                          "dtype",
                                                          "target_shape",
                                                          "dims",
                                                          "axis",
                                                          "n",
                                                          "merge_mode",
                                                          "reset_after",
                                                          "dropout",
                                                          "kernel_initializer",
                                                          "kernel_regularizer",
                                                          "kernel_constraint",
                                                          "inbound_nodes",
                                                          "input_layers",
                                                          "output_layers",
                                                          "keras_history",
                                                          "kwargs",
                                                          "args",
                                                          "initial_state",
                                                          "optimizer",
                                                          "loss",
                                                          "metrics",
                                                          "learning_rate"};
    return one_of(kKeys);
  }

  // Any; step by step, as those of an object are walked.
  Json::iterator part_of(Json& place) {
    Json::iterator part = place.begin();
    for (std::size_t left = below(place.size()); left > 0; --left) ++part;
    return part;
  }

  void change_key(Json& place) {
    if (!place.is_object() || place.empty()) {
      place = of_another_type();
      return;
    }
    const auto part = part_of(place);
    const std::string from = part.key();
    place[key()] = Json(part.value());
    if (below(2) == 0) place.erase(from);
  }
  void remove_part(Json& place) {
    if (!place.is_structured() || place.empty()) return;
    place.erase(part_of(place));
  }
  void repeat_part(Json& place) {
    if (!place.is_array() || place.empty() || place.size() > 1000) return;
    place.push_back(Json(place[below(place.size())]));
  }
  void swap_parts(Json& place) {
    if (!place.is_array() || place.size() < 2) return;
    std::swap(place[below(place.size())], place[below(place.size())]);
  }
  // A layer inside another.
  void wrap(Json& place) {
    static constexpr std::array<const char*, 4> kWrappers = {"Bidirectional", "TimeDistributed", "RNN", "Sequential"};
    const std::string wrapper = one_of(kWrappers);
    Json inside = wrapper == "Sequential" ? Json::array({place}) : place;
    const char* holder = wrapper == "Sequential" ? "layers" : wrapper == "RNN" ? "cell" : "layer";
    place = {{"class_name", wrapper}, {"config", {{holder, std::move(inside)}}}};
  }
  // A value becomes another of its type.
  void change_one(const std::vector<Json*>& all) {
    Json* place = all[below(all.size())];
    for (int i = 0; i < 20 && place->is_structured(); ++i) place = all[below(all.size())];
    if (place->is_boolean()) {
      *place = !place->get<bool>();
    } else if (place->is_number_integer() && below(2) == 0) {
      *place = static_cast<std::int64_t>(place->get<std::uint64_t>() + below(5) - 2);
    } else if (place->is_number()) {
      *place = number();
    } else {
      *place = text();
    }
  }

  std::minstd_rand random_;
};

}  // namespace rondo::fuzz
