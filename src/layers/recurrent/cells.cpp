// Cells: what RNN walks, one step of time for them. LSTMCell, GRUCell, and several of any kind on top of each other.
#include <nlohmann/json.hpp>
#include <utility>

#include <rondo/layers/recurrent.hpp>

#include "layers/nodes.hpp"
#include "layers/parts/shapes.hpp"
#include "layers/recurrent/sequence_node.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, std::vector<std::shared_ptr<graph::LayerNode>>& cells, StackedRNNCellsOptions&) {
  v.required("cells", cells);
}

namespace {

using engine::Value;
using graph::Json;
using layers::SequenceNode;

// A fused layer on sequences of one step, which says its states aloud.
class CellNode : public SequenceNode {
 public:
  using SequenceNode::SequenceNode;

  std::vector<Shape> state_shapes() const override { return {static_cast<std::size_t>(states()), Shape{units()}}; }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    if (inputs.size() != 1 + static_cast<std::size_t>(states())) {
      throw ShapeError(where() + " is a cell: it takes one time step and its states; RNN(" + class_name() +
                       "(...)) takes sequences");
    }
    if (inputs[0].rank() != 1) {
      throw ShapeError(where() + " is a cell: it takes (batch, features) at each time step, got " +
                       graph::batch_text(inputs[0]));
    }
    return SequenceNode::output_shapes(as_sequences(inputs));
  }
  std::vector<Value> plan(engine::PlanBuilder& builder, const std::vector<Value>& inputs) const override {
    std::vector<Value> from = inputs;
    from[0] = builder.reshaped(inputs[0], {1, builder.info(inputs[0]).features});
    return SequenceNode::plan(builder, from);
  }

 protected:
  void create_parameters(const std::vector<Shape>& inputs) override {
    SequenceNode::create_parameters(as_sequences(inputs));
  }
  std::string weights_path() const override { return ""; }

 private:
  static std::vector<Shape> as_sequences(std::vector<Shape> inputs) {
    inputs[0] = inputs[0].prepend(1);
    return inputs;
  }
};

class LstmCellNode final : public CellNode {
 public:
  LstmCellNode(Index units, const LSTMCellOptions& options, const graph::LayerOptions& common)
      : CellNode("LSTMCell", kernels::RecurrentCell::lstm, units, layers::cell_options(options), common),
        options_(options) {}

  Json config() const override { return core::with_fields(LayerNode::config(), units(), options_); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<LstmCellNode>(units(), options_, options_for_copy(changes));
  }

 private:
  LSTMCellOptions options_;
};

class GruCellNode final : public CellNode {
 public:
  GruCellNode(Index units, const GRUCellOptions& options, const graph::LayerOptions& common)
      : CellNode("GRUCell",
                 options.reset_after ? kernels::RecurrentCell::gru : kernels::RecurrentCell::gru_reset_before, units,
                 layers::cell_options(options), common),
        options_(options) {}

  Json config() const override { return core::with_fields(LayerNode::config(), units(), options_); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<GruCellNode>(units(), options_, options_for_copy(changes));
  }

 private:
  GRUCellOptions options_;
};

// x through one cell after the other; the states of all, cell by cell.
class StackedCellsNode final : public graph::LayerNode {
 public:
  StackedCellsNode(std::vector<std::shared_ptr<LayerNode>> cells, const StackedRNNCellsOptions&,
                   const graph::LayerOptions& common)
      : LayerNode("StackedRNNCells", common), cells_(std::move(cells)) {
    if (cells_.empty()) throw ConfigError(where() + " needs one cell at least");
    for (const auto& cell : cells_) {
      if (cell->state_shapes().empty()) throw ConfigError(where() + ": " + cell->where() + " is no cell");
      if (cell->dtype() != cells_[0]->dtype()) throw ConfigError(where() + ": all cells must compute in one dtype");
    }
  }

