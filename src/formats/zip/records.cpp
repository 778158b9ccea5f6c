#include "formats/zip/records.hpp"

#include <zlib.h>

#include "kernels/crc_fold.hpp"

namespace rondo::zip {

std::string text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

namespace {

std::uint32_t added(std::uint32_t sum, Bytes bytes) {
  return static_cast<std::uint32_t>(crc32_z(sum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

std::uint32_t check_sum(std::uint32_t sum, Bytes piece) {
  if (piece.empty()) return sum;                        // perhaps without an address, for which zlib begins anew
  constexpr std::uint32_t kZeroRegister = 0xFFFF'FFFF;  // zlib keeps it inverted
  const kernels::FoldedCrc folded = kernels::fold_crc(sum, piece);
  return added(folded.bytes > 0 ? added(kZeroRegister, folded.rest) : sum, piece.subspan(folded.bytes));
}

}  // namespace rondo::zip
