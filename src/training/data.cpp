#include "training/data.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/names.hpp"
#include "core/standard_floats.hpp"

namespace rondo::training {

namespace {

// `noun` is "input" or "output"; there are as many tensors as names.
Tensors by_name(const ModelNode& node, const detail::Given& given, const std::vector<std::string>& known,
                const std::string& noun) {
  const std::span<const std::string> names = given.names();
  if (names.empty()) return given.tensors();
  for (const std::string& name : names) {
    if (std::count(known.begin(), known.end(), name) > 1) {
      throw ConfigError(node.where() + " has several " + noun + "s of the name '" + name +
                        "': give the data in their order, not by name");
    }
    if (std::count(names.begin(), names.end(), name) > 1) {
      throw ConfigError(node.where() + ": data for its " + noun + " '" + name + "' were given twice");
    }
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw ConfigError(node.where() + " has no " + noun + " '" + name + "'" +
                      (known.empty() ? ": a Sequential model has one, without a name"
                                     : "." + did_you_mean(name, known) + " It has " + quoted_list(known)));
  }
  Tensors ordered;
  for (const std::string& name : known) {
    const auto named = std::find(names.begin(), names.end(), name);
    if (named == names.end()) {
      throw ConfigError(node.where() + ": no data were given for its " + noun + " '" + name + "'");
    }
    ordered.push_back(given.tensors()[static_cast<std::size_t>(named - names.begin())]);
  }
  return ordered;
}

}  // namespace

Tensors in_order(const ModelNode& node, const detail::Given& inputs) {
  node.require_inputs(inputs.tensors().size());
  std::vector<std::string> known;
  for (const auto& layer : node.network().input_layers()) known.push_back(layer->name());
  return by_name(node, inputs, known, "input");
}

Tensors in_order_of_outputs(const ModelNode& node, const detail::Given& labels, const std::string& what) {
  const std::vector<std::string> known = node.output_names();
  if (labels.tensors().size() != known.size()) {
    throw ShapeError(node.where() + " has " + std::to_string(known.size()) +
                     (known.size() == 1 ? " output" : " outputs") + ", " + what + " for " +
                     std::to_string(labels.tensors().size()) + " were given" +
                     (known.size() == 1 ? "" : ": give Outputs{a, b, ...}, in the model's order or by name"));
  }
  return by_name(node, labels, known, "output");
}

void require_samples(const ModelNode& node, const std::string& what, const std::string& X_name, const Shape& X,
                     const std::string& y_name, const Shape& y) {
  if (X[0] == 0) {
    throw ShapeError(node.where() + ": the " + what + "data " + X_name + " " + to_string(X) + " have no samples");
  }
  if (X[0] == y[0]) return;
  throw ShapeError(node.where() + ": " + what + X_name + " has " + std::to_string(X[0]) + " samples " + to_string(X) +
                   ", but " + y_name + " has " + std::to_string(y[0]) + " " + to_string(y) + "; they must agree");
}

std::vector<Shape> check_inputs(const ModelNode& node, const Tensors& X, const std::string& what) {
  node.require_inputs(X.size());
  std::vector<Shape> samples;
  for (std::size_t i = 0; i < X.size(); ++i) {
    samples.push_back(node.adapt_input(i, X[i]->shape()));
    if (X[i]->shape()[0] == X[0]->shape()[0]) continue;
    require_samples(node, what, node.input_name(0), X[0]->shape(), node.input_name(i), X[i]->shape());
  }
  return samples;
}

namespace {

// Whether weights of this shape go with an output of so many rows a sample.
void require_weights(const ModelNode& node, const std::string& name, const Shape& weights, const Shape& y,
                     const Shape& output) {
  const Shape rows = output.without_last();  // of a sample
  const Shape sample = weights.from(1);
  const Index steps = rows.elements();
  const bool one_each = sample.elements() == 1 && (steps == 1 || sample.rank() == 1);
  if (weights[0] == y[0] && (one_each || sample == rows || sample == rows.append(1))) return;
  throw ShapeError(node.where() + ": sample_weight" + name + " has shape " + to_string(weights) + "; it must be " +
                   to_string(rows.prepend(y[0])) + ", one number for each row of the loss" +
                   (steps == 1 ? "" : ", or " + to_string(Shape{y[0], 1}) + ", one for all time steps of a sample"));
}

}  // namespace

Data check_data(const ModelNode& node, const detail::Given& X, const detail::Given& y,
                const std::optional<Outputs>& sample_weight, const std::string& what) {
  Data data;
  data.X = in_order(node, X);
  data.y = in_order_of_outputs(node, y, what + "labels");
  data.sample = check_inputs(node, data.X, what);
  data.samples = data.X[0]->shape()[0];
  for (std::size_t i = 0; i < data.y.size(); ++i) {
    const Shape& shape = data.y[i]->shape();
    const std::string name = node.label_name(i);
    if (shape.rank() < 1) throw ShapeError(node.where() + ": the " + what + "labels " + name + " are a scalar");
    require_samples(node, what, node.input_name(0), data.X[0]->shape(), name, shape);
    data.truth.push_back(shape.from(1));
  }
  if (!sample_weight) return data;
  data.sample_weights = in_order_of_outputs(node, *sample_weight, what + "sample_weight");
  const std::vector<Shape> outputs = node.output_shapes(data.sample);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& weights = *data.sample_weights[i];
    if (weights.rank() < 1) throw ShapeError(node.where() + ": the " + what + "sample_weight is a scalar");
    require_weights(node, outputs.size() == 1 ? "" : " of '" + node.output_names()[i] + "'", weights.shape(),
                    data.y[i]->shape(), outputs[i]);
  }
  return data;
}

Index training_samples(const ModelNode& node, Index samples, double validation_split) {
  if (!(validation_split >= 0 && validation_split < 1)) {
    throw ConfigError(node.where() + ": validation_split is " + number_text(validation_split) +
                      "; it must be 0 or more and below 1");
  }
  if (validation_split == 0) return samples;
  const StandardFloats floats;
  const auto split =
      static_cast<Index>(computed_here(std::floor(static_cast<double>(samples) * (1 - validation_split))));
  if (split == 0 || split == samples) {
    throw ConfigError(node.where() + ": validation_split = " + number_text(validation_split) + " of " +
                      std::to_string(samples) + " samples leaves " + std::to_string(split) + " for training and " +
                      std::to_string(samples - split) +
                      " for validation; both need at least one: take another fraction, or more samples");
  }
  return split;
}

}  // namespace rondo::training
