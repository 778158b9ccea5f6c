// Reading structures from an image without ever leaving it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "formats/hdf5/image.hpp"

namespace rondo::hdf5 {

// Walks over a piece of the image, number by number. Everything that would leave the piece is a FileError that names
// the structure (`what`: "the local heap") and the byte. The place and the text must live as long as the cursor.
class Cursor {
 public:
  Cursor(const Place& place, std::string_view what, std::uint64_t address, std::uint64_t length);

  std::uint64_t position() const { return address_ + at_; }
  std::size_t left() const { return bytes_.size() - at_; }
  const Place& place() const { return *place_; }

  // Little-endian, of 1 to 8 bytes.
  std::uint64_t number(std::uint64_t bytes);
  int u8() { return static_cast<int>(number(1)); }
  int u16() { return static_cast<int>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  // kNowhere where all bits are set.
  std::uint64_t address();
  std::uint64_t length();

  std::span<const std::byte> take(std::uint64_t bytes);
  std::string_view text(std::uint64_t bytes);
  // Up to a byte of 0, which is passed over; it must come before the end of the piece.
  std::string_view text_to_zero();
  void skip(std::uint64_t bytes) { take(bytes); }

  // What must stand here.
  void expect_signature(std::string_view signature);
  int expect_version(int lowest, int highest);

  // Says what is wrong at the next byte.
  [[noreturn]] void fail(std::string_view why) const;
  // The same, as something that is not read.
  [[noreturn]] void refuse(std::string_view feature) const;

 private:
  const Place* place_;
  std::string_view what_;
  std::uint64_t address_;
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

// A walk along addresses. Nothing in a file is needed twice for one answer, so a walk that has read more bytes than the
// file has goes in a circle, or parts of the file lie on top of each other. All walks together may read the file some
// dozens of times (File).
class Walk {
 public:
  explicit Walk(const Place& place) : place_(&place), left_(place.image->bytes.size()) {}

  Cursor open(std::string_view what, std::uint64_t address, std::uint64_t length);
  // Counts bytes that are read otherwise.
  void count(std::string_view what, std::uint64_t address, std::uint64_t length);

 private:
  const Place* place_;
  std::uint64_t left_;
};

// Checks the checksum that follows the bytes from `begin` to the cursor, and passes over it.
void check_sum(Cursor& cursor, std::uint64_t begin);

// Bob Jenkins' lookup3, which HDF5 guards its newer structures with.
std::uint32_t checksum(std::span<const std::byte> bytes);

}  // namespace rondo::hdf5
