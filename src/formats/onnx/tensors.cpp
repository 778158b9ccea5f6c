#include "formats/onnx/tensors.hpp"

#include <bit>
#include <cstdint>

#include <rondo/error.hpp>

#include "core/little_endian.hpp"
#include "core/sizes.hpp"

namespace rondo::onnx {

namespace {

std::size_t size_of(const TensorProto& tensor) {
  switch (tensor.type) {
    case ElementType::float32:
    case ElementType::int32: return 4;
    case ElementType::float64:
    case ElementType::int64: return 8;
    case ElementType::boolean: return 1;
    default:
      throw FileError(where(tensor) + " has numbers of " + name_of(tensor.type) +
                      "; float32, float64 and integers are read");
  }
}

// Little-endian, one behind the other.
template <class T>
T raw_number(Bytes raw, std::size_t i) {
  const std::uint64_t bits = core::little_endian(raw.subspan(i * sizeof(T), sizeof(T)));
  if constexpr (sizeof(T) == 8) return std::bit_cast<T>(bits);
  if constexpr (sizeof(T) == 4) return std::bit_cast<T>(static_cast<std::uint32_t>(bits));
  return static_cast<T>(bits);
}

template <class To, class From>
std::vector<To> from_raw(Bytes raw) {
  std::vector<To> numbers;
  numbers.reserve(raw.size() / sizeof(From));
  for (std::size_t i = 0; i < raw.size() / sizeof(From); ++i) {
    numbers.push_back(static_cast<To>(raw_number<From>(raw, i)));
  }
  return numbers;
}

std::size_t stored(const TensorProto& tensor) {
  if (!tensor.raw.empty()) {
    const std::size_t size = size_of(tensor);
    if (tensor.raw.size() % size == 0) return tensor.raw.size() / size;
    throw FileError(where(tensor) + " has half a number");
  }
  if (tensor.type == ElementType::float32) return tensor.floats.size();
  if (tensor.type == ElementType::float64) return tensor.doubles.size();
  return tensor.integers.size();
}

}  // namespace

std::string where(const TensorProto& tensor) { return "the tensor '" + tensor.name + "'"; }

bool has_integers(const TensorProto& tensor) {
  return tensor.type == ElementType::int32 || tensor.type == ElementType::int64 || tensor.type == ElementType::boolean;
}

Index checked_count(const TensorProto& tensor) {
  (void)size_of(tensor);
  if (tensor.dims.size() > static_cast<std::size_t>(Shape::kMaxRank)) {
    throw FileError(where(tensor) + " has " + std::to_string(tensor.dims.size()) + " axes; up to " +
                    std::to_string(Shape::kMaxRank) + " are read");
  }
  Size count = 1;
  for (const Index size : tensor.dims) {
    if (size < 0) throw FileError(where(tensor) + " has an axis of size " + std::to_string(size));
    count = count * size;
  }
  const std::size_t there = stored(tensor);
  if (count.known() && static_cast<std::size_t>(count.count("numbers")) == there) return static_cast<Index>(there);
  throw FileError(where(tensor) + " says that it has " + count.text() + " numbers, but the file holds " +
                  std::to_string(there));
}

std::vector<double> numbers_of(const TensorProto& tensor) {
  (void)checked_count(tensor);
  if (tensor.type == ElementType::float32) {
    if (!tensor.raw.empty()) return from_raw<double, float>(tensor.raw);
    return {tensor.floats.begin(), tensor.floats.end()};
  }
  if (tensor.type == ElementType::float64) {
    return tensor.raw.empty() ? tensor.doubles : from_raw<double, double>(tensor.raw);
  }
  throw FileError(where(tensor) + " has integers where numbers with a point are wanted");
}

std::vector<Index> integers_of(const TensorProto& tensor) {
  (void)checked_count(tensor);
  if (!has_integers(tensor)) throw FileError(where(tensor) + " has numbers with a point where integers are wanted");
  if (tensor.raw.empty()) return tensor.integers;
  if (tensor.type == ElementType::int64) return from_raw<Index, std::int64_t>(tensor.raw);
  if (tensor.type == ElementType::int32) return from_raw<Index, std::int32_t>(tensor.raw);
  return from_raw<Index, std::uint8_t>(tensor.raw);
}

}  // namespace rondo::onnx
