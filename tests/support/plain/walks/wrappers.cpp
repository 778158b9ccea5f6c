// TimeDistributed, and Bidirectional (Schuster and Paliwal 1997) of LSTMs or GRUs.
#include <algorithm>

#include "support/plain/walks/walks.hpp"

namespace plain {

namespace {

// One step of time of (batch, steps, each): between there and an array of its own.
struct TimeStep {
  Size batch, steps, each, t;

  Array take(const Array& all) const {
    Array one;
    for (Size b = 0; b < batch; ++b) {
      for (Size i = 0; i < each; ++i) one.push_back(all[(b * steps + t) * each + i]);
    }
    return one;
  }
  void put(const Array& one, Array& all) const {
    for (Size b = 0; b < batch; ++b) {
      for (Size i = 0; i < each; ++i) all[(b * steps + t) * each + i] = one[b * each + i];
    }
  }
};

// The layer sees a batch of rows at each step, and which of them count; a sequence in a step has a time of its own.
Tensor step_of(const Tensor& x, Size t) {
  const Size steps = x.sample[0];
  Tensor step{{}, x.batch, {x.sample.begin() + 1, x.sample.end()}};
  step.values = TimeStep{x.batch, steps, elements(step.sample), t}.take(x.values);
  if (x.mask.empty() || step.sample.size() > 1) return step;
  for (Size b = 0; b < x.batch; ++b) step.mask.push_back(x.mask[b * steps + t]);
  return step;
}

// Whether all steps may as well be rows of one batch: to dropout they are.
bool works_row_by_row(const GraphLayer& layer) {
  if (layer.kind == "TimeDistributed") return works_row_by_row(*layer.inside);
  if (layer.kind != "Model") return layer.kind == "Dense" || layer.kind == "Activation" || layer.kind == "Dropout";
  const std::vector<Call>& calls = layer.model->calls;
  return layer.model->inputs.size() == 1 && layer.model->outputs.size() == 1 &&
         std::all_of(calls.begin(), calls.end(), [](const Call& call) { return works_row_by_row(*call.layer); });
}

}  // namespace

Walked walk_time_distributed(GraphLayer& layer, const Tensor& x, Pass& pass) {
  if (works_row_by_row(*layer.inside)) return walk_layer(*layer.inside, {x}, pass);
  const Size batch = x.batch, steps = x.sample[0];
  const Pass outside = pass;
  std::vector<Walked> walked;
  for (Size t = 0; t < steps; ++t) {  // the steps of a call are that one call, in as many walks
    pass.calls = outside.calls;
    pass.walk = outside.walk * steps + t;
    walked.push_back(walk_layer(*layer.inside, {step_of(x, t)}, pass));
  }
  pass.walk = outside.walk;
  const Sizes& sample = walked[0].outputs[0].sample;
  const Size from = elements(x.sample) / steps, to = elements(sample);
  Tensor y{Array(batch * steps * to), batch, sample, x.mask};
  y.sample.insert(y.sample.begin(), steps);
  for (Size t = 0; t < steps; ++t) TimeStep{batch, steps, to, t}.put(walked[t].outputs[0].values, y.values);
  return {{y}, [=](const std::vector<Array>& dy) -> std::vector<Array> {
            Array dx(batch * steps * from);
            for (Size t = 0; t < steps; ++t) {
              const Array d = TimeStep{batch, steps, to, t}.take(dy[0]);
              TimeStep{batch, steps, from, t}.put(walked[t].backward({d})[0], dx);
            }
            return {dx};
          }};
}

namespace {

// A layer in one of both directions, with its half of the weights.
std::shared_ptr<GraphLayer> direction(const GraphLayer& both, bool second) {
  auto one = std::make_shared<GraphLayer>(both);
  one->kind = both.direction;
  if (second) one->number = both.backward_number;
  const auto half = static_cast<std::ptrdiff_t>(both.weights.size() / 2);
  const auto begin = both.weights.begin() + (second ? half : 0);
  one->weights = {begin, begin + half};
  one->gradients.clear();
  one->go_backwards = both.go_backwards != second;
  one->zero_output_for_mask = both.return_sequences;  // Keras sets it
  return one;
}

// Rows of `each` numbers a, and as many b, to y and back.
struct Merge {
  std::string mode;
  Size each;

