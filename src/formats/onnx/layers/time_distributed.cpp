// TimeDistributed: what does not take each row by itself gets the time steps as rows of the batch.
#include "formats/onnx/layers.hpp"

namespace rondo::onnx {

namespace {

// The sizes [begin, end) of a tensor's axes, when the graph runs.
std::string sizes(GraphWriter& graph, const std::string& tensor, Index begin, std::optional<Index> end = {}) {
  Attributes range{attribute("start", begin)};
  if (end) range.push_back(attribute("end", *end));
  return graph.add("Shape", {tensor}, std::move(range));
}

std::string reshaped(GraphWriter& graph, const std::string& tensor, const std::string& first, const std::string& rest) {
  const std::string shape = graph.add("Concat", {first, rest}, {attribute("axis", Index{0})});
  return graph.add("Reshape", {tensor, shape});
}

}  // namespace

Values add_time_distributed(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  const graph::LayerNode& inside = *layer.children()[0];
  const Value& x = inputs[0];
  if (inside.works_row_by_row()) return add_layer(to, inside, inputs);

  GraphWriter& graph = to.graph;
  const std::string rows = reshaped(graph, x.name, graph.integers({-1}), sizes(graph, x.name, 2));
  const bool before = to.inside_time_distributed;
  to.inside_time_distributed = true;
  const Value y = add_layer(to, inside, {{rows, x.sample.from(1)}}).front();
  to.inside_time_distributed = before;
  return {{reshaped(graph, y.name, sizes(graph, x.name, 0, 2), sizes(graph, y.name, 1)), {}, x.steps}};
}

}  // namespace rondo::onnx
