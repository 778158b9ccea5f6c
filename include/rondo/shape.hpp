// Sizes and shapes, and the two small types that let option fields take any number without a warning.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace rondo {

// Sizes, counts and positions. Signed, so that differences are safe.
using Index = std::int64_t;

// As the end of a slice: all that there is from its beginning on. (Negative positions count from the end: -1 would
// leave out the last.)
inline constexpr Index kToEnd = INT64_MAX;

// A size given by the user: takes any integer type (but not bool) without a narrowing complaint, so that
// `.batch_size = X.shape()[0]` and `LSTM(10)` both compile cleanly.
struct Dim {
  Index value = 0;
  constexpr Dim() = default;
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  constexpr Dim(I v) : value(static_cast<Index>(v)) {}
  constexpr operator Index() const { return value; }
};

// A real number given by the user: takes integers and floating-point numbers (but not bool) alike.
struct Real {
  double value = 0;
  constexpr Real() = default;
  template <class A>
    requires((std::integral<A> && !std::same_as<A, bool>) || std::floating_point<A>)
  constexpr Real(A v) : value(static_cast<double>(v)) {}
  constexpr operator double() const { return value; }
};

// The sizes of a tensor's axes, outermost first; {} is a scalar's. An axis may be kUnknown (Keras's None), usually
// the batch. A default-constructed option `Shape input_shape = {}` has rank 0, which options read as "not given".
// At most kMaxRank axes (ShapeError beyond); a shape never allocates.
class Shape {
 public:
  static constexpr Index kUnknown = -1;
  static constexpr Index kMaxRank = 8;

  Shape() = default;
  Shape(std::initializer_list<Dim> dims);
  explicit Shape(std::span<const Index> dims);
  explicit Shape(const std::vector<Index>& dims) : Shape(std::span<const Index>(dims)) {}

  Index rank() const { return rank_; }
  bool empty() const { return rank_ == 0; }

  // Axis i; negative i counts from the end. ShapeError where there is no such axis.
  Index operator[](Index i) const;
  Index back() const { return (*this)[-1]; }

  // How many elements: the product of all axes, 1 for a scalar. ShapeError if an axis is unknown or
  // negative, and where the product leaves 64 bits.
  Index elements() const;
  bool fully_known() const;

  // The axes from `first` on: a sample's shape from a batch's is from(1).
  Shape from(Index first) const;
  // Copies with one axis changed, without the last axis, with one more axis behind or in front.
  Shape with(Index axis, Index size) const;
  Shape without_last() const;
  Shape append(Index size) const;
  Shape prepend(Index size) const;

  std::span<const Index> dims() const { return {dims_.data(), static_cast<std::size_t>(rank_)}; }
  auto begin() const { return dims().begin(); }
  auto end() const { return dims().end(); }
  bool operator==(const Shape&) const = default;

 private:
  std::array<Index, kMaxRank> dims_{};  // zero beyond the rank
  Index rank_ = 0;
};

// As Python writes a tuple: "(None, 5, 2)", "(3,)", "()".
std::string to_string(const Shape& shape);

}  // namespace rondo
