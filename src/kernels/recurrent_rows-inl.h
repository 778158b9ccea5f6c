// What the LSTM kernels share: how they cut rows, weights and weight gradients, and which rows a mask leaves out.

#if defined(RONDO_KERNELS_RECURRENT_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_RECURRENT_ROWS_INL_H_
#undef RONDO_KERNELS_RECURRENT_ROWS_INL_H_
#else
#define RONDO_KERNELS_RECURRENT_ROWS_INL_H_
#endif

#include <cstring>
#include <hwy/highway.h>

#include "kernels/blocking.hpp"
#include "kernels/table.hpp"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr Index kDepthPerPass = kManyRegisters ? kDepthPerPassOfLargeTiles : kDepthPerPassOfSmallTiles;

// f(Range) for the blocks of a range of rows.
template <class F>
HWY_INLINE void ForBlocks(Range rows, bool by_tile, F&& f) {
  if (by_tile) {
    const Index tiles = RowTiles(rows.size());
    for (Index i = 0; i < tiles; ++i) {
      const Range tile = RowTile(rows.size(), i);
      f(Range{rows.begin + tile.begin, rows.begin + tile.end});
    }
    return;
  }
  for (Index begin = rows.begin; begin < rows.end; begin += kRowsPerBlock) {
    f(Range{begin, HWY_MIN(rows.end, begin + kRowsPerBlock)});
  }
}

// f(Range) for the passes over `depth` weight rows; at least one, so that sums get their start.
template <class F>
HWY_INLINE void ForPasses(Index depth, Index per_pass, F&& f) {
  Index begin = 0;
  do {
    f(Range{begin, HWY_MIN(depth, begin + per_pass)});
    begin += per_pass;
  } while (begin < depth);
}

// ---- weight gradients ----------------------------------------------------------------------------------------------

template <class T>
HWY_INLINE Index RowsPerPass(const RecurrentLayout& layout) {
  constexpr Index kManySums = kBytesOfManySums / Index{sizeof(T)};
  return layout.size() > kManySums ? kMostRowsPerPass : kRowsPerPass;
}

// f(left, n, part) for the passes over `count` steps, or pairs of steps, and some batch rows: the n last ones of the
// `left` that are left, in each the same part of the rows.
template <class F>
HWY_INLINE void ForGradientPasses(Index count, Range rows, Index rows_per_pass, F&& f) {
  const Index batch = rows.size();
  const Index blocks = HWY_MAX(Index{1}, (batch + rows_per_pass - 1) / rows_per_pass);
  const Index per_pass = HWY_MAX(Index{1}, rows_per_pass / HWY_MAX(Index{1}, batch));
  for (Index left = count; left > 0; left -= per_pass) {
    for (Index block = 0; block < blocks; ++block) {
      const Range part = share(batch, block, blocks);
      f(left, HWY_MIN(per_pass, left), Range{rows.begin + part.begin, rows.begin + part.end});
    }
  }
}

// A range of tiles, numbered panel by panel, `per_panel` to a panel, of which the first `wanted` have work. Some at a
// time: copy(i, slot) for the columns of tile i, once for all panels, then use(panel, numbers, slot) for the numbers of
// a panel's tiles whose columns stand in slot and those behind it.
template <class Copy, class Use>
HWY_INLINE void ForCopiedTiles(Range tiles, Index per_panel, Index wanted, Index slots, Copy&& copy, Use&& use) {
  for (Index first = 0; first < wanted; first += slots) {
    const Range copied{first, HWY_MIN(wanted, first + slots)};
    for (Index i = copied.begin; i < copied.end; ++i) copy(i, i - first);
    for (Index panel = tiles.begin / per_panel; panel * per_panel < tiles.end; ++panel) {
      const Range mine{HWY_MAX(copied.begin, tiles.begin - panel * per_panel),
                       HWY_MIN(copied.end, tiles.end - panel * per_panel)};
      if (!mine.empty()) use(panel, mine, mine.begin - first);
    }
  }
}

// ---- rows ----------------------------------------------------------------------------------------------------------

// Rows of one step of a tensor, from a row and column on; null stays null.
template <class T>
HWY_INLINE Rows<T> From(const Rows<T>& rows, Index row, Index step, Index column) {
  return rows ? Rows<T>{rows.at(row, step) + column, rows.batch_stride, 0} : rows;
}

