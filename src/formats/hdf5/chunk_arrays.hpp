// The chunk indexes of files of libver='latest': arrays of addresses.
#pragma once

#include "formats/hdf5/chunks.hpp"

namespace rondo::hdf5 {

// `grid` counts the chunks that the shape may grow to, in whose order the array stands. Chunks that are not stored are
// visited with the address kNowhere.
void walk_fixed_array(const Place& place, const Grid& grid, std::uint64_t address, std::uint64_t chunk_bytes,
                      bool filtered, const std::function<void(const Chunk&)>& visit);

// Of a shape whose first axis is unlimited. Refuses one whose last elements are stored in pages: more than 1024 chunks
// in a block.
void walk_extensible_array(const Place& place, const Grid& grid, std::uint64_t address, std::uint64_t chunk_bytes,
                           bool filtered, const std::function<void(const Chunk&)>& visit);

}  // namespace rondo::hdf5
