// Writing messages of Protocol Buffers, whose fields a .proto file numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rondo::protobuf {

// A message in the making. Fields stand in the order in which they are given; one that is given several times is
// repeated.
class Message {
 public:
  // int32, int64, uint64, bool, enumerations.
  Message& integer(std::uint32_t field, std::int64_t value);
  Message& number(std::uint32_t field, float value);
  Message& number(std::uint32_t field, double value);
  // string, bytes.
  Message& text(std::uint32_t field, std::string_view value);
  Message& message(std::uint32_t field, const Message& value) { return text(field, value.bytes()); }

  const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value);
  void tag(std::uint32_t field, std::uint32_t wire_type) { varint(std::uint64_t{field} << 3 | wire_type); }
  void fixed(std::uint64_t value, int bytes);

  std::string bytes_;
};

}  // namespace rondo::protobuf
