// Files that are written as a whole or not at all.
#pragma once

#include <string>

namespace rondo::core {

// Writes a file, or replaces one: readers see the old file or the whole new one. After a FileError, which says why, it
// is as it was before.
void write_file(const std::string& path, const std::string& content);

}  // namespace rondo::core
