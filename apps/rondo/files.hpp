// Files and streams, and which exit status belongs to what goes wrong with them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <rondo/error.hpp>

#include "failure.hpp"

namespace rondo::cli {

// A folder for files of the moment, that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

// All of standard input. kInterrupted after Ctrl-C (interrupt.hpp).
std::string read_input();
std::string read_file(const std::string& path);
// Its bytes; kFailed where there is no such file.
std::uint64_t size_of_file(const std::string& path);

// To standard output; kFailed where that takes no more.
void print(std::string_view text);
// Writes or replaces a file: as a whole, or not at all.
void write_file(const std::string& path, std::string_view bytes);

// Runs `read`, which reads the file: its errors end the program with `status`, or with kFailed where the file cannot be
// opened.
template <class F>
auto reading(const std::string& path, Status status, const F& read);

// Whether there is a file that may be read.
bool is_readable(const std::string& path);

template <class F>
auto reading(const std::string& path, Status status, const F& read) {
  try {
    return read();
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw Failure(is_readable(path) ? status : kFailed, error.what());
  }
}

}  // namespace rondo::cli
