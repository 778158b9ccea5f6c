#include "npy.hpp"

#include <bit>
#include <span>

namespace rondo::cli {

namespace {

static_assert(std::endian::native == std::endian::little);

template <class T>
void append(std::string& bytes, std::span<const T> numbers) {
  bytes.append(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes());
}

}  // namespace

std::string npy_of(const Tensor& tensor) {
  std::string shape = to_string(tensor.shape());
  const bool is_float32 = tensor.dtype() == DType::float32;
  std::string header = std::string("{'descr': '") + (is_float32 ? "<f4" : "<f8") +
                       "', 'fortran_order': False, 'shape': " + shape + ", }";
  constexpr std::size_t kStart = 10, kUnit = 64;
  header.append((kUnit - (kStart + header.size() + 1) % kUnit) % kUnit, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  is_float32 ? append(bytes, tensor.data<float>()) : append(bytes, tensor.data<double>());
  return bytes;
}

}  // namespace rondo::cli
