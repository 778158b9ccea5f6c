// Zip archives put together record by record, in the ways of various writers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>
#include <zlib.h>

namespace rondo::test {

struct ZipEntry {
  std::string name, content;
  bool deflated = false;
  int level = 9;  // of deflating: 1 is fast
  // How a stream is written: sizes and check sum stand behind the content, and are 0 before it.
  bool sizes_behind = false;
  std::string extra = {}, comment = {};  // in the list
  std::uint32_t attributes = 0644U << 16;
  // What the records say instead of the truth.
  std::uint32_t wrong_check_sum = 0, wrong_size = 0;
};

struct ZipOptions {
  std::string comment = {};
  bool zip64 = false;  // the records of a large archive, as some writers make them for any
};

// Little-endian.
inline std::string zip_number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i & 0xFF);
  return text;
}

inline std::string raw_deflated(const std::string& content, int level) {
  std::string packed(compressBound(content.size()) + 100, '\0');
  z_stream stream = {};
  deflateInit2(&stream, level, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// An archive of entries in this order.
inline std::string zip_of(const std::vector<ZipEntry>& entries, const ZipOptions& options = {}) {
  const auto n = zip_number;
  constexpr std::uint64_t kElsewhere = 0xFFFF'FFFF;
  std::string file, list;
  for (const ZipEntry& e : entries) {
    const std::string stored = e.deflated ? raw_deflated(e.content, e.level) : e.content;
    const std::uint32_t size = e.wrong_size != 0 ? e.wrong_size : static_cast<std::uint32_t>(e.content.size());
    const std::uint64_t sum = e.wrong_check_sum != 0 ? e.wrong_check_sum
                                                     : crc32_z(0, reinterpret_cast<const Bytef*>(e.content.data()),
                                                               static_cast<z_size_t>(e.content.size()));
    const std::uint64_t header = file.size();
    const std::string kind = n(options.zip64 ? 45 : 20, 2) + n(0x800 | (e.sizes_behind ? 8 : 0), 2) +
                             n(e.deflated ? 8 : 0, 2) + n(33 << 16, 4);
    const std::string sizes = n(stored.size(), 4) + n(size, 4);
    file += n(0x04034B50, 4) + kind;
    file += e.sizes_behind ? std::string(12, '\0') : n(sum, 4) + sizes;
    file += n(e.name.size(), 2) + n(0, 2) + e.name + stored;
    if (e.sizes_behind) file += n(0x08074B50, 4) + n(sum, 4) + sizes;
    std::string extra = e.extra;
    if (options.zip64) extra += n(1, 2) + n(24, 2) + n(size, 8) + n(stored.size(), 8) + n(header, 8);
    list += n(0x02014B50, 4) + n(3U << 8 | 45, 2) + kind + n(sum, 4);
    list += options.zip64 ? n(kElsewhere, 4) + n(kElsewhere, 4) : sizes;
    list += n(e.name.size(), 2) + n(extra.size(), 2) + n(e.comment.size(), 2) + n(0, 4) + n(e.attributes, 4);
    list += n(options.zip64 ? kElsewhere : header, 4) + e.name + extra + e.comment;
  }
  const std::uint64_t directory = file.size(), count = entries.size();
  file += list;
  if (options.zip64) {
    const std::uint64_t end64 = file.size();
    file += n(0x06064B50, 4) + n(44, 8) + n(45, 2) + n(45, 2) + n(0, 8) + n(count, 8) + n(count, 8);
    file += n(list.size(), 8) + n(directory, 8);
    file += n(0x07064B50, 4) + n(0, 4) + n(end64, 8) + n(1, 4);
  }
  file += n(0x06054B50, 4) + n(0, 4) + n(count, 2) + n(count, 2) + n(list.size(), 4);
  file += n(options.zip64 ? kElsewhere : directory, 4) + n(options.comment.size(), 2) + options.comment;
  return file;
}

}  // namespace rondo::test
