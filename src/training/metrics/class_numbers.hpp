// From rows of numbers to classes.
#pragma once

#include <cmath>
#include <optional>

#include <rondo/shape.hpp>

namespace rondo::training {

// The first of the largest; NaN counts as largest, as in NumPy.
template <class T>
Index largest(const T* row, Index n) {
  Index best = 0;
  for (Index i = 1; i < n; ++i) {
    const bool is_number = row[best] == row[best];
    best = is_number && !(row[i] <= row[best]) ? i : best;
  }
  return best;
}

// A label that is a class number: whole, from 0 on, below `classes`.
inline std::optional<Index> class_number(double label, Index classes) {
  if (!(label >= 0 && label < static_cast<double>(classes)) || label != std::floor(label)) return {};
  return static_cast<Index>(label);
}

}  // namespace rondo::training
