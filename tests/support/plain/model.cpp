#include "support/plain/model.hpp"

#include <stdexcept>

#include "support/plain/dense.hpp"

namespace plain {

namespace {

DenseWeights dense_weights(const Layer& layer, Size inputs) {
  return {inputs, layer.units, layer.weights.at(0), layer.use_bias ? layer.weights.at(1) : Array()};
}

LstmWeights lstm_weights(const Layer& layer, Size inputs) {
  return {inputs, layer.units, layer.weights.at(0), layer.weights.at(1),
          layer.use_bias ? layer.weights.at(2) : Array()};
}

GruWeights gru_weights(const Layer& layer, Size inputs) {
  return {inputs, layer.units, layer.weights.at(0), layer.weights.at(1),
          layer.use_bias ? layer.weights.at(2) : Array()};
}

}  // namespace

Array last_steps(const Array& outputs, Size batch, Size steps, Size units) {
  Array last;
  for (Size b = 0; b < batch; ++b) {
    for (Size u = 0; u < units; ++u) last.push_back(outputs[((b + 1) * steps - 1) * units + u]);
  }
  return last;
}

Array at_last_steps(const Array& last, Size batch, Size steps, Size units) {
  Array all(batch * steps * units, 0.0);
  for (Size b = 0; b < batch; ++b) {
    for (Size u = 0; u < units; ++u) all[((b + 1) * steps - 1) * units + u] = last[b * units + u];
  }
  return all;
}

Size weight_count(const Layer& layer) {
  if (layer.kind == "Activation") return 0;
  return (layer.recurrent() ? 2 : 1) + (layer.use_bias ? 1 : 0);
}

Batch Model::forward(const Batch& x) {
  states_.resize(layers_.size());
  calls_.assign(layers_.size(), {});
  Batch data = x;
  for (Size i = 0; i < layers_.size(); ++i) {
    calls_[i].input = std::move(data);
    data = forward(layers_[i], calls_[i], states_[i]);
  }
  return data;
}

Batch Model::forward(const Layer& layer, Call& call, State& state) const {
  const Batch& x = call.input;
  Batch y = x;
  if (layer.kind == "Activation") {
    y.features = activated_features(layer.activation, x.features);
    y.values = activate(layer.activation, x.values, x.features);
  } else if (layer.kind == "Dense") {
    call.before_activation = dense_forward(dense_weights(layer, x.features), x.values);
    y.features = activated_features(layer.activation, layer.units);
    y.values = activate(layer.activation, call.before_activation, layer.units);
  } else if (layer.recurrent()) {
    y.features = layer.units;
    y.values = recurrent_outputs(layer, call, state);
    if (!layer.return_sequences) {
      y.values = last_steps(y.values, x.batch, x.steps, layer.units);
      y.steps = 0;
      y.mask.clear();
    }
  } else {
    throw std::invalid_argument("plain: no layer is called " + layer.kind);
  }
  return y;
}

// Of every step.
Array Model::recurrent_outputs(const Layer& layer, Call& call, State& state) const {
  const Batch& x = call.input;
  if (layer.kind == "GRU") {
    call.gru = {.weights = gru_weights(layer, x.features),
                .options = {layer.activation, layer.recurrent_activation, layer.go_backwards,
                            layer.zero_output_for_mask, layer.reset_after},
                .x = x.values,
                .batch = x.batch,
                .steps = x.steps,
                .initial_h = state.h,
                .mask = x.mask,
                .x_factors = layer.x_factors,
                .h_factors = layer.h_factors};
    call.gru_forward = gru_forward(call.gru);
    if (layer.stateful) state = {call.gru_forward.final_h, {}};
    return call.gru_forward.outputs;
  }
  call.lstm = {
      .weights = lstm_weights(layer, x.features),
      .options = {layer.activation, layer.recurrent_activation, layer.go_backwards, layer.zero_output_for_mask},
      .x = x.values,
      .batch = x.batch,
      .steps = x.steps,
      .initial_h = state.h,
      .initial_c = state.c,
      .mask = x.mask,
      .x_factors = layer.x_factors,
      .h_factors = layer.h_factors};
  call.lstm_forward = lstm_forward(call.lstm);
  if (layer.stateful) state = {call.lstm_forward.final_h, call.lstm_forward.final_c};
  return call.lstm_forward.outputs;
}

ModelGradients Model::backward(const Array& d_output) const {
  ModelGradients all{{}, d_output};
  for (Size i = layers_.size(); i-- > 0;) {
    std::vector<Array> weights;
    all.x = backward(layers_[i], calls_.at(i), all.x, weights);
    all.weights.insert(all.weights.begin(), weights.begin(), weights.end());
  }
  return all;
}

Array Model::backward(const Layer& layer, const Call& call, const Array& dy, std::vector<Array>& weights) const {
  const Batch& x = call.input;
  if (layer.kind == "Activation") return activate_backward(layer.activation, x.values, dy, x.features);
  if (layer.kind == "Dense") {
    const Array dz = activate_backward(layer.activation, call.before_activation, dy, layer.units);
    const DenseGradients d = dense_backward(dense_weights(layer, x.features), x.values, dz);
    weights = {d.kernel, d.bias};
    weights.resize(weight_count(layer));
    return d.x;
  }
  const Array d_outputs = layer.return_sequences ? dy : at_last_steps(dy, x.batch, x.steps, layer.units);
  if (layer.kind == "GRU") {
    const GruGradients d = gru_backward(call.gru, call.gru_forward, d_outputs);
    weights = {d.kernel, d.recurrent_kernel, d.bias};
    weights.resize(weight_count(layer));
    return d.x;
  }
  const LstmGradients d = lstm_backward(call.lstm, call.lstm_forward, d_outputs);
  weights = {d.kernel, d.recurrent_kernel, d.bias};
  weights.resize(weight_count(layer));
  return d.x;
}

double Model::train(const Batch& x, const Array& truth, const Loss& loss, Optimizer& optimizer) {
  const Batch y = forward(x);
  const ModelGradients d = backward(loss_gradient(loss, truth, y.values, y.features));
  std::vector<Array*> variables;
  std::vector<Array> gradients;
  Size at = 0;
  for (Layer& layer : layers_) {
    for (Array& w : layer.weights) {
      if (layer.trainable) {
        variables.push_back(&w);
        gradients.push_back(d.weights.at(at));
      }
      ++at;
    }
  }
  optimizer.step(variables, gradients);
  return loss_of_batch(loss, truth, y.values, y.features);
}

void Model::reset_states() { states_.clear(); }

std::vector<Array> Model::weights() const {
  std::vector<Array> all;
  for (const Layer& layer : layers_) all.insert(all.end(), layer.weights.begin(), layer.weights.end());
  return all;
}

void Model::set_weights(const std::vector<Array>& weights) {
  Size at = 0;
  for (Layer& layer : layers_) {
    layer.weights.clear();
    for (Size i = 0; i < weight_count(layer); ++i) layer.weights.push_back(weights.at(at++));
  }
}

}  // namespace plain
