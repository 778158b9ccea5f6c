// What dropout keeps, by Philox4x32-10 on vectors of blocks (core/random.cpp has it for one).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dropout.cpp"
#include <cstring>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <rondo/random.hpp>

#include "kernels/table.hpp"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr Index kBlocksAtOnce = 64;  // whole vectors on every target, and a word of bits
constexpr Index kWords = 4 * kBlocksAtOnce;

// The blocks of a draw. The first two words of their counter are a number that runs on.
#if HWY_TARGET == HWY_SCALAR
class Blocks {
 public:
  explicit Blocks(const DropoutDraw& p) : p_(p) {}

  // Block after block.
  void Words(std::uint64_t first, Index count, std::uint32_t* words) const {
    for (Index n = 0; n < count; ++n) {
      const auto block = At(first + static_cast<std::uint64_t>(n));
      for (Index i = 0; i < 4; ++i) words[4 * n + i] = block[static_cast<std::size_t>(i)];
    }
  }
  // Sets a bit for each block whose word i is kept.
  void Kept(std::uint64_t first, Index count, std::uint64_t (&bits)[4]) const {
    for (Index n = 0; n < count; ++n) {
      const auto block = At(first + static_cast<std::uint64_t>(n));
      for (std::size_t i = 0; i < 4; ++i) bits[i] |= std::uint64_t{block[i] >= p_.keep_from} << n;
    }
  }

 private:
  std::array<std::uint32_t, 4> At(std::uint64_t n) const {
    return philox4x32(
        {static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(n >> 32), p_.counter[2], p_.counter[3]}, p_.key);
  }
  DropoutDraw p_;
};
#else
class Blocks {
 public:
  explicit Blocks(const DropoutDraw& p) : p_(p) {
    std::uint32_t k0 = p.key[0], k1 = p.key[1];
    for (std::size_t round = 0; round < kRounds; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
      key0_[round] = k0;
      key1_[round] = k1;
    }
  }

  // Block after block; for whole vectors of them.
  void Words(std::uint64_t first, Index count, std::uint32_t* words) const {
    const hn::Rebind<std::uint32_t, D> narrow;
    const auto word = [&](V lanes) HWY_ATTR { return hn::TruncateTo(narrow, lanes); };
    for (Index n = 0; n < count; n += kChains * kLanes) {
      const Vectors c = At(first + static_cast<std::uint64_t>(n));
      RONDO_UNROLL
      for (Index i = 0; i < kChains; ++i) {
        hn::StoreInterleaved4(word(c.w0[i]), word(c.w1[i]), word(c.w2[i]), word(c.w3[i]), narrow,
                              words + 4 * (n + i * kLanes));
      }
    }
  }
  // Sets a bit for each block whose word i is kept; for whole vectors of them.
  void Kept(std::uint64_t first, Index count, std::uint64_t (&bits)[4]) const {
    for (Index n = 0; n < count; n += kChains * kLanes) {
      const Vectors c = At(first + static_cast<std::uint64_t>(n));
      RONDO_UNROLL
      for (Index i = 0; i < kChains; ++i) {
        const Index at = n + i * kLanes;
        bits[0] |= KeptBits(c.w0[i]) << at;
        bits[1] |= KeptBits(c.w1[i]) << at;
        bits[2] |= KeptBits(c.w2[i]) << at;
        bits[3] |= KeptBits(c.w3[i]) << at;
      }
    }
  }

 private:
  using D = hn::ScalableTag<std::uint64_t>;
  using V = hn::Vec<D>;
  static constexpr Index kLanes = hn::MaxLanes(D());
  static constexpr Index kChains = 2;  // a processor has time for two beside each other
  static constexpr std::size_t kRounds = 10;
  static_assert(kBlocksAtOnce % (kChains * kLanes) == 0);

