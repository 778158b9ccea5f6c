// A dense layer without its activation: y = x K + b.
#pragma once

#include "support/plain/array.hpp"

namespace plain {

struct DenseWeights {
  Size inputs = 0, units = 0;
  Array kernel;  // (inputs, units)
  Array bias;    // (units), or empty
};

struct DenseGradients {
  Array x, kernel, bias;  // bias is empty where there is none
};

// x (rows, inputs) to y (rows, units), and from dy (rows, units) to the gradients of what went in.
Array dense_forward(const DenseWeights& w, const Array& x);
DenseGradients dense_backward(const DenseWeights& w, const Array& x, const Array& dy);

}  // namespace plain
