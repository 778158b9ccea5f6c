// The .npy files of NumPy, formats 1.0 to 3.0: a header of text that says what the array is, then its numbers.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

#include "core/atomic_file.hpp"

namespace rondo::data {

// No header of an array of numbers is longer, with what stands before it.
inline constexpr std::size_t kLongestNpyHeader = 12 + 65536;

struct NpyHeader {
  std::string type;         // NumPy's code: "<f4"
  bool is_fortran = false;  // whether the numbers stand column by column
  std::vector<Index> shape;
  std::size_t begin = 0;  // byte of the first number
};

[[noreturn]] void fail_npy(const std::string& name, const std::string& why);
[[noreturn]] void refuse_npy_type(const std::string& name, const std::string& code);

// What a file says of its array. `start` are its first bytes, kLongestNpyHeader or all; `name` is for messages.
// FileError for what is no such header.
NpyHeader read_npy_header(core::Bytes start, const std::string& name);

// FileError unless the array has no more axes than a tensor, and as many elements of this size as there are bytes for.
// Returns how many.
Index checked_npy_elements(const NpyHeader& header, std::size_t element_size, std::uint64_t file_size,
                           const std::string& name);

// f(zero of the type in the file, the dtype of a tensor for such numbers); FileError for other types.
template <class F>
auto with_npy_type(const std::string& name, const std::string& type, const F& f) {
  if (type == "<f4") return f(float{}, DType::float32);
  if (type == "<f8") return f(double{}, DType::float64);
  if (type == "|u1" || type == "|b1") return f(std::uint8_t{}, DType::float32);
  if (type == "|i1") return f(std::int8_t{}, DType::float32);
  if (type == "<u2") return f(std::uint16_t{}, DType::float32);
  if (type == "<i2") return f(std::int16_t{}, DType::float32);
  if (type == "<u4") return f(std::uint32_t{}, DType::float64);
  if (type == "<i4") return f(std::int32_t{}, DType::float64);
  if (type == "<u8") return f(std::uint64_t{}, DType::float64);
  if (type == "<i8") return f(std::int64_t{}, DType::float64);
  refuse_npy_type(name, type);
}

// FileError, naming it and its place in the file, for an integer with more digits than a double has.
template <class From>
void require_exact(From value, std::size_t element, const std::string& name) {
  if constexpr (std::integral<From> && sizeof(From) == 8) {
    auto size = static_cast<std::uint64_t>(value);
    if (std::signed_integral<From> && std::bit_cast<std::int64_t>(size) < 0) size = 0 - size;
    if (size == 0 || static_cast<int>(std::bit_width(size)) - std::countr_zero(size) <= 53) return;
    fail_npy(name, "its number " + std::to_string(value) + ", element " + std::to_string(element) +
                       " of the file, has more digits than a float64: save array.astype(np.float64) to round them");
  }
}

// An array in memory as a tensor. FileError as npy.hpp says.
Tensor tensor_of_npy(core::Bytes file, const std::string& name);

// What stands before the numbers of a tensor.
std::string npy_header_of(const Tensor& tensor);

}  // namespace rondo::data
