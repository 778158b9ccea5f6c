#include "support/plain/graph.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "support/plain/walks/walks.hpp"

namespace plain {

Size elements(const Sizes& sample) {
  Size product = 1;
  for (const Size n : sample) product *= n;
  return product;
}

Size mask_steps(const Sizes& sample) { return sample.size() > 1 ? sample.front() : 1; }

namespace {

template <class T>
std::vector<T> part(const std::vector<T>& all, Size samples, Size begin, Size end) {
  const auto each = static_cast<std::ptrdiff_t>(all.size() / samples);
  return {all.begin() + static_cast<std::ptrdiff_t>(begin) * each,
          all.begin() + static_cast<std::ptrdiff_t>(end) * each};
}

void add_layers(const Graph& graph, std::vector<GraphLayer*>& all);

void add_layer(GraphLayer& layer, std::vector<GraphLayer*>& all) {
  if (layer.inside != nullptr) return add_layer(*layer.inside, all);
  if (layer.model != nullptr) return add_layers(*layer.model, all);
  for (const auto& cell : layer.cells) add_layer(*cell, all);
  if (!layer.cells.empty()) return;
  if (std::find(all.begin(), all.end(), &layer) == all.end()) all.push_back(&layer);
}

void add_layers(const Graph& graph, std::vector<GraphLayer*>& all) {
  for (const Call& call : graph.calls) add_layer(*call.layer, all);
}

void add(Array& sum, const Array& term) {
  for (Size i = 0; i < sum.size(); ++i) sum[i] += term.at(i);
}

// Whether an optimizer moves a weight.
bool learns(const GraphLayer& layer, Size weight) {
  const bool statistics = layer.kind == "BatchNormalization" && weight + 2 >= layer.weights.size();
  return layer.trainable && !statistics;
}

}  // namespace

Tensor rows(const Tensor& x, Size begin, Size end) {
  return {part(x.values, x.batch, begin, end), end - begin, x.sample, part(x.mask, x.batch, begin, end)};
}

Target rows(const Target& target, Size samples, Size begin, Size end) {
  return {part(target.truth, samples, begin, end), target.loss, target.weight,
          part(target.sample_weights, samples, begin, end)};
}

std::vector<GraphLayer*> layers_of(const Graph& graph) {
  std::vector<GraphLayer*> all;
  add_layers(graph, all);
  return all;
}

// ---- the walk

namespace {

// Walks calls when their outputs are asked for.
class Walker {
 public:
  Walker(const Graph& graph, const std::vector<Tensor>& inputs, Pass& pass) : graph_(graph), pass_(pass) {
    Size count = inputs.size();
    for (const Call& call : graph.calls) count = std::max(count, call.first_output + call.outputs.size());
    tensors_.resize(count);
    for (Size i = 0; i < inputs.size(); ++i) tensors_[i] = inputs[i];
  }

  const Tensor& tensor(Size number) {
    if (!tensors_.at(number)) make(number);
    return *tensors_[number];
  }

  // The way back through what has been walked.
  Backward backward() const {
    return [steps = steps_, outputs = graph_.outputs, inputs = graph_.inputs.size(),
            zeros = zeros()](const std::vector<Array>& d_outputs) {
      std::vector<Array> d = zeros;
      for (Size i = 0; i < outputs.size(); ++i) add(d[outputs[i]], d_outputs.at(i));
      for (Size i = steps.size(); i-- > 0;) {
        const Call& call = *steps[i].call;
        std::vector<Array> dy;
        for (Size k = 0; k < call.outputs.size(); ++k) dy.push_back(d[call.first_output + k]);
        const std::vector<Array> dx = steps[i].backward(dy);
        for (Size k = 0; k < call.inputs.size(); ++k) add(d[call.inputs[k]], dx.at(k));
      }
      d.resize(inputs);
      return d;
    };
  }

 private:
  struct Step {
    const Call* call;
    Backward backward;
  };

