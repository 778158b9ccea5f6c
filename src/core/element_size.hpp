// How many bytes a number takes.
#pragma once

#include <cstddef>

#include <rondo/tensor.hpp>

namespace rondo {

constexpr std::size_t element_size(DType dtype) { return dtype == DType::float32 ? sizeof(float) : sizeof(double); }

}  // namespace rondo
