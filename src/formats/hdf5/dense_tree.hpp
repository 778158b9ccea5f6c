// B-trees of version 2, which list the links or attributes of an object that has many of them.
#pragma once

#include <cstdint>
#include <functional>

#include "formats/hdf5/cursor.hpp"

namespace rondo::hdf5 {

// What the records are.
enum class RecordKind { huge_objects = 1, links = 5, attributes = 8 };

// Calls visit for each record, in the order of the nodes.
void walk_dense_tree(const Place& place, std::uint64_t address, RecordKind kind,
                     const std::function<void(Cursor& record)>& visit);

}  // namespace rondo::hdf5
