// What the options of a layer say about one of its weights beside how it begins.
#pragma once

#include <optional>
#include <string>

#include <rondo/constraints.hpp>
#include <rondo/regularizers.hpp>

#include "engine/weight_rules.hpp"
#include "graph/layer_node.hpp"

namespace rondo::layers {

// ShapeError naming the layer and the weight where a rule has nothing to say about such a shape.
engine::WeightRules weight_rules(const graph::LayerNode& layer, const std::string& weight, const Shape& shape,
                                 const std::optional<Regularizer>& regularizer,
                                 const std::optional<Constraint>& constraint);

}  // namespace rondo::layers
