#include "formats/hdf5/fractal_heap.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "formats/hdf5/dense_tree.hpp"

namespace rondo::hdf5 {

namespace {

constexpr std::string_view kFractalHeap = "a fractal heap";

int log2_of(std::uint64_t number) { return static_cast<int>(std::bit_width(number)) - 1; }

}  // namespace

FractalHeap::FractalHeap(const Place& place, std::uint64_t address) : place_(place), walk_(place), address_(address) {
  const Image& image = *place.image;
  const std::uint64_t size =
      4 + 1 + 2 + 2 + 1 + 4 + 12 * image.length_size + 3 * image.address_size + 2 + 2 + 2 + 2 + 4;
  Cursor header(place, kFractalHeap, address, size);
  header.expect_signature("FRHP");
  header.expect_version(0, 0);
  id_bytes_ = header.number(2);
  if (header.u16() != 0) header.refuse("a fractal heap with filters");
  header.skip(1);  // flags
  longest_managed_ = header.u32();
  header.length();  // the next huge object's number
  huge_tree_ = header.address();
  header.length();                              // free space,
  header.address();                             // and where it is managed
  for (int i = 0; i < 8; ++i) header.length();  // sizes and numbers of objects
  width_ = header.number(2);
  smallest_ = header.length();
  largest_direct_ = header.length();
  offset_bits_ = header.u16();
  header.skip(2);  // rows at the start
  root_ = header.address();
  root_rows_ = header.u16();
  check_sum(header, address);
  const bool is_sized = std::has_single_bit(width_) && std::has_single_bit(smallest_) &&
                        std::has_single_bit(largest_direct_) && longest_managed_ > 0 && largest_direct_ > 1;
  if (!is_sized || largest_direct_ < smallest_ || largest_direct_ > UINT32_MAX || offset_bits_ < 1 ||
      offset_bits_ > 64) {
    header.fail("its blocks are said to have sizes that cannot be");
  }
}

FractalHeap::Found FractalHeap::find(Cursor id) {
  const int kind = id.u8();
  if (kind >> 6 != 0) id.refuse("an identifier of another version");
  switch (kind >> 4 & 3) {
    case 0: {
      const auto size_bytes =
          static_cast<std::uint64_t>(std::min((log2_of(largest_direct_) + 7) / 8, log2_of(longest_managed_) / 8 + 1));
      const std::uint64_t offset = id.number(offset_bytes());
      return find_managed(offset, id.number(size_bytes));
    }
    case 1: return find_huge(id.number(std::min<std::size_t>(id.left(), 8)));
    default: id.refuse("a tiny object of a fractal heap");
  }
}

int FractalHeap::row_of(std::uint64_t offset) const {
  const std::uint64_t first = width_ * smallest_;
  return offset < first ? 0 : log2_of(offset) - log2_of(first) + 1;
}

FractalHeap::Found FractalHeap::find_managed(std::uint64_t offset, std::uint64_t size) {
  walk_.count(kFractalHeap, address_, size);
  if (root_rows_ == 0) return in_direct_block(root_, smallest_, offset, size);
  const int direct_rows = log2_of(largest_direct_) - log2_of(smallest_) + 2;
  std::uint64_t block = root_;
  int rows = root_rows_;
  for (;;) {
    const int row = row_of(offset);
    if (row >= rows || row > 62 - log2_of(smallest_)) {
      place_.fail(block,
                  "an object is said to stand at " + std::to_string(offset) + " of a fractal heap, behind its end");
    }
    offset -= row_begin(row);
    const std::uint64_t bytes = block_size(row);
    block = entry(block, rows, row, offset / bytes);
    offset %= bytes;
    if (row < direct_rows) return in_direct_block(block, bytes, offset, size);
    rows = log2_of(bytes) - log2_of(width_ * smallest_) + 1;
  }
}

std::uint64_t FractalHeap::entry(std::uint64_t block, int rows, int row, std::uint64_t column) const {
  const std::uint64_t address_size = place_.image->address_size;
  const std::uint64_t start = 4 + 1 + address_size + offset_bytes();
  Cursor cursor(place_, kFractalHeap, block, start + static_cast<std::uint64_t>(rows) * width_ * address_size);
  skip_block_start(cursor, "FHIB");
  cursor.skip((static_cast<std::uint64_t>(row) * width_ + column) * address_size);
  return cursor.address();
}

FractalHeap::Found FractalHeap::in_direct_block(std::uint64_t block, std::uint64_t bytes, std::uint64_t offset,
                                                std::uint64_t size) const {
  Cursor cursor(place_, kFractalHeap, block, bytes);
  skip_block_start(cursor, "FHDB");
  if (offset > bytes || size > bytes - offset) {
    cursor.fail("an object of " + std::to_string(size) + " bytes is said to stand at byte " + std::to_string(offset) +
                " of a block of " + std::to_string(bytes));
  }
  return {block + offset, size};
}

void FractalHeap::skip_block_start(Cursor& cursor, std::string_view signature) const {
  cursor.expect_signature(signature);
  cursor.expect_version(0, 0);
  if (cursor.address() != address_) cursor.fail("the block belongs to another heap");
  cursor.skip(offset_bytes());
}

FractalHeap::Found FractalHeap::find_huge(std::uint64_t number) {
  if (!huge_known_) {
    walk_dense_tree(place_, huge_tree_, RecordKind::huge_objects, [&](Cursor& record) {
      const std::uint64_t address = record.address();
      const std::uint64_t size = record.length();
      huge_[record.length()] = {address, size};
    });
    huge_known_ = true;
  }
  const auto found = huge_.find(number);
  if (found == huge_.end()) place_.fail(address_, "a fractal heap has no huge object " + std::to_string(number));
  walk_.count(kFractalHeap, found->second.address, found->second.size);
  return found->second;
}

}  // namespace rondo::hdf5
