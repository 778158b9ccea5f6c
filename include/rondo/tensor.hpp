// Tensor: an owning, row-major array of float32 or float64. TensorView: a strided look at somebody's elements.
//
//   Tensor X = {{0.0}, {0.1}, {0.2}};            // nested lists: float64, shape (3, 1)
//   Tensor s = std::vector<float>{1, 2, 3};      // float32, shape (3,)
//   Tensor cube = X.reshape({3, 1, 1});
//   double first = X(0, 0);
//
// Numbers keep the precision they came with: float becomes float32; double, integers and nested lists become
// float64. A model converts its inputs to its own dtype. Distinct tensors may be used from distinct threads; const
// access to one tensor is safe from many.
#pragma once

#include <array>
#include <concepts>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <rondo/error.hpp>
#include <rondo/shape.hpp>

namespace rondo {

enum class DType { float32, float64 };

std::string_view to_string(DType dtype);

// "float32" or "float64"; ConfigError otherwise.
DType dtype_from_string(std::string_view name);

// The dtype of new layers and of zero tensors: float32 unless set. Keras's config.floatx / set_floatx.
DType floatx();
void set_floatx(DType dtype);
void set_floatx(std::string_view name);

template <class T>
constexpr DType dtype_of = std::is_same_v<T, float> ? DType::float32 : DType::float64;

template <class T>
concept Number = std::is_arithmetic_v<std::remove_const_t<T>> && !std::same_as<std::remove_const_t<T>, bool>;

// A look at elements that somebody else owns: base, shape and a stride (in elements) per axis. Copying a view copies
// no element; it must not outlive the owner. T is float, double, or const of either.
template <class T>
class TensorView {
 public:
  // A row-major view.
  TensorView(T* data, Shape shape);
  TensorView(T* data, Shape shape, std::vector<Index> strides)
      : data_(data), shape_(std::move(shape)), strides_(std::move(strides)) {}

  const Shape& shape() const { return shape_; }
  const std::vector<Index>& strides() const { return strides_; }
  T* data() const { return data_; }

  // The element at one index per axis. Neither count nor range is checked: this is the inner-loop access.
  template <std::integral... I>
  T& operator()(I... i) const {
    Index offset = 0;
    std::size_t axis = 0;
    ((offset += static_cast<Index>(i) * strides_[axis++]), ...);
    return data_[offset];
  }

  // [begin, end) of one axis; end may be Shape::kUnknown for "to the end". ShapeError outside the axis.
  TensorView slice(Index axis, Index begin, Index end, Index step = 1) const;
  // The view with one axis fixed at an index; its rank is one less.
  TensorView at(Index axis, Index index) const;
  // Axes in reverse order.
  TensorView transpose() const;
  bool contiguous() const;

 private:
  T* data_;
  Shape shape_;
  std::vector<Index> strides_;
};

class Tensor {
 public:
  // One level of a nested list: a number, or a list of levels. It exists so that {{1, 2}, {3, 4}} converts.
  class Nested {
   public:
    template <class A>
      requires std::is_arithmetic_v<A>
    Nested(A value) : value_(static_cast<double>(value)), leaf_(true) {}
    Nested(std::initializer_list<Nested> children) : children_(children) {}

   private:
    friend class Tensor;
    std::vector<Nested> children_;
    double value_ = 0;
    bool leaf_ = false;
  };

  // No elements: shape (0,).
  Tensor() : shape_{0} {}

  // Zeros of a shape. (Tensor({2, 3}) alone holds the numbers 2 and 3; Tensor::zeros({2, 3}) is two rows of zeros.)
  Tensor(Shape shape, DType dtype);
  static Tensor zeros(Shape shape, DType dtype = floatx()) { return Tensor(shape, dtype); }

  // Row-major elements of a shape; ShapeError if their number differs from the shape's.
  Tensor(Shape shape, std::vector<float> elements);
  Tensor(Shape shape, std::vector<double> elements);

  // Rank 1 from a vector or span of any number type, rank 2 from a vector of equally long vectors.
  template <Number T>
  Tensor(const std::vector<T>& elements) : Tensor(std::span<const T>(elements)) {}
  template <Number T, std::size_t Extent>
  Tensor(std::span<T, Extent> elements);
  template <Number T, std::size_t N>
  Tensor(const std::array<T, N>& elements) : Tensor(std::span<const T>(elements)) {}
  template <Number T>
  Tensor(const std::vector<std::vector<T>>& rows);

