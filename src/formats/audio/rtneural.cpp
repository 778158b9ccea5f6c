// RTNeural's JSON: the shape of the input, and for each layer its type, activation, shape and weights as Keras has
// them.
#include <algorithm>
#include <array>
#include <string_view>

#include <rondo/audio.hpp>
#include <rondo/error.hpp>
#include <rondo/layers.hpp>
#include <rondo/tensor_ops.hpp>

#include "core/atomic_file.hpp"
#include "core/names.hpp"
#include "core/sizes.hpp"
#include "formats/audio/weights.hpp"
#include "formats/chain.hpp"

namespace rondo {

namespace {

using audio::finite_weights;
using audio::Json;
using audio::require_option;
using audio::weights_with_bias;
using formats::Link;

constexpr const char* kExportRtneural = "export_rtneural";
// Beside the linear one.
constexpr std::array<std::string_view, 5> kActivations = {"tanh", "relu", "sigmoid", "softmax", "elu"};

bool is_known(const std::string& activation) {
  return std::find(kActivations.begin(), kActivations.end(), activation) != kActivations.end();
}
std::string known_activations() {
  return quoted_list(std::vector<std::string>(kActivations.begin(), kActivations.end()));
}

// ---- writing -------------------------------------------------------------------------------------------------------

Json shape_json(const Shape& shape) {
  Json sizes = Json::array();
  for (const Index size : shape) sizes.push_back(size == Shape::kUnknown ? Json() : Json(size));
  return sizes;
}

// Nested lists along the axes.
Json weight_json(const Tensor& tensor) {
  Json list = Json::array();
  for (Index i = 0; i < tensor.shape()[0]; ++i) {
    if (tensor.rank() == 1) {
      list.push_back(tensor(i));
    } else {
      list.push_back(weight_json(tensor.rows(i, i + 1).reshape(tensor.shape().from(1))));
    }
  }
  return list;
}

Json layer_json(const char* type, const std::string& activation, const Link& link, const std::vector<Tensor>& weights) {
  Json layer{
      {"type", type}, {"activation", activation}, {"shape", shape_json(link.output)}, {"weights", Json::array()}};
  for (const Tensor& weight : weights) layer["weights"].push_back(weight_json(weight));
  return layer;
}

// RTNeural's name of the activation in a configuration; "" of the linear one.
std::string activation_of(const Layer& layer, const Json& config) {
  const Json& activation = config.at("activation");
  if (activation == "linear") return "";
  if (activation.is_string() && is_known(activation.get<std::string>())) return activation.get<std::string>();
  throw ConfigError(std::string(kExportRtneural) + ": " + layer.class_name() + " '" + layer.name() +
                    "' has the activation " + activation.dump() + "; RTNeural has 'linear', " + known_activations());
}

Json dense_json(const char* type, const Link& link, const Json& config) {
  const Shape bias{link.output.back()};
  return layer_json(type, activation_of(link.layer, config), link,
                    weights_with_bias(kExportRtneural, link.layer, config, bias));
}

Json recurrent_json(const char* type, const Link& link, const Json& config) {
  const auto units = config.at("units").get<Index>();
  audio::require_usual(kExportRtneural, link.layer, config);
  Shape bias{4 * units};
  if (link.layer.class_name() == "GRU") {
    require_option(kExportRtneural, link.layer, config, "reset_after", true);
    bias = {2, 3 * units};
  }
  return layer_json(type, "tanh", link, weights_with_bias(kExportRtneural, link.layer, config, bias));
}

// gamma, beta, mean, variance; what is not learned is as if it had stayed 1 or 0.
Json batch_normalization_json(const Link& link, const Json& config) {
  const auto axis = config.at("axis").get<Index>();
  if (axis != -1 && axis != link.input.rank() - 1) require_option(kExportRtneural, link.layer, config, "axis", -1);
  std::vector<Tensor> weights = finite_weights(kExportRtneural, link.layer);
  const Tensor like = Tensor::zeros({link.input.back()}, link.layer.dtype());
  if (!config.at("scale").get<bool>()) weights.insert(weights.begin(), like + 1.0);
  if (!config.at("center").get<bool>()) weights.insert(weights.begin() + 1, like);
  Json layer = layer_json("batchnorm", "", link, weights);
  layer["epsilon"] = config.at("epsilon");
  return layer;
}

Json json_of(const Link& link) {
  const Layer& layer = link.layer;
  const std::string name = layer.class_name();
  const Json config = Json::parse(layer.get_config());
  if (name == "LSTM") return recurrent_json("lstm", link, config);
  if (name == "GRU") return recurrent_json("gru", link, config);
  if (name == "Dense") return dense_json("dense", link, config);
  if (name == "Activation") return layer_json("activation", activation_of(layer, config), link, {});
  if (name == "BatchNormalization") return batch_normalization_json(link, config);
  if (name == "TimeDistributed" && config.at("layer").at("class_name") == "Dense") {
    return dense_json("time-distributed-dense", link, config.at("layer").at("config"));
  }
  throw ConfigError(std::string(kExportRtneural) + ": " + name + " '" + layer.name() +
                    "' is not in RTNeural, which has LSTM, GRU, Dense, TimeDistributed of Dense, Activation and "
                    "BatchNormalization");
}

// ---- reading -------------------------------------------------------------------------------------------------------

// The numbers of nested lists, which must be of these sizes: what a file claims without having it takes no memory.
void append_numbers(const Json& list, std::span<const Index> sizes, std::vector<double>& numbers,
                    const std::string& name) {
  if (!list.is_array() || list.size() != static_cast<std::size_t>(sizes[0])) {
    throw FileError(name + " has " + (list.is_array() ? std::to_string(list.size()) : "no") + " entries where " +
                    std::to_string(sizes[0]) + " are expected");
  }
  for (const Json& entry : list) {
    if (sizes.size() > 1) {
      append_numbers(entry, sizes.subspan(1), numbers, name);
    } else {
      numbers.push_back(audio::number_of(entry, name));
    }
  }
}

Tensor weight_of(const Json& list, const Shape& shape, const std::string& name) {
  std::vector<double> numbers;
  append_numbers(list, shape.dims(), numbers, name);
  return Tensor(shape, std::move(numbers));
}

std::vector<Tensor> weights_of(const Json& layer, const std::vector<Shape>& shapes, const std::string& name) {
  const Json& lists = layer.at("weights");
  if (!lists.is_array() || lists.size() != shapes.size()) {
    throw FileError(name + " has " + std::to_string(lists.size()) + " weights; " + std::to_string(shapes.size()) +
                    " are expected");
  }
  std::vector<Tensor> weights;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    weights.push_back(weight_of(lists[i], shapes[i], name + ", weight " + std::to_string(i)));
  }
  return weights;
}

std::string activation_in(const Json& layer, const std::string& name) {
  const std::string activation = layer.value("activation", "");
  if (activation.empty() || activation == "linear") return "linear";
  if (is_known(activation)) return activation;
  throw FileError(name + " has the activation " + audio::shown(layer.at("activation")) +
                  ", which is not RTNeural's; it has " + known_activations());
}

struct Made {
  Layer layer;
  std::vector<Tensor> weights;
};

// A layer for so many features.
Made layer_of(const Json& json, Index features, const std::string& name) {
  const auto type = json.at("type").get<std::string>();
  const Json& shape = json.at("shape");
  const Index units = audio::size_of(shape.is_array() && !shape.empty() ? shape.back() : shape, name + ", its shape");
  const bool sequences = shape.size() == 3;
  const auto gates = [&](Index count) { return std::vector<Shape>{{features, count * units}, {units, count * units}}; };
  if (type == "lstm" || type == "gru") {
    if (const std::string activation = activation_in(json, name); activation != "linear" && activation != "tanh") {
      throw FileError(name + " has the activation '" + activation + "'; RTNeural's recurrent layers have tanh alone");
    }
  }
  if (type == "lstm") {
    std::vector<Shape> shapes = gates(4);
    shapes.push_back({4 * units});
    const LSTMOptions options{.activation = "tanh", .recurrent_activation = "sigmoid", .return_sequences = sequences};
    return {LSTM(units, options), weights_of(json, shapes, name)};
  }
  if (type == "gru") {
    std::vector<Shape> shapes = gates(3);
    shapes.push_back({2, 3 * units});
    const GRUOptions options{
        .activation = "tanh", .recurrent_activation = "sigmoid", .return_sequences = sequences, .reset_after = true};
    return {GRU(units, options), weights_of(json, shapes, name)};
  }
  if (type == "dense" || type == "time-distributed-dense") {
    const Dense dense(units, {.activation = activation_in(json, name)});
    std::vector<Tensor> weights = weights_of(json, {{features, units}, {units}}, name);
    if (type == "dense") return {dense, std::move(weights)};
    return {TimeDistributed(dense), std::move(weights)};
  }
  if (units != features) {
    throw FileError(name + " has " + std::to_string(units) + " outputs for " + std::to_string(features) + " inputs");
  }
  if (type == "activation") return {Activation(activation_in(json, name)), weights_of(json, {}, name)};
  if (type == "batchnorm") {
    const bool learns = json.at("weights").size() == 4;
    const Real epsilon = audio::number_of(json.at("epsilon"), name + ", epsilon");
    return {BatchNormalization({.epsilon = epsilon, .center = learns, .scale = learns}),
            weights_of(json, std::vector<Shape>(learns ? 4 : 2, Shape{features}), name)};
  }
  throw FileError(name +
                  " is not in Rondo, which has RTNeural's lstm, gru, dense, time-distributed-dense, activation "
                  "and batchnorm");
}

// Of a sample.
Shape input_shape_of(const Json& sizes) {
  if (!sizes.is_array() || (sizes.size() != 2 && sizes.size() != 3)) {
    throw FileError("its in_shape is " + audio::shown(sizes) +
                    "; expected are batch, steps and features, or batch and features");
  }
  const Index features = audio::size_of(sizes.back(), "the features of in_shape");
  return sizes.size() == 3 ? Shape{Shape::kUnknown, features} : Shape{features};
}

Sequential sequential_of(const Json& json) {
  const Shape input = input_shape_of(json.at("in_shape"));
  Sequential model;
  model.add(Input(input));
  Index features = input.back();
  const Json& layers = json.at("layers");
  (void)audio::size_of(layers.size(), "the number of its layers", audio::kMostLayers);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Json& layer = layers[i];
    const std::string name = "its layer " + std::to_string(i) + ", " + audio::shown(layer.at("type")) + ",";
    const Made made = layer_of(layer, features, name);
    model.add(made.layer);
    made.layer.set_weights(made.weights);
    features = layer.at("shape").back().get<Index>();
  }
  return model;
}

}  // namespace

void export_rtneural(const Model& model, const std::string& path) {
  Json file{{"in_shape", Json()}, {"layers", Json::array()}};
  const std::vector<Link> chain = formats::chain_of(model, kExportRtneural);
  file["in_shape"] = shape_json(model.inputs()[0].shape());
  for (const Link& link : chain) file["layers"].push_back(json_of(link));
  core::write_file(path, file.dump());
}

Sequential import_rtneural(const std::string& path) {
  const Json json = audio::read_json(path);
  return audio::in_file(path, [&] { return sequential_of(json); });
}

}  // namespace rondo
