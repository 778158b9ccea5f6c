// Dense, Activation, Masking, Dropout.
#include "support/plain/dense.hpp"
#include "support/plain/walks/walks.hpp"

namespace plain {

namespace {

DenseWeights dense_weights(const GraphLayer& layer, Size inputs) {
  return {inputs, layer.units, layer.weights.at(0), layer.use_bias ? layer.weights.at(1) : Array()};
}

}  // namespace

Walked walk_dense(GraphLayer& layer, const Tensor& x) {
  const Array before = dense_forward(dense_weights(layer, x.sample.back()), x.values);
  Tensor y = x;
  y.sample.back() = activated_features(layer.activation, layer.units);
  y.values = activate(layer.activation, before, layer.units);
  return {{y}, [&layer, x, before](const std::vector<Array>& dy) -> std::vector<Array> {
            const Array dz = activate_backward(layer.activation, before, dy[0], layer.units);
            const DenseGradients d = dense_backward(dense_weights(layer, x.sample.back()), x.values, dz);
            add_gradients(layer, {d.kernel, d.bias});
            return {d.x};
          }};
}

Walked walk_activation(GraphLayer& layer, const Tensor& x) {
  Tensor y = x;
  y.sample.back() = activated_features(layer.activation, x.sample.back());
  y.values = activate(layer.activation, x.values, x.sample.back());
  return {{y}, [&layer, x](const std::vector<Array>& dy) -> std::vector<Array> {
            return {activate_backward(layer.activation, x.values, dy[0], x.sample.back())};
          }};
}

// A step counts if one of its features differs from the value; the others become zeros.
Walked walk_masking(GraphLayer& layer, const Tensor& x) {
  const Size features = x.sample.back(), steps = x.values.size() / features;
  Tensor y = x;
  y.mask.assign(steps, 0);
  for (Size i = 0; i < x.values.size(); ++i) {
    if (x.values[i] != layer.mask_value) y.mask[i / features] = 1;
  }
  const auto only_counted = [features, mask = y.mask](Array values) {
    for (Size i = 0; i < values.size(); ++i) {
      if (mask[i / features] == 0) values[i] = 0;
    }
    return values;
  };
  y.values = only_counted(x.values);
  return {{y}, [only_counted](const std::vector<Array>& dy) -> std::vector<Array> { return {only_counted(dy[0])}; }};
}

Draws next_draws(const GraphLayer& layer, Pass& pass) {
  return {.rate = layer.dropout,
          .seed = layer.seed,
          .layer = layer.number,
          .call = pass.calls[layer.number]++,
          .training_step = pass.step,
          .walk = pass.walk};
}

// A draw for each number, the rows being those of the last axis.
Walked walk_dropout(GraphLayer& layer, const Tensor& x, Pass& pass) {
  if (!pass.training || layer.dropout == 0) return {{x}, [](const std::vector<Array>& dy) { return dy; }};
  const Size features = x.sample.back();
  const Array factors = shared_factors(next_draws(layer, pass), x.values.size() / features, features, 1);
  const auto times_factors = [factors](Array values) {
    for (Size i = 0; i < values.size(); ++i) values[i] = factors[i] == 0 ? 0 : values[i] * factors[i];
    return values;
  };
  Tensor y = x;
  y.values = times_factors(x.values);
  return {{y}, [times_factors](const std::vector<Array>& dy) -> std::vector<Array> { return {times_factors(dy[0])}; }};
}

}  // namespace plain
