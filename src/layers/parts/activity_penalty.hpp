// What a layer's outputs add to the loss: its activity_regularizer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rondo/regularizers.hpp>

#include "engine/builder.hpp"
#include "layers/parts/regularizers.hpp"

namespace rondo::layers {

// ConfigError for a rule that is not a sum over elements, beginning with `where`.
std::optional<ElementPenalty> activity_penalty(const std::string& where, const std::optional<Regularizer>& regularizer);

// The same tensors, for their consumers. Where the plan has a loss, the penalty of each batch row is added to its
// number (PlanBuilder::row_penalties) and the slope, divided by the number of rows, to the gradient.
std::vector<engine::Value> with_activity_penalty(engine::PlanBuilder& builder, std::vector<engine::Value> outputs,
                                                 const std::optional<ElementPenalty>& penalty);

}  // namespace rondo::layers
