#include <numeric>

#include <rondo/error.hpp>

#include "formats/zip/records.hpp"
#include "formats/zip/zip.hpp"

namespace rondo::zip {

namespace {

// Version 2.0 of the format, made on Unix: a file that its owner may write and all may read.
constexpr std::uint64_t kVersion = 20, kMadeBy = 3U << 8 | kVersion, kPermissions = 0100644U << 16;
// The first of January 1980, midnight: the earliest there is.
constexpr std::uint64_t kDate = 1U << 5 | 1, kTime = 0;
constexpr std::size_t kMost = 0xFFFF'FFFE;

class Record {
 public:
  Record& put(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) bytes_.push_back(static_cast<char>(value >> 8 * i & 0xFF));
    return *this;
  }
  Record& put(const std::string& text) {
    bytes_ += text;
    return *this;
  }
  std::size_t size() const { return bytes_.size(); }
  Bytes bytes() const { return std::as_bytes(std::span(bytes_)); }

 private:
  std::string bytes_;
};

std::size_t size_of(const std::vector<Bytes>& pieces) {
  return std::accumulate(pieces.begin(), pieces.end(), std::size_t{0},
                         [](std::size_t sum, Bytes piece) { return sum + piece.size(); });
}

}  // namespace

void Writer::add(const std::string& name, std::vector<Bytes> pieces) { entries_.push_back({name, std::move(pieces)}); }

void Writer::write(const std::string& path) const {
  std::vector<Record> headers(entries_.size());
  Record list;
  std::vector<Bytes> pieces;
  std::size_t at = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    const std::size_t size = size_of(entry.pieces);
    if (size > kMost || at > kMost) {
      throw FileError("cannot write '" + path + "': archives of more than 4 GB (zip64) are not supported");
    }
    // What both records of an entry have.
    const auto describe = [&, sum = check_sum(entry.pieces)](Record& record) {
      record.put(kVersion, 2).put(kUtf8, 2).put(kStored, 2).put(kTime, 2).put(kDate, 2).put(sum, 4);
      record.put(size, 4).put(size, 4).put(entry.name.size(), 2).put(0, 2);
    };
    describe(headers[i].put(Local::kSignature, 4));
    headers[i].put(entry.name);
    describe(list.put(Listed::kSignature, 4).put(kMadeBy, 2));
    list.put(0, 2).put(0, 2).put(0, 2).put(kPermissions, 4).put(at, 4).put(entry.name);
    pieces.push_back(headers[i].bytes());
    pieces.insert(pieces.end(), entry.pieces.begin(), entry.pieces.end());
    at += headers[i].size() + size;
  }
  if (at > kMost || entries_.size() > 0xFFFE) {
    throw FileError("cannot write '" + path + "': archives of more than 4 GB (zip64) are not supported");
  }
  Record end;
  end.put(End::kSignature, 4).put(0, 4).put(entries_.size(), 2).put(entries_.size(), 2);
  end.put(list.size(), 4).put(at, 4).put(0, 2);
  pieces.push_back(list.bytes());
  pieces.push_back(end.bytes());
  core::write_file(path, pieces);
}

}  // namespace rondo::zip
