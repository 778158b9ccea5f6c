// Files that are written as a whole or not at all.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace rondo::core {

using Bytes = std::span<const std::byte>;

// A file in the making, piece by piece. It goes again unless it is kept. Errors as of write_file.
class NewFile {
 public:
  // Beside the file whose place it will take, with that one's rights. Symbolic links are followed, and stay.
  explicit NewFile(const std::string& path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void append(Bytes bytes);
  // Of what was written before.
  void replace(std::size_t begin, Bytes bytes);
  std::size_t size() const { return size_; }
  // On the disk first, then under its name, then the name on the disk.
  void keep();

 private:
  void open_new();
  void give_name();

  std::string target_, path_;
  int descriptor_;
  bool has_name_ = false;  // path_
  std::size_t size_ = 0;
};

// Writes a file, or replaces one: readers see the old file or the whole new one, also after the machine has lost its
// power. After a FileError, which says why, it is as it was before. Where a process is killed while it writes, nothing
// is left of that; on file systems without files that have no name (network ones, mostly) a file "<path>.tmp<number>"
// is, which may be removed.
void write_file(const std::string& path, const std::string& content);
// Of pieces that stand one behind the other.
void write_file(const std::string& path, const std::vector<Bytes>& pieces);

}  // namespace rondo::core
