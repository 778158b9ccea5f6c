// Between a user's row-major tensors and the (steps, batch, features) buffers of a plan.
#pragma once

#include <algorithm>
#include <limits>
#include <span>

#include <rondo/tensor.hpp>

#include "core/range.hpp"
#include "engine/value.hpp"

namespace rondo::engine {

// What stands for all NaNs that leave the library: instruction sets differ in the sign of theirs, and that would be the
// only bit in which targets differ.
template <class T>
T standard_nan(T v) {
  return v == v ? v : std::numeric_limits<T>::quiet_NaN();
}

// Copies samples of `from` into batch rows of a value: sample first + i into row i, or order[first + i] where an order
// is given. Converts between float32 and float64, rounding as the caller's thread does (StandardFloats is the caller's
// business). Whether all numbers are finite, as the plan has them.
bool stage_rows(const Tensor& from, std::span<const Index> order, Index first, Range rows, const ValueInfo& to_info,
                const Place& to, DType plan_dtype, std::byte* arena);

// Whether the numbers in batch rows [0, count) of a value are finite, all of them.
bool all_finite(const ValueInfo& info, const Place& at, DType plan_dtype, std::byte* arena, Index count);

// Copies batch rows of a value, row i to sample first + i of row-major `to`, which holds elements of the plan's dtype.
// Every NaN becomes the same one (standard_nan).
void unstage_rows(const ValueInfo& from_info, const Place& from, DType plan_dtype, std::byte* arena, Index first,
                  Range rows, std::byte* to);

}  // namespace rondo::engine
