// Between floats and bfloat16 on vectors: rounding (to_bf16 of bf16.hpp) and back, which is exact. Portable, with the
// same bits on every target.

#if defined(RONDO_KERNELS_BF16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_BF16_INL_H_
#undef RONDO_KERNELS_BF16_INL_H_
#else
#define RONDO_KERNELS_BF16_INL_H_
#endif

#include <cstring>
#include <hwy/highway.h>

#include "kernels/bf16.hpp"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
using BitsOf = hn::Vec<hn::RebindToUnsigned<D>>;

// The upper half of the result is the bfloat16; the lower one is what happens to stand there.
template <class D>
HWY_INLINE BitsOf<D> RoundedBits(D /*d*/, hn::Vec<D> x) {
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, x);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  const auto rounded = hn::Add(hn::Add(bits, hn::Set(du, 0x7fff)), odd);
  const auto quiet = hn::Or(bits, hn::Set(du, 0x400000));
  return hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(x)), quiet, rounded);
}

// The pairs whose first number is x and whose second is y.
template <class D>
HWY_INLINE BitsOf<D> PairUp(D d, hn::Vec<D> x, hn::Vec<D> y) {
  const hn::RebindToUnsigned<D> du;
  return hn::Or(hn::ShiftRight<16>(RoundedBits(d, x)), hn::And(RoundedBits(d, y), hn::Set(du, 0xffff0000u)));
}

// The first and the second numbers of pairs, as floats.
template <class D>
HWY_INLINE hn::Vec<D> FirstOfPairs(D d, BitsOf<D> pairs) {
  return hn::BitCast(d, hn::ShiftLeft<16>(pairs));
}
template <class D>
HWY_INLINE hn::Vec<D> SecondOfPairs(D d, BitsOf<D> pairs) {
  return hn::BitCast(d, hn::And(pairs, hn::Set(hn::RebindToUnsigned<D>(), 0xffff0000u)));
}

// Numbers in a row of pairs by their own index.
HWY_INLINE void SetBf16(Bf16Pair* row, Index i, Bf16 value) {
  std::memcpy(reinterpret_cast<char*>(row) + i * static_cast<Index>(sizeof(Bf16)), &value, sizeof(Bf16));
}
HWY_INLINE Bf16 GetBf16(const Bf16Pair* row, Index i) {
  Bf16 value;
  std::memcpy(&value, reinterpret_cast<const char*>(row) + i * static_cast<Index>(sizeof(Bf16)), sizeof(Bf16));
  return value;
}

// Whole vectors of D from `from`, rounded, to place `first` of a row of pairs; returns how many numbers that were.
template <class D>
HWY_INLINE Index RoundVectors(D d, const float* from, Index count, Bf16Pair* row, Index first) {
  const hn::RebindToSigned<D> di;
  const hn::Rebind<Bf16, D> halves;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  Bf16* to = reinterpret_cast<Bf16*>(row) + first;
  Index i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bits = hn::ShiftRight<16>(RoundedBits(d, hn::LoadU(d, from + i)));
    hn::StoreU(hn::DemoteTo(halves, hn::BitCast(di, bits)), halves, to + i);
  }
  return i;
}

// `count` numbers, rounded, to places [first, first + count) of a row of pairs.
HWY_INLINE void RoundRow(const float* from, Index count, Bf16Pair* row, Index first) {
  Index done = 0;
#if HWY_TARGET != HWY_SCALAR
  done += RoundVectors(hn::ScalableTag<float>(), from, count, row, first);
  done += RoundVectors(hn::CappedTag<float, 4>(), from + done, count - done, row, first + done);
#endif
  for (; done < count; ++done) SetBf16(row, first + done, to_bf16(from[done]));
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
