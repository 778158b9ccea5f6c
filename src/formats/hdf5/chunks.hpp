// The chunks of a data set: how they lie, and where they are.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "formats/hdf5/dataspace.hpp"
#include "formats/hdf5/layout.hpp"

namespace rondo::hdf5 {

// A chunk, or an element, by its position along each axis.
using Position = std::vector<std::uint64_t>;

// How many chunks there are along each axis, counted in C order.
class Grid {
 public:
  explicit Grid(Position counts);

  // FileError about `place` where 64 bits cannot count them.
  std::uint64_t size(const Place& place) const;
  const Position& counts() const { return counts_; }
  bool contains(const Position& position) const;
  std::uint64_t number(const Position& position) const;
  Position position(std::uint64_t number) const;

 private:
  Position counts_;
};

// The chunks that a shape consists of.
Grid grid_of(const std::vector<Index>& shape, const Position& chunk);

struct Chunk {
  Position position;  // counted in chunks
  std::uint64_t address = kNowhere;
  std::uint64_t size = 0;     // as stored, in bytes
  std::uint32_t skipped = 0;  // filters that it did not go through
};

// Calls visit for each chunk that the index knows of, in any order; positions may be wrong. `chunk_bytes` is the size
// of one without filters.
void for_each_chunk(const Place& place, const Dataspace& space, const Layout& layout, std::uint64_t chunk_bytes,
                    bool filtered, const std::function<void(const Chunk&)>& visit);

}  // namespace rondo::hdf5
