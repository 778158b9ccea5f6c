#include <algorithm>
#include <array>
#include <zlib.h>

#include <rondo/error.hpp>

#include "core/little_endian.hpp"
#include "core/sizes.hpp"
#include "formats/zip/records.hpp"
#include "formats/zip/zip.hpp"

namespace rondo::zip {

namespace {

// More than deflate can do.
constexpr std::size_t kMostFromOneByte = 1100;

// zlib's inflate of what has no header of its own, freed on every way out.
class Inflate {
 public:
  Inflate() { ready_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK; }
  ~Inflate() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;

  // Whether `from` is one stream that holds just as many bytes as `to`. (Both are less than 4 GB.)
  bool run(Bytes from, std::span<std::byte> to) {
    if (!ready_) return false;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(from.data()));
    stream_.avail_in = static_cast<uInt>(from.size());
    stream_.next_out = reinterpret_cast<Bytef*>(to.data());
    stream_.avail_out = static_cast<uInt>(to.size());
    return inflate(&stream_, Z_FINISH) == Z_STREAM_END && stream_.avail_in == 0 && stream_.avail_out == 0;
  }

 private:
  z_stream stream_ = {};
  bool ready_;
};

}  // namespace

Reader::Reader(Bytes file, std::string path) : file_(file), path_(std::move(path)) {
  const std::size_t directory = read_directory();
  for (Entry& entry : entries_) entry.begin = content_of(entry, directory);
  refuse_overlaps();
}

std::vector<std::string> Reader::names() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) names.push_back(entry.name);
  return names;
}

Bytes Reader::read(std::string_view name, std::size_t at_most, std::vector<std::byte>& memory) const {
  const Entry* const entry = find(name);
  if (entry == nullptr) fail("the archive has no entry '" + std::string(name) + "'");
  if (entry->content_size > at_most) {
    fail(*entry,
         "holds " + std::to_string(entry->content_size) + " bytes; expected are at most " + std::to_string(at_most));
  }
  Bytes content = file_.subspan(entry->begin, entry->size);
  if (entry->is_deflated) {
    allocating(
        Size(static_cast<Index>(entry->content_size)),
        [&] { memory.resize(entry->content_size + 1); },  // zlib wants an address for nothing, too
        [&] { return "entry '" + entry->name + "' of the file '" + path_ + "'"; });
    memory.pop_back();
    if (!Inflate().run(content, memory)) fail(*entry, "is damaged: its compressed bytes do not make what it says");
    content = memory;
  }
  if (zip::check_sum(0, content) != entry->check_sum) fail(*entry, "is damaged: its check sum is another");
  return content;
}

const Reader::Entry* Reader::find(std::string_view name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? nullptr : &entries_[found->second];
}

// The record at the end of the file says where the list is. Only a comment may stand behind it.
std::size_t Reader::read_directory() {
  if (file_.size() < End::kSize) fail("it is no zip archive: it has " + std::to_string(file_.size()) + " bytes");
  const std::size_t last = file_.size() - End::kSize, first = last - std::min(last, kLongestText);
  std::size_t end = last;
  while (number(end, 4) != End::kSignature || number(end + End::kComment, 2) != last - end) {
    if (end == first) fail("it is no zip archive, or cut off: there is no list of entries at its end");
    --end;
  }
  if (end >= End64::kSize && number(end - End64::kSize, 4) == End64::kSignature) refuse_zip64();
  const std::size_t count = number(end + End::kCount, 2), size = number(end + End::kDirectorySize, 4),
                    directory = number(end + End::kDirectory, 4);
  if (count == 0xFFFF || size == kElsewhere || directory == kElsewhere) refuse_zip64();
  if (number(end + End::kDisk, 4) != 0 || number(end + End::kCountHere, 2) != count) {
    fail("archives in several parts are not supported");
  }
  if (directory > end || size != end - directory) fail("its list of entries is not where it says");
  std::size_t at = directory;
  for (std::size_t i = 0; i < count; ++i) {
    Entry entry = entry_at(at, end);
    if (!places_.emplace(entry.name, i).second) fail(entry, "is there twice");
    entries_.push_back(std::move(entry));
  }
  if (at != end) fail("its list of entries is longer than it says");
  return directory;
}

Reader::Entry Reader::entry_at(std::size_t& at, std::size_t end) const {
  if (end - at < Listed::kSize || number(at, 4) != Listed::kSignature) fail("its list of entries is damaged");
  const std::size_t name = number(at + Listed::kName, 2), more = number(at + Listed::kExtra, 2),
                    comment = number(at + Listed::kComment, 2);
  if (end - at < Listed::kSize + name + more + comment) fail("its list of entries is cut off");
  const std::size_t method = number(at + Listed::kMethod, 2);
  Entry entry{.name = text(file_.subspan(at + Listed::kSize, name)),
              .is_deflated = method == kDeflated,
              .check_sum = static_cast<std::uint32_t>(number(at + Listed::kCheckSum, 4)),
              .size = number(at + Listed::kEntrySize, 4),
              .content_size = number(at + Listed::kContentSize, 4),
              .header = number(at + Listed::kHeader, 4),
              .begin = 0};
  if (std::max({entry.size, entry.content_size, entry.header}) == kElsewhere) refuse_zip64();
  if ((number(at + Listed::kFlags, 2) & kEncrypted) != 0) fail(entry, "is encrypted, which is not supported");
  if (method != kStored && method != kDeflated) {
    fail(entry,
         "is compressed by method " + std::to_string(method) + "; only 0 (stored) and 8 (deflated) are supported");
  }
  at += Listed::kSize + name + more + comment;
  return entry;
}

// Before the content stands a header of its own, which must name the same entry.
std::size_t Reader::content_of(const Entry& entry, std::size_t directory) const {
  if (entry.header > directory || directory - entry.header < Local::kSize ||
      number(entry.header, 4) != Local::kSignature) {
    fail(entry, "is not where the list of entries says");
  }
  const std::size_t name = number(entry.header + Local::kName, 2), more = number(entry.header + Local::kExtra, 2),
                    room = directory - entry.header - Local::kSize;
  if (room < name + more || room - name - more < entry.size) fail(entry, "is longer than the file");
  if (text(file_.subspan(entry.header + Local::kSize, name)) != entry.name) {
    fail(entry, "has another name where it stands");
  }
  const bool is_possible =
      entry.is_deflated ? entry.content_size / kMostFromOneByte <= entry.size : entry.content_size == entry.size;
  if (!is_possible) {
    fail(entry, "cannot hold " + std::to_string(entry.content_size) + " bytes in its " + std::to_string(entry.size));
  }
  return entry.header + Local::kSize + name + more;
}

void Reader::refuse_overlaps() const {
  std::vector<const Entry*> sorted;
  for (const Entry& entry : entries_) sorted.push_back(&entry);
  std::ranges::sort(sorted, {}, &Entry::header);
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const Entry& before = *sorted[i - 1];
    if (before.begin + before.size > sorted[i]->header) fail(*sorted[i], "shares bytes with '" + before.name + "'");
  }
}

std::uint64_t Reader::number(std::size_t at, std::size_t bytes) const {
  return core::little_endian(file_.subspan(at, bytes));
}

void Reader::refuse_zip64() const {
  fail(
      "archives in the form for more than 4 GB or 65,534 entries (zip64) are not supported; write it anew with "
      "Python's zipfile, say");
}

void Reader::fail(const std::string& why) const { throw FileError("'" + path_ + "': " + why); }

void Reader::fail(const Entry& entry, const std::string& why) const { fail("its entry '" + entry.name + "' " + why); }

}  // namespace rondo::zip
