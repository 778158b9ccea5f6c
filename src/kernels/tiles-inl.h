// Register tiles: the inner loops of every product in Rondo.
//
// A tile keeps kRows rows x kVectors vectors of sums in registers and adds one product per step of its loop. Every sum
// is one chain of fused multiply-adds in the order of the loop, so a tile's shape never shows in the bits.
//
// AVX-512 has 32 registers: 6 x 4 sums leave room for 4 weights and a broadcast. With 16 registers the tile is 3 x 4,
// and the loop must broadcast the rows first and then load ONE weight vector at a time; the other order spills (g++ 12:
// from 115 to 52 GFLOP/s). Where vectors have no fused multiply-add (SSE4), the time is in std::fma, and more
// rows would hardly be faster: 2 % for half a megabyte of code. Targets with vectors of unknown size (SVE, RVV) are not
// compiled: arrays of vectors.

#if defined(RONDO_KERNELS_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_TILES_INL_H_
#undef RONDO_KERNELS_TILES_INL_H_
#else
#define RONDO_KERNELS_TILES_INL_H_
#endif

#include <cstdint>
#include <cstring>
#include <hwy/highway.h>
#include <type_traits>

#include "kernels/layout.hpp"
#include "kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3;
constexpr bool kFmaByCalls = !HWY_NATIVE_FMA && HWY_TARGET != HWY_SCALAR;
constexpr int kMaxRows = kManyRegisters ? 6 : kFmaByCalls ? 1 : 3;
// Where each gate has dropout of its own, the code of all is not worth the time of those who have no vectors.
constexpr int kMaxRowsOfDropout = HWY_TARGET == HWY_SCALAR ? 1 : kMaxRows;

// GCC unrolls these short loops only when told to; the sums then live in registers.
#if HWY_COMPILER_CLANG
#define RONDO_UNROLL _Pragma("clang loop unroll(full)")
#define RONDO_UNROLL_DEPTH _Pragma("clang loop unroll_count(2)")
#else
#define RONDO_UNROLL _Pragma("GCC unroll 16")
#define RONDO_UNROLL_DEPTH _Pragma("GCC unroll 2")
#endif

// Numbers that a vector of gates meets: of a record of four, kShared to the vector. Where gates share one, they stand
// in it gate by gate, and in a record number by number; products put weights and sums into the order of records.
template <class D, int kShared>
struct GatesInVectors;
template <class D>
struct GatesInVectors<D, 1> {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;
  explicit HWY_INLINE GatesInVectors(D) {}
  static HWY_INLINE V Records(V gates) { return gates; }
  static HWY_INLINE V Gates(V records) { return records; }
  static HWY_INLINE V Get(D d, const T* record, int vector) { return hn::Set(d, record[vector]); }
};
#if HWY_TARGET != HWY_SCALAR  // one lane is one gate
template <class D, int kShared>
struct GatesInVectors {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;
  using TI = hwy::MakeSigned<T>;
  static constexpr int kLanes = hn::MaxLanes(D()), kUnits = kLanes / kShared;

  explicit HWY_INLINE GatesInVectors(D d) : of_record(Transposing(d, kUnits)), of_gate(Transposing(d, kShared)) {}
  // As many numbers as lanes, in rows of so many, column by column.
  static HWY_INLINE auto Transposing(D d, int in_row) {
    HWY_ALIGN TI from[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) {
      const int rows = kLanes / in_row;
      from[lane] = static_cast<TI>(lane % rows * in_row + lane / rows);
    }
    return hn::SetTableIndices(d, from);
  }

  HWY_INLINE V Records(V gates) const { return hn::TableLookupLanes(gates, of_record); }
  HWY_INLINE V Gates(V records) const { return hn::TableLookupLanes(records, of_gate); }
  static HWY_INLINE V Get(D d, const T* record, int vector) {
    record += kShared * vector;
    constexpr size_t kBytes = kShared * sizeof(T);
    if constexpr (kShared == kLanes) {
      return hn::LoadU(d, record);
    } else if constexpr (kBytes == 8) {
      std::uint64_t both;
      std::memcpy(&both, record, sizeof both);
      return hn::BitCast(d, hn::Set(hn::Repartition<std::uint64_t, D>(), both));
    } else if constexpr (kBytes == 16) {
      return hn::LoadDup128(d, record);
    } else {
      static_assert(2 * kShared == kLanes);
      const auto half = hn::LoadU(hn::Half<D>(), record);
      return hn::Combine(d, half, half);
    }
  }

