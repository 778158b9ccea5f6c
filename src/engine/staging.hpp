// Between a user's row-major tensors and the (steps, batch, features) buffers of a plan.
#pragma once

#include <algorithm>
#include <span>

#include <rondo/tensor.hpp>

#include "core/range.hpp"
#include "engine/plan.hpp"

namespace rondo::engine {

// Copies samples of `from` into batch rows of a value: sample first + i into row i, or order[first + i] where an order
// is given. Converts between float32 and float64. Whether all numbers are finite, as the plan has them.
bool stage_rows(const Tensor& from, std::span<const Index> order, Index first, Range rows, const ValueInfo& to_info,
                const Place& to, DType plan_dtype, std::byte* arena);

// Whether the numbers in batch rows [0, count) of a value are finite, all of them.
bool all_finite(const ValueInfo& info, const Place& at, DType plan_dtype, std::byte* arena, Index count);

// Copies batch rows of a value, row i to sample first + i of row-major `to`, which holds elements of the plan's dtype.
void unstage_rows(const ValueInfo& from_info, const Place& from, DType plan_dtype, std::byte* arena, Index first,
                  Range rows, std::byte* to);

}  // namespace rondo::engine
