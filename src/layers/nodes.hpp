// The registry of layers: from a Keras class name and configuration to a node. One line a layer.
#pragma once

#include <memory>
#include <string>

#include "graph/layer_node.hpp"

namespace rondo::layers {

// ConfigError for a class that is not known (with the nearest one), for an option that is not supported or not known,
// for a value of the wrong type. What changes no number in some version of Keras is passed over (core/fields.hpp).
std::shared_ptr<graph::LayerNode> layer_from_config(const std::string& class_name, const graph::Json& config);
// The same from {class_name, config}.
std::shared_ptr<graph::LayerNode> layer_from_config(const graph::Json& serialized);

std::shared_ptr<graph::LayerNode> lstm_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> gru_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> dense_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> activation_layer_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> activity_regularization_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> add_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> batch_normalization_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> bidirectional_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> concatenate_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> dropout_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> flatten_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> input_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> masking_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> permute_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> repeat_vector_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> reshape_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> gru_cell_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> lstm_cell_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> rnn_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> stacked_cells_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> time_distributed_from_config(const graph::Json& config);

// Models are layers, too. Defined in the training room, where models live.
std::shared_ptr<graph::LayerNode> functional_from_config(const graph::Json& config);
std::shared_ptr<graph::LayerNode> sequential_from_config(const graph::Json& config);

}  // namespace rondo::layers

namespace rondo::graph {

// A layer inside another, from {class_name, config}.
void from_config(const Json& config, std::shared_ptr<LayerNode>& layer);

}  // namespace rondo::graph
