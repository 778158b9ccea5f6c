// summary(): Keras's table of layers.
#include <algorithm>
#include <array>
#include <optional>

#include <rondo/model.hpp>

#include "core/element_size.hpp"
#include "core/names.hpp"
#include "training/model_node.hpp"
#include "training/terminal.hpp"

namespace rondo {

namespace {

using Line = std::vector<std::string>;
using engine::Parameter;

constexpr Index kWidest = 1000;
constexpr Index kTrainableWidth = 12;  // what the Trainable column adds

std::string with_commas(Index n) {
  std::string digits = std::to_string(n);
  for (auto i = static_cast<Index>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<std::size_t>(i), ",");
  return digits;
}

std::string readable_size(double bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"B", "KB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return fixed_text(bytes, 2) + " " + kUnits[unit];
}

Index count(const std::vector<Parameter>& parameters, bool trainable_only) {
  Index n = 0;
  for (const Parameter& p : parameters) n += !trainable_only || p.block->trainable() ? p.shape.elements() : 0;
  return n;
}

std::string repeat(const char* glyph, Index n) {
  std::string text;
  for (Index i = 0; i < n; ++i) text += glyph;
  return text;
}

// A box of cells with one blank on each side. Widths include the blanks.
class Table {
 public:
  Table(std::vector<Index> widths, std::vector<char> align) : widths_(std::move(widths)), align_(std::move(align)) {}

  std::string render(const Line& header, const std::vector<Line>& rows) const {
    std::string text = line("┏", "━", "┳", "┓") + cells(header, "┃") + line("┡", "━", "╇", "┩");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i > 0) text += line("├", "─", "┼", "┤");
      text += cells(rows[i], "│");
    }
    return text + line("└", "─", "┴", "┘");
  }

 private:
  std::string line(const char* left, const char* dash, const char* cross, const char* right) const {
    std::string text = left;
    for (std::size_t c = 0; c < widths_.size(); ++c) {
      text += (c > 0 ? cross : "") + repeat(dash, widths_[c]);
    }
    return text + right + "\n";
  }

  // One row, as many lines high as its longest cell needs.
  std::string cells(const Line& row, const char* bar) const {
    std::vector<std::vector<std::string>> wrapped;
    std::size_t height = 1;
    for (std::size_t c = 0; c < row.size(); ++c) {
      wrapped.push_back(wrap(row[c], static_cast<std::size_t>(widths_[c] - 2)));
      height = std::max(height, wrapped.back().size());
    }
    std::string text;
    for (std::size_t h = 0; h < height; ++h) {
      text += bar;
      for (std::size_t c = 0; c < row.size(); ++c) {
        if (c > 0) text += bar;
        const std::string cell = h < wrapped[c].size() ? wrapped[c][h] : "";
        text += " " + aligned(cell, static_cast<std::size_t>(widths_[c] - 2), align_[c]) + " ";
      }
      text += bar + std::string("\n");
    }
    return text;
  }

  static std::string aligned(const std::string& cell, std::size_t width, char align) {
    const std::size_t free = width - std::min(width, display_width(cell));
    const std::size_t left = align == 'r' ? free : align == 'c' ? free / 2 : 0;
    return std::string(left, ' ') + cell + std::string(free - left, ' ');
  }

  // Breaks at blanks, and inside words that are too long.
  static std::vector<std::string> wrap(const std::string& cell, std::size_t width) {
    std::vector<std::string> lines;
    std::string rest = cell;
    while (display_width(rest) > width) {
      std::size_t cut = rest.rfind(' ', width);
      if (cut == std::string::npos || cut == 0) cut = width;
      lines.push_back(rest.substr(0, cut));
      rest = rest.substr(rest[cut] == ' ' ? cut + 1 : cut);
    }
    lines.push_back(rest);
    return lines;
  }

  std::vector<Index> widths_;
  std::vector<char> align_;
};

// Whether the table says what is connected to what: not for layers in a line, each called once behind the one before.
bool branches(const graph::Network& network) {
  const graph::Network::Call* before = nullptr;
  for (const graph::Network::Call& call : network.calls()) {
    if (call.inputs.size() != 1 || network.maker(call.inputs.front()) != before) return true;
    before = &call;
  }
  const std::size_t in_a_line = network.calls().size() + network.input_layers().size();
  return network.inputs() != 1 || network.layers().size() < in_a_line;
}

// Where columns end, in parts of the width, and the width itself.
struct Columns {
  Index width;
  std::vector<double> ends;
  Index narrowest;
};

Columns columns_for(bool branched, bool show_trainable) {
  Columns columns{88, {0.45, 0.80, 1.0}, 36};
  if (branched) columns = {108, {0.30, 0.56, 0.74, 1.0}, 48};
  if (show_trainable) {
    columns.width += kTrainableWidth;
    for (double& end : columns.ends) end *= 0.9;
    columns.ends.push_back(1.0);
    columns.narrowest += 28;
  }
  return columns;
}

// Keras's: the default, or what the terminal leaves, as far as the table can shrink.
Index line_width(const SummaryOptions& options, const Columns& columns) {
  if (options.line_length) {
    if (*options.line_length >= 1 && *options.line_length <= kWidest) return *options.line_length;
    throw ConfigError("summary: line_length is " + std::to_string(options.line_length->value) + "; it must be 1 to " +
                      std::to_string(kWidest) + " columns");
  }
  const std::optional<Index> terminal = training::terminal_columns();
  return terminal ? std::clamp(*terminal - 4, columns.narrowest, columns.width) : columns.width;
}

