// A file of which parts are read when they are wanted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace rondo::core {

// Safe to read from several threads.
class File {
 public:
  // FileError where it cannot be opened, or is no file.
  explicit File(const std::string& path);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& path() const { return path_; }
  std::int64_t size() const { return size_; }

  // FileError where there are not so many bytes.
  void read(std::int64_t offset, std::size_t bytes, void* to) const;

  // FileError that names the file.
  [[noreturn]] void fail(const std::string& why) const;

 private:
  std::string path_;
  int descriptor_;
  std::int64_t size_ = 0;
};

}  // namespace rondo::core
