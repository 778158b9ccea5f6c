// LSTM, GRU, and RNN over their cells. Sequences come out in the order of processing, with the mask in the order of
// time, as in Keras up to 3.15.
#include "support/plain/walks/walks.hpp"

namespace plain {

namespace {

// A layer or cell, through whole sequences.
struct Sequence {
  Array outputs;              // (batch, steps, units)
  std::vector<Array> states;  // after the last step
  // From the gradients of outputs and states (none: zeros) to those of x and of the initial states. Adds those of
  // weights.
  std::function<std::vector<Array>(const Array&, const std::vector<Array>&)> backward;
};

struct Factors {
  Array x, h;
};

// Of dropout, drawn once for all steps. Places are the gates' in a number's four draws: with recurrent_dropout each
// gate has one of its own, else they share one.
Factors next_factors(const GraphLayer& layer, const Tensor& x, const Sizes& x_places, const Sizes& h_places,
                     Pass& pass) {
  const bool of_gates = layer.recurrent_dropout > 0;
  if (!pass.training || (layer.dropout == 0 && !of_gates)) return {};
  const Draws of_x = next_draws(layer, pass);
  Draws of_h = of_x;
  of_h.rate = layer.recurrent_dropout;
  of_h.purpose = 5;
  if (!of_gates) return {shared_factors(of_x, x.batch, x.sample[1], h_places.size()), {}};
  return {layer.dropout > 0 ? gate_factors(of_x, x.batch, x.sample[1], x_places) : Array(),
          gate_factors(of_h, x.batch, layer.units, h_places)};
}

// What LSTM and GRU have in common.
template <class SequenceCall>
SequenceCall call_of(const GraphLayer& layer, const Tensor& x, const std::vector<Array>& initial, Factors factors) {
  SequenceCall call;
  call.weights = {x.sample[1], layer.units, layer.weights.at(0), layer.weights.at(1), {}};
  if (layer.use_bias) call.weights.bias = layer.weights.at(2);
  call.options = {layer.activation, layer.recurrent_activation, layer.go_backwards, layer.zero_output_for_mask};
  call.x = x.values;
  call.batch = x.batch;
  call.steps = x.sample[0];
  if (!initial.empty()) call.initial_h = initial[0];
  call.mask = x.mask;
  call.x_factors = std::move(factors.x);
  call.h_factors = std::move(factors.h);
  return call;
}

Sequence lstm_sequence(GraphLayer& layer, const Tensor& x, const std::vector<Array>& initial, Pass& pass) {
  auto call = call_of<LstmCall>(layer, x, initial, next_factors(layer, x, {0, 1, 2, 3}, {0, 1, 2, 3}, pass));
  if (!initial.empty()) call.initial_c = initial.at(1);
  const LstmForward f = lstm_forward(call);
  return {f.outputs, {f.final_h, f.final_c}, [&layer, call, f](const Array& dy, const std::vector<Array>& d_states) {
            const LstmGradients d = d_states.empty() ? lstm_backward(call, f, dy)
                                                     : lstm_backward(call, f, dy, d_states.at(0), d_states.at(1));
            add_gradients(layer, {d.kernel, d.recurrent_kernel, d.bias});
            return std::vector<Array>{d.x, d.initial_h, d.initial_c};
          }};
}

Sequence gru_sequence(GraphLayer& layer, const Tensor& x, const std::vector<Array>& initial, Pass& pass) {
  auto call = call_of<GruCall>(layer, x, initial, next_factors(layer, x, {1, 2, 0}, {0, 1, 2}, pass));
  call.options.reset_after = layer.reset_after;
  const GruForward f = gru_forward(call);
  return {f.outputs, {f.final_h}, [&layer, call, f](const Array& dy, const std::vector<Array>& d_states) {
            const GruGradients d = gru_backward(call, f, dy, d_states.empty() ? Array() : d_states.at(0));
            add_gradients(layer, {d.kernel, d.recurrent_kernel, d.bias});
            return std::vector<Array>{d.x, d.initial_h};
          }};
}

Size state_count(const GraphLayer& cell) { return cell.kind == "LSTMCell" ? 2 : 1; }

// The next `count` of them.
std::vector<Array> take(const std::vector<Array>& all, Size& at, Size count) {
  std::vector<Array> some;
  for (Size i = 0; i < count && !all.empty(); ++i) some.push_back(all.at(at + i));
  at += count;
  return some;
}

// A cell needs nothing of the cells above it: each takes all steps before the next one does. A row that skips a step
// skips it in all of them, so that what stands between them there is never read.
Sequence cell_sequence(GraphLayer& rnn, const Tensor& x, const std::vector<Array>& initial, Pass& pass) {
  const Size batch = x.batch, steps = x.sample[0];
  const bool turn = rnn.go_backwards;
  Tensor from = x;  // in the order of processing
  if (turn) from.values = reversed(x.values, batch, steps);
  if (turn && !x.mask.empty()) from.mask = reversed(x.mask, batch, steps);
  std::vector<Sequence> walked;
  std::vector<Array> states;
  Size at = 0;
  for (const auto& cell : rnn.cells) {
    cell->zero_output_for_mask = rnn.zero_output_for_mask;
    const std::vector<Array> own = take(initial, at, state_count(*cell));
    walked.push_back(cell->kind == "LSTMCell" ? lstm_sequence(*cell, from, own, pass)
                                              : gru_sequence(*cell, from, own, pass));
    states.insert(states.end(), walked.back().states.begin(), walked.back().states.end());
    from.values = walked.back().outputs;
    from.sample[1] = cell->units;
  }
  return {from.values, states, [walked, turn, batch, steps](const Array& dy, const std::vector<Array>& d_states) {
            std::vector<Array> d_initial;
            Array d = dy;
            for (Size i = walked.size(), end = d_states.size(); i-- > 0;) {
              const Size count = walked[i].states.size();
              Size first = d_states.empty() ? 0 : end - count;
              end = first;
              const std::vector<Array> dx = walked[i].backward(d, take(d_states, first, count));
              d = dx[0];
              d_initial.insert(d_initial.begin(), dx.begin() + 1, dx.end());
            }
            d_initial.insert(d_initial.begin(), turn ? reversed(d, batch, steps) : d);
            return d_initial;
          }};
}

}  // namespace

Walked walk_recurrent(GraphLayer& layer, const std::vector<Tensor>& inputs, Pass& pass) {
  const Tensor& x = inputs[0];
  std::vector<Array> initial;
  for (Size i = 1; i < inputs.size(); ++i) initial.push_back(inputs[i].values);
  const Sequence s = layer.kind == "LSTM"  ? lstm_sequence(layer, x, initial, pass)
                     : layer.kind == "GRU" ? gru_sequence(layer, x, initial, pass)
                                           : cell_sequence(layer, x, initial, pass);
  const Size batch = x.batch, steps = x.sample[0], units = s.outputs.size() / batch / steps;
  Walked walked;
  if (layer.return_sequences) {
    walked.outputs.push_back({s.outputs, batch, {steps, units}, x.mask});
  } else {
    walked.outputs.push_back({last_steps(s.outputs, batch, steps, units), batch, {units}});
  }
  for (Size i = 0; layer.return_state && i < s.states.size(); ++i) {
    walked.outputs.push_back({s.states[i], batch, {s.states[i].size() / batch}});
  }
  walked.backward = [s, batch, steps, units, sequences = layer.return_sequences,
                     given = !initial.empty()](const std::vector<Array>& dy) {
    const Array d_outputs = sequences ? dy[0] : at_last_steps(dy[0], batch, steps, units);
    std::vector<Array> dx = s.backward(d_outputs, {dy.begin() + 1, dy.end()});
    if (!given) dx.resize(1);
    return dx;
  };
  return walked;
}

}  // namespace plain
