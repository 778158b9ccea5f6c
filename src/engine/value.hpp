// Tensors of a plan: where their numbers stand, for one batch shape.
#pragma once

#include <cstddef>

#include <rondo/shape.hpp>

#include "kernels/rows.hpp"

namespace rondo::engine {

// A tensor of a plan, by number.
struct Value {
  int id = -1;
};

// Where a tensor or a scratch buffer stands in the arena: bytes from its start, and the strides of kernels::Rows in
// elements. A default one stands nowhere.
struct Place {
  std::ptrdiff_t offset = -1;
  Index batch_stride = 0;
  Index step_stride = 0;

  explicit operator bool() const { return offset >= 0; }

  template <class T>
  kernels::Rows<T> rows(std::byte* arena) const {
    if (offset < 0) return {};
    return {reinterpret_cast<T*>(arena + offset), batch_stride, step_stride};
  }
  template <class T>
  T* pointer(std::byte* arena) const {
    return offset < 0 ? nullptr : reinterpret_cast<T*>(arena + offset);
  }
};

struct ValueInfo {
  Shape sample;  // without the batch axis
  Index steps = 1;
  Index features = 1;
  Place data;
  Place gradient;  // nowhere if not wanted
  Place mask;      // (batch, time steps) bytes, 0 for a time step that does not count; nowhere: all do

  // Time is the first axis of a sample, the steps are all axes before the features.
  Index time_steps() const { return sample.rank() > 1 ? sample[0] : 1; }
  Index steps_in_time_step() const { return steps / time_steps(); }
};

}  // namespace rondo::engine
