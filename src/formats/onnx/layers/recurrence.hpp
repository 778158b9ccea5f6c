// The operators LSTM and GRU of ONNX, between what Keras's layers have and what they return.
//
// The operators take (time, batch, features) and return (time, directions, batch, units): the form that every runtime
// has (layout 0). A layer is transposed in and out of it.
#pragma once

#include <string>
#include <vector>

#include "formats/onnx/layers.hpp"

namespace rondo::onnx {

// An LSTM, GRU or a cell of theirs as the operator has it.
struct Cell {
  std::string op;  // "LSTM", "GRU"
  Index units = 0;
  bool has_c() const { return op == "LSTM"; }
  // Attributes of one direction.
  Names activations = {};
  std::vector<float> alphas = {}, betas = {};
  bool reset_after = false;
  // For each gate in the operator's order, its columns of the kernel as rows.
  std::vector<double> kernel = {}, recurrent_kernel = {}, bias = {};
  Index features = 0;
  // Whether one operator may hold both as its two directions.
  bool is_like(const Cell& other) const;
};

// ConfigError, naming the layer, for what is none, and for an activation that the operators do not have.
Cell cell_of(const graph::LayerNode& layer);

// What one or two directions compute.
struct Recurrent {
  std::string sequence;        // (time, directions, batch, units)
  std::string last_h, last_c;  // (directions, batch, units); the second of an LSTM
};

enum class Direction { forward, reverse, bidirectional };

// The states in which directions begin, h and c of each, (batch, units); none: zero.
using States = std::vector<std::string>;

// Adds the operator for x (time, batch, features). Weights are named after the layer at work, and the prefix.
Recurrent add_operator(Export& to, const std::vector<Cell>& cells, Direction direction, const std::string& x,
                       const States& states, const std::string& lengths, const std::string& prefix = "");

// The states of a layer at work: given with the call; else, with .states, inputs "<name>.h0", "<name>.c0" of the graph,
// and outputs "<name>.hn", "<name>.cn"; else none.
class StatePorts {
 public:
  // With a name for each cell. ConfigError for a stateful layer without .states.
  StatePorts(Export& to, const graph::LayerNode& layer, const std::vector<Cell>& cells, const Names& names,
             const Values& given);
  const States& initial() const { return initial_; }
  // What leaves the graph, (batch, units) each, in the order of the initial ones.
  void set_last(const States& last);

 private:
  std::string unique(const std::string& name) const;

  Export& to_;
  States initial_;
  std::vector<std::size_t> ports_;  // among the export's states
};

// (batch, time, ...) to (time, batch, ...), or back.
std::string time_and_batch_exchanged(GraphWriter& graph, const std::string& x, Index rank);
// The last step first, of (batch, time, ...).
std::string backwards(GraphWriter& graph, const std::string& x);
std::string without_axis(GraphWriter& graph, const std::string& x, Index axis);
std::string with_axis(GraphWriter& graph, const std::string& x, Index axis);

// What a layer in one direction returns of a sequence (time, 1, batch, units) and a last h (batch, units).
Value output_of(Export& to, const graph::Recurrence& rule, const Recurrent& made, const std::string& last_h,
                const Value& x);

}  // namespace rondo::onnx
