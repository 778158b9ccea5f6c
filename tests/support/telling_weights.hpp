// Weights that tell a wrong order from the right one: none is zero everywhere, as biases are at first.
#pragma once

#include <vector>

#include <rondo/model.hpp>

namespace rondo::test {

// From -1 to 1, in an order without a pattern that a layout could share.
inline Tensor telling_numbers(const Shape& shape, Index begin = 0) {
  std::vector<double> values;
  for (Index i = 0; i < shape.elements(); ++i) {
    values.push_back(static_cast<double>(((i + begin) * 7919) % 201) / 100 - 1);
  }
  return Tensor(shape, values);
}

inline void set_telling_weights(const Model& model) {
  std::vector<Tensor> weights;
  Index begin = 0;
  for (const WeightInfo& info : model.weights()) {
    std::vector<double> values = telling_numbers(info.shape, begin += 17).to_vector();
    const bool is_variance = info.name == "moving_variance";
    for (double& v : values) v = is_variance ? 1.5 + v : v / 2;
    weights.emplace_back(info.shape, values);
  }
  model.set_weights(weights);
}

}  // namespace rondo::test
