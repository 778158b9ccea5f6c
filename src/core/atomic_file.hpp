// Files that are written as a whole or not at all.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace rondo::core {

using Bytes = std::span<const std::byte>;

// Writes a file, or replaces one: readers see the old file or the whole new one, also after the machine has lost its
// power. After a FileError, which says why, it is as it was before. Where a process is killed while it writes, nothing
// is left of that; on file systems without files that have no name (network ones, mostly) a file "<path>.tmp<number>"
// is, which may be removed.
void write_file(const std::string& path, const std::string& content);
// Of pieces that stand one behind the other.
void write_file(const std::string& path, const std::vector<Bytes>& pieces);

}  // namespace rondo::core
