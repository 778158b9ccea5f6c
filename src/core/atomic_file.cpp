#include "core/atomic_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <sys/stat.h>
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

// Where symbolic links lead: what they name is written, and they stay.
std::string behind_links(const std::string& path) {
  constexpr int kMostLinks = 40;  // as many as Linux follows
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path at = path;
  for (int i = 0; fs::is_symlink(at, error); ++i) {
    if (i == kMostLinks) fail_to_write(path, ELOOP);
    const fs::path to = fs::read_symlink(at, error);
    if (error) fail_to_write(path, error.value());
    at = at.parent_path() / to;
  }
  return at.string();
}

// A file without a name, which goes with the process, however that ends; -1 where the system has no such files.
int open_without_name([[maybe_unused]] const std::string& folder) {
#if defined(O_TMPFILE)
  if (access("/proc/self/fd", X_OK) == 0) return open(folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
#endif
  return -1;
}

void write_at(const std::string& path, int descriptor, std::size_t begin, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        pwrite(descriptor, bytes.data(), std::min(bytes.size(), std::size_t{1} << 30), static_cast<off_t>(begin));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_to_write(path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    begin += static_cast<std::size_t>(written);
  }
}

}  // namespace

NewFile::NewFile(const std::string& path)
    : target_(behind_links(path)), path_(target_ + ".tmp" + std::to_string(std::random_device()())), descriptor_(-1) {
  struct stat old {};
  const bool is_there = stat(target_.c_str(), &old) == 0;
  if (is_there && S_ISDIR(old.st_mode)) fail_to_write(path, EISDIR);
  if (is_there && !S_ISREG(old.st_mode)) {
    throw FileError("cannot write '" + path + "': it is a device or pipe, which a new file would replace");
  }
  open_new();
  if (is_there) (void)fchmod(descriptor_, old.st_mode & 07777);  // where the file system has such rights
}

void NewFile::open_new() {
  descriptor_ = open_without_name(folder_of(target_));
  if (descriptor_ >= 0) return;
  descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_to_write(target_, errno);
  has_name_ = true;
}

NewFile::~NewFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (has_name_) std::remove(path_.c_str());
}

void NewFile::append(Bytes bytes) {
  write_at(target_, descriptor_, size_, bytes);
  size_ += bytes.size();
}

void NewFile::replace(std::size_t begin, Bytes bytes) { write_at(target_, descriptor_, begin, bytes); }

void NewFile::keep() {
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

// A new name takes no other file's place; renaming does.
void NewFile::give_name() {
  if (has_name_) return;
  const std::string number = "/proc/self/fd/" + std::to_string(descriptor_);
  if (linkat(AT_FDCWD, number.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    fail_to_write(target_, errno);
  }
  has_name_ = true;
}

void write_file(const std::string& path, const std::vector<Bytes>& pieces) {
  NewFile file(path);
  for (const Bytes piece : pieces) file.append(piece);
  file.keep();
}

void write_file(const std::string& path, const std::string& content) {
  write_file(path, {std::as_bytes(std::span(content))});
}

}  // namespace rondo::core
