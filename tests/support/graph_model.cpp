#include "support/graph_model.hpp"

#include "support/plain_config.hpp"

namespace rondo::test {

namespace {

using plain::GraphLayer;

Shape shape_of(const plain::Sizes& sizes) { return Shape(std::vector<Index>(sizes.begin(), sizes.end())); }

class Builder {
 public:
  explicit Builder(const DTypePolicy& policy) : policy_(policy) {}

  using Tensors = std::map<plain::Size, Symbol>;

  Model model(const plain::Graph& graph, const std::string& name, Tensors& made) {
    std::vector<Symbol> inputs;
    for (const plain::Sizes& sample : graph.inputs) inputs.push_back(Input(shape_of(sample), {.dtype = policy_}));
    for (plain::Size i = 0; i < inputs.size(); ++i) made.emplace(i, inputs[i]);
    for (const plain::Call& call : graph.calls) {
      std::vector<Symbol> from;
      const bool state = call.layer->kind == "LSTM" || call.layer->kind == "Bidirectional";  // behind the first
      for (const plain::Size n : call.inputs) from.push_back(made.at(n));
      const std::vector<Symbol> first(from.begin(), state ? from.begin() + 1 : from.end());
      const CallOptions rest{.initial_state = {from.begin() + static_cast<std::ptrdiff_t>(first.size()), from.end()}};
      const Symbols outputs = layer(*call.layer)(first, rest);
      for (std::size_t k = 0; k < outputs.size(); ++k) made.emplace(call.first_output + k, outputs[k]);
    }
    std::vector<Symbol> outputs;
    for (const plain::Size n : graph.outputs) outputs.push_back(made.at(n));
    return Model(inputs, outputs, {.name = name});
  }

  std::map<const GraphLayer*, Layer> layers() const { return layers_; }

 private:
  Sequential sequential(const plain::Graph& graph, const std::string& name) {
    const Sequential made({.name = name});
    made.add(Input(shape_of(graph.inputs[0]), {.dtype = policy_}));
    for (const plain::Call& call : graph.calls) made.add(layer(*call.layer));
    return made;
  }

  // The one that stands for it; made when it is first met.
  Layer layer(const GraphLayer& l) {
    const auto known = layers_.find(&l);
    return known != layers_.end() ? known->second : layers_.emplace(&l, make(l)).first->second;
  }

  Layer make(const GraphLayer& l) {
    Tensors inside;
    if (l.kind == "Model" && l.model->line) return sequential(*l.model, l.name);
    if (l.kind == "Model") return model(*l.model, l.name, inside);
    if (l.kind == "Dense") return dense(l);
    if (l.kind == "LSTM") return lstm(l, l.name);
    if (l.kind == "TimeDistributed") return TimeDistributed(layer(*l.inside), {.name = l.name});
    if (l.kind == "Bidirectional") {
      return Bidirectional(lstm(l, ""), {.merge_mode = l.merge_mode, .trainable = l.trainable, .name = l.name});
    }
    if (l.kind == "BatchNormalization") return batch_normalization(l);
    if (l.kind == "Activation") return Activation(l.activation.name, {.dtype = policy_, .name = l.name});
    if (l.kind == "Masking") return Masking({.mask_value = l.mask_value, .dtype = policy_, .name = l.name});
    if (l.kind == "Dropout") return Dropout(0, {.dtype = policy_, .name = l.name});
    if (l.kind == "Flatten") return Flatten({.dtype = policy_, .name = l.name});
    if (l.kind == "Reshape") return Reshape(shape_of(l.sizes), {.dtype = policy_, .name = l.name});
    if (l.kind == "Permute") return Permute({l.sizes.begin(), l.sizes.end()}, {.dtype = policy_, .name = l.name});
    if (l.kind == "RepeatVector") return RepeatVector(l.n, {.dtype = policy_, .name = l.name});
    if (l.kind == "Add") return Add({.dtype = policy_, .name = l.name});
    if (l.kind == "Concatenate") return Concatenate({.axis = l.axis, .dtype = policy_, .name = l.name});
    throw std::invalid_argument("no layer of the library is made for the kind " + l.kind);
  }

  Layer dense(const GraphLayer& l) {
    return Dense(l.units, {.activation = l.activation.name,
                           .use_bias = l.use_bias,
                           .trainable = l.trainable,
                           .dtype = policy_,
                           .name = l.name});
  }

  Layer lstm(const GraphLayer& l, const std::string& name) {
    return LSTM(l.units, {.activation = l.activation.name,
                          .recurrent_activation = l.recurrent_activation.name,
                          .use_bias = l.use_bias,
                          .return_sequences = l.return_sequences,
                          .return_state = l.return_state,
                          .go_backwards = l.go_backwards,
                          .recompute = l.recompute,
                          .zero_output_for_mask = l.zero_output_for_mask,
                          .trainable = l.trainable,
                          .dtype = policy_,
                          .name = name});
  }

  Layer batch_normalization(const GraphLayer& l) {
    return BatchNormalization({.axis = l.axis,
                               .momentum = l.momentum,
                               .epsilon = l.epsilon,
                               .center = l.center,
                               .scale = l.scale,
                               .trainable = l.trainable,
                               .dtype = policy_,
                               .name = l.name});
  }

  DTypePolicy policy_;
  std::map<const GraphLayer*, Layer> layers_;
};

}  // namespace

GraphModel make_model(const plain::Graph& graph, const DTypePolicy& policy) {
  Builder builder(policy);
  std::map<plain::Size, Symbol> tensors;
  const Model model = builder.model(graph, "", tensors);
  GraphModel made{model, builder.layers(), tensors};
  for (const auto& [from, to] : made.layers) {
    if (from->model != nullptr || from->inside != nullptr) continue;
    const std::vector<WeightInfo> infos = to.weights();
    std::vector<Tensor> weights;
    for (std::size_t i = 0; i < infos.size(); ++i) weights.push_back(Tensor(infos[i].shape, from->weights.at(i)));
    to.set_weights(weights);
  }
  return made;
}

std::vector<plain::Array> weights_of(const GraphModel& made, const plain::GraphLayer& layer) {
  return plain_arrays(made.layers.at(&layer).get_weights());
}

}  // namespace rondo::test
