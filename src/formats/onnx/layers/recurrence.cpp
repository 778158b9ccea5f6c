#include "formats/onnx/layers/recurrence.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>

#include "layers/parts/activations.hpp"

namespace rondo::onnx {

namespace {

using kernels::Activation;
using Kind = kernels::ActivationKind;

// Keras's gates are i, f, c, o, the operator's i, o, f, c. Those of a GRU agree: z, r, h.
constexpr std::array kLstmGates = {0, 3, 1, 2}, kGruGates = {0, 1, 2, 0};

void add_activation_of(Cell& cell, const graph::LayerNode& layer, const char* option) {
  const Activation f = layers::kernel_of(layer.config(), option);
  const auto add = [&](const char* name) { cell.activations.emplace_back(name); };
  const auto with = [&](const char* name, double alpha) {
    add(name);
    cell.alphas.push_back(static_cast<float>(alpha));
  };
  const auto with_both = [&](const char* name, double alpha, double beta) {
    with(name, alpha);
    cell.betas.push_back(static_cast<float>(beta));
  };
  switch (f.kind) {
    case Kind::linear: return with_both("Affine", 1, 0);
    case Kind::tanh: return add("Tanh");
    case Kind::sigmoid: return add("Sigmoid");
    case Kind::hard_sigmoid: return with_both("HardSigmoid", 1.0 / 6, 0.5);
    case Kind::hard_sigmoid_2: return with_both("HardSigmoid", 0.2, 0.5);
    case Kind::sparse_sigmoid: return with_both("HardSigmoid", 0.5, 0.5);
    case Kind::elu: return with("Elu", f.a);
    case Kind::softplus: return add("Softplus");
    case Kind::softsign: return add("Softsign");
    case Kind::relu:
      if (!std::isinf(f.b) || f.c != 0) break;
      return f.a == 0 ? add("Relu") : with("LeakyRelu", f.a);
    default: break;
  }
  throw ConfigError("export_onnx: " + layer.where() + ": ONNX's " + cell.op + " has no form of the " + option + " " +
                    layer.config().at(option).dump() +
                    "; it has linear, tanh, sigmoid, hard_sigmoid, sparse_sigmoid, relu, leaky_relu, elu, softplus and "
                    "softsign");
}

// Columns of a matrix as rows, gate by gate in the operator's order.
std::vector<double> gates(const Weight& w, std::size_t count, Index units) {
  const auto rows = static_cast<std::size_t>(w.dims.size() == 2 ? w.dims[0] : 1);
  const auto n = static_cast<std::size_t>(units), columns = count * n;
  std::vector<double> out;
  out.reserve(rows * columns);
  for (std::size_t g = 0; g < count; ++g) {
    const auto from = static_cast<std::size_t>(count == 4 ? kLstmGates[g] : kGruGates[g]);
    for (std::size_t u = 0; u < n; ++u) {
      for (std::size_t row = 0; row < rows; ++row) out.push_back(w.values[row * columns + from * n + u]);
    }
  }
  return out;
}

// For the inputs, and behind it for the state, where Keras has none but with reset_after.
std::vector<double> bias_of(const graph::LayerNode& layer, std::size_t count, Index units) {
  const std::size_t half = count * static_cast<std::size_t>(units);
  std::vector<double> both(2 * half);
  std::optional<Weight> bias = weight(layer, "bias");
  if (!bias) return both;
  for (std::size_t i = 0; i * half < bias->values.size(); ++i) {
    const auto begin = bias->values.begin() + static_cast<std::ptrdiff_t>(i * half);
    const Weight part{{static_cast<Index>(half)}, {begin, begin + static_cast<std::ptrdiff_t>(half)}};
    const std::vector<double> ordered = gates(part, count, units);
    std::copy(ordered.begin(), ordered.end(), both.begin() + static_cast<std::ptrdiff_t>(i * half));
  }
  return both;
}

std::vector<double> joined(const std::vector<Cell>& cells, std::vector<double> Cell::*part) {
  std::vector<double> all;
  for (const Cell& cell : cells) all.insert(all.end(), (cell.*part).begin(), (cell.*part).end());
  return all;
}

Attributes attributes_of(const std::vector<Cell>& cells, Direction direction) {
  constexpr std::array kNames = {"forward", "reverse", "bidirectional"};
  Names activations;
  std::vector<float> alphas, betas;
  for (const Cell& cell : cells) {
    activations.insert(activations.end(), cell.activations.begin(), cell.activations.end());
    alphas.insert(alphas.end(), cell.alphas.begin(), cell.alphas.end());
    betas.insert(betas.end(), cell.betas.begin(), cell.betas.end());
  }
  Attributes all{attribute("direction", kNames[static_cast<std::size_t>(direction)]),
                 attribute("hidden_size", cells[0].units), attribute("activations", activations)};
  if (!alphas.empty()) all.push_back(attribute("activation_alpha", alphas));
  if (!betas.empty()) all.push_back(attribute("activation_beta", betas));
  if (!cells[0].has_c()) all.push_back(attribute("linear_before_reset", Index{cells[0].reset_after ? 1 : 0}));
  return all;
}

// (batch, units) of each direction to (directions, batch, units).
std::string stacked(GraphWriter& graph, const Names& states) {
  Names parts;
  for (const std::string& state : states) parts.push_back(with_axis(graph, state, 0));
  return parts.size() == 1 ? parts[0] : graph.add("Concat", parts, {attribute("axis", Index{0})});
}

}  // namespace

bool Cell::is_like(const Cell& other) const {
  return op == other.op && units == other.units && reset_after == other.reset_after;
}

Cell cell_of(const graph::LayerNode& layer) {
  const std::string& name = layer.class_name();
  const bool is_lstm = name == "LSTM" || name == "LSTMCell", is_gru = name == "GRU" || name == "GRUCell";
  if (layer.is_custom() || (!is_lstm && !is_gru)) {
    throw ConfigError("export_onnx: " + layer.where() +
                      " has no ONNX form as a cell; cells that have: LSTMCell, GRUCell, StackedRNNCells of these");
  }
  const graph::Json config = layer.config();
  const Weight kernel = weight(layer, "kernel").value();
  const std::size_t count = is_lstm ? 4 : 3;
  Cell cell{.op = is_lstm ? "LSTM" : "GRU", .units = config.at("units").get<Index>()};
  add_activation_of(cell, layer, "recurrent_activation");
  add_activation_of(cell, layer, "activation");
  if (is_lstm) add_activation_of(cell, layer, "activation");
  cell.reset_after = is_gru && config.at("reset_after").get<bool>();
  cell.features = kernel.dims[0];
  cell.kernel = gates(kernel, count, cell.units);
  cell.recurrent_kernel = gates(weight(layer, "recurrent_kernel").value(), count, cell.units);
  cell.bias = bias_of(layer, count, cell.units);
  return cell;
}

Recurrent add_operator(Export& to, const std::vector<Cell>& cells, Direction direction, const std::string& x,
                       const States& states, const std::string& lengths, const std::string& prefix) {
  GraphWriter& graph = to.graph;
  const Cell& first = cells[0];
  const auto directions = static_cast<Index>(cells.size());
  const Index rows = (first.has_c() ? 4 : 3) * first.units;
  Names operands{x, graph.weight(prefix + "W", {directions, rows, first.features}, joined(cells, &Cell::kernel)),
                 graph.weight(prefix + "R", {directions, rows, first.units}, joined(cells, &Cell::recurrent_kernel)),
                 graph.weight(prefix + "B", {directions, 2 * rows}, joined(cells, &Cell::bias))};
  if (!lengths.empty() || !states.empty()) operands.push_back(lengths);
  const std::size_t kinds = first.has_c() ? 2 : 1;
  for (std::size_t kind = 0; kind < kinds && !states.empty(); ++kind) {
    Names of_kind;
    for (std::size_t d = 0; d < cells.size(); ++d) of_kind.push_back(states[d * kinds + kind]);
    operands.push_back(stacked(graph, of_kind));
  }
  const Names made = graph.add_layer(first.op, operands, 1 + kinds, attributes_of(cells, direction));
  return {made[0], made[1], first.has_c() ? made[2] : ""};
}

// ---- states ---------------------------------------------------------------------------------------------------------

StatePorts::StatePorts(Export& to, const graph::LayerNode& layer, const std::vector<Cell>& cells, const Names& names,
                       const Values& given)
    : to_(to) {
  for (const Value& v : given) initial_.push_back(v.name);
  const bool open = to.options.states && !to.inside_time_distributed && given.empty();
  if (layer.stateful() && !open) {
    throw ConfigError(
        "export_onnx: " + layer.where() +
        " is stateful: its state goes from batch to batch, which a graph cannot keep. With .states = true "
        "states are inputs and outputs of the graph");
  }
  for (std::size_t i = 0; open && i < cells.size(); ++i) {
    const std::string name = unique(names[i]);
    for (const char* kind : {"h", "c"}) {
      if (*kind == 'c' && !cells[i].has_c()) continue;
      ports_.push_back(to.states.size());
      to.states.push_back({name + "." + kind + "0", name + "." + kind + "n", "", cells[i].units});
      initial_.push_back(to.states.back().in);
    }
  }
}

// A layer that is called again has states of its own there.
std::string StatePorts::unique(const std::string& name) const {
  const auto is_taken = [&](const std::string& as) {
    return std::any_of(to_.states.begin(), to_.states.end(), [&](const StateNames& s) { return s.in == as + ".h0"; });
  };
  std::string free = name;
  for (int call = 2; is_taken(free); ++call) free = name + ".call" + std::to_string(call);
  return free;
}

void StatePorts::set_last(const States& last) {
  for (std::size_t i = 0; i < ports_.size(); ++i) to_.states[ports_[i]].made = last[i];
}

// ---- in and out -----------------------------------------------------------------------------------------------------

std::string time_and_batch_exchanged(GraphWriter& graph, const std::string& x, Index rank) {
  return graph.add("Transpose", {x}, {attribute("perm", exchanged(rank, 0, 1))});
}

std::string backwards(GraphWriter& graph, const std::string& x) {
  // From the last step by -1 to beyond the first.
  return graph.add("Slice",
                   {x, graph.integers({-1}), graph.integers({INT64_MIN}), graph.integers({1}), graph.integers({-1})});
}

std::string without_axis(GraphWriter& graph, const std::string& x, Index axis) {
  return graph.add("Squeeze", {x, graph.integers({axis})});
}

std::string with_axis(GraphWriter& graph, const std::string& x, Index axis) {
  return graph.add("Unsqueeze", {x, graph.integers({axis})});
}

std::string counted_steps(GraphWriter& graph, const Value& x) {
  const std::string scope = graph.scope();
  const std::string steps =
      graph.add("Squeeze", {graph.add("Shape", {x.name}, {attribute("start", Index{1}), attribute("end", Index{2})})});
  const std::string numbers = graph.add("Range", {graph.integer(0), steps, graph.integer(1)});
  const std::string lengths = graph.add("Cast", {x.steps.lengths}, {attribute("to", Index{7})});
  const std::string counted = graph.add("Less", {with_axis(graph, numbers, 0), with_axis(graph, lengths, 1)});
  return with_axis(graph, counted, 2);
}

// The operator puts zeros behind a sequence's end, where Keras repeats the last output, unless it is told otherwise.
// Backwards those are the first steps, which are zeros in Keras too.
Value output_of(Export& to, const graph::Recurrence& rule, const Recurrent& made, const std::string& last_h,
                const Value& x) {
  GraphWriter& graph = to.graph;
  if (!rule.return_sequences) return {last_h};
  std::string y = time_and_batch_exchanged(graph, without_axis(graph, made.sequence, 1), 3);
  if (rule.go_backwards) y = backwards(graph, y);
  if (!x.steps.lengths.empty() && !rule.go_backwards && !rule.zero_output_for_mask) {
    y = graph.add("Where", {counted_steps(graph, x), y, with_axis(graph, last_h, 1)});
  }
  return {y, {}, x.steps};
}

}  // namespace rondo::onnx
