// Writing messages of Protocol Buffers, whose fields a .proto file numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace rondo::protobuf {

// A message in the making. Fields stand in the order in which they are given; one that is given several times is
// repeated.
class Message {
 public:
  // int32, int64, uint64, bool, enumerations.
  Message& integer(std::uint32_t field, std::int64_t value);
  Message& number(std::uint32_t field, float value);
  Message& number(std::uint32_t field, double value);
  Message& bytes(std::uint32_t field, std::span<const std::byte> value);
  Message& text(std::uint32_t field, std::string_view value) { return bytes(field, std::as_bytes(std::span(value))); }
  Message& message(std::uint32_t field, const Message& value) { return bytes(field, value.bytes_); }

  const std::vector<std::byte>& bytes() const { return bytes_; }
  // The same.
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

 private:
  void varint(std::uint64_t value);
  void tag(std::uint32_t field, std::uint32_t wire_type) { varint(std::uint64_t{field} << 3 | wire_type); }
  void fixed(std::uint64_t value, int bytes);

  std::vector<std::byte> bytes_;
};

}  // namespace rondo::protobuf
