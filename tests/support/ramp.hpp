// Numbers that differ, for tests that do not care which.
#pragma once

#include <cstddef>
#include <vector>

#include <rondo/tensor.hpp>

namespace rondo::test {

// from, from + 0.01, ... to from + 0.88, and again.
inline Tensor ramp(const Shape& shape, double from = 0) {
  std::vector<double> elements(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = from + 0.01 * static_cast<double>(i % 89);
  return Tensor(shape, elements);
}

}  // namespace rondo::test
