// summary(): Keras's table of layers.
#include <algorithm>
#include <array>

#include <rondo/model.hpp>

#include "core/names.hpp"
#include "training/model_node.hpp"
#include "training/terminal.hpp"

namespace rondo {

namespace {

using Row = std::vector<std::string>;
using engine::Parameter;

constexpr Index kDefaultWidth = 88;
constexpr Index kWidest = 1000;
constexpr Index kTrainableWidth = 12;  // what the Trainable column adds
constexpr Index kNarrowest = 36, kNarrowestTrainable = 64;

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
  for (const Parameter& p : parameters) n += !trainable_only || p.block->trainable ? p.shape.elements() : 0;
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

  std::string render(const Row& header, const std::vector<Row>& rows) const {
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
  std::string cells(const Row& row, const char* bar) const {
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

// Keras's: the default, or what the terminal leaves, as far as the table can shrink.
Index line_width(const SummaryOptions& options) {
  if (options.line_length) {
    if (*options.line_length >= 1 && *options.line_length <= kWidest) return *options.line_length;
    throw ConfigError("summary: line_length is " + std::to_string(options.line_length->value) + "; it must be 1 to " +
                      std::to_string(kWidest) + " columns");
  }
  const Index standard = kDefaultWidth + (options.show_trainable ? kTrainableWidth : 0);
  const std::optional<Index> columns = training::terminal_columns();
  if (!columns) return standard;
  return std::clamp(*columns - 4, options.show_trainable ? kNarrowestTrainable : kNarrowest, standard);
}

std::vector<Index> column_widths(Index width, bool show_trainable) {
  std::vector<double> ends = {0.45, 0.80, 1.0};
  if (show_trainable) ends = {0.45 * 0.9, 0.80 * 0.9, 0.9, 1.0};
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

// Shapes behind each layer, or "?" where they are not known.
std::vector<std::string> output_shapes(const training::ModelNode& model) {
  std::vector<std::string> texts;
  Shape shape = model.declared_input();
  for (const auto& layer : model.layers()) {
    if (!shape.empty()) shape = layer->output_shapes({shape}).front();
    texts.push_back(shape.empty() ? "?" : graph::batch_text(shape));
  }
  return texts;
}

std::string totals(const training::ModelNode& model) {
  const std::vector<Parameter> all = model.parameters();
  const Index every = count(all, false), trainable = count(all, true);
  const Index element = model.dtype() == DType::float32 ? 4 : 8;
  Index optimizer = 0;
  const training::Compiled* compiled = model.compiled_if_any();
  if (compiled != nullptr && compiled->optimizer.built()) optimizer = compiled->optimizer.variables(trainable);
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
  Row header = {"Layer (type)", "Output Shape", "Param #"};
  if (options.show_trainable) header.emplace_back("Trainable");
  const std::vector<Index> widths = column_widths(line_width(options), options.show_trainable);
  if (options.show_trainable && widths[3] - 2 < 9) {
    header[3] = header[3].substr(0, static_cast<std::size_t>(widths[3] - 3)) + "…";
  }

  const std::vector<std::string> shapes = output_shapes(model);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < model.layers().size(); ++i) {
    const graph::LayerNode& layer = *model.layers()[i];
    const std::vector<Parameter> parameters = layer.parameters();
    rows.push_back({layer.name() + " (" + layer.class_name() + ")", shapes[i],
                    layer.built() ? with_commas(count(parameters, false)) : "0 (unbuilt)"});
    if (options.show_trainable) rows.back().push_back(trainable_mark(parameters));
  }
  return "Model: \"" + model.name() + "\"\n" + Table(widths, {'l', 'l', 'r', 'c'}).render(header, rows) + totals(model);
}

void Model::summary(const SummaryOptions& options) const {
  const std::string text = summary_text(options);
  if (options.print_fn) return options.print_fn(text);
  training::print(text);
}

}  // namespace rondo
