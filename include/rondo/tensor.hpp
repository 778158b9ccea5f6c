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
// no element and allocates nothing; it must not outlive the owner. T is float, double, or const of either.
template <class T>
class TensorView {
 public:
  // A row-major view, or one with a stride for each axis. ShapeError if the shape is not a tensor's (an axis unknown or
  // negative, too many elements) or the number of strides is not that of the axes. Whether the elements are there, only
  // the caller knows.
  TensorView(T* data, Shape shape);
  TensorView(T* data, Shape shape, const std::vector<Index>& strides);

  const Shape& shape() const { return shape_; }
  std::span<const Index> strides() const { return {strides_.data(), static_cast<std::size_t>(shape_.rank())}; }
  T* data() const { return data_; }

  // The element at one index per axis. Neither count nor range is checked: this is the inner-loop access.
  template <std::integral... I>
  T& operator()(I... i) const {
    Index offset = 0;
    std::size_t axis = 0;
    ((offset += static_cast<Index>(i) * strides_[axis++]), ...);
    return data_[offset];
  }

  // [begin, end) of one axis, every step-th element; without an end, or with kToEnd, all from begin on. Negative axes
  // and positions count from the end: slice(1, 0, -1) leaves out the last column. ShapeError outside the axis, and for
  // a step below 1.
  TensorView slice(Index axis, Index begin, Index end = kToEnd, Index step = 1) const;
  // The view with one axis fixed at an index, negative from the end; its rank is one less. ShapeError outside the axis.
  TensorView at(Index axis, Index index) const;
  // Axes in reverse order.
  TensorView transpose() const;
  // Whether the elements stand in row-major order without gaps.
  bool contiguous() const;

 private:
  T* data_;
  Shape shape_;
  std::array<Index, Shape::kMaxRank> strides_{};
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
  // ShapeError if an axis is unknown or negative, MemoryError if so much memory is not to be had.
  Tensor(Shape shape, DType dtype);
  static Tensor zeros(Shape shape, DType dtype = floatx()) { return Tensor(shape, dtype); }

  // Row-major elements of a shape; ShapeError if their number differs from the shape's.
  Tensor(Shape shape, std::vector<float> elements);
  Tensor(Shape shape, std::vector<double> elements);

  // A copy of the row-major elements of a shape that stand at a pointer. ConfigError if it is null and there are any.
  template <Number T>
    requires(!std::same_as<T, char>)
  Tensor(const T* elements, Shape shape);

  // Rank 1 from a vector or span of any number type, rank 2 from a vector of equally long vectors, rank 3 from a vector
  // of those. ShapeError where the lengths differ.
  template <Number T>
  Tensor(const std::vector<T>& elements) : Tensor(std::span<const T>(elements)) {}
  template <Number T, std::size_t Extent>
  Tensor(std::span<T, Extent> elements);
  template <Number T, std::size_t N>
  Tensor(const std::array<T, N>& elements) : Tensor(std::span<const T>(elements)) {}
  template <Number T>
  Tensor(const std::vector<std::vector<T>>& rows);
  template <Number T>
  Tensor(const std::vector<std::vector<std::vector<T>>>& samples);

  // Any rank from nested lists, which must be rectangular (ShapeError otherwise).
  Tensor(std::initializer_list<Nested> elements);

  // A copy of the viewed elements, row-major.
  template <class T>
    requires(std::same_as<std::remove_const_t<T>, float> || std::same_as<std::remove_const_t<T>, double>)
  explicit Tensor(const TensorView<T>& view);

  // A tensor that has been moved from is an empty one, as Tensor() makes it.
  Tensor(const Tensor&) = default;
  Tensor& operator=(const Tensor&) = default;
  Tensor(Tensor&& other) noexcept
      : shape_(std::exchange(other.shape_, Shape{0})), elements_(std::exchange(other.elements_, {})) {}
  Tensor& operator=(Tensor&& other) noexcept;
  ~Tensor() = default;

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

  // The same elements in another shape; one axis may be -1 and is then inferred. ShapeError names both shapes. A tensor
  // that is moved (std::move(t).reshape(...)) gives its elements away and is empty then.
  Tensor reshape(Shape shape) const&;
  Tensor reshape(Shape shape) &&;

  // Samples [begin, end) of axis 0, or all from begin on; negative positions count from the end. ShapeError outside.
  Tensor rows(Index begin, Index end = kToEnd) const;
  // The same of the last axis, the columns, of a tensor with two axes or more. columns(0, -1) is X where the target is
  // the last column, columns(-1) the target.
  Tensor columns(Index begin, Index end = kToEnd) const;

