// LSTM, GRU, and RNN over cells of theirs: an operator for each cell.
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>

#include "formats/onnx/layers/recurrence.hpp"

namespace rondo::onnx {

namespace {

// x through one operator after the other; h (and c) of each, (batch, units), are added to `last`.
Recurrent add_operators(Export& to, const std::vector<Cell>& cells, bool go_backwards, const Value& x,
                        const States& initial, States& last) {
  GraphWriter& graph = to.graph;
  Recurrent made;
  auto next = initial.begin();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string in = i == 0 ? time_and_batch_exchanged(graph, x.name, 3) : without_axis(graph, made.sequence, 1);
    const std::ptrdiff_t states = initial.empty() ? 0 : cells[i].has_c() ? 2 : 1;
    const Direction direction = go_backwards ? Direction::reverse : Direction::forward;
    made = add_operator(to, {cells[i]}, direction, in, {next, next + states}, x.steps.lengths,
                        cells.size() == 1 ? "" : std::to_string(i) + "/");
    next += states;
    last.push_back(without_axis(graph, made.last_h, 0));
    if (cells[i].has_c()) last.push_back(without_axis(graph, made.last_c, 0));
  }
  return made;
}

Values add_cells(Export& to, const graph::LayerNode& layer, const std::vector<Cell>& cells, const Names& names,
                 const Values& inputs) {
  const Value& x = inputs[0];
  if (x.sample.rank() != 2) {
    throw ConfigError("export_onnx: " + layer.where() + " has no ONNX form for steps of more than one axis, " +
                      to_string(x.sample.from(1)));
  }
  const graph::Recurrence rule = *layer.recurrence();
  StatePorts ports(to, layer, cells, names, {inputs.begin() + 1, inputs.end()});
  States last;
  const Recurrent made = add_operators(to, cells, rule.go_backwards, x, ports.initial(), last);
  ports.set_last(last);
  const std::string& last_h = last[last.size() - (cells.back().has_c() ? 2 : 1)];
  Values out{output_of(to, rule, made, last_h, x)};
  if (rule.return_state) {
    for (const std::string& state : last) out.push_back({state});
  }
  return out;
}

}  // namespace

Values add_recurrent(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  return add_cells(to, layer, {cell_of(layer)}, {to.graph.scope()}, inputs);
}

Values add_rnn(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  const graph::LayerNode& cell = *layer.children()[0];
  if (cell.class_name() != "StackedRNNCells" || cell.is_custom()) {
    return add_cells(to, layer, {cell_of(cell)}, {to.graph.scope()}, inputs);
  }
  std::vector<Cell> cells;
  Names names;
  for (const auto& each : cell.children()) {
    cells.push_back(cell_of(*each));
    names.push_back(to.graph.scope() + "." + std::to_string(names.size()));
  }
  return add_cells(to, layer, cells, names, inputs);
}

}  // namespace rondo::onnx