// ---- dropout -------------------------------------------------------------------------------------------------------

// The lowest bits of a word, as many as lanes.
template <class D>
HWY_INLINE hn::Mask<D> MaskOf(D d, std::uint64_t word) {
  std::uint8_t bytes[sizeof word];
  std::memcpy(bytes, &word, sizeof word);
  return hn::LoadMaskBits(d, bytes);
}
HWY_INLINE std::uint64_t LoadWord(const std::uint8_t* bits) {
  std::uint64_t word;
  std::memcpy(&word, bits, sizeof word);
  return word;
}

// As many bits as lanes, from bit `first` on. kWhole: it is a multiple of the lanes.
template <bool kWhole, class D>
HWY_INLINE hn::Mask<D> LoadBits(D d, const std::uint8_t* bits, Index first) {
  if constexpr (kWhole && hn::MaxLanes(D()) % 8 == 0) {
    return hn::LoadMaskBits(d, bits + (first >> 3));
  } else {
    return MaskOf(d, LoadWord(bits + (first >> 3)) >> (first & 7));
  }
}

// Up to eight numbers, and zeros behind them: rows are padded to no more than whole vectors.
template <class D>
HWY_INLINE hn::Vec<D> LoadEight(D d, const hn::TFromD<D>* numbers, Index count) {
  if (hn::MaxLanes(D()) == 8 && count == 8) return hn::LoadU(d, numbers);
  return hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(count)), d, numbers);
}

// Records of kCount numbers, whose bits begin at number `first`. Of the numbers no more than `count` are read: behind
// the last one another thread may be writing.
template <Index kCount, class T>
HWY_INLINE void WriteRecords(const T* numbers, Index count, const std::uint8_t* bits, Index first, T kept, T* records) {
  constexpr Index kLanes = hn::MaxLanes(hn::ScalableTag<T>());
  static_assert(kRecordWidth == 4);
  if constexpr (kLanes >= 8) {
    constexpr Index kNumbers = kLanes / 4;  // to a vector
    static_assert(kCount <= 8);             // that are loaded; their bits fit a word
    const hn::ScalableTag<T> d;
    const hn::RebindToSigned<decltype(d)> di;
    std::uint64_t word = LoadWord(bits + (first >> 1)) >> (4 * (first & 1));
    const auto products = hn::Mul(LoadEight(d, numbers, HWY_MIN(count, Index{8})), hn::Set(d, kept));
    RONDO_UNROLL
    for (Index k = 0; k < kCount; k += kNumbers) {
      const auto from = hn::Add(hn::ShiftRight<2>(hn::Iota(di, 0)), hn::Set(di, static_cast<hwy::MakeSigned<T>>(k)));
      const auto record =
          hn::IfThenElseZero(MaskOf(d, word), hn::TableLookupLanes(products, hn::IndicesFromVec(d, from)));
      if (kCount - k > kNumbers / 2) {
        hn::StoreU(record, d, records + 4 * k);
      } else {
        hn::StoreU(hn::LowerHalf(record), hn::Half<decltype(d)>(), records + 4 * k);
      }
      word >>= kLanes;
    }
  } else {
    const hn::CappedTag<T, 4> d;
    for (Index k = 0; k < HWY_MIN(count, kCount); ++k) {
      const auto product = hn::Mul(hn::Set(d, numbers[k]), hn::Set(d, kept));
      for (Index i = 4 * k; i < 4 * k + 4; i += static_cast<Index>(hn::Lanes(d))) {
        hn::StoreU(hn::IfThenElseZero(LoadBits<false>(d, bits, 4 * first + i), product), d, records + i);
      }
    }
  }
}

// ---- masks ---------------------------------------------------------------------------------------------------------

// taken(Range) for runs of the first `rows` rows that take part, skipped(row) for those that the mask leaves out.
template <class Taken, class Skipped>
HWY_INLINE void ForMask(const Rows<const std::uint8_t>& mask, Index rows, Taken&& taken, Skipped&& skipped) {
  if (!mask) return taken(Range{0, rows});
  for (Index row = 0; row < rows;) {
    const Index begin = row;
    while (row < rows && *mask.at(row, 0) != 0) ++row;
    if (row > begin) taken(Range{begin, row});
    for (; row < rows && *mask.at(row, 0) == 0; ++row) skipped(row);
  }
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
