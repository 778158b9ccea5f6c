// A file of which parts are read when they are wanted.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <rondo/error.hpp>

#include "core/names.hpp"

namespace rondo::detail {

// Safe to read from several threads.
class File {
 public:
  explicit File(const std::string& path) : path_(path), descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) fail(system_error_text(errno));
    struct stat status {};
    if (fstat(descriptor_, &status) != 0) fail(system_error_text(errno));
    if (!S_ISREG(status.st_mode)) fail("it is no file");
    size_ = status.st_size;
  }
  ~File() { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& path() const { return path_; }
  std::int64_t size() const { return size_; }
  [[noreturn]] void fail(const std::string& why) const { throw FileError("'" + path_ + "': " + why); }

  void read(std::int64_t offset, std::size_t bytes, char* to) const {
    while (bytes > 0) {
      const ssize_t got = pread(descriptor_, to, bytes, offset);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(system_error_text(errno));
      if (got == 0) fail("it has become shorter while it was read");
      offset += got;
      to += got;
      bytes -= static_cast<std::size_t>(got);
    }
  }

 private:
  std::string path_;
  int descriptor_;
  std::int64_t size_ = 0;
};

}  // namespace rondo::detail
