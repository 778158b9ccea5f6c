// Where the numbers of one tensor stand in memory while a plan runs.
#pragma once

#include <rondo/shape.hpp>

namespace rondo::kernels {

// A tensor seen as (batch, steps, features): row (b, t) is `features` contiguous elements. Rank 2 has one step; a rank
// above 3 merges its middle axes into the steps. Strides are in elements; a negative step stride walks time backwards.
template <class T>
struct Rows {
  T* data = nullptr;
  Index batch_stride = 0;
  Index step_stride = 0;

  T* at(Index b, Index t) const { return data + b * batch_stride + t * step_stride; }
  explicit operator bool() const { return data != nullptr; }
  operator Rows<const T>() const { return {data, batch_stride, step_stride}; }
};

// Buffers between layers keep this many elements (a multiple of every target's vector) to a row or a whole number of
// it, so that kernels may load and store whole vectors. What stands in the padding is never part of a result.
constexpr Index kRowPadding = 16;

}  // namespace rondo::kernels