  decltype(hn::SetTableIndices(D(), static_cast<const TI*>(nullptr))) of_record, of_gate;
};
#endif

template <class D, int kRows, int kVectors>
struct Tile {
  using V = hn::Vec<D>;
  using T = hn::TFromD<D>;
  V sum[kRows][kVectors];

  HWY_INLINE void Fill(V value) {
    RONDO_UNROLL
    for (int r = 0; r < kRows; ++r) {
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = value;
    }
  }

  // sum = f(sum).
  template <class F>
  HWY_INLINE void ForEach(F&& f) {
    RONDO_UNROLL
    for (int r = 0; r < kRows; ++r) {
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = f(sum[r][v]);
    }
  }

  // Every row starts from the same vectors.
  HWY_INLINE void FillRows(D d, const T* from) {
    RONDO_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const V value = hn::LoadU(d, from + v * Lanes(d));
      RONDO_UNROLL
      for (int r = 0; r < kRows; ++r) sum[r][v] = value;
    }
  }

  HWY_INLINE void FillVectors(const V (&values)[kVectors]) {
    RONDO_UNROLL
    for (int r = 0; r < kRows; ++r) {
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = values[v];
    }
  }

  HWY_INLINE void Load(D d, const T* from, Index stride) {
    RONDO_UNROLL
    for (int r = 0; r < kRows; ++r) {
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::LoadU(d, from + r * stride + v * Lanes(d));
    }
  }

  HWY_INLINE void Store(D d, T* to, Index stride) const {
    RONDO_UNROLL
    for (int r = 0; r < kRows; ++r) {
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) hn::StoreU(sum[r][v], d, to + r * stride + v * Lanes(d));
    }
  }

  // to = addend + factor times the sums, where kept(r, v) has a bit, else the addend.
  template <class Kept>
  HWY_INLINE void StoreScaled(D d, T factor, Kept kept, const T* addend, Index addend_stride, T* to,
                              Index stride) const {
    const V scale = hn::Set(d, factor);
    RONDO_UNROLL
    for (int r = 0; r < kRows; ++r) {
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        const V before = hn::LoadU(d, addend + r * addend_stride + v * Lanes(d));
        hn::StoreU(hn::IfThenElse(kept(r, v), Fma(d, scale, sum[r][v], before), before), d,
                   to + r * stride + v * Lanes(d));
      }
    }
  }

  // Stores the first vector of each row; the others move up, and `last` becomes the last.
  HWY_INLINE void StoreFirstAndShift(D d, V last, T* to, Index stride) {
    RONDO_UNROLL
    for (int r = 0; r < kRows; ++r) {
      hn::StoreU(sum[r][0], d, to + r * stride);
      RONDO_UNROLL
      for (int v = 1; v < kVectors; ++v) sum[r][v - 1] = sum[r][v];
      sum[r][kVectors - 1] = last;
    }
  }

  // sum[r] += a(r) * w, for one element of each row and one row of weights.
  template <class Element>
  HWY_INLINE void Add(D d, const T* HWY_RESTRICT w, Element a) {
    AddVectors(
        d, [&](int v) HWY_ATTR { return hn::LoadU(d, w + v * Lanes(d)); }, a);
  }

  // The same with w(v) for vector v of the row of weights.
  template <class Weight, class Element>
  HWY_INLINE void AddVectors(D d, Weight w, Element a) {
    if constexpr (kManyRegisters) {
      V weight[kVectors];
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) weight[v] = w(v);
      RONDO_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const V x = hn::Set(d, a(r));
        RONDO_UNROLL
        for (int v = 0; v < kVectors; ++v) sum[r][v] = Fma(d, x, weight[v], sum[r][v]);
      }
    } else {
      V x[kRows];
      RONDO_UNROLL
      for (int r = 0; r < kRows; ++r) x[r] = hn::Set(d, a(r));
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        const V weight = w(v);
        RONDO_UNROLL
        for (int r = 0; r < kRows; ++r) sum[r][v] = Fma(d, x[r], weight, sum[r][v]);
      }
    }
  }

  // The same with a record of four numbers for each row, one for each gate: record(r). Sums in the order of records.
  template <int kShared, class Record>
  HWY_INLINE void AddRecords(D d, const GatesInVectors<D, kShared>& gates, const T* HWY_RESTRICT w, Record record) {
    if constexpr (kManyRegisters) {
      // Those of the first half of the rows come by shuffles: 6 x 4 sums take 12 cycles, 28 loads would take 14.
      constexpr int kShuffled = kShared == 1 && sizeof(T) == 4 ? kRows / 2 : 0;
      V weight[kVectors];
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) weight[v] = gates.Records(hn::LoadU(d, w + v * Lanes(d)));
      RONDO_UNROLL
      for (int r = 0; r < kRows; ++r) {
        [[maybe_unused]] V blocks;
        if (r < kShuffled) blocks = hn::LoadDup128(d, record(r));
        RONDO_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          V a;
          if constexpr (kShuffled > 0) {
            a = r < kShuffled ? OfBlocks(blocks, v) : gates.Get(d, record(r), v);
          } else {
            a = gates.Get(d, record(r), v);
          }
          sum[r][v] = Fma(d, a, weight[v], sum[r][v]);
        }
      }
    } else {
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        const V weight = gates.Records(hn::LoadU(d, w + v * Lanes(d)));
        RONDO_UNROLL
        for (int r = 0; r < kRows; ++r) sum[r][v] = Fma(d, gates.Get(d, record(r), v), weight, sum[r][v]);
      }
    }
  }

  // sum[r] += sum over k of a[r][k] * w[k]: rows of a `stride` apart, rows of weights of kOfRow vectors, of which the
  // tile takes the first.
  template <int kOfRow = kVectors>
  HWY_INLINE void MultiplyRows(D d, const T* HWY_RESTRICT a, Index stride, const T* HWY_RESTRICT w, Index depth) {
    MultiplyRows(d, a, stride, w, kOfRow * Lanes(d), depth);
  }
  // The same with rows of weights so far apart.
  HWY_INLINE void MultiplyRows(D d, const T* HWY_RESTRICT a, Index stride, const T* HWY_RESTRICT w, Index w_stride,
                               Index depth) {
    RONDO_UNROLL_DEPTH
    for (Index k = 0; k < depth; ++k) {
      Add(d, w, [&](int r) HWY_ATTR { return a[r * stride + k]; });
      w += w_stride;
    }
  }

  // The same with records of four numbers for a, one for each gate; kShared gates share a vector of the weights.
  template <int kShared, int kOfRow = kVectors>
  HWY_INLINE void MultiplyRecords(D d, const T* HWY_RESTRICT a, Index stride, const T* HWY_RESTRICT w, Index depth) {
    const GatesInVectors<D, kShared> gates(d);
    ForEach([&](V sums) HWY_ATTR { return gates.Records(sums); });
    RONDO_UNROLL_DEPTH
    for (Index k = 0; k < depth; ++k) {
      AddRecords(d, gates, w, [&](int r) HWY_ATTR { return a + r * stride + 4 * k; });
      w += kOfRow * Lanes(d);
    }
    ForEach([&](V sums) HWY_ATTR { return gates.Gates(sums); });
  }

  // The same with records of four gates for a: unit by unit, within a unit gate by gate, as they stand in one panel of
  // kLanes units. Of the records kGates, of the kOfUnit rows of weights to a unit as many.
  template <int kLanes, int kGates = 4, int kOfUnit = kGates>
  HWY_INLINE void MultiplyGates(D d, const T* HWY_RESTRICT gates, const T* HWY_RESTRICT w, Index units) {
    for (Index unit = 0; unit < units; ++unit) {
      RONDO_UNROLL
      for (int gate = 0; gate < kGates; ++gate) {
        const T* HWY_RESTRICT a = gates + gate * kLanes + unit;
        Add(d, w + gate * kVectors * Lanes(d), [&](int r) HWY_ATTR { return a[r * 4 * kLanes]; });
      }
      w += kOfUnit * kVectors * Lanes(d);
    }
  }

  // sum[r] += sum over n of a[n][r] * g[n]: an outer product per row n, for weight gradients. kOnes: the first row
  // of the tile is that of the bias, whose a is 1.
  template <bool kOnes = false>
  HWY_INLINE void MultiplyColumns(D d, const T* HWY_RESTRICT a, Index a_stride, const T* HWY_RESTRICT g, Index g_stride,
                                  Index count) {
    RONDO_UNROLL_DEPTH
    for (Index n = 0; n < count; ++n) {
      if constexpr (kOnes) {
        Add(d, g, [&](int r) HWY_ATTR { return r == 0 ? T{1} : a[r - 1]; });
      } else {
        Add(d, g, [&](int r) HWY_ATTR { return a[r]; });
      }
      a += a_stride;
      g += g_stride;
    }
  }

  // The same with records of four numbers for the elements of a (MultiplyRecords).
  template <int kShared>
  HWY_INLINE void MultiplyRecordColumns(D d, const T* HWY_RESTRICT a, Index a_stride, const T* HWY_RESTRICT g,
                                        Index g_stride, Index count) {
    const GatesInVectors<D, kShared> gates(d);
    ForEach([&](V sums) HWY_ATTR { return gates.Records(sums); });
    for (Index n = 0; n < count; ++n) {
      AddRecords(d, gates, g, [&](int r) HWY_ATTR { return a + 4 * r; });
      a += a_stride;
      g += g_stride;
    }
    ForEach([&](V sums) HWY_ATTR { return gates.Gates(sums); });
  }

  // Number v of the four in each block of 16 bytes, everywhere.
  static HWY_INLINE V OfBlocks(V blocks, int v) {
    return v == 0   ? hn::Broadcast<0>(blocks)
           : v == 1 ? hn::Broadcast<1>(blocks)
           : v == 2 ? hn::Broadcast<2>(blocks)
                    : hn::Broadcast<3>(blocks);
  }

  static HWY_INLINE Index Lanes(D d) { return static_cast<Index>(hn::Lanes(d)); }
};

