// The tile by AVX512_BF16, for which Highway 1.0 has no target: intrinsics in functions of their own, chosen at run
// time.
#include "kernels/bf16.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#define RONDO_BF16_TARGET __attribute__((target("avx512f,avx512bf16")))
#if defined(__clang__)
#define RONDO_UNROLL _Pragma("clang loop unroll(full)")
#define RONDO_UNROLL_DEPTH _Pragma("clang loop unroll_count(4)")
#else
#define RONDO_UNROLL _Pragma("GCC unroll 16")
#define RONDO_UNROLL_DEPTH _Pragma("GCC unroll 4")
#endif

namespace rondo::kernels {

namespace {

constexpr Index kLanes = 16;

// kRows x kVectors sums in registers, like Tile of tiles-inl.h. Along rows of a if kAlongRows, else along columns.
template <int kRows, int kVectors, bool kAlongRows>
RONDO_BF16_TARGET __attribute__((noinline)) void dot_tile(const Bf16Product& p) {
  __m512 sum[kRows][kVectors];
  RONDO_UNROLL
  for (int r = 0; r < kRows; ++r) {
    RONDO_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      sum[r][v] = p.start == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(p.start + r * p.start_stride + v * kLanes);
    }
  }
  const Bf16Pair* a = p.a;
  const Bf16Pair* w = p.w;
  const Index row_stride = kAlongRows ? p.row_stride : 1, depth_stride = kAlongRows ? 1 : p.depth_stride;
  RONDO_UNROLL_DEPTH
  for (Index k = 0; k < p.depth; ++k) {
    __m512i weight[kVectors];
    RONDO_UNROLL
    for (int v = 0; v < kVectors; ++v) weight[v] = _mm512_loadu_si512(w + v * kLanes);
    RONDO_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const __m512i x = _mm512_set1_epi32(static_cast<int>(a[r * row_stride]));
      RONDO_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], (__m512bh)x, (__m512bh)weight[v]);
    }
    a += depth_stride;
    w += kVectors * kLanes;
  }
  RONDO_UNROLL
  for (int r = 0; r < kRows; ++r) {
    RONDO_UNROLL
    for (int v = 0; v < kVectors; ++v) _mm512_storeu_ps(p.out + r * p.out_stride + v * kLanes, sum[r][v]);
  }
}

template <int kRows, int kVectors>
void dot_tile_along(const Bf16Product& p) {
  p.depth_stride == 1 ? dot_tile<kRows, kVectors, true>(p) : dot_tile<kRows, kVectors, false>(p);
}

template <int kRows>
void dot_tile_of_rows(const Bf16Product& p) {
  switch (p.vectors) {
    case 1: return dot_tile_along<kRows, 1>(p);
    case 2: return dot_tile_along<kRows, 2>(p);
    case 3: return dot_tile_along<kRows, 3>(p);
    default: return dot_tile_along<kRows, 4>(p);
  }
}

void dot_tile_of_any(const Bf16Product& p) {
  switch (p.rows) {
    case 1: return dot_tile_of_rows<1>(p);
    case 2: return dot_tile_of_rows<2>(p);
    case 3: return dot_tile_of_rows<3>(p);
    case 4: return dot_tile_of_rows<4>(p);
    case 5: return dot_tile_of_rows<5>(p);
    default: return dot_tile_of_rows<6>(p);
  }
}

}  // namespace

Bf16Tile bf16_dot_tile() { return {.multiply = dot_tile_of_any, .rows = 6}; }

bool has_bf16_dot() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bf16") != 0;
}

// AMD's Zen 4 has twice its rate of float products there (230 against 115 GFLOP/s a core). An Intel Xeon with AMX, its
// other unit for bfloat16, has half of it (119 against 238).
bool bf16_dot_is_faster() { return has_bf16_dot() && __builtin_cpu_is("amd") != 0; }

}  // namespace rondo::kernels

#else

namespace rondo::kernels {

Bf16Tile bf16_dot_tile() { return {}; }
bool has_bf16_dot() { return false; }
bool bf16_dot_is_faster() { return false; }

}  // namespace rondo::kernels

#endif
