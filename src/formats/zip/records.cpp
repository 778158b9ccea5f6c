#include "formats/zip/records.hpp"

#include <ranges>
#include <zlib.h>

#include "kernels/crc_fold.hpp"

namespace rondo::zip {

std::uint64_t number(Bytes bytes) {
  std::uint64_t value = 0;
  for (const std::byte byte : bytes | std::views::reverse) value = value << 8 | static_cast<std::uint64_t>(byte);
  return value;
}

std::string text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

namespace {

uLong added(uLong sum, Bytes bytes) { return crc32_z(sum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()); }

}  // namespace

std::uint32_t check_sum(std::span<const Bytes> pieces) {
  constexpr uLong kZeroRegister = 0xFFFF'FFFF;  // zlib keeps it inverted
  uLong sum = crc32_z(0, nullptr, 0);
  for (const Bytes piece : pieces) {
    if (piece.empty()) continue;  // perhaps without an address, for which zlib begins anew
    const kernels::FoldedCrc folded = kernels::fold_crc(static_cast<std::uint32_t>(sum), piece);
    if (folded.bytes > 0) sum = added(kZeroRegister, folded.rest);
    sum = added(sum, piece.subspan(folded.bytes));
  }
  return static_cast<std::uint32_t>(sum);
}

}  // namespace rondo::zip