// Calls f(integral_constant<int, n>) for a run-time n in [1, kMax].
template <int kMax, class F>
HWY_INLINE void WithConstant(Index n, F&& f) {
  if constexpr (kMax > 1) {
    if (n < kMax) return WithConstant<kMax - 1>(n, f);
  }
  f(std::integral_constant<int, kMax>());
}

// Calls f(integral_constant<int, v>) with the vectors v of a panel's rows: 4 for one as wide as a vector, 2 or 1 for a
// narrow one.
template <class D, class F>
HWY_INLINE void WithPanelVectors(D d, Index panel_lanes, F&& f) {
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  if (panel_lanes == lanes) return f(std::integral_constant<int, 4>());
  if constexpr (hn::MaxLanes(D()) >= 2) {
    if (2 * panel_lanes == lanes) return f(std::integral_constant<int, 2>());
  }
  if constexpr (hn::MaxLanes(D()) >= 4) f(std::integral_constant<int, 1>());
}

// Calls f(tag) with the tag of as many lanes as a panel has.
template <class D, class F>
HWY_INLINE void WithPanelTag(D d, Index panel_lanes, F&& f) {
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  if (panel_lanes == lanes) return f(d);
  if constexpr (hn::MaxLanes(D()) >= 2) {
    const hn::Half<D> half;
    if (2 * panel_lanes == lanes) return f(half);
    if constexpr (hn::MaxLanes(D()) >= 4) f(hn::Half<decltype(half)>());
  }
}

