#include "core/sizes.hpp"

#include <cstdint>
#include <iterator>

#include "core/names.hpp"

namespace rondo {

std::string Size::text() const {
  if (known_) return std::to_string(count_);
  return about_ < 0 ? number_text(about_) : "about " + number_text(about_, 2);
}

Index Size::count(std::string_view what) const {
  if (known_) return count_;
  throw ShapeError(std::string(what) + ": " + text() + " were asked for; sizes run from 0 to " +
                   std::to_string(INT64_MAX));
}

std::size_t Size::bytes(DType dtype, std::string_view what) const {
  const Size all = bytes(dtype);
  if (!all.known_) throw_out_of_memory(all, what);
  return static_cast<std::size_t>(all.count_);
}

std::string bytes_text(Size bytes) {
  if (bytes.about() < 1000) return number_text(bytes.about()) + " bytes";
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double amount = bytes.about() / 1000;
  std::size_t unit = 0;
  for (; amount >= 999.5 && unit + 1 < std::size(kUnits); ++unit) amount /= 1000;
  return number_text(amount, 3) + " " + kUnits[unit];
}

void throw_out_of_memory(Size bytes, std::string_view what) {
  throw MemoryError(
      std::string(what) + ": " + bytes_text(bytes) +
      " were asked for, and the system does not give so much memory; make it smaller, or cut it into parts");
}

}  // namespace rondo
