// What TensorBoard shows, as messages Summary.Value of summary.proto.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include <rondo/tensor.hpp>

#include "formats/protobuf/writer.hpp"

namespace rondo::formats {

// A point of a curve, in float32 as Keras writes it.
protobuf::Message scalar_summary(const std::string& tag, double value);

// How the elements of a tensor are spread.
protobuf::Message histogram_summary(const std::string& tag, const Tensor& values);

// A model's layers, from its configuration.
protobuf::Message model_summary(const std::string& tag, const std::string& json);

// [left edge, right edge, count] of buckets that are equally wide: the last one has both its edges, the others their
// left one. If all numbers are equal, so are all edges, and the last bucket has them all. Numbers that are not finite
// are left out; of none at all everything is 0.
inline constexpr std::size_t kBuckets = 30;
using Buckets = std::array<std::array<double, 3>, kBuckets>;
Buckets buckets_of(std::vector<double> values);

}  // namespace rondo::formats
