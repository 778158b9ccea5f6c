// A batch as metrics see it.
#pragma once

#include <variant>

#include "kernels/rows.hpp"

namespace rondo::training {

// Its rows: those of all samples of the first time step, then of the next one.
template <class T>
struct BatchRows {
  Index steps = 1, rows = 0;
  kernels::Rows<const T> truth = {}, prediction = {};
  Index labels = 1, features = 1;  // numbers of a row of each
  // A number for each row, that of row b in step t at [t * stride + b]:
  Index stride = 0;
  const T* values = nullptr;                    // what the metric's function says of it; null where it has none
  const T* weights = nullptr;                   // null: all count for 1
  kernels::Rows<const T> element_weights = {};  // a further weight for each prediction, or nowhere
};

using MetricBatch = std::variant<BatchRows<float>, BatchRows<double>>;

}  // namespace rondo::training
