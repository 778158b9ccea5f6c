// Factors of dropout, by Philox4x32-10 on vectors of blocks (core/random.cpp has it for one).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dropout.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <rondo/random.hpp>

#include "kernels/table.hpp"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr Index kBlocksAtOnce = 64;  // whole vectors on every target

#if HWY_TARGET == HWY_SCALAR
template <class T>
void Blocks(const DropoutArgs<T>& p, std::uint64_t first, Index count, std::uint32_t* words) {
  for (Index n = 0; n < count; ++n, ++first) {
    const auto block = philox4x32(
        {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(first >> 32), p.counter[2], p.counter[3]},
        p.key);
    for (const std::uint32_t word : block) *words++ = word;
  }
}
#else
using D = hn::ScalableTag<std::uint32_t>;
using V = hn::Vec<D>;

struct Product {
  V high, low;
};
HWY_INLINE Product Multiply(V a, V b) {
  const D d;
  const auto even = hn::MulEven(a, b), odd = hn::MulEven(hn::DupOdd(a), hn::DupOdd(b));
  return {hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even))),
          hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even))};
}

// `count` blocks from `first` on, which is the counter's first two words; by vectors.
template <class T>
void Blocks(const DropoutArgs<T>& p, std::uint64_t first, Index count, std::uint32_t* words) {
  const D d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const V left = hn::Set(d, 0xD2511F53u), right = hn::Set(d, 0xCD9E8D57u), one = hn::Set(d, 1u);
  for (Index n = 0; n < count; n += lanes, first += static_cast<std::uint64_t>(lanes)) {
    const V low = hn::Set(d, static_cast<std::uint32_t>(first));
    V c0 = hn::Add(low, hn::Iota(d, 0)), c1 = hn::Set(d, static_cast<std::uint32_t>(first >> 32));
    c1 = hn::Add(c1, hn::IfThenElseZero(hn::Lt(c0, low), one));  // the carry
    V c2 = hn::Set(d, p.counter[2]), c3 = hn::Set(d, p.counter[3]);
    std::uint32_t k0 = p.key[0], k1 = p.key[1];
    for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
      const Product a = Multiply(c0, left), b = Multiply(c2, right);
      c0 = hn::Xor(hn::Xor(b.high, c1), hn::Set(d, k0));
      c2 = hn::Xor(hn::Xor(a.high, c3), hn::Set(d, k1));
      c1 = b.low;
      c3 = a.low;
    }
    hn::StoreInterleaved4(c0, c1, c2, c3, d, words + 4 * n);
  }
}
#endif

template <class T>
void DropoutFactors(const DropoutArgs<T>& p, T* factors, Index count) {
  constexpr Index kWords = 4 * kBlocksAtOnce;
  HWY_ALIGN std::uint32_t words[static_cast<size_t>(kWords)];
  const std::uint32_t keep_from = p.keep_from;
  const T kept = p.kept;
  std::uint64_t first = std::uint64_t{p.counter[1]} << 32 | p.counter[0];
  for (Index begin = 0; begin < count; begin += kWords, first += kBlocksAtOnce) {
    const Index n = HWY_MIN(kWords, count - begin);
    Blocks(p, first, (n + 3) / 4, words);
    for (Index i = 0; i < n; ++i) factors[begin + i] = words[i] >= keep_from ? kept : T{0};
  }
}

void FillDropout(KernelTable& table) {
  table.f32.dropout_factors = DropoutFactors<float>;
  table.f64.dropout_factors = DropoutFactors<double>;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
