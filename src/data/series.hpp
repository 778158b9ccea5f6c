// A tensor read as rows of variables, and the way back: what the functions on series share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <rondo/error.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

struct Series {
  Index steps = 0;
  Index variables = 1;
  std::vector<double> values;  // (steps, variables), row-major

  double at(Index step, Index variable) const { return values[static_cast<std::size_t>(step * variables + variable)]; }
};

// `caller` and `role` begin the message: "lag_frame: the series".
inline Series read_series(const Tensor& tensor, const std::string& caller, const std::string& role = "the series") {
  if (tensor.rank() != 1 && tensor.rank() != 2) {
    throw ShapeError(caller + ": " + role + " has shape " + to_string(tensor.shape()) +
                     ", but (steps,) or (steps, variables) is expected; reshape it first");
  }
  const Index variables = tensor.rank() == 1 ? 1 : tensor.shape()[1];
  return {tensor.shape()[0], variables, tensor.to_vector()};
}

inline Tensor make_tensor(Shape shape, std::vector<double> values, DType dtype) {
  Tensor tensor(std::move(shape), std::move(values));
  return dtype == DType::float64 ? tensor : tensor.cast(dtype);
}

}  // namespace rondo
