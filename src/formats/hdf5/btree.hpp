// B-trees of version 1, which old groups and chunks are found by.
#pragma once

#include <cstdint>
#include <functional>

#include "formats/hdf5/cursor.hpp"

namespace rondo::hdf5 {

enum class TreeKind { group = 0, chunks = 1 };

// Calls visit(key, child) for each entry of the leaves, in the order of the tree: the key of `key_bytes` bytes before
// the child, and the child's address.
void walk_tree(Walk& walk, TreeKind kind, std::uint64_t root, std::uint64_t key_bytes,
               const std::function<void(Cursor& key, std::uint64_t child)>& visit);

}  // namespace rondo::hdf5
