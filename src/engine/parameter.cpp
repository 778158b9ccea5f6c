#include "engine/parameter.hpp"

#include <cstring>

#include "core/dispatch.hpp"
#include "core/element_size.hpp"
#include "core/standard_floats.hpp"

namespace rondo::engine {

namespace {

// Some rows in logical order, from where the map has them.
void unpack_rows(const Parameter& p, Range rows, const std::byte* packed, std::byte* elements) {
  const auto size = static_cast<Index>(element_size(p.block->dtype()));
  const Index first = rows.begin * p.map.columns();
  p.map.for_runs(rows, [&](Index element, Index place, Index count) {
    std::memcpy(elements + (element - first) * size, packed + place * size, static_cast<std::size_t>(count * size));
  });
}

void pack_all(const Parameter& p, const std::byte* elements, std::byte* packed) {
  const auto size = static_cast<Index>(element_size(p.block->dtype()));
  p.map.for_runs([&](Index element, Index place, Index count) {
    std::memcpy(packed + place * size, elements + element * size, static_cast<std::size_t>(count * size));
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
  unpack_rows(*this, rows, block->values<std::byte>(), numbers);
}

Tensor Parameter::unpack(const std::byte* packed) const {
  Tensor out(shape, block->dtype());
  unpack_rows(*this, {0, map.rows()}, packed, core::bytes_of(out));
  return out;
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
  pack_all(*this, numbers.data(), block->values<std::byte>());
  block->touch();
}

void Parameter::pack(const Tensor& value, std::byte* packed) const {
  const StandardFloats floats;  // float64 rounded to float32
  const Tensor converted = value.cast(block->dtype());
  core::with_elements(converted, [&](auto elements) { pack_all(*this, std::as_bytes(elements).data(), packed); });
}

}  // namespace rondo::engine
