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

constexpr Index kWords = 4 * kBlocksAtOnce;
constexpr std::size_t kRoom = static_cast<std::size_t>(kWords);

// `count` blocks from `first` on, which is the counter's first two words: block after block, and if wanted their first
// words, then their second ones, ..., kBlocksAtOnce apart.
#if HWY_TARGET == HWY_SCALAR
template <class T>
void Blocks(const DropoutArgs<T>& p, std::uint64_t first, Index count, std::uint32_t* words, std::uint32_t* planes) {
  for (Index n = 0; n < count; ++n, ++first) {
    const auto block = philox4x32(
        {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(first >> 32), p.counter[2], p.counter[3]},
        p.key);
    for (Index i = 0; i < 4; ++i) {
      words[4 * n + i] = block[static_cast<std::size_t>(i)];
      if (planes != nullptr) planes[i * kBlocksAtOnce + n] = words[4 * n + i];
    }
  }
}
#else
// By vectors, whose 64-bit lanes hold a word in their lower half: a product of two words needs them apart, and what is
// in the upper half is of no account.
template <class T>
void Blocks(const DropoutArgs<T>& p, std::uint64_t first, Index count, std::uint32_t* words, std::uint32_t* planes) {
  const hn::ScalableTag<std::uint64_t> d;
  const hn::Repartition<std::uint32_t, decltype(d)> halves;
  const hn::Rebind<std::uint32_t, decltype(d)> narrow;
  using V = hn::Vec<decltype(d)>;
  const auto word = [&](std::uint32_t value) HWY_ATTR { return hn::Set(d, std::uint64_t{value}); };
  const auto times = [&](V a, V b) HWY_ATTR { return hn::MulEven(hn::BitCast(halves, a), hn::BitCast(halves, b)); };
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const V left = word(0xD2511F53u), right = word(0xCD9E8D57u);
  for (Index n = 0; n < count; n += lanes, first += static_cast<std::uint64_t>(lanes)) {
    const V counter = hn::Add(hn::Set(d, first), hn::Iota(d, 0));
    V c0 = counter, c1 = hn::ShiftRight<32>(counter), c2 = word(p.counter[2]), c3 = word(p.counter[3]);
    std::uint32_t k0 = p.key[0], k1 = p.key[1];
    for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
      const V a = times(c0, left), b = times(c2, right);
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(b), c1), word(k0));
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(a), c3), word(k1));
      c1 = b;
      c3 = a;
    }
    const auto low = hn::TruncateTo(narrow, c0), second = hn::TruncateTo(narrow, c1),
               third = hn::TruncateTo(narrow, c2), last = hn::TruncateTo(narrow, c3);
    hn::StoreInterleaved4(low, second, third, last, narrow, words + 4 * n);
    if (planes == nullptr) continue;
    hn::StoreU(low, narrow, planes + n);
    hn::StoreU(second, narrow, planes + kBlocksAtOnce + n);
    hn::StoreU(third, narrow, planes + 2 * kBlocksAtOnce + n);
    hn::StoreU(last, narrow, planes + 3 * kBlocksAtOnce + n);
  }
}
#endif

template <class T>
HWY_INLINE void FactorsOfWords(const DropoutArgs<T>& p, const std::uint32_t* words, Index count, T* factors) {
  const std::uint32_t keep_from = p.keep_from;
  const T kept = p.kept;
  for (Index i = 0; i < count; ++i) factors[i] = words[i] >= keep_from ? kept : T{0};
}

HWY_INLINE std::uint64_t FirstBlock(const std::array<std::uint32_t, 4>& counter) {
  return std::uint64_t{counter[1]} << 32 | counter[0];
}

template <class T>
void DropoutFactors(const DropoutArgs<T>& p, T* factors, Index count) {
  HWY_ALIGN std::uint32_t words[kRoom];
  std::uint64_t first = FirstBlock(p.counter);
  for (Index begin = 0; begin < count; begin += kWords, first += kBlocksAtOnce) {
    const Index n = HWY_MIN(kWords, count - begin);
    Blocks(p, first, (n + 3) / 4, words, nullptr);
    FactorsOfWords(p, words, n, factors + begin);
  }
}

template <class T>
void DropoutRecords(const DropoutArgs<T>& p, T* records, T* planes, Index plane, Index numbers) {
  HWY_ALIGN std::uint32_t words[kRoom], by_plane[kRoom];
  std::uint64_t first = FirstBlock(p.counter);
  for (Index begin = 0; begin < numbers; begin += kBlocksAtOnce, first += kBlocksAtOnce) {
    const Index n = HWY_MIN(kBlocksAtOnce, numbers - begin);
    Blocks(p, first, n, words, by_plane);
    FactorsOfWords(p, words, 4 * n, records + 4 * begin);
    for (Index i = 0; i < 4; ++i) {
      FactorsOfWords(p, by_plane + i * kBlocksAtOnce, n, planes + i * plane + begin);
    }
  }
}

void FillDropout(KernelTable& table) {
  table.f32.dropout_factors = DropoutFactors<float>;
  table.f64.dropout_factors = DropoutFactors<double>;
  table.f32.dropout_records = DropoutRecords<float>;
  table.f64.dropout_records = DropoutRecords<double>;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
