// Where a data set's numbers are: in its header, in one piece, or in chunks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/hdf5/object_header.hpp"

namespace rondo::hdf5 {

// How chunks are found.
enum class ChunkIndex { tree, single, implicit, fixed_array, extensible_array };

struct Layout {
  enum class Kind { compact, contiguous, chunked };

  Kind kind = Kind::contiguous;
  std::span<const std::byte> bytes = {};  // of a compact one
  std::uint64_t address = kNowhere;       // of a contiguous one, or of the chunks' index
  std::uint64_t size = 0;                 // of a contiguous one, in bytes

  ChunkIndex index = ChunkIndex::tree;
  std::vector<std::uint64_t> chunk = {};  // elements of a chunk along each axis
  std::uint64_t element_size = 0;         // in bytes, as the chunks have it
  bool unfiltered_edges = false;          // chunks that stick out are stored without filters
  std::uint64_t single_size = 0;          // of a single chunk that went through filters, in bytes
  std::uint32_t single_skipped = 0;       // which of them it left out
};

Layout read_layout(Cursor cursor);

}  // namespace rondo::hdf5