  // Converted elements (a copy).
  Tensor cast(DType dtype) const;

  // All elements as double, row-major.
  std::vector<double> to_vector() const;

  // Same shape, dtype and bits (so NaN equals the same NaN).
  bool identical(const Tensor& other) const;

 private:
  // An empty vector with room for the elements of a shape; MemoryError names how much was asked for. T: float, double.
  template <class T>
  static std::vector<T> room_for(const Shape& shape);
  [[noreturn]] static void differ_in_length(const std::string& part, std::size_t length, const std::string& other,
                                            std::size_t expected);
  void append(const Nested& level, std::size_t depth, std::vector<Index>& dims, std::vector<double>& out) const;
  std::size_t offset(std::span<const Index> index) const;

  Shape shape_;
  std::variant<std::vector<float>, std::vector<double>> elements_;
};

// As NumPy 2 prints: [[0.1317 0.2127]\n [0.3    0.4   ]]. The fewest digits that tell a number from its neighbours, at
// most eight behind the point; exponents where a number is large (1e8 and more; float32: 1e6) or small (below 1e-4), or
// a thousand times another; lines of 75 columns; of more than 1000 elements the first and last three of each axis.
// Neither the locale nor the stream's flags change anything.
std::string to_string(const Tensor& tensor);
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

// The position of the largest element along the last axis, one per row: the first of equals; NaN counts as largest, as
// in NumPy. For (N, C) a vector of N class numbers, for (N, T, C) one of N*T in row-major order. ShapeError for rank 0
// or an empty last axis.
std::vector<Index> argmax(const Tensor& tensor);

// ---- template definitions --------------------------------------------------------------------------------------

template <Number T, std::size_t Extent>
Tensor::Tensor(std::span<T, Extent> elements) : shape_{elements.size()} {
  using Element = std::conditional_t<std::same_as<std::remove_const_t<T>, float>, float, double>;
  std::vector<Element> copy = room_for<Element>(shape_);
  for (const auto& e : elements) copy.push_back(static_cast<Element>(e));
  elements_ = std::move(copy);
}

template <Number T>
Tensor::Tensor(const std::vector<std::vector<T>>& rows) {
  using Element = std::conditional_t<std::same_as<T, float>, float, double>;
  const std::size_t columns = rows.empty() ? 0 : rows.front().size();
  shape_ = Shape{rows.size(), columns};
  std::vector<Element> copy = room_for<Element>(shape_);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (rows[r].size() != columns) differ_in_length("row " + std::to_string(r), rows[r].size(), "row 0", columns);
    for (const T& e : rows[r]) copy.push_back(static_cast<Element>(e));
  }
  elements_ = std::move(copy);
}

template <Number T>
Tensor::Tensor(const std::vector<std::vector<std::vector<T>>>& samples) {
  using Element = std::conditional_t<std::same_as<T, float>, float, double>;
  const std::size_t steps = samples.empty() ? 0 : samples.front().size();
  const std::size_t features = steps == 0 ? 0 : samples.front().front().size();
  shape_ = Shape{samples.size(), steps, features};
  std::vector<Element> copy = room_for<Element>(shape_);
  for (std::size_t n = 0; n < samples.size(); ++n) {
    const std::string sample = "sample " + std::to_string(n);
    if (samples[n].size() != steps) differ_in_length(sample, samples[n].size(), "sample 0", steps);
    for (std::size_t t = 0; t < steps; ++t) {
      const std::vector<T>& step = samples[n][t];
      if (step.size() != features) {
        differ_in_length(sample + ", step " + std::to_string(t), step.size(), "sample 0, step 0", features);
      }
      for (const T& e : step) copy.push_back(static_cast<Element>(e));
    }
  }
  elements_ = std::move(copy);
}

template <Number T>
  requires(!std::same_as<T, char>)
Tensor::Tensor(const T* elements, Shape shape) : shape_(std::move(shape)) {
  using Element = std::conditional_t<std::same_as<T, float>, float, double>;
  if (elements == nullptr && !empty()) {
    throw ConfigError("Tensor: the pointer is null, but shape " + to_string(shape_) + " has elements");
  }
  std::vector<Element> copy = room_for<Element>(shape_);
  for (Index i = 0; i < size(); ++i) copy.push_back(static_cast<Element>(elements[i]));
  elements_ = std::move(copy);
}

extern template class TensorView<float>;
extern template class TensorView<const float>;
extern template class TensorView<double>;
extern template class TensorView<const double>;

}  // namespace rondo
