#include "core/file_bytes.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rondo/error.hpp>

#include "core/names.hpp"

namespace rondo::core {

namespace {

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : path_(path), number_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (number_ < 0) fail(system_error_text(errno));
  }
  ~Descriptor() { close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  std::size_t size() const {
    struct stat status {};
    if (fstat(number_, &status) != 0) fail(system_error_text(errno));
    if (!S_ISREG(status.st_mode)) fail("it is no file");
    return static_cast<std::size_t>(status.st_size);
  }
  void read_into(std::byte* to, std::size_t bytes) const {
    while (bytes > 0) {
      const ssize_t got = ::read(number_, to, std::min(bytes, std::size_t{1} << 30));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(system_error_text(errno));
      if (got == 0) fail("it has become shorter while it was read");
      to += got;
      bytes -= static_cast<std::size_t>(got);
    }
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { throw FileError("cannot read '" + path_ + "': " + why); }

  const std::string& path_;
  int number_;
};

}  // namespace

FileBytes::FileBytes(const std::string& path) {
  const Descriptor file(path);
  memory_ = AlignedBytes(file.size(), "the file '" + path + "'", AlignedBytes::ForOverwrite());
  file.read_into(memory_.data(), memory_.size());
}

}  // namespace rondo::core
