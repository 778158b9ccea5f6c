#include "formats/hdf5/dense_tree.hpp"

#include <bit>
#include <string>

namespace rondo::hdf5 {

namespace {

constexpr std::string_view kDenseTree = "a B-tree of version 2";
constexpr std::uint64_t kNodeOverhead = 4 + 1 + 1 + 4;  // signature, version, kind, checksum

// Bytes that a number up to this one takes.
std::uint64_t bytes_for(std::uint64_t largest) {
  return (static_cast<std::uint64_t>(std::bit_width(std::max<std::uint64_t>(largest, 1))) + 7) / 8;
}

class DenseTree {
 public:
  DenseTree(const Place& place, RecordKind kind, const std::function<void(Cursor&)>& visit)
      : place_(place), walk_(place), kind_(kind), visit_(visit) {}

  void walk(std::uint64_t address) {
    const Image& image = *place_.image;
    const std::uint64_t size = 4 + 1 + 1 + 4 + 2 + 2 + 1 + 1 + image.address_size + 2 + image.length_size + 4;
    Cursor header(place_, kDenseTree, address, size);
    expect_start(header, "BTHD");
    node_bytes_ = header.u32();
    record_bytes_ = header.number(2);
    const int depth = header.u16();
    header.skip(2);  // when nodes are split and merged
    const std::uint64_t root = header.address();
    const std::uint64_t records = header.number(2);
    header.length();  // records in all
    check_sum(header, address);
    if (record_bytes_ == 0 || node_bytes_ < kNodeOverhead + record_bytes_) {
      header.fail("a node of " + std::to_string(node_bytes_) + " bytes has no room for a record");
    }
    constexpr int kDeepest = 16;
    if (depth > kDeepest) header.fail("it is said to have " + std::to_string(depth) + " levels");
    if (root != kNowhere && records > 0) walk_node(root, records, depth);
  }

 private:
  void expect_start(Cursor& cursor, std::string_view signature) const {
    cursor.expect_signature(signature);
    cursor.expect_version(0, 0);
    if (cursor.u8() != static_cast<int>(kind_)) cursor.fail("its records are of another kind");
  }

  std::uint64_t most_in_leaf() const { return (node_bytes_ - kNodeOverhead) / record_bytes_; }

  // Bytes of the number of all records below a child; a leaf has none of them. Nodes hold as many records as there is
  // room for, which depends on the size of these numbers on the level below.
  std::uint64_t total_bytes(int child_level) const {
    std::uint64_t most = most_in_leaf(), all = most;
    std::uint64_t bytes = 0;
    for (int level = 1; level <= child_level; ++level) {
      const std::uint64_t pointer = pointer_bytes(bytes);
      if (node_bytes_ < kNodeOverhead + pointer) return 8;
      most = (node_bytes_ - kNodeOverhead - pointer) / (record_bytes_ + pointer);
      all = std::min(all, UINT64_MAX / (most + 2)) * (most + 1) + most;
      bytes = bytes_for(all);
    }
    return bytes;
  }

  std::uint64_t pointer_bytes(std::uint64_t total_bytes) const {
    return place_.image->address_size + bytes_for(most_in_leaf()) + total_bytes;
  }

  // The level falls from node to node.
  void walk_node(std::uint64_t address, std::uint64_t records, int level) {
    const std::uint64_t count_bytes = bytes_for(most_in_leaf());
    const std::uint64_t all_bytes = level > 0 ? total_bytes(level - 1) : 0;
    const std::uint64_t children = level > 0 ? records + 1 : 0;
    Cursor cursor =
        walk_.open(kDenseTree, address, kNodeOverhead + records * record_bytes_ + children * pointer_bytes(all_bytes));
    expect_start(cursor, level > 0 ? "BTIN" : "BTLF");
    for (std::uint64_t i = 0; i < records; ++i) {
      Cursor record(place_, kDenseTree, cursor.position(), record_bytes_);
      visit_(record);
      cursor.skip(record_bytes_);
    }
    for (std::uint64_t i = 0; i < children; ++i) {
      const std::uint64_t child = cursor.address();
      const std::uint64_t in_child = cursor.number(count_bytes);
      cursor.skip(all_bytes);
      walk_node(child, in_child, level - 1);
    }
    check_sum(cursor, address);
  }

  const Place& place_;
  Walk walk_;
  RecordKind kind_;
  const std::function<void(Cursor&)>& visit_;
  std::uint64_t node_bytes_ = 0, record_bytes_ = 0;
};

}  // namespace

void walk_dense_tree(const Place& place, std::uint64_t address, RecordKind kind,
                     const std::function<void(Cursor&)>& visit) {
  DenseTree(place, kind, visit).walk(address);
}

}  // namespace rondo::hdf5
