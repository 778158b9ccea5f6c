#include "training/data.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/names.hpp"
#include "core/standard_floats.hpp"

namespace rondo::training {

Tensors in_order(const ModelNode& node, const Inputs& inputs) {
  Tensors ordered;
  const auto& tensors = inputs.tensors();
  const auto& names = inputs.names();
  node.require_inputs(tensors.size());
  std::vector<std::string> known;
  for (const auto& layer : node.network().input_layers()) known.push_back(layer->name());
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw ConfigError(node.where() + " has no input '" + name + "'" +
                      (known.empty() ? ": a Sequential model has one, without a name"
                                     : "." + did_you_mean(name, known) + " It has " + quoted_list(known)));
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (names.empty()) {
      ordered.push_back(&tensors[i]);
      continue;
    }
    const auto named = std::find(names.begin(), names.end(), known[i]);
    if (named == names.end()) throw ConfigError(node.where() + ": no data were given for its input '" + known[i] + "'");
    ordered.push_back(&tensors[static_cast<std::size_t>(named - names.begin())]);
  }
  return ordered;
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

Data check_data(const ModelNode& node, const Tensors& X, const Tensor& y, const std::string& what) {
  std::vector<Shape> sample = check_inputs(node, X, what);
  if (y.rank() < 1) throw ShapeError(node.where() + ": the " + what + "labels y are a scalar");
  require_samples(node, what, node.input_name(0), X[0]->shape(), "y", y.shape());
  return {X, &y, y.shape()[0], std::move(sample), y.shape().from(1)};
}

Index training_samples(const ModelNode& node, Index samples, double validation_split) {
  if (!(validation_split >= 0 && validation_split < 1)) {
    throw ConfigError(node.where() + ": validation_split is " + number_text(validation_split) +
                      "; it must be 0 or more and below 1");
  }
  if (validation_split == 0) return samples;
  const StandardFloats floats;
  const auto split = static_cast<Index>(std::floor(static_cast<double>(samples) * (1 - validation_split)));
  if (split == 0 || split == samples) {
    throw ConfigError(node.where() + ": validation_split = " + number_text(validation_split) + " of " +
                      std::to_string(samples) + " samples leaves " + std::to_string(split) + " for training and " +
                      std::to_string(samples - split) +
                      " for validation; both need at least one: take another fraction, or more samples");
  }
  return split;
}

}  // namespace rondo::training
