#include "support/graph_model.hpp"

#include "graph/layer_node.hpp"
#include "support/plain_config.hpp"

namespace rondo::test {

namespace {

using plain::GraphLayer;

Shape shape_of(const plain::Sizes& sizes) {
  const Shape shape(std::vector<Index>(sizes.begin(), sizes.end()));
  return sizes[0] > 0 ? shape : shape.with(0, Shape::kUnknown);
}

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
      const std::string& kind = call.layer->kind;
      const bool state = kind == "LSTM" || kind == "GRU" || kind == "RNN" || kind == "Bidirectional";  // behind x
      for (const plain::Size n : call.inputs) from.push_back(made.at(n));
      const std::vector<Symbol> first(from.begin(), state ? from.begin() + 1 : from.end());
      CallOptions rest{.initial_state = {from.begin() + static_cast<std::ptrdiff_t>(first.size()), from.end()}};
      if (!call.as_in_training) rest.training = false;
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
    if (l.kind == "LSTM" || l.kind == "GRU") return recurrent(l, l.kind, l.name);
    if (l.kind == "LSTMCell" || l.kind == "GRUCell") return cell(l);
    if (l.kind == "RNN") return rnn(l);
    if (l.kind == "TimeDistributed") return TimeDistributed(layer(*l.inside), {.name = l.name});
    if (l.kind == "Bidirectional") {
      return Bidirectional(recurrent(l, l.direction, ""),
                           {.merge_mode = l.merge_mode, .trainable = l.trainable, .name = l.name});
    }
    if (l.kind == "BatchNormalization") return batch_normalization(l);
    if (l.kind == "Activation") return Activation(l.activation.name, {.dtype = policy_, .name = l.name});
    if (l.kind == "Masking") return Masking({.mask_value = l.mask_value, .dtype = policy_, .name = l.name});
    if (l.kind == "Dropout") return Dropout(l.dropout, {.seed = l.seed, .dtype = policy_, .name = l.name});
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

  // What LSTM, GRU and their cells have in common.
  template <class Options>
  Options cell_options(const GraphLayer& l, const std::string& name) {
    Options options;
    options.activation = l.activation.name;
    options.recurrent_activation = l.recurrent_activation.name;
    options.use_bias = l.use_bias;
    options.dropout = l.dropout;
    options.recurrent_dropout = l.recurrent_dropout;
    options.seed = l.seed;
    options.trainable = l.trainable;
    options.dtype = policy_;
    options.name = name;
    return options;
  }
  // And what all that walk sequences have.
  template <class Options>
  static void set_sequence_options(Options& options, const GraphLayer& l) {
    options.return_sequences = l.return_sequences;
    options.return_state = l.return_state;
    options.go_backwards = l.go_backwards;
    options.zero_output_for_mask = l.zero_output_for_mask;
  }

  Layer recurrent(const GraphLayer& l, const std::string& kind, const std::string& name) {
    if (kind == "LSTM") {
      auto options = cell_options<LSTMOptions>(l, name);
      set_sequence_options(options, l);
      options.recompute = l.recompute;
      return LSTM(l.units, options);
    }
    auto options = cell_options<GRUOptions>(l, name);
    set_sequence_options(options, l);
    options.recompute = l.recompute;
    options.reset_after = l.reset_after;
    return GRU(l.units, options);
  }

  Layer cell(const GraphLayer& l) {
    if (l.kind == "LSTMCell") return LSTMCell(l.units, cell_options<LSTMCellOptions>(l, l.name));
    auto options = cell_options<GRUCellOptions>(l, l.name);
    options.reset_after = l.reset_after;
    return GRUCell(l.units, options);
  }

  Layer rnn(const GraphLayer& l) {
    std::vector<Layer> cells;
    for (const auto& each : l.cells) cells.push_back(layer(*each));
    RNNOptions options{.name = l.name};
    set_sequence_options(options, l);
    return RNN(cells.size() == 1 ? cells[0] : StackedRNNCells(cells), options);
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
    if (from->model != nullptr || from->inside != nullptr || !from->cells.empty()) continue;
    const std::vector<WeightInfo> infos = to.weights();
    std::vector<Tensor> weights;
    for (std::size_t i = 0; i < infos.size(); ++i) weights.push_back(Tensor(infos[i].shape, from->weights.at(i)));
    to.set_weights(weights);
  }
  return made;
}

void number_layers(const plain::Graph& graph, const GraphModel& made) {
  for (GraphLayer* layer : plain::layers_of(graph)) {
    const graph::LayerNode& node = *made.layers.at(layer).node();
    layer->number = node.number();
    if (layer->kind != "Bidirectional") continue;
    layer->number = node.children()[0]->number();
    layer->backward_number = node.children()[1]->number();
  }
}

std::vector<plain::Array> weights_of(const GraphModel& made, const plain::GraphLayer& layer) {
  return plain_arrays(made.layers.at(&layer).get_weights());
}

}  // namespace rondo::test
