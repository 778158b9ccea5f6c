#include <algorithm>
#include <cmath>
#include <functional>

#include <rondo/tensor_ops.hpp>

#include "core/dispatch.hpp"
#include "core/positions.hpp"

namespace rondo {

namespace {

void require_same_shape(const char* operation, const Tensor& a, const Tensor& b) {
  if (a.shape() == b.shape()) return;
  throw ShapeError(std::string(operation) + ": the shapes " + to_string(a.shape()) + " and " + to_string(b.shape()) +
                   " differ; both tensors need the same, reshape one of them");
}

DType common_dtype(const Tensor& a, const Tensor& b) {
  return a.dtype() == DType::float32 && b.dtype() == DType::float32 ? DType::float32 : DType::float64;
}

template <class F>
Tensor of_two(const char* operation, const Tensor& a, const Tensor& b, F f) {
  require_same_shape(operation, a, b);
  Tensor result(a.shape(), common_dtype(a, b));
  core::with_elements(result, [&]<class T>(std::span<T> out) {
    core::with_elements(a, [&](auto left) {
      core::with_elements(b, [&](auto right) {
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = f(static_cast<T>(left[i]), static_cast<T>(right[i]));
      });
    });
  });
  return result;
}

template <class F>
Tensor of_one(const Tensor& a, F f) {
  Tensor result = a;
  core::with_elements(result, [&](auto elements) {
    for (auto& e : elements) e = f(e);
  });
  return result;
}

// The tensor with f(element, number) or f(number, element), the number in the tensor's dtype.
template <class F>
Tensor with_number(const Tensor& a, Real number, F f) {
  return of_one(a, [&]<class T>(T e) { return static_cast<T>(f(e, static_cast<T>(number.value))); });
}

// An axis as outer x size x inner elements.
struct Axis {
  Index position, outer = 1, size, inner = 1;

  Axis(const Shape& shape, Index axis) : position(axis < 0 ? axis + shape.rank() : axis), size(shape[axis]) {
    for (Index a = 0; a < position; ++a) outer *= shape[a];
    for (Index a = position + 1; a < shape.rank(); ++a) inner *= shape[a];
  }
};

Shape without(const Shape& shape, Index axis) {
  std::vector<Index> dims(shape.begin(), shape.end());
  dims.erase(dims.begin() + axis);
  return Shape(dims);
}

void require_elements(const char* name, Index count, const Shape& shape) {
  if (count == 0)
    throw ShapeError(std::string(name) + ": shape " + to_string(shape) + " has no elements to take it of");
}

// How elements are taken together, one after the other from the first on.
double add(double so_far, double next) { return so_far + next; }
double smaller(double so_far, double next) { return std::isnan(so_far) || so_far < next ? so_far : next; }
double larger(double so_far, double next) { return std::isnan(so_far) || so_far > next ? so_far : next; }

using Fold = double (*)(double, double);

double fold_all(const Tensor& a, Fold fold) {
  return core::with_elements(a, [&](auto elements) {
    double result = elements[0];
    for (std::size_t i = 1; i < elements.size(); ++i) result = fold(result, elements[i]);
    return result;
  });
}

Tensor fold_axis(const Tensor& a, Index along, Fold fold, double divisor = 1) {
  const Axis axis(a.shape(), along);
  Tensor result(without(a.shape(), axis.position), DType::float64);
  const std::span<double> out = result.data<double>();
  core::with_elements(a, [&](auto elements) {
    std::size_t next = 0;
    for (Index o = 0; o < axis.outer; ++o) {
      for (Index k = 0; k < axis.size; ++k) {
        double* row = out.data() + o * axis.inner;
        for (Index i = 0; i < axis.inner; ++i, ++next) row[i] = k == 0 ? elements[next] : fold(row[i], elements[next]);
      }
    }
  });
  for (double& value : out) value /= divisor;
  return a.dtype() == DType::float64 ? result : result.cast(DType::float32);
}

// The dtype of the result. All parts must have one shape, but for `axis` (-1: none).
DType require_parts(const char* name, const std::vector<Tensor>& parts, Index axis) {
  if (parts.empty()) throw ShapeError(std::string(name) + ": no tensors were given; at least one is needed");
  DType dtype = parts[0].dtype();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Shape& shape = parts[i].shape();
    const Shape& first = parts[0].shape();
    const bool fits =
        axis < 0 ? shape == first : shape.rank() == first.rank() && shape.with(axis, first[axis]) == first;
    if (!fits) {
      throw ShapeError(
          std::string(name) + ": tensor " + std::to_string(i) + " has shape " + to_string(shape) + ", tensor 0 has " +
          to_string(first) +
          (axis < 0 ? "; all need the same" : "; they may differ in axis " + std::to_string(axis) + " only"));
    }
    if (parts[i].dtype() == DType::float64) dtype = DType::float64;
  }
  return dtype;
}

bool is_close(double a, double b, const CloseOptions& options) {
  if (std::isnan(a) || std::isnan(b)) return options.equal_nan && std::isnan(a) && std::isnan(b);
  if (std::isinf(a) || std::isinf(b)) return a == b;
  return std::abs(a - b) <= options.atol + options.rtol * std::abs(b);
}

}  // namespace

// ---- arithmetic ------------------------------------------------------------------------------------------------

