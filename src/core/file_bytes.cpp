#include "core/file_bytes.hpp"

#include "core/file.hpp"

namespace rondo::core {

FileBytes::FileBytes(const std::string& path) {
  const File file(path);
  memory_ =
      AlignedBytes(static_cast<std::size_t>(file.size()), "the file '" + path + "'", AlignedBytes::ForOverwrite());
  file.read(0, memory_.size(), memory_.data());
}

}  // namespace rondo::core
