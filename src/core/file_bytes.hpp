// A file in memory.
#pragma once

#include <cstddef>
#include <string>

#include "core/aligned.hpp"
#include "core/atomic_file.hpp"

namespace rondo::core {

class FileBytes {
 public:
  // Reads all of it. FileError where it cannot be read, or is no file; MemoryError where there is not so much memory.
  explicit FileBytes(const std::string& path);

  Bytes bytes() const { return {memory_.data(), memory_.size()}; }

 private:
  AlignedBytes memory_;
};

}  // namespace rondo::core
