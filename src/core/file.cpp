#include "core/file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rondo/error.hpp>

#include "core/names.hpp"

namespace rondo::core {

namespace {

constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // some systems read no more than 2 GB

}  // namespace

File::File(const std::string& path) : path_(path), descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) fail(system_error_text(errno));
  struct stat status {};
  const bool known = fstat(descriptor_, &status) == 0;
  const std::string why = known ? "it is no file" : system_error_text(errno);
  if (!known || !S_ISREG(status.st_mode)) {
    close(descriptor_);
    fail(why);
  }
  size_ = status.st_size;
}

File::~File() { close(descriptor_); }

void File::read(std::int64_t offset, std::size_t bytes, void* to) const {
  char* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = pread(descriptor_, at, std::min(bytes, kMostAtOnce), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(system_error_text(errno));
    if (got == 0) fail("it has become shorter while it was read");
    offset += got;
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
}

void File::fail(const std::string& why) const { throw FileError("cannot read '" + path_ + "': " + why); }

}  // namespace rondo::core
