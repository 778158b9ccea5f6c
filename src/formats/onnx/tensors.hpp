// Numbers of a file's tensors.
#pragma once

#include <string>
#include <vector>

#include <rondo/tensor.hpp>

#include "formats/onnx/messages.hpp"

namespace rondo::onnx {

// How many numbers a tensor has. FileError, naming it, for axes that no tensor has, and unless the file holds so many
// of them.
Index checked_count(const TensorProto& tensor);

// float32 and float64 numbers, row-major.
std::vector<double> numbers_of(const TensorProto& tensor);
// int32, int64 and truth values.
std::vector<Index> integers_of(const TensorProto& tensor);
bool has_integers(const TensorProto& tensor);

// "the tensor 'W'", for messages.
std::string where(const TensorProto& tensor);

}  // namespace rondo::onnx
