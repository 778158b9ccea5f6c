#include "formats/callbacks/tensorboard/summaries.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>

namespace rondo::formats {

namespace {

using protobuf::Message;

static_assert(std::endian::native == std::endian::little);

// Of types.proto.
constexpr int kFloat = 1, kDouble = 2, kString = 7;

// Which part of TensorBoard shows a value.
Message metadata(const std::string& plugin, const std::string& content) {
  Message plugin_data;
  plugin_data.text(1, plugin);
  if (!content.empty()) plugin_data.text(2, content);
  return Message().message(1, plugin_data);
}

Message value_of(const std::string& tag, const Message& tensor, const Message& metadata) {
  return Message().text(1, tag).message(8, tensor).message(9, metadata);
}

Message shape_of(std::initializer_list<std::size_t> sizes) {
  Message shape;
  for (const std::size_t size : sizes) shape.message(2, Message().integer(1, static_cast<std::int64_t>(size)));
  return shape;
}

// A TensorProto of numbers.
template <class T>
Message tensor_of(int type, const Message& shape, const T& numbers) {
  return Message().integer(1, type).message(2, shape).text(
      4, std::string_view(reinterpret_cast<const char*>(&numbers), sizeof numbers));
}

}  // namespace

Message scalar_summary(const std::string& tag, double value) {
  return value_of(tag, tensor_of(kFloat, shape_of({}), static_cast<float>(value)), metadata("scalars", ""));
}

Message histogram_summary(const std::string& tag, const Tensor& values) {
  const Buckets buckets = buckets_of(values.to_vector());
  return value_of(tag, tensor_of(kDouble, shape_of({kBuckets, 3}), buckets), metadata("histograms", ""));
}

Message model_summary(const std::string& tag, const std::string& json) {
  const Message tensor = Message().integer(1, kString).message(2, shape_of({})).text(8, json);
  return value_of(tag, tensor, metadata("graph_keras_model", "1"));
}

Buckets buckets_of(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  Buckets buckets{};
  if (values.empty()) return buckets;
  const auto [least, most] = std::ranges::minmax(values);
  const double width = (most - least) / kBuckets;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    buckets[i][0] = least + static_cast<double>(i) * width;
    buckets[i][1] = i + 1 == kBuckets ? most : least + static_cast<double>(i + 1) * width;
  }
  constexpr double kLast = kBuckets - 1;
  for (const double value : values) {
    const double place = width == 0 ? kLast : std::min(kLast, (value - least) / width);
    ++buckets[static_cast<std::size_t>(place)][2];
  }
  return buckets;
}

}  // namespace rondo::formats
