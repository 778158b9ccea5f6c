// What scripts do with whole tensors, under NumPy's names: arithmetic, sums and means, stacking, comparison.
//
//   Tensor y = scaler.inverse_transform(model.predict(X));
//   std::cout << "rmse " << rmse(test, y) << ", largest error " << max(abs(y - test)) << '\n';
//   Tensor hour = mean(series, 0);                                   // (steps, variables) becomes (variables,)
//
// Two tensors have the same shape, or it is a ShapeError: nothing is broadcast. float32 with float32 stays float32,
// with float64 it becomes float64; a number beside a tensor takes the tensor's dtype. Sums are made one after the other
// in float64, so their bits depend on nothing but the elements. Axes below 0 count from the end; ShapeError where there
// is no such axis.
#pragma once

#include <vector>

#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

// Element by element. Division by zero gives infinities and NaN, as in IEEE arithmetic.
Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& a, const Tensor& b);
Tensor operator+(const Tensor& a, Real b);
Tensor operator-(const Tensor& a, Real b);
Tensor operator*(const Tensor& a, Real b);
Tensor operator/(const Tensor& a, Real b);
Tensor operator+(Real a, const Tensor& b);
Tensor operator-(Real a, const Tensor& b);
Tensor operator*(Real a, const Tensor& b);
Tensor operator/(Real a, const Tensor& b);
Tensor operator-(const Tensor& a);
Tensor abs(const Tensor& a);

// Over all elements. The sum of none is 0; mean, min and max of none are a ShapeError. NaN wins everywhere.
double sum(const Tensor& a);
double mean(const Tensor& a);
double min(const Tensor& a);
double max(const Tensor& a);

// Along one axis, which is gone from the result; the dtype stays.
Tensor sum(const Tensor& a, Dim axis);
Tensor mean(const Tensor& a, Dim axis);
Tensor min(const Tensor& a, Dim axis);
Tensor max(const Tensor& a, Dim axis);

// Tensors behind each other along an axis that they have: (2, 3) and (4, 3) make (6, 3). ShapeError if there is none,
// or if another axis differs.
Tensor concatenate(const std::vector<Tensor>& parts, Dim axis = 0);
// Tensors of one shape along a new axis: two of (3,) make (2, 3), and (3, 2) with axis 1. ShapeError if there is none,
// or if shapes differ.
Tensor stack(const std::vector<Tensor>& parts, Dim axis = 0);

struct CloseOptions {
  Real rtol = 1e-5;
  Real atol = 1e-8;
  bool equal_nan = false;  // whether NaN is close to NaN
};

// Whether |a - b| <= atol + rtol * |b| for every element. Infinities are close to themselves alone.
bool allclose(const Tensor& a, const Tensor& b, const CloseOptions& options = {});

// The root of the mean squared difference between what came and what was predicted. Predictions of shape (n, 1) go with
// values of shape (n,), and the other way round. ShapeError for other shapes that differ, and without elements.
double rmse(const Tensor& y, const Tensor& predicted);

}  // namespace rondo