// Calls f(tag, integral_constant<int, v>) with the vectors v, of that tag, of a panel's rows of kGates gates. Four of a
// narrow panel fill whole vectors.
template <int kGates, class D, class F>
HWY_INLINE void WithPanelGates(D d, Index panel_lanes, F&& f) {
  if constexpr (kGates == 4) {
    WithPanelVectors(d, panel_lanes, [&](auto v) HWY_ATTR { f(d, v); });
  } else {
    WithPanelTag(d, panel_lanes, [&](auto tag) HWY_ATTR { f(tag, std::integral_constant<int, kGates>()); });
  }
}

// Calls f(d, integral_constant<int, v>) for panels of whole vectors, v of them side by side; for a panel narrower than
// a vector, with the d of its lanes and v = 1.
template <int kMax, class D, class F>
HWY_INLINE void WithColumns(D d, Index panel_lanes, Index vectors, F&& f) {
  if (panel_lanes == static_cast<Index>(hn::Lanes(d))) {
    return WithConstant<kMax>(vectors, [&](auto v) HWY_ATTR { f(d, v); });
  }
  if constexpr (hn::MaxLanes(D()) >= 2) {
    WithColumns<1>(hn::CappedTag<hn::TFromD<D>, hn::MaxLanes(D()) / 2>(), panel_lanes, 1, f);
  }
}

// How many tiles of at most `most` rows a run of rows is cut into.
HWY_INLINE Index RowTiles(Index rows, Index most = kMaxRows) { return (rows + most - 1) / most; }

// Tile i of `rows` rows, cut as evenly as possible: 33 rows are 6+6+6+5+5+5, never 6x5+3.
HWY_INLINE Range RowTile(Index rows, Index i, Index most = kMaxRows) {
  if (rows <= most) return {0, rows};  // without the division, which shows in tiny steps
  const Index tiles = RowTiles(rows, most);
  const Index size = rows / tiles;
  const Index longer = rows % tiles;
  const Index begin = i * size + (i < longer ? i : longer);
  return {begin, begin + size + (i < longer ? 1 : 0)};
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
