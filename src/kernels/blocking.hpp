// Where loops are cut: into blocks of rows, passes over weights, copies on the stack, chunks of time steps. Every such
// number of the house stands here, so that tests can name them all (tests/size_sweep_test.cpp) and a build can make
// them tiny (RONDO_TINY_BLOCKS, preset `tiny`): small shapes then take the paths that otherwise large ones take.
//
// None of them shows in the bits: a sum goes on where the block before left it. (kLossRun is the exception, for losses
// of more than that many features; it is the same on every target.)
#pragma once

#include <cstddef>

#include <rondo/shape.hpp>

namespace rondo::kernels {

#ifdef RONDO_TINY_BLOCKS
constexpr bool kTinyBlocks = true;
#else
constexpr bool kTinyBlocks = false;
#endif

constexpr Index usual_or_tiny(Index usual, Index tiny) { return kTinyBlocks ? tiny : usual; }

// ---- forward and backward ------------------------------------------------------------------------------------------

// Rows are walked in blocks: products, then the cells that need them. A block is one tile of rows where it can be, so
// that the memory which the cells read and write comes and goes in the shadow of the next tile's products (128 units,
// 64 rows, more than the caches hold: 4 % of a step), and the sums need next to no cache. Two things ask for longer
// ones: weights that are gone over in passes, and narrow panels, whose rows fill vectors together. Their sums (64 rows
// of four vectors: 16 KB with AVX-512) still stay in the first cache until the cells have read them.
constexpr Index kRowsPerBlock = usual_or_tiny(64, 7);

// Weight rows that all tiles of a block go over before the next ones. A tile of 3 rows with AVX2 eats 21 bytes of
// weights a cycle: 192 rows are 24 KB and come from the first cache. 6 rows with AVX-512 eat 21 too, or 11
// on Zen 4, and the second cache gives it: shorter passes gained nothing.
constexpr Index kDepthPerPassOfSmallTiles = usual_or_tiny(192, 5);
constexpr Index kDepthPerPassOfLargeTiles = usual_or_tiny(512, 6);

// ---- weight gradients ----------------------------------------------------------------------------------------------

// A pass of so many (step, row) pairs: their dz of one panel (32 KB with AVX-512, 16 with AVX2) stay in the first
// cache while the tiles of the panel go over them. Every pass loads and stores all sums: where they are more than the
// second cache holds, passes are twice as long.
constexpr Index kRowsPerPass = usual_or_tiny(128, 16), kMostRowsPerPass = 2 * kRowsPerPass;
constexpr Index kBytesOfManySums = usual_or_tiny(Index{2} << 20, 4096);

// Columns are copied tile by tile before they are used with every panel: 6 numbers out of each row of h touch a cache
// line each, and rows of 1024 units lie so that they all fall into the same few sets (104 instead of 236 GFLOP/s). For
// so many tiles at once, as each time the dz of a panel comes from a farther cache.
template <class T>
constexpr Index kTilesPerCopy = usual_or_tiny(80, 16) / Index{sizeof(T)};

// ---- bfloat16 ------------------------------------------------------------------------------------------------------

// Pairs that gradients copy at once: 32 KB, which is one tile of the most rows that there are.
constexpr Index kCopiedPairs = usual_or_tiny(8192, 64 * 16);
// Pairs of each row that are converted to floats at once.
constexpr Index kDepthPerConversion = usual_or_tiny(128, 16);

// ---- losses --------------------------------------------------------------------------------------------------------

// Many short rows are treated as one run of elements, this many at a time; long rows are cut into runs.
constexpr Index kLossRun = usual_or_tiny(256, 16);

// ---- chunks of time steps ------------------------------------------------------------------------------------------

// How many steps backward takes before their weight gradients. All of them, if what forward keeps of them is small;
// else so many that their dz and the weight gradients, which every chunk reads and writes once, balance (128 units: 256
// rows; 1024 units: 1024 rows).
constexpr Index kLeastChunkBytes = usual_or_tiny(Index{256} << 10, 1024), kMostRowsPerChunk = usual_or_tiny(1024, 16);
// Small layers with large batches: two members of a team add to the weight gradients in turn, each the products of its
// own rows of a step (SequenceExecutor::relay). With more inputs and units the products take longer than fetching what
// they need of the other's rows; with fewer operations to a turn the barriers around it do.
constexpr Index kMostDepthOfRelay = usual_or_tiny(96, 40);
constexpr Index kLeastFlopsOfTurn = usual_or_tiny(100'000, 500);
// With recomputation about the root of the steps, for which buffers and checkpoints are smallest, but no fewer rows.
constexpr Index kLeastRowsPerCheckpoint = usual_or_tiny(128, 4);

}  // namespace rondo::kernels
