// Moving the elements of each sample to other places of a tensor of another shape: what Flatten, Reshape and Permute
// do.
#pragma once

#include <vector>

#include "engine/builder.hpp"

namespace rondo::layers {

// Adds a tensor of shape `to` whose element i (in row-major order) is element source[i] of x, each once; without
// `source` they keep their order. It has no mask: time is not what it was.
engine::Value add_rearranged(engine::PlanBuilder& builder, engine::Value x, const Shape& to,
                             const std::vector<Index>& source = {});

}  // namespace rondo::layers
