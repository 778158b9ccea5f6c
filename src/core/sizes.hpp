// Arithmetic with sizes that a user gave, directly or by way of shapes, options and files. Any of them may be absurd,
// and a product that wraps around is a small allocation with large indices into it. So a size that is computed is a
// Size:
//
//   const Size weights = Size(units) * 4 * (Size(inputs) + units + 1);
//   const Index count = weights.count("the weights of an LSTM");                    // or a ShapeError
//   const std::size_t bytes = weights.bytes(DType::float32, "the weights of an LSTM");  // or a MemoryError
//
// and what is allocated goes through `allocating`, so that the end of the memory is a MemoryError too.
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <rondo/error.hpp>
#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

#include "core/element_size.hpp"

namespace rondo {

// A number of elements or bytes, 0 or more. One beyond 64 bits, or below 0, stays so through all that follows and
// becomes an error where the number is taken.
class Size {
 public:
  constexpr Size(Index count) : count_(count), about_(static_cast<double>(count)), known_(count >= 0) {}

  // The product of all, 1 for none.
  static constexpr Size product(std::span<const Index> factors) {
    Size all = 1;
    for (const Index factor : factors) all = all * factor;
    return all;
  }

  friend constexpr Size operator*(Size a, Size b) {
    Size result = 0;
    if (a.is_zero() || b.is_zero()) return result;  // also where the other is too large
    result.about_ = a.about_ * b.about_;
    result.known_ = a.known_ && b.known_ && !__builtin_mul_overflow(a.count_, b.count_, &result.count_);
    return result;
  }
  friend constexpr Size operator+(Size a, Size b) {
    Size result = 0;
    result.about_ = a.about_ + b.about_;
    result.known_ = a.known_ && b.known_ && !__builtin_add_overflow(a.count_, b.count_, &result.count_);
    return result;
  }
  // The next multiple from here on.
  constexpr Size rounded_up(Index multiple) const {
    const Index rest = known_ ? count_ % multiple : 0;
    return rest == 0 ? *this : *this + (multiple - rest);
  }

  constexpr bool known() const { return known_; }

  // The number. `what` is what there are so many of, for the ShapeError: "the weights of layer 'lstm'".
  Index count(std::string_view what) const;

  // So many elements in bytes.
  constexpr Size bytes(DType dtype) const { return *this * static_cast<Index>(element_size(dtype)); }
  // The number where it is one of bytes: a MemoryError otherwise.
  std::size_t bytes(DType dtype, std::string_view what) const;

  // Exactly, or about where there is no exact number.
  constexpr double about() const { return about_; }
  // "120", "about 7.4e+19".
  std::string text() const;

 private:
  constexpr bool is_zero() const { return known_ && count_ == 0; }

  Index count_;
  double about_;
  bool known_;
};

// "8 bytes", "1.5 GB", for messages.
std::string bytes_text(Size bytes);

// Says that so much memory could not be had for `what`.
[[noreturn]] void throw_out_of_memory(Size bytes, std::string_view what);

// What `allocate` returns; the two ways in which the standard library refuses memory become a MemoryError. `what` is
// called for the text then: [&] { return "a tensor of shape " + to_string(shape); }
template <class Allocate, class What>
auto allocating(Size bytes, Allocate allocate, What what) {
  try {
    return allocate();
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  throw_out_of_memory(bytes, what());
}

}  // namespace rondo