  void make(Size number) {
    const auto call = std::find_if(graph_.calls.begin(), graph_.calls.end(), [&](const Call& c) {
      return number >= c.first_output && number < c.first_output + c.outputs.size();
    });
    std::vector<Tensor> from;
    for (const Size input : call->inputs) from.push_back(tensor(input));
    const bool training = std::exchange(pass_.training, pass_.training && call->as_in_training);
    Walked walked = walk_layer(*call->layer, from, pass_);
    pass_.training = training;
    for (Size k = 0; k < walked.outputs.size(); ++k) tensors_[call->first_output + k] = std::move(walked.outputs[k]);
    steps_.push_back({&*call, std::move(walked.backward)});
  }

  std::vector<Array> zeros() const {
    std::vector<Array> all;
    for (const auto& tensor : tensors_) all.push_back(Array(tensor ? tensor->values.size() : 0, 0.0));
    return all;
  }

  const Graph& graph_;
  Pass& pass_;
  std::vector<std::optional<Tensor>> tensors_;
  std::vector<Step> steps_;
};

}  // namespace

Walked walk(const Graph& graph, const std::vector<Tensor>& inputs, Pass& pass) {
  Walker walker(graph, inputs, pass);
  std::vector<Tensor> outputs;
  for (const Size number : graph.outputs) outputs.push_back(walker.tensor(number));
  return {std::move(outputs), walker.backward()};
}

std::vector<Tensor> predict(const Graph& graph, const std::vector<Tensor>& inputs) {
  Pass pass;
  return walk(graph, inputs, pass).outputs;
}

// ---- learning

OutputLoss loss_of_output(const Target& target, const Tensor& y) {
  const Size features = y.sample.back(), count = y.values.size() / features;
  const Array values = loss_of_rows(target.loss, target.truth, y.values, features);
  OutputLoss out{0, loss_gradient(target.loss, target.truth, y.values, features)};
  // Of the rows in a step of time.
  const auto is_counted = [&](Size r) { return y.mask.empty() || y.mask.at(r * y.mask.size() / count) != 0; };
  double counted = 0;
  for (Size r = 0; r < count; ++r) counted += is_counted(r) ? 1 : 0;
  for (Size r = 0; r < count; ++r) {
    const double weight = target.sample_weights.empty() ? 1 : target.sample_weights.at(r);
    const double share = is_counted(r) ? weight / counted : 0;
    out.value += share * values[r];
    // loss_gradient is that of the mean over all rows.
    for (Size k = 0; k < features; ++k) out.gradient[r * features + k] *= share * static_cast<double>(count);
  }
  return out;
}

std::vector<double> train(const Graph& graph, const std::vector<Tensor>& inputs, const std::vector<Target>& targets,
                          Optimizer& optimizer) {
  const std::vector<GraphLayer*> layers = layers_of(graph);
  for (GraphLayer* layer : layers) {
    layer->gradients.clear();
    for (const Array& w : layer->weights) layer->gradients.push_back(Array(w.size(), 0.0));
  }
  Pass pass{.training = true, .step = optimizer.steps()};
  const Walked walked = walk(graph, inputs, pass);
  std::vector<double> losses;
  std::vector<Array> d;
  for (Size i = 0; i < targets.size(); ++i) {
    OutputLoss loss = loss_of_output(targets[i], walked.outputs.at(i));
    for (double& g : loss.gradient) g *= targets[i].weight;
    losses.push_back(loss.value);
    d.push_back(std::move(loss.gradient));
  }
  (void)walked.backward(d);
  std::vector<Array*> variables;
  std::vector<Array> gradients;
  for (GraphLayer* layer : layers) {
    for (Size i = 0; i < layer->weights.size(); ++i) {
      if (!learns(*layer, i)) continue;
      variables.push_back(&layer->weights[i]);
      gradients.push_back(layer->gradients[i]);
    }
  }
  optimizer.step(variables, gradients);
  return losses;
}

}  // namespace plain
