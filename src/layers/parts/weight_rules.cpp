#include "layers/parts/weight_rules.hpp"

#include <rondo/error.hpp>

#include "layers/parts/constraints.hpp"
#include "layers/parts/regularizers.hpp"

namespace rondo::layers {

engine::WeightRules weight_rules(const graph::LayerNode& layer, const std::string& weight, const Shape& shape,
                                 const std::optional<Regularizer>& regularizer,
                                 const std::optional<Constraint>& constraint) {
  try {
    return {.penalty = regularizer ? regularizer->impl().of_weight(shape) : nullptr,
            .constraint = constraint ? constraint->impl().of_weight(shape) : nullptr};
  } catch (const ShapeError& error) {
    throw ShapeError(layer.where() + ", weight '" + weight + "': " + error.what());
  }
}

}  // namespace rondo::layers
