#include "formats/hdf5/btree.hpp"

#include <string>

namespace rondo::hdf5 {

namespace {

constexpr std::string_view kTreeNode = "a B-tree's node";
constexpr int kDeepest = 32;

struct Tree {
  Walk& walk;
  TreeKind kind;
  std::uint64_t key_bytes;
  const std::function<void(Cursor&, std::uint64_t)>& visit;

  // The level falls from node to node, so this ends, and never deeper than it began.
  void walk_node(std::uint64_t address, int expected_level) {
    Cursor start = walk.open(kTreeNode, address, 8);
    const std::uint64_t address_size = start.place().image->address_size;
    start.expect_signature("TREE");
    if (start.u8() != static_cast<int>(kind)) start.fail("the node is one of another kind of tree");
    const int level = start.u8();
    if (level > kDeepest || (expected_level >= 0 && level != expected_level)) {
      start.fail("the node is said to be at level " + std::to_string(level));
    }
    const auto entries = static_cast<std::uint64_t>(start.u16());
    const std::uint64_t siblings = 2 * address_size;
    Cursor cursor = walk.open(kTreeNode, address + 8, siblings + entries * (key_bytes + address_size));
    cursor.skip(siblings);
    for (std::uint64_t i = 0; i < entries; ++i) {
      Cursor key(cursor.place(), kTreeNode, cursor.position(), key_bytes);
      cursor.skip(key_bytes);
      const std::uint64_t child = cursor.address();
      if (level == 0) {
        visit(key, child);
      } else {
        walk_node(child, level - 1);
      }
    }
  }
};

}  // namespace

void walk_tree(Walk& walk, TreeKind kind, std::uint64_t root, std::uint64_t key_bytes,
               const std::function<void(Cursor&, std::uint64_t)>& visit) {
  Tree{walk, kind, key_bytes, visit}.walk_node(root, -1);
}

}  // namespace rondo::hdf5
