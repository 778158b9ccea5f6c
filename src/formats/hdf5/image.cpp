#include "formats/hdf5/image.hpp"

#include <rondo/error.hpp>

namespace rondo::hdf5 {

void Place::fail(std::uint64_t address, std::string_view why) const {
  throw FileError("'" + image->name + "', byte " + std::to_string(image->base + address) + ", in " + quoted(path) +
                  ": " + std::string(why));
}

void Place::fail(std::string_view why) const {
  throw FileError("'" + image->name + "', in " + quoted(path) + ": " + std::string(why));
}

void Place::spend(std::uint64_t bytes) const {
  if (bytes > image->left) {
    fail("the same parts of the file are read again and again: its objects lie on top of each other");
  }
  image->left -= bytes;
}

std::string quoted(std::string_view name) {
  constexpr std::size_t kLongest = 200;
  std::string text = "'";
  for (const char c : name.substr(0, kLongest)) text += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
  return text + (name.size() > kLongest ? "...'" : "'");
}

}  // namespace rondo::hdf5
