// Products of bfloat16 pairs by AMX, the matrix unit of Intel's Xeons from Sapphire Rapids on: 16 rows by 16 columns by
// 16 pairs an instruction. Highway has no target for it: its instructions stand in functions of their own, chosen at
// run time.
#include "kernels/bf16.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <algorithm>
#include <array>
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/fork_safe.hpp"
#define RONDO_AMX_TARGET __attribute__((target("amx-tile,amx-bf16")))

namespace rondo::kernels {

namespace {

constexpr Index kSide = 16;                                    // rows and columns of a tile, and its pairs
constexpr Index kTileBytes = kSide * Index{sizeof(Bf16Pair)};  // of a row

// What a tile register holds is said to the processor before it is used. Registers 0 to 3 are sums, one to a vector of
// w; 4 and 5 take a and w; 6 and 7 take what is left of them where the depth is no multiple of 16.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1;
  std::array<std::uint8_t, 15> reserved{};
  std::array<std::uint16_t, 16> row_bytes{};
  std::array<std::uint8_t, 16> rows{};

  TileShapes(Index of_rows, Index rest) {
    for (std::size_t sum = 0; sum < 4; ++sum) set(sum, of_rows, kSide);
    set(4, of_rows, kSide);
    set(5, kSide, kSide);
    if (rest == 0) return;
    set(6, of_rows, rest);
    set(7, rest, kSide);
  }
  void set(std::size_t tile, Index of_rows, Index words) {
    rows[tile] = static_cast<std::uint8_t>(of_rows);
    row_bytes[tile] = static_cast<std::uint16_t>(words * Index{sizeof(Bf16Pair)});
  }
};
static_assert(sizeof(TileShapes) == 64);

// The instructions, with registers as template arguments and with word of the memory that they touch: the intrinsics of
// g++ take literals alone, and hide what they read.
RONDO_AMX_TARGET inline void set_shapes(const TileShapes& shapes) { asm volatile("ldtilecfg %0" ::"m"(shapes)); }
template <int kTile>
RONDO_AMX_TARGET inline void clear() {
  asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
}
template <int kTile>
RONDO_AMX_TARGET inline void load(const void* from, Index stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
RONDO_AMX_TARGET inline void store(void* to, Index stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(kTile) : "memory");
}
template <int kSum, int kA, int kW>
RONDO_AMX_TARGET inline void add_product() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kA), "i"(kW));
}

// Sums += a w for as deep as registers kA and kW are.
template <int kVectors, int kA, int kW>
RONDO_AMX_TARGET inline void add_block(const Bf16Pair* a, Index a_bytes, const Bf16Pair* w) {
  constexpr Index kBytes = kVectors * kTileBytes;
  load<kA>(a, a_bytes);
  load<kW>(w, kBytes);
  add_product<0, kA, kW>();
  if constexpr (kVectors > 1) {
    load<kW>(w + kSide, kBytes);
    add_product<1, kA, kW>();
  }
  if constexpr (kVectors > 2) {
    load<kW>(w + 2 * kSide, kBytes);
    add_product<2, kA, kW>();
  }
  if constexpr (kVectors > 3) {
    load<kW>(w + 3 * kSide, kBytes);
    add_product<3, kA, kW>();
  }
}

// Up to 16 rows.
template <int kVectors>
RONDO_AMX_TARGET void multiply_rows(const Bf16Product& p, const float* start, const Bf16Pair* a, float* out) {
  const Index start_bytes = p.start_stride * Index{sizeof(float)}, out_bytes = p.out_stride * Index{sizeof(float)};
  const Index a_bytes = p.row_stride * Index{sizeof(Bf16Pair)}, depth = p.depth;
  if (start == nullptr) {
    clear<0>();
    if constexpr (kVectors > 1) clear<1>();
    if constexpr (kVectors > 2) clear<2>();
    if constexpr (kVectors > 3) clear<3>();
  } else {
    load<0>(start, start_bytes);
    if constexpr (kVectors > 1) load<1>(start + kSide, start_bytes);
    if constexpr (kVectors > 2) load<2>(start + 2 * kSide, start_bytes);
    if constexpr (kVectors > 3) load<3>(start + 3 * kSide, start_bytes);
  }
  const Bf16Pair* w = p.w;
  Index k = 0;
  for (; k + kSide <= depth; k += kSide, a += kSide, w += kSide * kVectors * kSide) {
    add_block<kVectors, 4, 5>(a, a_bytes, w);
  }
  if (k < depth) add_block<kVectors, 6, 7>(a, a_bytes, w);
  store<0>(out, out_bytes);
  if constexpr (kVectors > 1) store<1>(out + kSide, out_bytes);
  if constexpr (kVectors > 2) store<2>(out + 2 * kSide, out_bytes);
  if constexpr (kVectors > 3) store<3>(out + 3 * kSide, out_bytes);
}

// Shapes take 160 cycles to set, as long as ten products: they are set for as many rows as there are.
template <int kVectors>
RONDO_AMX_TARGET void multiply(const Bf16Product& p) {
  Index shaped_for = 0;
  for (Index row = 0; row < p.rows; row += kSide) {
    const Index rows = std::min(kSide, p.rows - row);
    if (rows != shaped_for) set_shapes(TileShapes(shaped_for = rows, p.depth % kSide));
    multiply_rows<kVectors>(p, p.start == nullptr ? nullptr : p.start + row * p.start_stride, p.a + row * p.row_stride,
                            p.out + row * p.out_stride);
  }
  asm volatile("tilerelease");
}

void multiply_any(const Bf16Product& p) {
  switch (p.vectors) {
    case 1: return multiply<1>(p);
    case 2: return multiply<2>(p);
    case 3: return multiply<3>(p);
    default: return multiply<4>(p);
  }
}

// The processor's word, and the system's: Linux hands a process the tile registers on request, for all its threads.
bool request_amx() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kAmx = 1U << 22 | 1U << 24;  // bfloat16, tiles
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 || (edx & kAmx) != kAmx) return false;
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}

}  // namespace

bool has_bf16_amx() {
  static constinit Lazy<bool> has;
  return has.get(request_amx);
}

Bf16Tile bf16_amx_tile() { return {.multiply = multiply_any, .rows = 64, .along_rows = true}; }

}  // namespace rondo::kernels

#else

namespace rondo::kernels {

bool has_bf16_amx() { return false; }
Bf16Tile bf16_amx_tile() { return {}; }

}  // namespace rondo::kernels

#endif
