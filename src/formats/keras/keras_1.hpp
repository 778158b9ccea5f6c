// What Keras 1 called otherwise, and how its recurrent layers kept their weights.
#pragma once

#include <cstddef>
#include <vector>

#include "formats/keras/config.hpp"
#include "graph/layer_node.hpp"

namespace rondo::keras {

// The options of a layer under their names since Keras 2; one that has none of the older names stays as it is.
// ConfigError for what has no counterpart, naming it.
Json renamed_options(Json layer);

// The data sets that a weight is made of, one beside the other along the last axis, for each weight.
using Parts = std::vector<std::vector<std::size_t>>;
// Of a layer with so many weights, of which so many data sets are given: one each, or one for each gate, as Keras 1
// kept those of recurrent layers. Empty where neither fits.
Parts parts_of_weights(const graph::LayerNode& layer, std::size_t weights, std::size_t given);
// The shape of each of so many that a weight is made of.
Shape part_shape(const Shape& weight, std::size_t parts);

}  // namespace rondo::keras
