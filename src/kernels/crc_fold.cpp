#include "kernels/crc_fold.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/crc_fold.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSE4 && !defined(HWY_DISABLE_PCLMUL_AES)
// The polynomial is reflected: the remainders of x^(n + 32) and x^(n - 32), bit-reversed, move a block on by n bits.
FoldedCrc FoldCrc(std::uint32_t sum, std::span<const std::byte> data) {
  constexpr std::size_t kBlock = 16, kRound = 4 * kBlock;
  if (data.size() < kRound) return {};
  const hn::Full128<std::uint64_t> d;
  alignas(16) constexpr std::uint64_t kFourBlocks[] = {0x154442BD4, 0x1C6E41596},
                                      kOneBlock[] = {0x1751997D0, 0x0CCAA009E}, kOnes[] = {0xFFFF'FFFF, 0};
  const auto load = [&](std::size_t at)
                        HWY_ATTR { return hn::LoadU(d, reinterpret_cast<const std::uint64_t*>(data.data() + at)); };
  const auto moved = [&](auto block, auto by)
                         HWY_ATTR { return hn::Xor(hn::CLMulLower(block, by), hn::CLMulUpper(block, by)); };
  // The register stands in the first four bytes; zlib keeps it inverted.
  alignas(16) const std::uint64_t before[] = {sum, 0};
  auto a = hn::Xor(load(0), hn::Xor(hn::Load(d, before), hn::Load(d, kOnes)));
  auto b = load(kBlock), c = load(2 * kBlock), e = load(3 * kBlock);
  std::size_t at = kRound;
  const auto four = hn::Load(d, kFourBlocks), one = hn::Load(d, kOneBlock);
  for (; at + kRound <= data.size(); at += kRound) {
    a = hn::Xor(moved(a, four), load(at));
    b = hn::Xor(moved(b, four), load(at + kBlock));
    c = hn::Xor(moved(c, four), load(at + 2 * kBlock));
    e = hn::Xor(moved(e, four), load(at + 3 * kBlock));
  }
  b = hn::Xor(moved(a, one), b);
  c = hn::Xor(moved(b, one), c);
  e = hn::Xor(moved(c, one), e);
  FoldedCrc folded{.bytes = at};
  hn::StoreU(e, d, reinterpret_cast<std::uint64_t*>(folded.rest.data()));
  return folded;
}
#else
FoldedCrc FoldCrc(std::uint32_t, std::span<const std::byte>) { return {}; }
#endif

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rondo::kernels {

HWY_EXPORT(FoldCrc);

FoldedCrc fold_crc(std::uint32_t sum, std::span<const std::byte> data) {
  return HWY_DYNAMIC_DISPATCH(FoldCrc)(sum, data);
}

}  // namespace rondo::kernels
#endif
