#include "formats/c_header/layers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include <rondo/error.hpp>

#include "core/names.hpp"
#include "formats/c_header/operations.hpp"
#include "training/model_node.hpp"

namespace rondo::c_header {

namespace {

struct KnownLayer {
  std::string_view class_name;
  Value (*add)(Program&, const graph::LayerNode&, const Value&);
};

// To add a layer: its function in a file beside these, and a line here.
constexpr std::array kKnownLayers = {
    KnownLayer{"Activation", add_activation_layer},
    KnownLayer{"ActivityRegularization", add_nothing},
    KnownLayer{"BatchNormalization", add_batch_normalization},
    KnownLayer{"Dense", add_dense},
    KnownLayer{"Dropout", add_nothing},
    KnownLayer{"GRU", add_gru},
    KnownLayer{"LSTM", add_lstm},
    KnownLayer{"TimeDistributed", add_time_distributed},
};

std::string known_names() {
  std::vector<std::string> names;
  for (const KnownLayer& known : kKnownLayers) names.emplace_back(known.class_name);
  return quoted_list(names);
}

// The calls of a model and of those inside it, each with what the one before it puts out.
Value add_chain(Program& program, const training::ModelNode& model, Value x) {
  const graph::Network& network = model.network();
  graph::Network::TensorNumber tensor = 0;
  for (const graph::Network::Call& call : network.calls()) {
    if (call.inputs.size() != 1 || call.inputs[0] != tensor) {
      throw ConfigError("export_header: " + model.where() + " is no chain: " + call.layer->where() +
                        " takes more than what the layer before it puts out; a header is one layer behind the other");
    }
    x = add_layer(program, *call.layer, x);
    tensor = call.first_output;
  }
  if (network.outputs()[0] != tensor) {
    throw ConfigError("export_header: " + model.where() +
                      " is no chain: its output is not the first one of its last layer");
  }
  return x;
}

std::string title(const graph::LayerNode& layer) { return layer.class_name() + " '" + layer.name() + "'"; }

}  // namespace

Value add_layer(Program& program, const graph::LayerNode& layer, const Value& x) {
  if (layer.is_input()) return x;
  if (layer.is_model()) return add_chain(program, static_cast<const training::ModelNode&>(layer), x);
  for (const KnownLayer& known : kKnownLayers) {
    if (known.class_name != layer.class_name() || layer.is_custom()) continue;
    program.begin_layer(title(layer), lower_case(layer.class_name()) + std::to_string(program.layers().size() + 1), x);
    const Value y = known.add(program, layer, x);
    program.end_layer(y);
    return y;
  }
  throw ConfigError("export_header: " + layer.where() + " has no C form; layers that have: " + known_names());
}

Program program_of(const Model& model, Precision precision, Index inputs) {
  Program program(precision, inputs);
  const Value y = add_chain(program, training::node_of(model), program.input());
  // What was put off for the last layer's output is a layer of its own.
  program.begin_layer("what is left of normalization", "normalization" + std::to_string(program.layers().size() + 1),
                      y);
  program.set_output(settled(program, y));
  program.end_layer(program.output());
  return program;
}

Value add_nothing(Program&, const graph::LayerNode&, const Value& x) { return x; }

std::vector<double> weight(const graph::LayerNode& layer, const std::string& name) {
  for (const engine::Parameter& p : layer.parameters()) {
    if (p.name() != name) continue;
    std::vector<double> values = p.get().to_vector();
    const auto is_float = [](double v) { return std::isfinite(static_cast<float>(v)); };
    if (std::ranges::all_of(values, is_float)) return values;
    throw ConfigError("export_header: a weight of " + p.path + " is not finite as a float");
  }
  return {};
}

std::vector<double> columns(const std::vector<double>& matrix, Index row_size,
                            const std::vector<std::pair<Index, Index>>& blocks) {
  std::vector<double> picked;
  for (auto row = matrix.begin(); row != matrix.end(); row += row_size) {
    for (const auto& [begin, count] : blocks) picked.insert(picked.end(), row + begin, row + begin + count);
  }
  return picked;
}

}  // namespace rondo::c_header
