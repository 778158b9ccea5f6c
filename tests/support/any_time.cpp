#include "support/any_time.hpp"

#include <algorithm>
#include <map>

namespace rondo::test {

namespace {

using plain::Call;
using plain::GraphLayer;
using plain::Size;

// Of the tensors of a call or graph: whether their steps are those of the sequences that come in.
using Any = std::vector<bool>;

bool is_one_of(const GraphLayer& layer, const std::vector<std::string>& kinds) {
  return std::find(kinds.begin(), kinds.end(), layer.kind) != kinds.end();
}

// Whether the last axis is the layer's: not time.
bool along_features(const Call& call) {
  return call.layer->axis == -1 || call.layer->axis == static_cast<int>(call.outputs[0].size());
}

bool through(plain::Graph& graph, const Any& inputs, Any& outputs);

// False where the layer needs to know how many steps there are.
bool through(const Call& call, const Any& inputs, Any& outputs) {
  const GraphLayer& layer = *call.layer;
  outputs.assign(call.outputs.size(), false);
  if (std::none_of(inputs.begin(), inputs.end(), [](bool any) { return any; })) return true;
  if (layer.kind == "Model") return through(*layer.model, inputs, outputs);
  if (is_one_of(layer, {"LSTM", "GRU", "RNN", "Bidirectional"})) {
    outputs[0] = layer.return_sequences;
    if (layer.merge_mode == "none") outputs[1] = layer.return_sequences;
    return true;
  }
  outputs[0] = true;
  if (is_one_of(layer, {"Dense", "Activation", "Masking", "Dropout", "TimeDistributed"})) return true;
  if (layer.kind == "BatchNormalization") return along_features(call);
  const bool all = std::all_of(inputs.begin(), inputs.end(), [](bool any) { return any; });
  return all && (layer.kind == "Add" || (layer.kind == "Concatenate" && along_features(call)));
}

bool through(plain::Graph& graph, const Any& inputs, Any& outputs) {
  std::map<Size, bool> any;
  for (Size n = 0; n < inputs.size(); ++n) {
    any[n] = inputs[n];
    if (inputs[n]) graph.inputs[n][0] = 0;
  }
  for (const Call& call : graph.calls) {
    Any from, to;
    for (const Size n : call.inputs) from.push_back(any.at(n));
    if (!through(call, from, to)) return false;
    for (Size k = 0; k < to.size(); ++k) any[call.first_output + k] = to[k];
  }
  outputs.clear();
  for (const Size n : graph.outputs) outputs.push_back(any.at(n));
  return true;
}

}  // namespace

// Sequences must be of one length, so that they can still be merged.
bool take_any_time(plain::Graph& graph, std::vector<bool>& outputs) {
  Any inputs;
  Size steps = 0;
  for (const plain::Sizes& sample : graph.inputs) {
    inputs.push_back(sample.size() == 2);
    if (sample.size() != 2) continue;
    if (steps > 0 && steps != sample[0]) return false;
    steps = sample[0];
  }
  return steps > 1 && through(graph, inputs, outputs);
}

}  // namespace rondo::test
