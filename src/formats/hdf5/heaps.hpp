// Where names of old groups and texts of variable length stand.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>

#include "formats/hdf5/cursor.hpp"

namespace rondo::hdf5 {

// The names of one group.
class LocalHeap {
 public:
  LocalHeap(const Place& place, std::uint64_t address);

  // The text that begins so many bytes into the heap.
  std::string_view text(std::uint64_t offset) const;

 private:
  const Place& place_;
  std::uint64_t data_ = 0;
  std::uint64_t size_ = 0;
};

// Pieces of bytes that messages refer to by collection and number. Collections are read when they are first asked for.
class GlobalHeap {
 public:
  explicit GlobalHeap(const Place& place) : place_(place), walk_(place) {}

  std::span<const std::byte> piece(std::uint64_t collection, std::uint32_t number);

 private:
  using Collection = std::map<std::uint32_t, std::span<const std::byte>>;

  Collection read(std::uint64_t address);

  const Place& place_;
  Walk walk_;
  std::map<std::uint64_t, Collection> collections_;
};

}  // namespace rondo::hdf5
