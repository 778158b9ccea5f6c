#include "formats/keras/legacy.hpp"

#include <algorithm>

#include <rondo/error.hpp>

#include "formats/keras/variables.hpp"

namespace rondo::keras {

namespace {

using engine::Parameter;
using graph::LayerNode;

// Keras's limit for the attributes of an object.
constexpr std::size_t kLongestAttribute = 64512;

// What is learned first.
std::vector<Parameter> weights_of(const LayerNode& layer) {
  std::vector<Parameter> weights = layer.parameters();
  std::stable_partition(weights.begin(), weights.end(), [](const Parameter& p) { return p.block->trainable(); });
  return weights;
}

// A layer's weights in a file.
struct Given {
  std::string layer;
  std::vector<std::string> names;
};

std::vector<const LayerNode*> layers_with_weights(const LayerNode& model) {
  std::vector<const LayerNode*> layers;
  for (const auto& layer : model.children()) {
    if (!layer->parameters().empty()) layers.push_back(layer.get());
  }
  return layers;
}

std::vector<Given> given_layers(const hdf5::Group& group) {
  std::vector<Given> all;
  for (const std::string& layer : texts_of(group, "layer_names")) {
    const std::vector<std::string> names = texts_of(group.group(layer), "weight_names");
    if (!names.empty()) all.push_back({layer, names});
  }
  return all;
}

class Reader {
 public:
  Reader(const hdf5::Group& group, const LegacyOptions& options) : group_(group), options_(options) {}

  void read(const Given& given, const LayerNode& layer) {
    const std::vector<Parameter> weights = weights_of(layer);
    const Parts parts = parts_of_weights(layer, weights.size(), given.names.size());
    const std::string why = mismatch(given, weights, parts);
    if (!why.empty()) {
      if (!options_.skip_mismatch) throw FileError("the weights of " + layer.where() + ": " + why);
      skipped_.push_back(layer.name());
      return;
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (parts[i].size() == 1) {
        values_.emplace_back(weights[i], dataset(given, parts[i][0]));
        continue;
      }
      std::vector<hdf5::Dataset> side_by_side;
      for (const std::size_t part : parts[i]) side_by_side.push_back(dataset(given, part));
      values_.emplace_back(weights[i], tensor_of(side_by_side, weights[i].block->dtype()));
    }
  }

  std::vector<std::string> finish() {
    for (const WeightValue& value : values_) value.set();
    return std::move(skipped_);
  }

 private:
  hdf5::Dataset dataset(const Given& given, std::size_t i) const {
    return group_.group(given.layer).dataset(given.names[i]);
  }

  std::string mismatch(const Given& given, const std::vector<Parameter>& weights, const Parts& parts) const {
    if (parts.empty()) {
      return "the file has " + std::to_string(given.names.size()) + " as '" + given.layer + "'; expected are " +
             std::to_string(weights.size());
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const Shape expected = part_shape(weights[i].shape, parts[i].size());
      for (const std::size_t part : parts[i]) {
        const Shape shape = dataset(given, part).shape();
        if (shape == expected) continue;
        return "'" + given.names[part] + "' has the shape " + to_string(shape) + "; expected is " +
               to_string(expected) + ", that of " + weights[i].path;
      }
    }
    return "";
  }

  const hdf5::Group& group_;
  LegacyOptions options_;
  std::vector<WeightValue> values_;
  std::vector<std::string> skipped_;
};

}  // namespace

bool has_layer_names(const hdf5::Group& group) {
  return group.has_attribute("layer_names") || group.has_attribute("layer_names0");
}

std::vector<std::string> texts_of(const hdf5::Group& group, const std::string& name) {
  if (group.has_attribute(name)) return group.attribute(name).texts();
  std::vector<std::string> all;
  for (int i = 0; group.has_attribute(name + std::to_string(i)); ++i) {
    for (std::string& text : group.attribute(name + std::to_string(i)).texts()) all.push_back(std::move(text));
  }
  if (all.empty()) throw FileError("'" + group.path() + "' has no attribute '" + name + "'");
  return all;
}

void write_texts(hdf5::ObjectWriter& object, const std::string& name, const std::vector<std::string>& texts) {
  if (hdf5::ObjectWriter::bytes_of(texts) <= kLongestAttribute) return object.attribute(name, texts);
  std::vector<std::string> some;
  int number = 0;
  for (const std::string& text : texts) {
    some.push_back(text);
    if (hdf5::ObjectWriter::bytes_of(some) <= kLongestAttribute) continue;
    some.pop_back();
    object.attribute(name + std::to_string(number++), some);
    some = {text};
  }
  object.attribute(name + std::to_string(number), some);
}

std::vector<std::string> read_legacy_weights(const hdf5::Group& group, const LayerNode& model,
                                             const LegacyOptions& options) {
  const std::vector<Given> given = given_layers(group);
  const std::vector<const LayerNode*> layers = layers_with_weights(model);
  Reader reader(group, options);
  if (options.by_name) {
    for (const LayerNode* layer : layers) {
      const auto found = std::ranges::find(given, layer->name(), &Given::layer);
      if (found != given.end()) reader.read(*found, *layer);
    }
    return reader.finish();
  }
  if (given.size() != layers.size()) {
    throw FileError("the file has weights of " + std::to_string(given.size()) + " layers; " + model.where() + " has " +
                    std::to_string(layers.size()) + " with weights");
  }
  for (std::size_t i = 0; i < layers.size(); ++i) reader.read(given[i], *layers[i]);
  return reader.finish();
}

Parts parts_of_learned_weights(const hdf5::Group& group, const LayerNode& model) {
  Parts all;
  std::size_t first = 0;
  const std::vector<Given> given = given_layers(group);
  auto of_layer = given.begin();
  for (const LayerNode* layer : layers_with_weights(model)) {
    if (of_layer == given.end()) return {};
    const std::vector<Parameter> weights = weights_of(*layer);
    Parts parts = parts_of_weights(*layer, weights.size(), (of_layer++)->names.size());
    if (parts.empty()) return {};
    std::size_t learned = 0;
    for (std::size_t i = 0; i < weights.size() && weights[i].block->trainable(); ++i) {
      for (std::size_t& place : parts[i]) place += first;
      learned += parts[i].size();
      all.push_back(std::move(parts[i]));
    }
    first += learned;
  }
  return all;
}

void write_legacy_weights(const LayerNode& model, hdf5::GroupWriter& group) {
  std::vector<std::string> layers;
  for (const auto& layer : model.children()) {
    layers.push_back(layer->name());
    hdf5::GroupWriter& of_layer = group.group(layer->name());
    std::vector<std::string> names;
    for (const Parameter& parameter : weights_of(*layer)) {
      names.push_back(parameter.path);
      of_layer.dataset(parameter.path, parameter.shape, number_type(parameter.block->dtype()), numbers_of(parameter));
    }
    write_texts(of_layer, "weight_names", names);
  }
  write_texts(group, "layer_names", layers);
  group.group("top_level_model_weights").attribute("weight_names", std::vector<std::string>{});
}

}  // namespace rondo::keras