  // Any rank from nested lists, which must be rectangular (ShapeError otherwise).
  Tensor(std::initializer_list<Nested> elements);

  // A copy of the viewed elements, row-major.
  template <class T>
    requires(std::same_as<std::remove_const_t<T>, float> || std::same_as<std::remove_const_t<T>, double>)
  explicit Tensor(const TensorView<T>& view);

  const Shape& shape() const { return shape_; }
  Index rank() const { return shape_.rank(); }
  // Number of elements.
  Index size() const { return shape_.elements(); }
  bool empty() const { return size() == 0; }
  DType dtype() const { return elements_.index() == 0 ? DType::float32 : DType::float64; }

  // The elements, row-major. T must be the tensor's dtype: ConfigError otherwise (cast() first).
  template <class T>
  std::span<const T> data() const;
  template <class T>
  std::span<T> data();

  template <class T>
  TensorView<const T> view() const {
    return {data<T>().data(), shape_};
  }
  template <class T>
  TensorView<T> view() {
    return {data<T>().data(), shape_};
  }

  // One element, whatever the dtype; one index per axis, negative from the end. ShapeError outside.
  template <std::integral... I>
  double operator()(I... i) const {
    return at(std::array<Index, sizeof...(I)>{static_cast<Index>(i)...});
  }
  double at(std::span<const Index> index) const;
  void set(std::span<const Index> index, double value);
  void set(std::initializer_list<Dim> index, double value);

  // The same elements in another shape; one axis may be -1 and is then inferred. ShapeError names both shapes.
  Tensor reshape(Shape shape) const&;
  Tensor reshape(Shape shape) &&;

  // Samples [begin, end) of axis 0; negative positions count from the end. ShapeError outside.
  Tensor rows(Index begin, Index end) const;
  Tensor rows(Index begin) const { return rows(begin, shape_[0]); }

  // Converted elements (a copy).
  Tensor cast(DType dtype) const;

  // All elements as double, row-major.
  std::vector<double> to_vector() const;

  // Same shape, dtype and bits (so NaN equals the same NaN).
  bool identical(const Tensor& other) const;

 private:
  void append(const Nested& level, std::size_t depth, std::vector<Index>& dims, std::vector<double>& out) const;
  std::size_t offset(std::span<const Index> index) const;

  Shape shape_;
  std::variant<std::vector<float>, std::vector<double>> elements_;
};

// As NumPy prints: [[0.1317 0.2127]\n [0.3    0.4   ]], eight significant digits, long axes summarised by "...".
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

// The position of the largest element along the last axis, one per row: the first of equals; NaN counts as largest, as
// in NumPy. For (N, C) a vector of N class numbers, for (N, T, C) one of N*T in row-major order. ShapeError for rank 0
// or an empty last axis.
std::vector<Index> argmax(const Tensor& tensor);

// ---- template definitions --------------------------------------------------------------------------------------

template <Number T, std::size_t Extent>
Tensor::Tensor(std::span<T, Extent> elements) : shape_{elements.size()} {
  using Element = std::conditional_t<std::same_as<std::remove_const_t<T>, float>, float, double>;
  std::vector<Element> copy;
  copy.reserve(elements.size());
  for (const auto& e : elements) copy.push_back(static_cast<Element>(e));
  elements_ = std::move(copy);
}

template <Number T>
Tensor::Tensor(const std::vector<std::vector<T>>& rows) {
  using Element = std::conditional_t<std::same_as<T, float>, float, double>;
  const std::size_t columns = rows.empty() ? 0 : rows.front().size();
  std::vector<Element> copy;
  copy.reserve(rows.size() * columns);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (rows[r].size() != columns) {
      throw ShapeError("Tensor from rows: row " + std::to_string(r) + " has " + std::to_string(rows[r].size()) +
                       " elements, row 0 has " + std::to_string(columns) + "; all rows must be equally long");
    }
    for (const T& e : rows[r]) copy.push_back(static_cast<Element>(e));
  }
  shape_ = Shape{rows.size(), columns};
  elements_ = std::move(copy);
}

extern template class TensorView<float>;
extern template class TensorView<const float>;
extern template class TensorView<double>;
extern template class TensorView<const double>;

}  // namespace rondo
