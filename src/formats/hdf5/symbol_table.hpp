// The links of old groups: a B-tree whose leaves are lists of entries, with the names in a local heap.
#pragma once

#include "formats/hdf5/links.hpp"

namespace rondo::hdf5 {

void read_symbol_table(const Place& place, std::uint64_t tree, std::uint64_t heap, std::vector<Link>& links);

}  // namespace rondo::hdf5