std::vector<Index> column_widths(Index width, const std::vector<double>& ends) {
  std::vector<Index> widths;
  Index previous = 0;
  for (const double end : ends) {
    const auto position = static_cast<Index>(static_cast<double>(width) * end);
    widths.push_back(position - previous - 1);
    if (widths.size() + 1 == ends.size()) --widths.back();  // the table's last border
    if (widths.back() < 4) throw ConfigError("summary: a line of " + std::to_string(width) + " columns is too narrow");
    previous = position;
  }
  return widths;
}

std::string trainable_mark(const std::vector<Parameter>& parameters) {
  if (parameters.empty()) return "-";
  return count(parameters, true) > 0 ? "Y" : "N";
}

using Shapes = std::vector<Shape>;  // of the network's tensors; empty where they are not known before the data

Shapes tensor_shapes(const training::ModelNode& model) {
  const graph::Network& network = model.network();
  std::vector<Shape> inputs;
  for (std::size_t i = 0; i < network.inputs(); ++i) inputs.push_back(model.declared(i));
  if (std::any_of(inputs.begin(), inputs.end(), [](const Shape& s) { return s.empty(); })) return {};
  return network.shapes(inputs);
}

// Of a layer's first call; "?" where it is not known.
std::string output_shape(const graph::Network& network, const Shapes& shapes, const graph::LayerNode& layer) {
  if (shapes.empty()) return "?";
  if (layer.is_input()) return graph::batch_text(layer.declared_input());
  const auto call = std::find_if(network.calls().begin(), network.calls().end(),
                                 [&](const graph::Network::Call& c) { return c.layer.get() == &layer; });
  if (call->outputs == 1) return graph::batch_text(shapes[call->first_output]);
  std::string text;
  for (std::size_t i = 0; i < call->outputs; ++i) {
    text += (i == 0 ? "[" : ", ") + graph::batch_text(shapes[call->first_output + i]);
  }
  return text + "]";
}

// What a layer's calls read: "lstm[0][0], input_layer[0][0]".
std::string connected_to(const graph::Network& network, const std::vector<graph::Network::TensorName>& names,
                         const graph::LayerNode& layer) {
  std::string text;
  for (const graph::Network::Call& call : network.calls()) {
    if (call.layer.get() != &layer) continue;
    for (const auto n : call.inputs) {
      text += (text.empty() ? "" : ", ") + names[n].layer + "[" + std::to_string(names[n].call) + "][" +
              std::to_string(names[n].output) + "]";
    }
  }
  return text.empty() ? "-" : text;
}

std::string totals(const training::ModelNode& model) {
  const std::vector<Parameter> all = model.parameters();
  const Index every = count(all, false), trainable = count(all, true);
  const auto element = static_cast<Index>(element_size(model.dtype()));
  Index optimizer = 0;
  const training::Compiled* compiled = model.compiled_if_any();
  if (compiled != nullptr && compiled->optimizer.built()) optimizer = compiled->optimizer.variables(all);
  const auto line = [&](const char* what, Index n) {
    return " " + std::string(what) + " params: " + with_commas(n) + " (" +
           readable_size(static_cast<double>(n * element)) + ")\n";
  };
  std::string text =
      line("Total", every + optimizer) + line("Trainable", trainable) + line("Non-trainable", every - trainable);
  if (optimizer > 0) text += line("Optimizer", optimizer);
  return text;
}

}  // namespace

std::string Model::summary_text(const SummaryOptions& options) const {
  const training::ModelNode& model = model_node();
  const graph::Network& network = model.network();
  const bool branched = branches(network);
  Line header = {"Layer (type)", "Output Shape", "Param #"};
  std::vector<char> align = {'l', 'l', 'r'};
  if (branched) {
    header.emplace_back("Connected to");
    align.push_back('l');
  }
  const Columns columns = columns_for(branched, options.show_trainable);
  const std::vector<Index> widths = column_widths(line_width(options, columns), columns.ends);
  if (options.show_trainable) {
    const Index room = widths.back() - 2;
    const std::string title = "Trainable";
    header.push_back(room < 9 ? title.substr(0, static_cast<std::size_t>(room - 1)) + "…" : title);
    align.push_back('c');
  }

  const Shapes shapes = tensor_shapes(model);
  const std::vector<graph::Network::TensorName> names = network.tensor_names();
  std::vector<Line> rows;
  for (const auto& layer : model.layers()) {
    const std::vector<Parameter> parameters = layer->parameters();
    rows.push_back({layer->name() + " (" + layer->class_name() + ")", output_shape(network, shapes, *layer),
                    layer->built() ? with_commas(count(parameters, false)) : "0 (unbuilt)"});
    if (branched) rows.back().push_back(connected_to(network, names, *layer));
    if (options.show_trainable) rows.back().push_back(trainable_mark(parameters));
  }
  return "Model: \"" + model.name() + "\"\n" + Table(widths, align).render(header, rows) + totals(model);
}

void Model::summary(const SummaryOptions& options) const {
  const std::string text = summary_text(options);
  if (options.print_fn) return options.print_fn(text);
  training::print(text);
}

}  // namespace rondo
