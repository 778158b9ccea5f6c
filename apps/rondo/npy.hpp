// NumPy's .npy.
#pragma once

#include <string>

#include <rondo/tensor.hpp>

namespace rondo::cli {

// The bytes of a file that holds a tensor.
std::string npy_of(const Tensor& tensor);

}  // namespace rondo::cli
