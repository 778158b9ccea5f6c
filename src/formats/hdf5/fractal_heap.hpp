// Where the links or attributes of an object stand that has many of them.
#pragma once

#include <cstdint>
#include <map>

#include "formats/hdf5/cursor.hpp"

namespace rondo::hdf5 {

// A space of addresses of its own, made of blocks: rows of `width_` blocks, of which the first two rows have the
// smallest size and each further one twice that of the row before. Blocks larger than the largest direct one are rows
// of blocks themselves.
class FractalHeap {
 public:
  FractalHeap(const Place& place, std::uint64_t address);

  std::uint64_t id_bytes() const { return id_bytes_; }

  // Where the object of this identifier is in the file. An object may be asked for once.
  struct Found {
    std::uint64_t address, size;
  };
  Found find(Cursor id);

 private:
  std::uint64_t block_size(int row) const { return row == 0 ? smallest_ : smallest_ << (row - 1); }
  std::uint64_t row_begin(int row) const { return row == 0 ? 0 : width_ * block_size(row); }
  int row_of(std::uint64_t offset) const;
  // Of an offset in identifiers and blocks.
  std::uint64_t offset_bytes() const { return (static_cast<std::uint64_t>(offset_bits_) + 7) / 8; }

  Found find_managed(std::uint64_t offset, std::uint64_t size);
  Found find_huge(std::uint64_t number);
  Found in_direct_block(std::uint64_t block, std::uint64_t bytes, std::uint64_t offset, std::uint64_t size) const;
  // The address of the entry of an indirect block of so many rows.
  std::uint64_t entry(std::uint64_t block, int rows, int row, std::uint64_t column) const;
  void skip_block_start(Cursor& cursor, std::string_view signature) const;

  const Place& place_;
  Walk walk_;
  std::uint64_t address_;
  std::uint64_t id_bytes_ = 0, longest_managed_ = 0, width_ = 0, smallest_ = 0, largest_direct_ = 0;
  std::uint64_t huge_tree_ = kNowhere, root_ = kNowhere;
  int offset_bits_ = 0, root_rows_ = 0;
  bool huge_known_ = false;
  std::map<std::uint64_t, Found> huge_;
};

}  // namespace rondo::hdf5
