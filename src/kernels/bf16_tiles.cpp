// Products of bfloat16 pairs by conversion to floats, for processors without an instruction for them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/bf16_tiles.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/table.hpp"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;

// So many pairs of each row of a are converted at once; weights on their way into registers, since every tile has
// others.
constexpr Index kDepthPerConversion = 128;
constexpr Index kConverted = kDepthPerConversion * kMaxRows;

// The first or the second numbers of pairs, as floats.
template <bool kSecond, class D>
HWY_INLINE hn::Vec<D> Half(D d, hn::Vec<hn::RebindToUnsigned<D>> pairs) {
  const hn::RebindToUnsigned<D> du;
  return hn::BitCast(d, kSecond ? hn::And(pairs, hn::Set(du, 0xffff0000u)) : hn::ShiftLeft<16>(pairs));
}

// The numbers of a for kDepthPerConversion pairs of each row at the most.
struct Converted {
  HWY_ALIGN float first[kConverted + kRowPadding];
  HWY_ALIGN float second[kConverted + kRowPadding];

  HWY_INLINE void Run(const Bf16Pair* a, Index count, Index to) {
    const FloatTag d;
    const hn::RebindToUnsigned<FloatTag> du;
    for (Index i = 0; i < count; i += static_cast<Index>(hn::Lanes(d))) {
      const auto pairs = hn::LoadU(du, a + i);
      hn::StoreU(Half<false>(d, pairs), d, first + to + i);
      hn::StoreU(Half<true>(d, pairs), d, second + to + i);
    }
  }
};

// sum[r] += a(r) * w for the first or the second numbers.
template <bool kSecond, int kRows, int kVectors, class Element>
HWY_INLINE void AddHalf(FloatTag d, Tile<FloatTag, kRows, kVectors>& tile, const Bf16Pair* HWY_RESTRICT w, Element a) {
  const hn::RebindToUnsigned<FloatTag> du;
  using V = hn::Vec<FloatTag>;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  if constexpr (kManyRegisters) {
    V weight[kVectors];
    RONDO_UNROLL
    for (int v = 0; v < kVectors; ++v) weight[v] = Half<kSecond>(d, hn::LoadU(du, w + v * lanes));
    RONDO_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const V x = hn::Set(d, a(r));
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) tile.sum[r][v] = Fma(d, x, weight[v], tile.sum[r][v]);
    }
  } else {
    V x[kRows];
    RONDO_UNROLL
    for (int r = 0; r < kRows; ++r) x[r] = hn::Set(d, a(r));
    RONDO_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const V weight = Half<kSecond>(d, hn::LoadU(du, w + v * lanes));
      RONDO_UNROLL
      for (int r = 0; r < kRows; ++r) tile.sum[r][v] = Fma(d, x[r], weight, tile.sum[r][v]);
    }
  }
}

// The second product of a pair is added before the first, as the instruction does.
template <int kRows, int kVectors>
HWY_NOINLINE void TileByConversion(const Bf16Product& p) {
  const FloatTag d;
  const bool along_rows = p.depth_stride == 1;
  const Index row_stride = along_rows ? kDepthPerConversion : 1, depth_stride = along_rows ? 1 : p.depth_stride;
  Tile<FloatTag, kRows, kVectors> tile;
  if (p.start != nullptr) {
    tile.Load(d, p.start, p.start_stride);
  } else {
    tile.Fill(hn::Zero(d));
  }
  Converted converted;
  const Bf16Pair* HWY_RESTRICT w = p.w;
  for (Index begin = 0; begin < p.depth; begin += kDepthPerConversion) {
    const Index count = HWY_MIN(kDepthPerConversion, p.depth - begin);
    if (along_rows) {
      for (int r = 0; r < kRows; ++r) converted.Run(p.a + r * p.row_stride + begin, count, r * kDepthPerConversion);
    } else {
      converted.Run(p.a + begin * depth_stride, count * depth_stride, 0);
    }
    const float* first = converted.first;
    const float* second = converted.second;
    for (Index k = 0; k < count; ++k) {
      AddHalf<true>(d, tile, w, [&](int r) HWY_ATTR { return second[r * row_stride]; });
      AddHalf<false>(d, tile, w, [&](int r) HWY_ATTR { return first[r * row_stride]; });
      first += depth_stride;
      second += depth_stride;
      w += kVectors * static_cast<Index>(hn::Lanes(d));
    }
  }
  tile.Store(d, p.out, p.out_stride);
}

void Bf16TileByConversion(const Bf16Product& p) {
  WithConstant<kMaxRows>(p.rows, [&](auto rows) HWY_ATTR {
    WithConstant<4>(p.vectors, [&](auto vectors)
                                   HWY_ATTR { TileByConversion<decltype(rows)::value, decltype(vectors)::value>(p); });
  });
}

void FillBf16Tiles(KernelTable& table) { table.bf16.tile = Bf16TileByConversion; }

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
