// The bytes of an HDF5 file, and who is spoken of when something is wrong with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace rondo::hdf5 {

// What an address is where nothing was stored.
inline constexpr std::uint64_t kNowhere = UINT64_MAX;

// Names of links are shorter in practice; longer ones make comparing them slow.
inline constexpr std::size_t kLongestName = 4096;

// What the superblock tells.
struct Image {
  std::span<const std::byte> bytes;  // of the file from the byte on where addresses begin
  std::string name;                  // for messages
  std::uint64_t base = 0;            // where in the file `bytes` begin
  std::uint64_t address_size = 8;    // bytes of an address
  std::uint64_t length_size = 8;     // bytes of a length
  std::uint64_t root = kNowhere;     // the root group's header
  bool verify_checksums = true;
  // Bytes that all answers together may still take: one thread asks at a time.
  mutable std::uint64_t left = UINT64_MAX;
};

// An object of a file.
struct Place {
  std::shared_ptr<const Image> image;
  std::string path;

  // FileError: "'a.h5', byte 96, in '/layers': <why>".
  [[noreturn]] void fail(std::uint64_t address, std::string_view why) const;
  // FileError: "'a.h5', in '/layers': <why>".
  [[noreturn]] void fail(std::string_view why) const;
  // Counts what an answer takes; FileError where all together have taken too much.
  void spend(std::uint64_t bytes) const;
};

// A name of the file in a message: in quotes, what cannot be printed as '?', and cut where it is long.
std::string quoted(std::string_view name);

}  // namespace rondo::hdf5
