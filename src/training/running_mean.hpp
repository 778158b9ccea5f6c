// Sums over the rows of a batch, taken by one thread, in their order.
#pragma once

#include <rondo/shape.hpp>

namespace rondo::training {

// A sum over rows and their number, or the sum of their weights; the mean is what Keras logs.
struct RunningMean {
  double total = 0;
  double count = 0;
  double mean() const { return count == 0 ? 0 : total / count; }
};

// Of a number for each row of a batch, that of row b in step t at [t * stride + b]; weights likewise, or null: all
// count for 1. A row of weight 0 is not there, whatever its value.
template <class T>
RunningMean sum_of_rows(const T* value, const T* weight, Index steps, Index rows, Index stride) {
  RunningMean mean;
  for (Index t = 0; t < steps; ++t) {
    const T* const end = value + t * stride + rows;
    if (weight == nullptr) {
      for (const T* v = end - rows; v < end; ++v) mean.total += static_cast<double>(*v);
      continue;
    }
    for (Index i = t * stride; i < t * stride + rows; ++i) {
      if (weight[i] == 0) continue;
      mean.total += static_cast<double>(weight[i]) * static_cast<double>(value[i]);
      mean.count += static_cast<double>(weight[i]);
    }
  }
  if (weight == nullptr) mean.count = static_cast<double>(steps * rows);
  return mean;
}

}  // namespace rondo::training
