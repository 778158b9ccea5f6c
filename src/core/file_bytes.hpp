// A file in memory.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/atomic_file.hpp"

namespace rondo::core {

class FileBytes {
 public:
  // Reads all of it. FileError where it cannot be read, or is no file; MemoryError where there is not so much memory.
  explicit FileBytes(const std::string& path);

  Bytes bytes() const { return {memory_.get(), size_}; }

 private:
  std::size_t size_ = 0;
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace rondo::core
