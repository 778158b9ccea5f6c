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

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// A file without a name, which goes with the process, however that ends; -1 where the system has no such files.
int open_without_name([[maybe_unused]] const std::string& folder) {
#if defined(O_TMPFILE)
  if (access("/proc/self/fd", X_OK) == 0) return open(folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
#endif
  return -1;
}

// A new file that is removed again unless it is kept.
class Temporary {
 public:
  // Beside the file whose place it will take.
  explicit Temporary(const std::string& path)
      : target_(path),
        path_(path + ".tmp" + std::to_string(std::random_device()())),
        descriptor_(open_without_name(folder_of(path))) {
    if (descriptor_ >= 0) return;
    descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail_to_write(target_, errno);
    has_name_ = true;
  }
  ~Temporary() {
    if (descriptor_ >= 0) close(descriptor_);
    if (has_name_) std::remove(path_.c_str());
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
    give_name();
    const int closed = close(descriptor_);
    descriptor_ = -1;
    if (closed != 0 || std::rename(path_.c_str(), target_.c_str()) != 0) fail_to_write(target_, errno);
    has_name_ = false;
    const int folder = open(folder_of(target_).c_str(), O_RDONLY | O_CLOEXEC);
    if (folder < 0) return;  // a folder that may not be read: the file is there, and complete
    fsync(folder);
    close(folder);
  }

 private:
  // A new name takes no other file's place; renaming does.
  void give_name() {
    if (has_name_) return;
    const std::string number = "/proc/self/fd/" + std::to_string(descriptor_);
    if (linkat(AT_FDCWD, number.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      fail_to_write(target_, errno);
    }
    has_name_ = true;
  }

  std::string target_, path_;
  int descriptor_;
  bool has_name_ = false;  // path_
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
