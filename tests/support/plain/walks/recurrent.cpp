// LSTM. Sequences come out in the order of processing, with the mask in the order of time, as in Keras up to 3.15.
#include "support/plain/walks/walks.hpp"

namespace plain {

Walked walk_lstm(GraphLayer& layer, const std::vector<Tensor>& inputs) {
  const Tensor& x = inputs[0];
  const bool given = inputs.size() > 1;
  LstmCall call;
  call.weights = {x.sample[1], layer.units, layer.weights.at(0), layer.weights.at(1), {}};
  if (layer.use_bias) call.weights.bias = layer.weights.at(2);
  call.options = {layer.activation, layer.recurrent_activation, layer.go_backwards, layer.zero_output_for_mask};
  call.x = x.values;
  call.batch = x.batch;
  call.steps = x.sample[0];
  if (given) call.initial_h = inputs[1].values;
  if (given) call.initial_c = inputs.at(2).values;
  call.mask = x.mask;
  const LstmForward f = lstm_forward(call);

  Walked walked;
  if (layer.return_sequences) {
    walked.outputs.push_back({f.outputs, x.batch, {call.steps, layer.units}, x.mask});
  } else {
    walked.outputs.push_back({last_steps(f.outputs, x.batch, call.steps, layer.units), x.batch, {layer.units}});
  }
  if (layer.return_state) {
    walked.outputs.push_back({f.final_h, x.batch, {layer.units}});
    walked.outputs.push_back({f.final_c, x.batch, {layer.units}});
  }
  walked.backward = [&layer, call, f, given](const std::vector<Array>& dy) {
    const Array d_outputs = layer.return_sequences ? dy[0] : at_last_steps(dy[0], call.batch, call.steps, layer.units);
    const LstmGradients d =
        layer.return_state ? lstm_backward(call, f, d_outputs, dy.at(1), dy.at(2)) : lstm_backward(call, f, d_outputs);
    add_gradients(layer, {d.kernel, d.recurrent_kernel, d.bias});
    std::vector<Array> dx = {d.x};
    if (given) dx.insert(dx.end(), {d.initial_h, d.initial_c});
    return dx;
  };
  return walked;
}

}  // namespace plain
