// The first structure of a file: how long addresses are, where they begin, where the root group is.
#pragma once

#include "formats/hdf5/image.hpp"

namespace rondo::hdf5 {

// The offset of the superblock: 0, or behind a block of the user's of 512, 1024, ... bytes. kNowhere where there is
// none.
std::uint64_t find_superblock(std::span<const std::byte> bytes);

Image read_superblock(std::span<const std::byte> bytes, std::string name, bool verify_checksums);

}  // namespace rondo::hdf5
