#include "formats/zip/records.hpp"

#include <ranges>
#include <zlib.h>

namespace rondo::zip {

std::uint64_t number(Bytes bytes) {
  std::uint64_t value = 0;
  for (const std::byte byte : bytes | std::views::reverse) value = value << 8 | static_cast<std::uint64_t>(byte);
  return value;
}

std::string text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::uint32_t check_sum(std::span<const Bytes> pieces) {
  uLong sum = crc32_z(0, nullptr, 0);
  for (const Bytes piece : pieces) {
    if (piece.empty()) continue;  // perhaps without an address, for which zlib begins anew
    sum = crc32_z(sum, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
  }
  return static_cast<std::uint32_t>(sum);
}

}  // namespace rondo::zip