Tensor operator+(const Tensor& a, const Tensor& b) { return of_two("a + b", a, b, std::plus<>()); }
Tensor operator-(const Tensor& a, const Tensor& b) { return of_two("a - b", a, b, std::minus<>()); }
Tensor operator*(const Tensor& a, const Tensor& b) { return of_two("a * b", a, b, std::multiplies<>()); }
Tensor operator/(const Tensor& a, const Tensor& b) { return of_two("a / b", a, b, std::divides<>()); }

Tensor operator+(const Tensor& a, Real b) { return with_number(a, b, std::plus<>()); }
Tensor operator-(const Tensor& a, Real b) { return with_number(a, b, std::minus<>()); }
Tensor operator*(const Tensor& a, Real b) { return with_number(a, b, std::multiplies<>()); }
Tensor operator/(const Tensor& a, Real b) { return with_number(a, b, std::divides<>()); }

Tensor operator+(Real a, const Tensor& b) { return b + a; }
Tensor operator*(Real a, const Tensor& b) { return b * a; }
Tensor operator-(Real a, const Tensor& b) {
  return with_number(b, a, [](auto element, auto number) { return number - element; });
}
Tensor operator/(Real a, const Tensor& b) {
  return with_number(b, a, [](auto element, auto number) { return number / element; });
}

Tensor operator-(const Tensor& a) {
  return of_one(a, [](auto e) { return -e; });
}
Tensor abs(const Tensor& a) {
  return of_one(a, [](auto e) { return std::abs(e); });
}

// ---- over all elements, and along an axis ----------------------------------------------------------------------

double sum(const Tensor& a) { return a.empty() ? 0 : fold_all(a, add); }

double mean(const Tensor& a) {
  require_elements("mean", a.size(), a.shape());
  return sum(a) / static_cast<double>(a.size());
}

double min(const Tensor& a) {
  require_elements("min", a.size(), a.shape());
  return fold_all(a, smaller);
}

double max(const Tensor& a) {
  require_elements("max", a.size(), a.shape());
  return fold_all(a, larger);
}

Tensor sum(const Tensor& a, Dim axis) { return fold_axis(a, axis, add); }

Tensor mean(const Tensor& a, Dim axis) {
  require_elements("mean", a.shape()[axis], a.shape());
  return fold_axis(a, axis, add, static_cast<double>(a.shape()[axis]));
}

Tensor min(const Tensor& a, Dim axis) {
  require_elements("min", a.shape()[axis], a.shape());
  return fold_axis(a, axis, smaller);
}

Tensor max(const Tensor& a, Dim axis) {
  require_elements("max", a.shape()[axis], a.shape());
  return fold_axis(a, axis, larger);
}

// ---- putting together ------------------------------------------------------------------------------------------

Tensor concatenate(const std::vector<Tensor>& parts, Dim axis) {
  if (parts.empty()) (void)require_parts("concatenate", parts, 0);  // throws
  const Axis along(parts[0].shape(), axis);
  const DType dtype = require_parts("concatenate", parts, along.position);
  Index size = 0;
  for (const Tensor& part : parts) size += part.shape()[along.position];
  Tensor result(parts[0].shape().with(along.position, size), dtype);
  core::with_elements(result, [&]<class T>(std::span<T> out) {
    Index begin = 0;  // of the part in a row of the result
    for (const Tensor& part : parts) {
      const Index width = part.shape()[along.position] * along.inner;
      core::with_elements(part, [&](auto elements) {
        for (Index o = 0; o < along.outer; ++o) {
          const auto from = elements.begin() + o * width;
          std::transform(from, from + width, out.begin() + o * size * along.inner + begin,
                         [](auto e) { return static_cast<T>(e); });
        }
      });
      begin += width;
    }
  });
  return result;
}

Tensor stack(const std::vector<Tensor>& parts, Dim axis) {
  (void)require_parts("stack", parts, -1);
  const Shape& shape = parts[0].shape();
  const std::optional<Index> position = resolve_position(axis, shape.rank() + 1);
  if (!position) {
    throw ShapeError("stack: axis " + std::to_string(axis) + " is not among those of the result, which has " +
                     std::to_string(shape.rank() + 1));
  }
  std::vector<Index> dims(shape.begin(), shape.end());
  dims.insert(dims.begin() + *position, 1);
  std::vector<Tensor> with_axis;
  for (const Tensor& part : parts) with_axis.push_back(part.reshape(Shape(dims)));
  return concatenate(with_axis, *position);
}

// ---- comparison ------------------------------------------------------------------------------------------------

bool allclose(const Tensor& a, const Tensor& b, const CloseOptions& options) {
  require_same_shape("allclose", a, b);
  return core::with_elements(a, [&](auto left) {
    return core::with_elements(b, [&](auto right) {
      for (std::size_t i = 0; i < left.size(); ++i) {
        if (!is_close(left[i], right[i], options)) return false;
      }
      return true;
    });
  });
}

double rmse(const Tensor& y, const Tensor& predicted) {
  const auto is_column_of = [](const Tensor& column, const Tensor& plain) {
    return plain.rank() == 1 && column.shape() == plain.shape().append(1);
  };
  if (!is_column_of(y, predicted) && !is_column_of(predicted, y)) require_same_shape("rmse", y, predicted);
  require_elements("rmse", y.size(), y.shape());
  return core::with_elements(y, [&](auto came) {
    return core::with_elements(predicted, [&](auto expected) {
      double squares = 0;
      for (std::size_t i = 0; i < came.size(); ++i) {
        const double off = static_cast<double>(came[i]) - static_cast<double>(expected[i]);
        squares += off * off;
      }
      return std::sqrt(squares / static_cast<double>(came.size()));
    });
  });
}

}  // namespace rondo
