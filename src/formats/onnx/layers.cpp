#include "formats/onnx/layers.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

#include <rondo/error.hpp>

#include "core/names.hpp"

namespace rondo::onnx {

namespace {

struct KnownLayer {
  std::string_view class_name;
  Values (*add)(Export&, const graph::LayerNode&, const Values&);
};

// To add a layer: its function in a file of layers/, and a line here.
constexpr std::array kKnownLayers = {
    KnownLayer{"Activation", add_activation_layer},
    KnownLayer{"ActivityRegularization", add_nothing},
    KnownLayer{"Add", add_add},
    KnownLayer{"BatchNormalization", add_batch_normalization},
    KnownLayer{"Bidirectional", add_bidirectional},
    KnownLayer{"Concatenate", add_concatenate},
    KnownLayer{"Dense", add_dense},
    KnownLayer{"Dropout", add_nothing},
    KnownLayer{"Flatten", add_flatten},
    KnownLayer{"GRU", add_recurrent},
    KnownLayer{"LSTM", add_recurrent},
    KnownLayer{"Masking", add_masking},
    KnownLayer{"Permute", add_permute},
    KnownLayer{"RNN", add_rnn},
    KnownLayer{"RepeatVector", add_repeat_vector},
    KnownLayer{"Reshape", add_reshape},
    KnownLayer{"TimeDistributed", add_time_distributed},
};

std::string known_layers() {
  std::vector<std::string> names;
  for (const KnownLayer& known : kKnownLayers) names.emplace_back(known.class_name);
  return quoted_list(names);
}

std::vector<Shape> samples_of(const Values& values) {
  std::vector<Shape> samples;
  for (const Value& v : values) samples.push_back(v.sample);
  return samples;
}

// While it lives, names begin with a layer's inside of those that are at work.
class InsideScope {
 public:
  InsideScope(GraphWriter& graph, const std::string& name) : graph_(graph), before_(graph.scope()) {
    graph.set_scope(before_.empty() ? name : before_ + "/" + name);
  }
  ~InsideScope() { graph_.set_scope(before_); }
  InsideScope(const InsideScope&) = delete;
  InsideScope& operator=(const InsideScope&) = delete;

 private:
  GraphWriter& graph_;
  std::string before_;
};

Values add_known(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  for (const KnownLayer& known : kKnownLayers) {
    if (known.class_name == layer.class_name() && !layer.is_custom()) return known.add(to, layer, inputs);
  }
  throw ConfigError("export_onnx: " + layer.where() + " has no ONNX form; layers that have: " + known_layers());
}

}  // namespace

Values add_layer(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  const InsideScope scope(to.graph, layer.name());
  if (layer.is_model()) return add_network(to, static_cast<const training::ModelNode&>(layer), inputs);
  Values outputs = add_known(to, layer, inputs);
  const std::vector<Shape> samples = layer.output_shapes(samples_of(inputs));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    outputs[i].sample = samples[i];
    if (layer.hands_mask_on() == false) outputs[i].steps.lengths.clear();
  }
  return outputs;
}

Values add_network(Export& to, const training::ModelNode& model, const Values& inputs) {
  Values all = inputs;
  for (const graph::Network::Call& call : model.network().calls()) {
    Values from;
    for (const auto tensor : call.inputs) from.push_back(all[tensor]);
    for (Value& made : add_layer(to, *call.layer, from)) all.push_back(std::move(made));
  }
  Values outputs;
  for (const auto tensor : model.network().outputs()) outputs.push_back(all[tensor]);
  return outputs;
}

std::optional<Weight> weight(const graph::LayerNode& layer, const std::string& name) {
  for (const engine::Parameter& p : layer.own_parameters()) {
    if (p.name() == name) return Weight{{p.shape.begin(), p.shape.end()}, p.get().to_vector()};
  }
  return std::nullopt;
}

std::vector<Index> exchanged(Index rank, Index a, Index b) {
  std::vector<Index> axes(static_cast<std::size_t>(rank));
  std::iota(axes.begin(), axes.end(), Index{0});
  std::swap(axes[static_cast<std::size_t>(a)], axes[static_cast<std::size_t>(b)]);
  return axes;
}

}  // namespace rondo::onnx
