#include "core/atomic_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <system_error>
#include <unistd.h>

#include <rondo/error.hpp>

#include "core/names.hpp"

namespace rondo::core {

namespace {

[[noreturn]] void fail_to_write(const std::string& path, int error) {
  throw FileError("cannot write '" + path + "': " + system_error_text(error));
}

// A new file that is removed again unless it is kept.
class Temporary {
 public:
  // Beside the file whose place it will take.
  explicit Temporary(const std::string& path)
      : target_(path),
        path_(path + ".tmp" + std::to_string(std::random_device()())),
        descriptor_(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail_to_write(target_, errno);
  }
  ~Temporary() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!kept_) std::remove(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  void write(Bytes bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_to_write(target_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  // On the disk first, then under its name, then the name on the disk.
  void keep() {
    if (fsync(descriptor_) != 0) fail_to_write(target_, errno);
    const int closed = close(descriptor_);
    descriptor_ = -1;
    if (closed != 0 || std::rename(path_.c_str(), target_.c_str()) != 0) fail_to_write(target_, errno);
    kept_ = true;
    const std::string folder = std::filesystem::path(target_).parent_path().string();
    const int descriptor = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;  // a folder that may not be read: the file is there, and complete
    fsync(descriptor);
    close(descriptor);
  }

 private:
  std::string target_, path_;
  int descriptor_;
  bool kept_ = false;
};

}  // namespace

void write_file(const std::string& path, const std::vector<Bytes>& pieces) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) fail_to_write(path, EISDIR);
  Temporary file(path);
  for (const Bytes piece : pieces) file.write(piece);
  file.keep();
}

void write_file(const std::string& path, const std::string& content) {
  write_file(path, {std::as_bytes(std::span(content))});
}

}  // namespace rondo::core
