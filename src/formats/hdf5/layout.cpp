#include "formats/hdf5/layout.hpp"

#include <string>

#include <rondo/shape.hpp>

namespace rondo::hdf5 {

namespace {

// The number of axes, and one for the element's bytes.
std::uint64_t read_rank(Cursor& cursor) {
  const int rank = cursor.u8() - 1;
  if (rank < 1 || rank > Shape::kMaxRank) {
    cursor.fail("chunks are said to have " + std::to_string(rank) + " axes");
  }
  return static_cast<std::uint64_t>(rank);
}

void read_chunk_sizes(Cursor& cursor, std::uint64_t rank, std::uint64_t bytes, Layout& layout) {
  for (std::uint64_t i = 0; i < rank; ++i) {
    layout.chunk.push_back(cursor.number(bytes));
    if (layout.chunk.back() == 0) cursor.fail("chunks are said to have no elements");
  }
  layout.element_size = cursor.number(bytes);
}

void read_tree(Cursor& cursor, Layout& layout) {
  const std::uint64_t rank = read_rank(cursor);
  layout.address = cursor.address();
  read_chunk_sizes(cursor, rank, 4, layout);
}

void read_new_index(Cursor& cursor, Layout& layout) {
  const int flags = cursor.u8();
  layout.unfiltered_edges = (flags & 1) != 0;
  const std::uint64_t rank = read_rank(cursor);
  const std::uint64_t size_bytes = cursor.number(1);
  if (size_bytes < 1 || size_bytes > 8) cursor.fail("sizes are said to have " + std::to_string(size_bytes) + " bytes");
  read_chunk_sizes(cursor, rank, size_bytes, layout);
  const int index = cursor.u8();
  switch (index) {
    case 1:
      layout.index = ChunkIndex::single;
      if ((flags & 2) != 0) {
        layout.single_size = cursor.length();
        layout.single_skipped = cursor.u32();
      }
      break;
    case 2: layout.index = ChunkIndex::implicit; break;
    case 3:
      layout.index = ChunkIndex::fixed_array;
      cursor.skip(1);  // its parameters stand in its header as well
      break;
    case 4:
      layout.index = ChunkIndex::extensible_array;
      cursor.skip(5);
      break;
    case 5: cursor.refuse("a data set with several unlimited axes in the newer form (a B-tree of version 2)");
    default: cursor.fail("there is no index of chunks of type " + std::to_string(index));
  }
  layout.address = cursor.address();
}

}  // namespace

Layout read_layout(Cursor cursor) {
  const int version = cursor.u8();
  if (version == 1 || version == 2) cursor.refuse("a layout of version 1 or 2, which was written before 2004,");
  if (version != 3 && version != 4) cursor.fail("it has version " + std::to_string(version) + "; 3 and 4 are read");
  Layout layout;
  switch (const int kind = cursor.u8()) {
    case 0:
      layout.kind = Layout::Kind::compact;
      layout.bytes = cursor.take(cursor.number(2));
      break;
    case 1:
      layout.kind = Layout::Kind::contiguous;
      layout.address = cursor.address();
      layout.size = cursor.length();
      break;
    case 2:
      layout.kind = Layout::Kind::chunked;
      version == 3 ? read_tree(cursor, layout) : read_new_index(cursor, layout);
      break;
    case 3: cursor.refuse("a virtual data set, whose numbers stand in other files,");
    default: cursor.fail("there is no layout of class " + std::to_string(kind));
  }
  return layout;
}

}  // namespace rondo::hdf5
