#include "formats/protobuf/writer.hpp"

#include <bit>

namespace rondo::protobuf {

namespace {

constexpr std::uint32_t kVarint = 0, kEightBytes = 1, kLengthAndBytes = 2, kFourBytes = 5;

}  // namespace

Message& Message::integer(std::uint32_t field, std::int64_t value) {
  tag(field, kVarint);
  varint(static_cast<std::uint64_t>(value));
  return *this;
}

Message& Message::number(std::uint32_t field, float value) {
  tag(field, kFourBytes);
  fixed(std::bit_cast<std::uint32_t>(value), 4);
  return *this;
}

Message& Message::number(std::uint32_t field, double value) {
  tag(field, kEightBytes);
  fixed(std::bit_cast<std::uint64_t>(value), 8);
  return *this;
}

Message& Message::bytes(std::uint32_t field, std::span<const std::byte> value) {
  tag(field, kLengthAndBytes);
  varint(value.size());
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  return *this;
}

// Seven bits a byte, the lowest first; all but the last byte have the eighth.
void Message::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::byte>(value | 0x80));
  bytes_.push_back(static_cast<std::byte>(value));
}

void Message::fixed(std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) bytes_.push_back(static_cast<std::byte>(value >> 8 * i));
}

}  // namespace rondo::protobuf
