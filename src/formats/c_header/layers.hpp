// The layers that have a C form. Each is a function in a file of its own that adds the layer's operations to a program
// and returns its output.
#pragma once

#include <string>
#include <vector>

#include <rondo/model.hpp>

#include "formats/c_header/program.hpp"
#include "graph/layer_node.hpp"
#include "kernels/activation.hpp"

namespace rondo::c_header {

// What a time step of a model computes. ConfigError for a layer that has no C form, naming it, and for a model that is
// no chain of layers.
Program program_of(const Model& model, Precision precision, Index inputs);

// Adds a layer of any class; x is one time step of its input.
Value add_layer(Program& program, const graph::LayerNode& layer, const Value& x);

Value add_lstm(Program& program, const graph::LayerNode& layer, const Value& x);
Value add_gru(Program& program, const graph::LayerNode& layer, const Value& x);
Value add_dense(Program& program, const graph::LayerNode& layer, const Value& x);
Value add_time_distributed(Program& program, const graph::LayerNode& layer, const Value& x);
Value add_activation_layer(Program& program, const graph::LayerNode& layer, const Value& x);
Value add_batch_normalization(Program& program, const graph::LayerNode& layer, const Value& x);
Value add_nothing(Program& program, const graph::LayerNode& layer, const Value& x);

// ---- what these functions read of a layer ---------------------------------------------------------------------------

// A weight by its name, row-major; empty if the layer has none of that name.
std::vector<double> weight(const graph::LayerNode& layer, const std::string& name);
// Columns [begin, begin + count) of the rows of a matrix, one block of columns behind the other.
std::vector<double> columns(const std::vector<double>& matrix, Index row_size,
                            const std::vector<std::pair<Index, Index>>& blocks);

}  // namespace rondo::c_header