  // Words of as many blocks as lanes, in the lower halves: a product of two words needs them apart, and what is in the
  // upper halves is of no account.
  struct Vectors {
    V w0[kChains], w1[kChains], w2[kChains], w3[kChains];
  };
  HWY_INLINE Vectors At(std::uint64_t first) const {
    const D d;
    const hn::Repartition<std::uint32_t, D> halves;
    const auto times = [&](V a, std::uint64_t b)
                           HWY_ATTR { return hn::MulEven(hn::BitCast(halves, a), hn::BitCast(halves, hn::Set(d, b))); };
    Vectors c;
    RONDO_UNROLL
    for (Index i = 0; i < kChains; ++i) {
      c.w0[i] = hn::Add(hn::Set(d, first + static_cast<std::uint64_t>(i * kLanes)), hn::Iota(d, 0));
      c.w1[i] = hn::ShiftRight<32>(c.w0[i]);
      c.w2[i] = hn::Set(d, p_.counter[2]);
      c.w3[i] = hn::Set(d, p_.counter[3]);
    }
    RONDO_UNROLL
    for (std::size_t round = 0; round < kRounds; ++round) {
      RONDO_UNROLL
      for (Index i = 0; i < kChains; ++i) {
        const V a = times(c.w0[i], 0xD2511F53u), b = times(c.w2[i], 0xCD9E8D57u);
        c.w0[i] = hn::Xor3(hn::ShiftRight<32>(b), c.w1[i], hn::Set(d, key0_[round]));
        c.w2[i] = hn::Xor3(hn::ShiftRight<32>(a), c.w3[i], hn::Set(d, key1_[round]));
        c.w1[i] = b;
        c.w3[i] = a;
      }
    }
    return c;
  }
  HWY_INLINE std::uint64_t KeptBits(V words) const {
    const D d;
    const V least = hn::Set(d, std::uint64_t{p_.keep_from} << 32);
    std::uint8_t bytes[8] = {};  // as many as may be written
    hn::StoreMaskBits(d, hn::Not(hn::Lt(hn::ShiftLeft<32>(words), least)), bytes);
    return bytes[0];
  }

  DropoutDraw p_;
  std::uint64_t key0_[kRounds], key1_[kRounds];
};
#endif

std::uint64_t FirstBlock(const DropoutDraw& p) { return std::uint64_t{p.counter[1]} << 32 | p.counter[0]; }

template <class T>
void DropoutFactors(const DropoutDraw& p, T kept, T* factors, Index count) {
  const Blocks blocks(p);
  std::uint32_t words[kWords];
  std::uint64_t first = FirstBlock(p);
  for (Index begin = 0; begin < count; begin += kWords, first += kBlocksAtOnce) {
    const Index n = HWY_MIN(kWords, count - begin);
    blocks.Words(first, (n + 3) / 4, words);
    const std::uint32_t keep_from = p.keep_from;
    for (Index i = 0; i < n; ++i) factors[begin + i] = words[i] >= keep_from ? kept : T{0};
  }
}

// Bit i of 16 becomes bit 4 i.
HWY_INLINE std::uint64_t EveryFourth(std::uint64_t bits) {
  bits = (bits | bits << 24) & 0x000000FF000000FF;
  bits = (bits | bits << 12) & 0x000F000F000F000F;
  bits = (bits | bits << 6) & 0x0303030303030303;
  return (bits | bits << 3) & 0x1111111111111111;
}

void DropoutBits(const DropoutDraw& p, const Rows<std::uint8_t>& bits, Index rows, Index numbers) {
  const Blocks blocks(p);
  const Index plane = dropped_plane(numbers);
  std::uint64_t first = FirstBlock(p);
  for (Index b = 0; b < rows; ++b, first += static_cast<std::uint64_t>(numbers)) {
    std::uint8_t* to = bits.at(b, 0);
    for (Index begin = 0; begin < numbers; begin += kBlocksAtOnce) {
      std::uint64_t gates[4] = {}, records[4] = {};
      blocks.Kept(first + static_cast<std::uint64_t>(begin), HWY_MIN(kBlocksAtOnce, numbers - begin), gates);
      for (Index i = 0; i < 4; ++i) {
        for (Index gate = 0; gate < 4; ++gate) records[i] |= EveryFourth(gates[gate] >> (16 * i) & 0xFFFF) << gate;
      }
      std::memcpy(to + 4 * begin / 8, records, sizeof records);
      for (Index gate = 0; gate < 4; ++gate) std::memcpy(to + (4 + gate) * plane + begin / 8, gates + gate, 8);
    }
  }
}

void FillDropout(KernelTable& table) {
  table.f32.dropout_factors = DropoutFactors<float>;
  table.f64.dropout_factors = DropoutFactors<double>;
  table.dropout_bits = DropoutBits;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
