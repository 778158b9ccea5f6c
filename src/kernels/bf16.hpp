// bfloat16: the upper half of a float, eight significant bits. An LSTM under the policy mixed_bfloat16 rounds what it
// multiplies; sums, gates, states and weights stay float.
//
// Numbers stand in pairs along the depth of a product, the first in the low half, because that is what the instructions
// for them take: AVX512_BF16, with which 16 sums each get two products at once, and AMX, a matrix unit. A tile of sums
// is otherwise that of tiles-inl.h with pairs in place of elements, and its function is chosen at run time: by one of
// the two, or by conversion to floats.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "kernels/layout.hpp"
#include "kernels/rows.hpp"

namespace rondo::kernels {

struct KernelTable;

using Bf16 = std::uint16_t;      // its bits
using Bf16Pair = std::uint32_t;  // two of them

// A float's bfloat16: its upper half, rounded to nearest and even. A NaN stays one: its first bit is set, so that it
// cannot end as an infinity.
inline Bf16 to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (value != value) return static_cast<Bf16>((bits | 0x400000) >> 16);
  return static_cast<Bf16>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

constexpr Index bf16_pairs(Index elements) { return (elements + 1) / 2; }

// out (rows, vectors) = start + a w for one tile. Row r's pair k of a stands at a[r * row_stride + k * depth_stride],
// where one of the strides is 1; the pairs of w stand one row of the tile after the other.
struct Bf16Product {
  Index rows = 0, vectors = 0;   // at most Bf16Tile::rows, and 4
  const float* start = nullptr;  // null: zeros
  Index start_stride = 0;        // 0: all rows start alike
  float* out = nullptr;
  Index out_stride = 0;
  const Bf16Pair* a = nullptr;
  Index row_stride = 1, depth_stride = 1;
  const Bf16Pair* w = nullptr;
  Index depth = 0;
};

// A way to multiply.
struct Bf16Tile {
  void (*multiply)(const Bf16Product&) = nullptr;
  Index rows = 0;           // of a product, at most
  bool along_rows = false;  // whether a's depth_stride must be 1

  explicit operator bool() const { return multiply != nullptr; }
};

// What an LSTM needs beside its float buffers.
struct Bf16Operands {
  Bf16Tile tile;  // none: products are those of floats

  // lstm_bf16_weights: panels like those of the weights, without the bias; a row for each pair of inputs, then for each
  // pair of units.
  const Bf16Pair* weights = nullptr;
  // (batch, slots, pairs): x of a step, then h of the step before. Step s stands in slot s % slots.
  Rows<Bf16Pair> rows;
  Index slots = 0;
  // (batch, 2, pairs): dz of a step and of the one after, panel by panel, for the products of backward.
  Rows<Bf16Pair> dz;
  // dz again for the weight gradients, in pairs of steps: [panels][slots of pairs][capacity][width of the panel], where
  // later steps stand before earlier ones as in the dz of floats.
  Bf16Pair* dz_pairs = nullptr;

  explicit operator bool() const { return static_cast<bool>(tile); }
};

inline Index bf16_depth(const RecurrentLayout& layout) {
  return bf16_pairs(layout.inputs()) + bf16_pairs(layout.units());
}
inline Index bf16_weights_size(const RecurrentLayout& layout) { return bf16_depth(layout) * 4 * layout.padded_units(); }
// Pairs of the derivatives of all gates of a row.
inline Index bf16_dz_depth(const RecurrentLayout& layout) { return 2 * layout.padded_units(); }

// How products of pairs are computed: by AMX, by AVX512_BF16, or by conversion. `best` is the fastest one there is.
enum class Bf16Route { best, amx, dot, conversion };

// By its name in RONDO_BF16; ConfigError for another, or for one that this processor does not have.
Bf16Route bf16_route(std::string_view name);

// For layers planned from now on; `best` at first, or what RONDO_BF16 says (amx, dot, conversion).
void choose_bf16_route(Bf16Route route);
// The tile for layers of a table: by the chosen route, or by conversion where that one is missing.
Bf16Tile bf16_tile(const KernelTable& table);

// Whether this processor, and for AMX the system, has the instructions; then the tiles, for tables of 16 lanes.
bool has_bf16_amx();
bool has_bf16_dot();
bool bf16_dot_is_faster();  // than products of floats
Bf16Tile bf16_amx_tile();
Bf16Tile bf16_dot_tile();

}  // namespace rondo::kernels
