// Zip archives, as far as Keras's .keras and NumPy's .npz are such: entries that are stored or deflated, in one file of
// less than 4 GB. Nothing is ever written to a path that an archive names.
//
// Files are not trusted: every length is compared with the file's before anything is read or memory is taken, and no
// byte of the file belongs to two entries. What is wrong is a FileError that names file and entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/atomic_file.hpp"

namespace rondo::zip {

using core::Bytes;

class Reader {
 public:
  // `file` must stay while the reader is used; `path` is for messages.
  Reader(Bytes file, std::string path);

  // In the order of the archive.
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  // What an entry holds: a part of the file, or where it is compressed, of `memory`, which takes it up. FileError for
  // an entry that is not there, whose check sum is another, or of more than `at_most` bytes.
  Bytes read(std::string_view name, std::size_t at_most, std::vector<std::byte>& memory) const;

 private:
  struct Entry {
    std::string name;
    bool is_deflated;
    std::uint32_t check_sum;
    std::size_t size, content_size;  // in the file; of what it holds
    std::size_t header, begin;       // bytes of the file: of its header, of what it holds
  };

  const Entry* find(std::string_view name) const;
  // The list of entries at the end of the file.
  std::size_t read_directory();
  Entry entry_at(std::size_t& at, std::size_t end) const;
  std::size_t content_of(const Entry& entry, std::size_t directory) const;
  void refuse_overlaps() const;
  std::uint64_t number(std::size_t at, std::size_t bytes) const;
  [[noreturn]] void refuse_zip64() const;
  [[noreturn]] void fail(const std::string& why) const;
  [[noreturn]] void fail(const Entry& entry, const std::string& why) const;

  Bytes file_;
  std::string path_;
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t, std::less<>> places_;  // among the entries
};

// An archive in the making: entries are stored as they are, without a time, so that equal contents are equal files.
class Writer {
 public:
  // An entry of pieces that stand one behind the other and must stay until the archive is written.
  void add(const std::string& name, std::vector<Bytes> pieces);
  void add(const std::string& name, Bytes content) { add(name, std::vector{content}); }
  // One whose pieces are made when it is their turn: handed to what it is given, one after the other.
  using Content = std::function<void(const std::function<void(Bytes)>& put)>;
  void add(const std::string& name, Content content) { entries_.push_back({name, std::move(content)}); }

  // Writes or replaces a file. FileError as core::write_file, and for more than 4 GB.
  void write(const std::string& path) const;

 private:
  struct Entry {
    std::string name;
    Content content;
  };

  std::vector<Entry> entries_;
};

}  // namespace rondo::zip
