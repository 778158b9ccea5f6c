// Products of bfloat16 pairs by conversion to floats, for processors without an instruction for them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/bf16_tiles.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/bf16-inl.h"
#include "kernels/blocking.hpp"
#include "kernels/table.hpp"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;

// kDepthPerConversion pairs of each row of a are converted at once; weights on their way into registers, since every
// tile has others.
constexpr Index kConverted = kDepthPerConversion * kMaxRows;

// The numbers of a for kDepthPerConversion pairs of each row at the most.
struct Converted {
  HWY_ALIGN float first[kConverted + kRowPadding];
  HWY_ALIGN float second[kConverted + kRowPadding];

  HWY_INLINE void Run(const Bf16Pair* a, Index count, Index to) {
    const FloatTag d;
    const hn::RebindToUnsigned<FloatTag> du;
    for (Index i = 0; i < count; i += static_cast<Index>(hn::Lanes(d))) {
      const auto pairs = hn::LoadU(du, a + i);
      hn::StoreU(FirstOfPairs(d, pairs), d, first + to + i);
      hn::StoreU(SecondOfPairs(d, pairs), d, second + to + i);
    }
  }
};

// The second product of a pair is added before the first, as the instruction does.
template <int kRows, int kVectors>
HWY_NOINLINE void TileByConversion(const Bf16Product& p) {
  const FloatTag d;
  const hn::RebindToUnsigned<FloatTag> du;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
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
      const auto pairs = [&](int v) HWY_ATTR { return hn::LoadU(du, w + v * lanes); };
      tile.AddVectors(
          d, [&](int v) HWY_ATTR { return SecondOfPairs(d, pairs(v)); },
          [&](int r) HWY_ATTR { return second[r * row_stride]; });
      tile.AddVectors(
          d, [&](int v) HWY_ATTR { return FirstOfPairs(d, pairs(v)); },
          [&](int r) HWY_ATTR { return first[r * row_stride]; });
      first += depth_stride;
      second += depth_stride;
      w += kVectors * lanes;
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

void FillBf16Tiles(KernelTable& table) { table.bf16.tile = {.multiply = Bf16TileByConversion, .rows = kMaxRows}; }

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
