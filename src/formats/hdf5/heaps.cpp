#include "formats/hdf5/heaps.hpp"

#include <algorithm>
#include <string>

namespace rondo::hdf5 {

LocalHeap::LocalHeap(const Place& place, std::uint64_t address) : place_(place) {
  const Image& image = *place.image;
  const std::uint64_t size = 8 + 2 * image.length_size + image.address_size;
  Cursor cursor(place, "the local heap", address, size);
  cursor.expect_signature("HEAP");
  cursor.expect_version(0, 0);
  cursor.skip(3);
  size_ = cursor.length();
  cursor.length();  // the first free block
  data_ = cursor.address();
  Cursor(place, "the local heap's data", data_, size_);
}

std::string_view LocalHeap::text(std::uint64_t offset) const {
  if (offset >= size_) {
    place_.fail(data_, "a name is said to stand at byte " + std::to_string(offset) + " of a local heap of " +
                           std::to_string(size_) + " bytes");
  }
  const std::uint64_t longest = std::min<std::uint64_t>(size_ - offset, kLongestName + 1);
  return Cursor(place_, "the local heap", data_ + offset, longest).text_to_zero();
}

std::span<const std::byte> GlobalHeap::piece(std::uint64_t collection, std::uint32_t number) {
  auto found = collections_.find(collection);
  if (found == collections_.end()) found = collections_.emplace(collection, read(collection)).first;
  const auto piece = found->second.find(number);
  if (piece == found->second.end()) {
    place_.fail(collection, "the global heap has no piece " + std::to_string(number) + " here");
  }
  return piece->second;
}

GlobalHeap::Collection GlobalHeap::read(std::uint64_t address) {
  constexpr std::string_view kWhat = "the global heap";
  const std::uint64_t prefix = 8 + place_.image->length_size;
  Cursor start = walk_.open(kWhat, address, prefix);
  start.expect_signature("GCOL");
  start.expect_version(1, 1);
  start.skip(3);
  const std::uint64_t size = start.length();
  if (size < prefix) start.fail("a collection is said to have " + std::to_string(size) + " bytes");

  Cursor cursor = walk_.open(kWhat, address + prefix, size - prefix);
  Collection pieces;
  while (cursor.left() >= prefix) {
    const auto number = static_cast<std::uint32_t>(cursor.u16());
    cursor.skip(2 + 4);  // how often it is referred to
    const std::uint64_t bytes = cursor.length();
    if (number == 0) break;  // free space, the last
    const std::span<const std::byte> content = cursor.take(bytes);
    if (!pieces.emplace(number, content).second) {
      cursor.fail("a collection has two pieces " + std::to_string(number));
    }
    cursor.skip(std::min<std::uint64_t>(cursor.left(), (8 - bytes % 8) % 8));
  }
  return pieces;
}

}  // namespace rondo::hdf5