  Array forward(const Array& a, const Array& b) const {
    Array y;
    for (Size row = 0; row < a.size() / each; ++row) {
      for (Size i = row * each; i < (row + 1) * each; ++i) {
        if (mode == "sum") y.push_back(a[i] + b[i]);
        if (mode == "mul") y.push_back(a[i] * b[i]);
        if (mode == "ave") y.push_back((a[i] + b[i]) / 2);
        if (mode == "concat") y.push_back(a[i]);
      }
      for (Size i = row * each; mode == "concat" && i < (row + 1) * each; ++i) y.push_back(b[i]);
    }
    return y;
  }

  // The gradient of one of them, of which `other` is the other one.
  Array backward(const Array& dy, const Array& other, bool second) const {
    Array d;
    for (Size i = 0; i < other.size(); ++i) {
      if (mode == "sum") d.push_back(dy[i]);
      if (mode == "mul") d.push_back(dy[i] * other[i]);
      if (mode == "ave") d.push_back(dy[i] / 2);
      if (mode == "concat") d.push_back(dy[(i / each * 2 + (second ? 1 : 0)) * each + i % each]);
    }
    return d;
  }
};

}  // namespace

Walked walk_bidirectional(GraphLayer& layer, const std::vector<Tensor>& inputs, Pass& pass) {
  const Tensor& x = inputs[0];
  const Size batch = x.batch, steps = x.sample[0];
  const bool sequences = layer.return_sequences, joined = layer.merge_mode != "none";
  const auto in_time = [=](const Array& y) { return sequences ? reversed(y, batch, steps) : y; };
  const auto half = static_cast<std::ptrdiff_t>((inputs.size() - 1) / 2);
  std::vector<std::shared_ptr<GraphLayer>> layers = {direction(layer, false), direction(layer, true)};
  std::vector<Walked> walked;
  for (std::ptrdiff_t i = 0; i < 2; ++i) {
    std::vector<Tensor> from = {x};
    from.insert(from.end(), inputs.begin() + 1 + i * half, inputs.begin() + 1 + (i + 1) * half);
    walked.push_back(walk_recurrent(*layers[static_cast<Size>(i)], from, pass));
  }
  Tensor forwards = walked[0].outputs[0], backwards = walked[1].outputs[0];
  backwards.values = in_time(backwards.values);
  const Merge merge{layer.merge_mode, layer.units};

  Walked out;
  if (joined) {
    Tensor y = forwards;
    y.values = merge.forward(forwards.values, backwards.values);
    if (layer.merge_mode == "concat") y.sample.back() *= 2;
    out.outputs = {y};
  } else {
    out.outputs = {forwards, backwards};
  }
  for (const Walked& one : walked) out.outputs.insert(out.outputs.end(), one.outputs.begin() + 1, one.outputs.end());

  out.backward = [=, &layer](const std::vector<Array>& dy) {
    const std::ptrdiff_t first = joined ? 1 : 2, states = std::ssize(walked[0].outputs) - 1;
    std::vector<Array> gradients, dx;
    for (Size i = 0; i < 2; ++i) {
      const bool second = i == 1;
      Array d = joined ? merge.backward(dy[0], second ? forwards.values : backwards.values, second) : dy[i];
      std::vector<Array> outside = {second ? in_time(d) : d};
      const auto begin = dy.begin() + first + static_cast<std::ptrdiff_t>(i) * states;
      outside.insert(outside.end(), begin, begin + states);
      layers[i]->gradients.clear();
      const std::vector<Array> from = walked[i].backward(outside);
      gradients.insert(gradients.end(), layers[i]->gradients.begin(), layers[i]->gradients.end());
      if (!second) dx = {from[0]};
      for (Size k = 0; second && k < from[0].size(); ++k) dx[0][k] += from[0][k];
      dx.insert(dx.end(), from.begin() + 1, from.end());
    }
    add_gradients(layer, gradients);
    return dx;
  };
  return out;
}

}  // namespace plain
