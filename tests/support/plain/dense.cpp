#include "support/plain/dense.hpp"

namespace plain {

Array dense_forward(const DenseWeights& w, const Array& x) {
  const Size rows = x.size() / w.inputs;
  Array y(rows * w.units, 0.0);
  for (Size r = 0; r < rows; ++r) {
    for (Size j = 0; j < w.units && !w.bias.empty(); ++j) y[r * w.units + j] = w.bias[j];
    for (Size k = 0; k < w.inputs; ++k) {
      for (Size j = 0; j < w.units; ++j) y[r * w.units + j] += x[r * w.inputs + k] * w.kernel[k * w.units + j];
    }
  }
  return y;
}

DenseGradients dense_backward(const DenseWeights& w, const Array& x, const Array& dy) {
  const Size rows = x.size() / w.inputs;
  DenseGradients d{Array(x.size(), 0.0), Array(w.kernel.size(), 0.0), Array(w.bias.size(), 0.0)};
  for (Size r = 0; r < rows; ++r) {
    for (Size j = 0; j < w.units && !w.bias.empty(); ++j) d.bias[j] += dy[r * w.units + j];
    for (Size k = 0; k < w.inputs; ++k) {
      for (Size j = 0; j < w.units; ++j) {
        d.x[r * w.inputs + k] += dy[r * w.units + j] * w.kernel[k * w.units + j];
        d.kernel[k * w.units + j] += x[r * w.inputs + k] * dy[r * w.units + j];
      }
    }
  }
  return d;
}

}  // namespace plain
