// Bidirectional: one operator where both directions are alike, else two.
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>

#include "formats/onnx/layers/recurrence.hpp"

namespace rondo::onnx {

namespace {

// Both outputs as one, or each by itself.
Values merged(GraphWriter& graph, const std::string& mode, const Value& a, const Value& b) {
  if (mode == "none") return {a, b};
  if (mode == "concat") {
    return {{graph.add("Concat", {a.name, b.name}, {attribute("axis", Index{-1})}), {}, a.steps}};
  }
  const std::string both = graph.add(mode == "mul" ? "Mul" : "Add", {a.name, b.name});
  return {{mode == "ave" ? graph.add("Mul", {both, graph.number(0.5)}) : both, {}, a.steps}};
}

// The two places of an axis, without it.
Names apart(GraphWriter& graph, const std::string& x, Index axis) {
  Names halves = graph.add("Split", {x}, 2, {attribute("axis", axis)});
  for (std::string& half : halves) half = without_axis(graph, half, axis);
  return halves;
}

// The layer itself, or the cell of an RNN.
const graph::LayerNode& walked(const graph::LayerNode& layer) {
  return layer.class_name() == "RNN" ? *layer.children()[0] : layer;
}

struct Layers {
  const graph::LayerNode& forward;
  const graph::LayerNode& backward;
  std::string mode;
};

// (directions, batch, units), or with time in front, to (batch, (time,) 2 units).
std::string side_by_side(GraphWriter& graph, const std::string& y, bool has_time) {
  const std::vector<Index> batch_first = has_time ? std::vector<Index>{2, 0, 1, 3} : std::vector<Index>{1, 0, 2};
  const std::string turned = graph.add("Transpose", {y}, {attribute("perm", batch_first)});
  const std::vector<Index> joined = has_time ? std::vector<Index>{0, 0, -1} : std::vector<Index>{0, -1};
  return graph.add("Reshape", {turned, graph.integers(joined)});
}

// What comes out of one operator for both. Its sequences stand in the order of time.
Values outputs_of(Export& to, const Layers& layers, const Recurrent& made, const States& last, const Value& x) {
  GraphWriter& graph = to.graph;
  const bool sequences = layers.forward.recurrence()->return_sequences;
  const Steps steps = sequences ? x.steps : Steps{};
  if (layers.mode == "concat") {
    return {{side_by_side(graph, sequences ? made.sequence : made.last_h, sequences), {}, steps}};
  }
  if (!sequences) return merged(graph, layers.mode, {last[0]}, {last[last.size() / 2]});
  Names halves = apart(graph, made.sequence, 1);
  for (std::string& half : halves) half = time_and_batch_exchanged(graph, half, 3);
  return merged(graph, layers.mode, {halves[0], {}, steps}, {halves[1], {}, steps});
}

Values in_one(Export& to, const Layers& layers, const std::vector<Cell>& cells, const Value& x, const States& initial,
              States& last) {
  GraphWriter& graph = to.graph;
  const Recurrent made = add_operator(to, cells, Direction::bidirectional, time_and_batch_exchanged(graph, x.name, 3),
                                      initial, x.steps.lengths);
  const Names h = apart(graph, made.last_h, 0);
  const Names c = cells[0].has_c() ? apart(graph, made.last_c, 0) : Names{};
  for (std::size_t d = 0; d < 2; ++d) {
    last.push_back(h[d]);
    if (!c.empty()) last.push_back(c[d]);
  }
  return outputs_of(to, layers, made, last, x);
}

// The backward layer's output is turned into the order of time, as the layer does it: what a mask leaves out is zero.
Values in_two(Export& to, const Layers& layers, const std::vector<Cell>& cells, const Value& x, const States& initial,
              States& last) {
  GraphWriter& graph = to.graph;
  const std::string in = time_and_batch_exchanged(graph, x.name, 3);
  Values of_direction;
  auto next = initial.begin();
  for (std::size_t d = 0; d < 2; ++d) {
    graph::Recurrence rule = *(d == 0 ? layers.forward : layers.backward).recurrence();
    const std::ptrdiff_t states = initial.empty() ? 0 : cells[d].has_c() ? 2 : 1;
    const Recurrent made = add_operator(to, {cells[d]}, rule.go_backwards ? Direction::reverse : Direction::forward, in,
                                        {next, next + states}, x.steps.lengths, d == 0 ? "forward/" : "backward/");
    next += states;
    last.push_back(without_axis(graph, made.last_h, 0));
    const std::string last_h = last.back();
    if (cells[d].has_c()) last.push_back(without_axis(graph, made.last_c, 0));
    rule.zero_output_for_mask = rule.zero_output_for_mask || d == 1;
    of_direction.push_back(output_of(to, rule, made, last_h, x));
  }
  if (layers.forward.recurrence()->return_sequences) of_direction[1].name = backwards(graph, of_direction[1].name);
  return merged(graph, layers.mode, of_direction[0], of_direction[1]);
}

}  // namespace

Values add_bidirectional(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  const graph::Json mode = layer.config().at("merge_mode");
  const Layers layers{*layer.children()[0], *layer.children()[1],
                      mode.is_null() ? std::string("none") : mode.get<std::string>()};
  const std::vector<Cell> cells{cell_of(walked(layers.forward)), cell_of(walked(layers.backward))};
  const std::string& scope = to.graph.scope();
  StatePorts ports(to, layer, cells, {scope + "/" + layers.forward.name(), scope + "/" + layers.backward.name()},
                   {inputs.begin() + 1, inputs.end()});
  const graph::Recurrence rule = *layers.forward.recurrence();
  // The operator puts zeros where a mask leaves steps out; a layer that does not is written by itself.
  const bool zeros = inputs[0].steps.lengths.empty() || !rule.return_sequences || rule.zero_output_for_mask;
  States last;
  Values out = cells[0].is_like(cells[1]) && !rule.go_backwards && zeros
                   ? in_one(to, layers, cells, inputs[0], ports.initial(), last)
                   : in_two(to, layers, cells, inputs[0], ports.initial(), last);
  ports.set_last(last);
  if (rule.return_state) {
    for (const std::string& state : last) out.push_back({state});
  }
  return out;
}

}  // namespace rondo::onnx
