// What chunks go through before they are stored: shuffle and gzip are undone, others refused by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/hdf5/object_header.hpp"

namespace rondo::hdf5 {

enum class Filter { gzip = 1, shuffle = 2 };

// In the order in which they were applied. Refuses those that are not read.
std::vector<Filter> read_filters(Cursor cursor);

// The chunk as it was before the filters, chunk_bytes long: the stored bytes themselves, or in `memory`. Bit i of
// `skipped` says that filter i was left out. FileError, about `address`, where the stored bytes give more, less, or
// nothing that makes sense. No memory is taken that they cannot fill.
std::span<const std::byte> unfiltered(const Place& place, std::uint64_t address, std::span<const std::byte> stored,
                                      const std::vector<Filter>& filters, std::uint32_t skipped,
                                      std::uint64_t chunk_bytes, std::uint64_t element_size,
                                      std::vector<std::byte>& memory);

}  // namespace rondo::hdf5
