#include "formats/hdf5/superblock.hpp"

#include <rondo/error.hpp>

#include "formats/hdf5/cursor.hpp"

namespace rondo::hdf5 {

namespace {

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";

std::uint64_t size_of(Cursor& cursor, std::string_view what) {
  const std::uint64_t size = cursor.number(1);
  if (size != 2 && size != 4 && size != 8) {
    cursor.fail(std::string(what) + " are said to have " + std::to_string(size) + " bytes; 2, 4 and 8 are read");
  }
  return size;
}

void read_sizes(Cursor& cursor, Image& image) {
  image.address_size = size_of(cursor, "addresses");
  image.length_size = size_of(cursor, "lengths");
}

// Addresses count from the base on, and nothing lies beyond the end that was noted.
void set_bounds(const Cursor& cursor, Image& image, std::uint64_t base, std::uint64_t end) {
  const std::uint64_t size = image.bytes.size();
  if (end > size) {
    cursor.fail("the file should have " + std::to_string(end) + " bytes, but it has " + std::to_string(size) +
                ": it was cut off");
  }
  if (base > size) cursor.fail("addresses are said to count from byte " + std::to_string(base) + ", behind the end");
  image.base = base;
}

}  // namespace

std::uint64_t find_superblock(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (std::size_t at = 0; at < text.size(); at = at == 0 ? 512 : 2 * at) {
    if (text.substr(at, kSignature.size()) == kSignature) return at;
  }
  return kNowhere;
}

Image read_superblock(std::span<const std::byte> bytes, std::string name, bool verify_checksums) {
  const std::uint64_t start = find_superblock(bytes);
  if (start == kNowhere) {
    throw FileError("'" + name + "': it is no HDF5 file: none of its " + std::to_string(bytes.size()) +
                    " bytes begin a superblock (\\x89HDF)");
  }
  const auto image = std::make_shared<Image>();
  image->bytes = bytes;
  image->name = std::move(name);
  image->verify_checksums = verify_checksums;
  const Place place{image, "/"};

  Cursor cursor(place, "the superblock", start, bytes.size() - start);
  cursor.skip(kSignature.size());
  const int version = cursor.expect_version(0, 3);
  if (version >= 2) {
    read_sizes(cursor, *image);
    cursor.skip(1);  // flags
    const std::uint64_t base = cursor.address();
    cursor.address();  // the superblock's extension: how trees and free space are laid out
    const std::uint64_t end = cursor.address();
    image->root = cursor.address();
    check_sum(cursor, start);
    set_bounds(cursor, *image, base, end);
  } else {
    cursor.skip(4);  // versions of what never had another one
    read_sizes(cursor, *image);
    cursor.skip(version == 0 ? 1 + 4 + 4 : 1 + 4 + 4 + 4);  // sizes of trees' nodes, flags
    const std::uint64_t base = cursor.address();
    cursor.address();  // free space
    const std::uint64_t end = cursor.address();
    cursor.address();  // the driver's block
    cursor.address();  // the root's name
    image->root = cursor.address();
    set_bounds(cursor, *image, base, end);
  }
  Image result = *image;
  result.bytes = bytes.subspan(result.base);
  return result;
}

}  // namespace rondo::hdf5
