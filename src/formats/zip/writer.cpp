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
  Record& put(const Record& other) { return put(other.bytes_); }
  std::size_t size() const { return bytes_.size(); }
  Bytes bytes() const { return std::as_bytes(std::span(bytes_)); }

 private:
  std::string bytes_;
};

struct Sums {
  std::size_t size = 0;
  std::uint32_t check_sum = 0;
};

// What both records of an entry have.
void describe(Record& record, const std::string& name, const Sums& sums) {
  record.put(kVersion, 2).put(kUtf8, 2).put(kStored, 2).put(kTime, 2).put(kDate, 2).put(sums.check_sum, 4);
  record.put(sums.size, 4).put(sums.size, 4).put(name.size(), 2).put(0, 2);
}

Record local_record(const std::string& name, const Sums& sums) {
  Record record;
  describe(record.put(Local::kSignature, 4), name, sums);
  record.put(name);
  return record;
}

Record listed_record(const std::string& name, const Sums& sums, std::size_t begin) {
  Record record;
  describe(record.put(Listed::kSignature, 4).put(kMadeBy, 2), name, sums);
  record.put(0, 2).put(0, 2).put(0, 2).put(kPermissions, 4).put(begin, 4).put(name);
  return record;
}

[[noreturn]] void fail_too_large(const std::string& path) {
  throw FileError("cannot write '" + path + "': archives of more than 4 GB (zip64) are not supported");
}

}  // namespace

void Writer::add(const std::string& name, std::vector<Bytes> pieces) {
  add(name, [kept = std::move(pieces)](const std::function<void(Bytes)>& put) {
    for (const Bytes piece : kept) put(piece);
  });
}

void Writer::write(const std::string& path) const {
  core::NewFile file(path);
  Record list;
  for (const Entry& entry : entries_) {
    const std::size_t begin = file.size();
    if (begin > kMost) fail_too_large(path);
    file.append(local_record(entry.name, {}).bytes());
    Sums sums;
    entry.content([&](Bytes piece) {
      sums.check_sum = check_sum(sums.check_sum, piece);
      sums.size += piece.size();
      if (sums.size > kMost) fail_too_large(path);
      file.append(piece);
    });
    file.replace(begin, local_record(entry.name, sums).bytes());
    list.put(listed_record(entry.name, sums, begin));
  }
  const std::size_t begin = file.size();
  if (begin > kMost || entries_.size() > 0xFFFE) fail_too_large(path);
  Record end;
  end.put(End::kSignature, 4).put(0, 4).put(entries_.size(), 2).put(entries_.size(), 2);
  end.put(list.size(), 4).put(begin, 4).put(0, 2);
  file.append(list.bytes());
  file.append(end.bytes());
  file.keep();
}

}  // namespace rondo::zip
