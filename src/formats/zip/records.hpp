// The records of a zip archive (APPNOTE.TXT of PKWARE, 4.3): where their fields stand, in bytes from the record's
// begin. Numbers are little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/atomic_file.hpp"

namespace rondo::zip {

using core::Bytes;

constexpr std::size_t kLongestText = 0xFFFF;               // of names, comments
constexpr std::uint64_t kStored = 0, kDeflated = 8;        // methods
constexpr std::uint64_t kEncrypted = 1, kUtf8 = 1U << 11;  // flags

// Before each entry's content.
struct Local {
  static constexpr std::uint64_t kSignature = 0x04034B50;
  static constexpr std::size_t kSize = 30, kName = 26, kExtra = 28;
};

// One entry in the list at the end.
struct Listed {
  static constexpr std::uint64_t kSignature = 0x02014B50;
  static constexpr std::size_t kSize = 46, kFlags = 8, kMethod = 10, kCheckSum = 16, kEntrySize = 20, kContentSize = 24,
                               kName = 28, kExtra = 30, kComment = 32, kHeader = 42;
};

// Behind the list.
struct End {
  static constexpr std::uint64_t kSignature = 0x06054B50;
  static constexpr std::size_t kSize = 22, kDisk = 4, kCountHere = 8, kCount = 10, kDirectorySize = 12, kDirectory = 16,
                               kComment = 20;
};

// Before that, in zip64: where numbers of 8 bytes are, which there have all bits set.
struct End64 {
  static constexpr std::uint64_t kSignature = 0x07064B50;
  static constexpr std::size_t kSize = 20;
};
constexpr std::size_t kElsewhere = 0xFFFF'FFFF;

std::string text(Bytes bytes);
// Goes on from the check sum of what came before, which is 0 of nothing.
std::uint32_t check_sum(std::uint32_t sum, Bytes piece);

}  // namespace rondo::zip
