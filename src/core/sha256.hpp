// SHA-256 (FIPS 180-4): a number for bytes that nobody finds other bytes for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace rondo::core {

class Sha256 {
 public:
  void add(std::span<const std::byte> bytes);
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  // Of all that was added, as 64 digits and letters a to f. Ends the use of the object.
  std::string hex();

 private:
  void compress(const std::byte* block);

  static constexpr std::size_t kBlock = 64;
  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, kBlock> block_{};  // of which so many bytes are filled
  std::size_t filled_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace rondo::core
