#include "files.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.hpp"

namespace rondo::cli {

namespace {

namespace fs = std::filesystem;

// (The program never leaves the C locale, so these are English.)
[[noreturn]] void fail(const std::string& what) { throw Failure(kFailed, what + ": " + std::strerror(errno)); }

void write_all(int descriptor, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) fail(what);
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Where symbolic links lead, if there is something.
std::string behind_links(const std::string& path) {
  std::error_code error;
  const fs::path target = fs::canonical(path, error);
  return error ? path : target.string();
}

// A new file beside the one whose place it takes, with that one's rights.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : target_(behind_links(path)),
        path_(target_ + ".tmp" + std::to_string(std::random_device()())),
        descriptor_(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail(what());
    struct stat old {};
    if (stat(target_.c_str(), &old) == 0) (void)fchmod(descriptor_, old.st_mode & 07777);
  }
  ~NewFile() {
    close(descriptor_);
    if (!kept_) unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::string_view bytes) { write_all(descriptor_, bytes, what()); }
  void keep() {
    if (fsync(descriptor_) != 0 || std::rename(path_.c_str(), target_.c_str()) != 0) fail(what());
    kept_ = true;
  }

 private:
  std::string what() const { return "cannot write '" + target_ + "'"; }

  std::string target_, path_;
  int descriptor_;
  bool kept_ = false;
};

// Of a device or pipe, which is not replaced.
void write_into(const std::string& path, std::string_view bytes) {
  const std::string what = "cannot write '" + path + "'";
  const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) fail(what);
  write_all(descriptor, bytes, what);
  if (close(descriptor) != 0) fail(what);
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::error_code none;
  fs::path parent = fs::temp_directory_path(none);
  if (none) parent = "/tmp";
  std::string name = (parent / "rondo-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) fail("cannot make a folder in '" + parent.string() + "'");
  folder_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  fs::remove_all(folder_, error);
}

std::string read_input() {
  std::string all;
  std::array<char, 1 << 16> piece;
  for (;;) {
    stop_if_interrupted();
    const ssize_t got = read(STDIN_FILENO, piece.data(), piece.size());
    if (got == 0) return all;
    if (got > 0) {
      all.append(piece.data(), static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      fail("cannot read standard input");
    }
  }
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (file && fs::is_directory(path)) errno = EISDIR;
  if (!file || fs::is_directory(path)) fail("cannot read '" + path + "'");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t size_of_file(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  errno = error.value();
  if (error) fail("cannot read '" + path + "'");
  return size;
}

void print(std::string_view text) { write_all(STDOUT_FILENO, text, "cannot write standard output"); }

void write_file(const std::string& path, std::string_view bytes) {
  errno = EISDIR;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) fail("cannot write '" + path + "'");
  if (fs::exists(status) && !fs::is_regular_file(status)) return write_into(path, bytes);
  NewFile file(path);
  file.write(bytes);
  file.keep();
}

bool is_readable(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && access(path.c_str(), R_OK) == 0;
}

}  // namespace rondo::cli
