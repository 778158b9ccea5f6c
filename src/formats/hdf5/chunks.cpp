#include "formats/hdf5/chunks.hpp"

#include <algorithm>
#include <string>

#include "core/sizes.hpp"
#include "formats/hdf5/btree.hpp"
#include "formats/hdf5/chunk_arrays.hpp"

namespace rondo::hdf5 {

Grid::Grid(Position counts) : counts_(std::move(counts)) {}

std::uint64_t Grid::size(const Place& place) const {
  Size size = 1;
  for (const std::uint64_t count : counts_) size = size * static_cast<Index>(count);
  if (!size.known()) place.fail("it consists of " + size.text() + " chunks");
  return static_cast<std::uint64_t>(size.count("chunks"));
}

bool Grid::contains(const Position& position) const {
  return position.size() == counts_.size() && std::ranges::equal(position, counts_, std::less());
}

std::uint64_t Grid::number(const Position& position) const {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) number = number * counts_[i] + position[i];
  return number;
}

Position Grid::position(std::uint64_t number) const {
  Position position(counts_.size());
  for (std::size_t i = counts_.size(); i-- > 0;) {
    position[i] = counts_[i] == 0 ? 0 : number % counts_[i];
    number = counts_[i] == 0 ? 0 : number / counts_[i];
  }
  return position;
}

Grid grid_of(const std::vector<Index>& shape, const Position& chunk) {
  Position counts;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const auto size = static_cast<std::uint64_t>(shape[i]);
    counts.push_back(size / chunk[i] + (size % chunk[i] != 0 ? 1 : 0));
  }
  return Grid(std::move(counts));
}

namespace {

void walk_chunk_tree(const Place& place, const Layout& layout, const std::function<void(const Chunk&)>& visit) {
  const std::size_t rank = layout.chunk.size();
  Walk walk(place);
  walk_tree(walk, TreeKind::chunks, layout.address, 8 + 8 * (rank + 1), [&](Cursor& key, std::uint64_t child) {
    Chunk chunk;
    chunk.address = child;
    chunk.size = key.u32();
    chunk.skipped = key.u32();
    for (const std::uint64_t size : layout.chunk) {
      const std::uint64_t first = key.u64();
      if (first % size != 0) key.fail("a chunk is said to begin at element " + std::to_string(first));
      chunk.position.push_back(first / size);
    }
    visit(chunk);
  });
}

}  // namespace

void for_each_chunk(const Place& place, const Dataspace& space, const Layout& layout, std::uint64_t chunk_bytes,
                    bool filtered, const std::function<void(const Chunk&)>& visit) {
  const auto visit_stored = [&](const Chunk& chunk) {
    if (chunk.address != kNowhere) visit(chunk);
  };
  switch (layout.index) {
    case ChunkIndex::tree: walk_chunk_tree(place, layout, visit); break;
    case ChunkIndex::single:
      visit({Position(layout.chunk.size()), layout.address, layout.single_size > 0 ? layout.single_size : chunk_bytes,
             layout.single_skipped});
      break;
    case ChunkIndex::implicit: {
      // The chunks stand one behind the other, those that the shape may still grow to among them.
      const Grid all = grid_of(space.largest, layout.chunk);
      Cursor(place, "the chunks", layout.address, 0);  // it begins within the file
      const std::uint64_t there = (place.image->bytes.size() - layout.address) / chunk_bytes;
      for (std::uint64_t i = 0; i < std::min(all.size(place), there); ++i) {
        visit({all.position(i), layout.address + i * chunk_bytes, chunk_bytes, 0});
      }
      break;
    }
    case ChunkIndex::fixed_array:
      walk_fixed_array(place, grid_of(space.largest, layout.chunk), layout.address, chunk_bytes, filtered,
                       visit_stored);
      break;
    case ChunkIndex::extensible_array:
      if (std::ranges::count(space.largest, Dataspace::kUnlimited) != 1 || space.largest[0] != Dataspace::kUnlimited) {
        place.fail(
            "a data set with another unlimited axis than the first, in the form of libver='latest', is not read");
      }
      walk_extensible_array(place, grid_of(space.largest, layout.chunk), layout.address, chunk_bytes, filtered,
                            visit_stored);
      break;
  }
}

}  // namespace rondo::hdf5
