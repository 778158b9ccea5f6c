#include "training/data.hpp"

#include <cmath>

#include "core/names.hpp"
#include "core/standard_floats.hpp"

namespace rondo::training {

void require_samples(const ModelNode& node, const Shape& X, const Shape& y, const std::string& what) {
  if (X[0] == 0) throw ShapeError(node.where() + ": the " + what + "data X " + to_string(X) + " have no samples");
  if (X[0] == y[0]) return;
  throw ShapeError(node.where() + ": " + what + "X has " + std::to_string(X[0]) + " samples " + to_string(X) +
                   ", but y has " + std::to_string(y[0]) + " " + to_string(y) + "; they must agree");
}

Data check_data(const ModelNode& node, const Tensor& X, const Tensor& y, const std::string& what) {
  const Shape sample = node.adapt_input(X.shape());
  if (y.rank() < 1) throw ShapeError(node.where() + ": the " + what + "labels y are a scalar");
  require_samples(node, X.shape(), y.shape(), what);
  return {&X, &y, X.shape()[0], sample, y.shape().from(1)};
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
