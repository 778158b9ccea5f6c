// Putting structures together, byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace rondo::hdf5 {

class Encoder {
 public:
  const std::vector<std::byte>& bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }

  // Little-endian.
  void number(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
  void u8(int value) { number(static_cast<std::uint64_t>(value), 1); }
  void u16(std::uint64_t value) { number(value, 2); }
  void u32(std::uint64_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void text(std::string_view text) { append(std::as_bytes(std::span(text))); }
  void append(std::span<const std::byte> more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
  void zeros(std::uint64_t count) { bytes_.resize(bytes_.size() + count); }

 private:
  std::vector<std::byte> bytes_;
};

// So many bytes are missing to a multiple of 8.
constexpr std::uint64_t to_eight(std::uint64_t size) { return (8 - size % 8) % 8; }

}  // namespace rondo::hdf5
