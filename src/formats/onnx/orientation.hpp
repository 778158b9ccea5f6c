// Which axis of a graph's input is the batch.
#pragma once

#include <vector>

#include "formats/onnx/import.hpp"

namespace rondo::onnx {

// For each axis of an input what it is in Rondo: 0 the batch, 1 time, further ones in their order, or kOne or
// kDirections. What the first recurrent operator behind it takes them for, through operators that keep or turn them;
// where there is none, the batch is in front.
std::vector<Index> axes_of_input(const Import& import, const ValueInfoProto& input);

}  // namespace rondo::onnx
