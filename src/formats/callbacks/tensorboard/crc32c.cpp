#include "formats/callbacks/tensorboard/crc32c.hpp"

#include <array>

namespace rondo::formats {

namespace {

// What a byte does to the sum. The polynomial is 0x1EDC6F41, its bits in reverse order.
constexpr std::array<std::uint32_t, 256> kOfByte = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t sum = byte;
    for (int bit = 0; bit < 8; ++bit) sum = (sum & 1) != 0 ? sum >> 1 ^ 0x82F63B78 : sum >> 1;
    table[byte] = sum;
  }
  return table;
}();

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t sum = 0xFFFF'FFFF;
  for (const char byte : bytes) sum = sum >> 8 ^ kOfByte[(sum ^ static_cast<std::uint32_t>(byte)) & 0xFF];
  return ~sum;
}

}  // namespace rondo::formats
