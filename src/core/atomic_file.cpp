#include "core/atomic_file.hpp"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <random>
#include <system_error>

#include <rondo/error.hpp>

#include "core/names.hpp"

namespace rondo::core {

namespace {

[[noreturn]] void fail_to_write(const std::string& path, const std::string& reason) {
  throw FileError("cannot write '" + path + "': " + reason);
}

void write_all(const std::string& path, const std::string& temporary, const std::string& content) {
  std::FILE* file = std::fopen(temporary.c_str(), "wbx");
  if (file == nullptr) fail_to_write(path, system_error_text(errno));
  const bool written = std::fwrite(content.data(), 1, content.size(), file) == content.size();
  const int write_error = errno;
  const bool closed = std::fclose(file) == 0;
  const int error = written ? errno : write_error;
  if (written && closed) return;
  std::remove(temporary.c_str());
  fail_to_write(path, system_error_text(error));
}

}  // namespace

// A new name beside it, then a rename.
void write_file(const std::string& path, const std::string& content) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) fail_to_write(path, "it is a directory");
  std::random_device random;
  const std::string temporary = path + ".tmp" + std::to_string(random());
  write_all(path, temporary, content);
  std::filesystem::rename(temporary, path, error);
  if (!error) return;
  std::remove(temporary.c_str());
  fail_to_write(path, system_error_text(error.value()));
}

}  // namespace rondo::core
