#include "formats/hdf5/dataspace.hpp"

#include <string>

#include "formats/hdf5/cursor.hpp"

namespace rondo::hdf5 {

namespace {

std::vector<Index> read_sizes(Cursor& cursor, int rank) {
  std::vector<Index> sizes;
  for (int i = 0; i < rank; ++i) {
    const std::uint64_t size = cursor.length();
    const std::uint64_t unlimited = UINT64_MAX >> (64 - 8 * cursor.place().image->length_size);
    if (size > static_cast<std::uint64_t>(INT64_MAX) && size != unlimited) {
      cursor.fail("an axis is said to have " + std::to_string(size) + " elements");
    }
    sizes.push_back(size == unlimited ? Dataspace::kUnlimited : static_cast<Index>(size));
  }
  return sizes;
}

}  // namespace

Dataspace read_dataspace(Cursor& cursor) {
  const int version = cursor.expect_version(1, 2);
  const int rank = cursor.u8();
  const int flags = cursor.u8();
  if (rank > Shape::kMaxRank) {
    cursor.fail("it has " + std::to_string(rank) + " axes; " + std::to_string(Shape::kMaxRank) + " are read at most");
  }
  constexpr int kNothing = 2;
  const int type = version == 2 ? cursor.u8() : 1;
  if (version == 1) cursor.skip(5);
  if (type == kNothing) return {Shape{0}, {0}};

  const std::vector<Index> sizes = read_sizes(cursor, rank);
  return {Shape(sizes), (flags & 1) != 0 ? read_sizes(cursor, rank) : sizes};
}

}  // namespace rondo::hdf5