  DType dtype() const override { return cells_[0]->dtype(); }
  std::span<const std::shared_ptr<LayerNode>> children() const override { return cells_; }
  std::string child_attribute(std::size_t) const override { return "cells"; }
  bool has_list_of_children() const override { return true; }
  bool keeps_time(const std::vector<Shape>&) const override { return true; }
  std::string output_activation(std::size_t output) const override {
    return output == 0 ? cells_.back()->output_activation(0) : "";
  }
  std::vector<Shape> state_shapes() const override {
    std::vector<Shape> all;
    for (const auto& cell : cells_) {
      for (const Shape& shape : cell->state_shapes()) all.push_back(shape);
    }
    return all;
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    return through(inputs, [](const LayerNode& cell, const std::vector<Shape>& in) { return cell.output_shapes(in); });
  }
  std::vector<Value> plan(engine::PlanBuilder& builder, const std::vector<Value>& inputs) const override {
    return through(inputs, [&](const LayerNode& cell, const std::vector<Value>& in) { return cell.plan(builder, in); });
  }

  Json config() const override { return core::with_fields(LayerNode::config(), cells_, StackedRNNCellsOptions{}); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    std::vector<std::shared_ptr<LayerNode>> cells;
    for (const auto& cell : cells_) cells.push_back(cell->copy());
    return std::make_shared<StackedCellsNode>(std::move(cells), StackedRNNCellsOptions{}, options_for_copy(changes));
  }

 protected:
  void create_parameters(const std::vector<Shape>& inputs) override {
    (void)through(inputs, [&](LayerNode& cell, const std::vector<Shape>& in) {
      cell.build(in);
      return cell.output_shapes(in);
    });
  }

 private:
  // f(cell, {x, its states}) -> {y, its new states} from cell to cell; {the last y, all new states}.
  template <class Item, class F>
  std::vector<Item> through(const std::vector<Item>& inputs, F&& f) const {
    if (inputs.size() != 1 + state_shapes().size()) {
      throw ShapeError(where() + " is a cell: it takes one time step and " + std::to_string(state_shapes().size()) +
                       " states; RNN takes sequences");
    }
    std::vector<Item> out{inputs[0]};
    auto next = inputs.begin() + 1;
    for (const auto& cell : cells_) {
      const auto states = static_cast<std::ptrdiff_t>(cell->state_shapes().size());
      std::vector<Item> in{out[0]};
      in.insert(in.end(), next, next + states);
      next += states;
      const std::vector<Item> result = f(*cell, in);
      out[0] = result[0];
      out.insert(out.end(), result.begin() + 1, result.end());
    }
    return out;
  }

  std::vector<std::shared_ptr<LayerNode>> cells_;
};

}  // namespace

LSTMCell::LSTMCell(Dim units, const LSTMCellOptions& options)
    : Layer(graph::make_layer<LstmCellNode>(units, options,
                                            graph::LayerOptions{options.name, options.dtype, options.trainable})) {}

GRUCell::GRUCell(Dim units, const GRUCellOptions& options)
    : Layer(graph::make_layer<GruCellNode>(units, options,
                                           graph::LayerOptions{options.name, options.dtype, options.trainable})) {}

namespace {

std::vector<std::shared_ptr<graph::LayerNode>> nodes_of(const std::vector<Layer>& layers) {
  std::vector<std::shared_ptr<graph::LayerNode>> nodes;
  for (const Layer& layer : layers) nodes.push_back(layer.node());
  return nodes;
}

}  // namespace

StackedRNNCells::StackedRNNCells(const std::vector<Layer>& cells, const StackedRNNCellsOptions& options)
    : Layer(graph::make_layer<StackedCellsNode>(
          nodes_of(cells), options,
          graph::LayerOptions{options.name,
                              cells.empty() ? std::nullopt : std::optional<DTypePolicy>(cells[0].node()->policy()),
                              options.trainable})) {}

std::shared_ptr<graph::LayerNode> layers::lstm_cell_from_config(const Json& config) {
  return node_from_config<LstmCellNode, Index, LSTMCellOptions>("LSTMCell", config);
}

std::shared_ptr<graph::LayerNode> layers::gru_cell_from_config(const Json& config) {
  return node_from_config<GruCellNode, Index, GRUCellOptions>("GRUCell", config);
}

std::shared_ptr<graph::LayerNode> layers::stacked_cells_from_config(const Json& config) {
  return node_from_config<StackedCellsNode, std::vector<std::shared_ptr<graph::LayerNode>>, StackedRNNCellsOptions>(
      "StackedRNNCells", config);
}

}  // namespace rondo
