#include "engine/parameter.hpp"

#include <algorithm>
#include <cstring>

#include "core/dispatch.hpp"
#include "core/standard_floats.hpp"

namespace rondo::engine {

namespace {

template <class T>
Tensor unpack_as(const Parameter& p, const T* packed) {
  Tensor out(p.shape, dtype_of<T>);
  T* elements = out.data<T>().data();
  p.map.for_runs(
      [&](Index element, Index place, Index count) { std::copy_n(packed + place, count, elements + element); });
  return out;
}

template <class T>
void pack_as(const Parameter& p, const Tensor& value, T* packed) {
  const Tensor converted = value.cast(dtype_of<T>);
  const T* elements = converted.data<T>().data();
  p.map.for_runs(
      [&](Index element, Index place, Index count) { std::copy_n(elements + element, count, packed + place); });
}

template <class T>
void unpack_bytes(const Parameter& p, Range rows, const T* packed, std::byte* elements) {
  constexpr Index kSize = sizeof(T);
  const Index first = rows.begin * p.map.columns();
  p.map.for_runs(rows, [&](Index element, Index place, Index count) {
    std::memcpy(elements + (element - first) * kSize, packed + place, static_cast<std::size_t>(count * kSize));
  });
}

template <class T>
void pack_bytes(const Parameter& p, const std::byte* elements, T* packed) {
  constexpr Index kSize = sizeof(T);
  p.map.for_runs([&](Index element, Index place, Index count) {
    std::memcpy(packed + place, elements + element * kSize, static_cast<std::size_t>(count * kSize));
  });
}

}  // namespace

ParameterBlock::ParameterBlock(DType dtype, Index size, const kernels::KernelTable& table, std::string_view what,
                               Role role)
    : dtype_(dtype),
      size_(size),
      table_(&table),
      memory_((Size(size) + kernels::kRowPadding).bytes(dtype, what), what),
      role_(role),
      trainable_(role == Role::learned) {}

Tensor Parameter::get() const { return unpack(block->values<std::byte>()); }

void Parameter::get(Range rows, std::byte* numbers) const {
  core::with_type(block->dtype(), [&]<class T>() { unpack_bytes(*this, rows, block->values<T>(), numbers); });
}

Tensor Parameter::unpack(const std::byte* packed) const {
  return core::with_type(block->dtype(),
                         [&]<class T>() { return unpack_as(*this, reinterpret_cast<const T*>(packed)); });
}

void Parameter::set(const Tensor& value) const {
  if (value.shape() != shape) {
    throw ShapeError("weight '" + path + "' has shape " + to_string(shape) + "; a tensor of shape " +
                     to_string(value.shape()) + " was given");
  }
  pack(value, block->values<std::byte>());
  block->touch();
}

void Parameter::set(std::span<const std::byte> numbers) const {
  const auto bytes = static_cast<std::size_t>(shape.elements()) * element_size(block->dtype());
  if (numbers.size() != bytes) {
    throw ShapeError("weight '" + path + "' of shape " + to_string(shape) + " takes " + std::to_string(bytes) +
                     " bytes; " + std::to_string(numbers.size()) + " were given");
  }
  core::with_type(block->dtype(), [&]<class T>() { pack_bytes(*this, numbers.data(), block->values<T>()); });
  block->touch();
}

void Parameter::pack(const Tensor& value, std::byte* packed) const {
  const StandardFloats floats;  // float64 rounded to float32
  core::with_type(block->dtype(), [&]<class T>() { pack_as(*this, value, reinterpret_cast<T*>(packed)); });
}

}  // namespace rondo::engine
