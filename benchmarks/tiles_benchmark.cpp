// Every register tile of kernels/tiles-inl.h and the cells of kernels/lstm_cell-inl.h, on every target that this
// processor has, with data in the first cache.
//
//   tiles_benchmark --benchmark_filter=AVX2/MultiplyRows/3x4      (all options are Google Benchmark's)
//
// Names are target/product/rows x vectors. GFLOP/s of a product and, as peak%, its share of the target's own FMA peak,
// which is measured just before it; cells in nanoseconds a vector of units.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tiles_benchmark.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/lstm_cell-inl.h"
#include "kernels/tiles-inl.h"
#include "peak-inl.h"

#ifndef RONDO_BENCHMARKS_TILES_BENCHMARK_CPP_
#define RONDO_BENCHMARKS_TILES_BENCHMARK_CPP_

#include <algorithm>
#include <hwy/aligned_allocator.h>
#include <string>
#include <vector>

namespace rondo::benchmarks {

// Steps of a product's loop: 64 rows of four vectors are 16 KB with AVX-512.
constexpr Index kDepth = 64;
constexpr Index kCellRows = 32;

// What all benchmarks work on, wide enough for every target.
struct Operands {
  static constexpr std::size_t kSize = 8192;
  hwy::AlignedFreeUniquePtr<float[]> memory = hwy::AllocateAligned<float>(5 * kSize);
  float* rows = memory.get();
  float* weights = rows + kSize;
  float* out = weights + kSize;
  float* state = out + kSize;
  float* gates = state + kSize;
  Operands() {
    std::fill_n(rows, 4 * kSize, 0.01F);
    std::fill_n(gates, kSize, 0.0F);
  }
};

using Work = void (*)(const Operands&);

struct Case {
  std::string name;
  Work work;
  double flops = 0;    // of a product
  double vectors = 0;  // of a cell
};

struct TargetCases {
  float (*fma_pass)(float);
  std::vector<Case> cases;
};

}  // namespace rondo::benchmarks

#endif  // RONDO_BENCHMARKS_TILES_BENCHMARK_CPP_

HWY_BEFORE_NAMESPACE();
namespace rondo::benchmarks::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
namespace kn = kernels::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

// ---- products ------------------------------------------------------------------------------------------------------

template <int kRows, int kVectors, class Multiply>
HWY_INLINE void OneTile(const Operands& o, Multiply multiply) {
  kn::Tile<D, kRows, kVectors> tile;
  tile.Load(D(), o.out, kVectors * kLanes);
  multiply(tile);
  tile.Store(D(), o.out, kVectors * kLanes);
}

template <int kRows, int kVectors>
void MultiplyRows(const Operands& o) {
  OneTile<kRows, kVectors>(o, [&](auto& tile) HWY_ATTR { tile.MultiplyRows(D(), o.rows, kDepth, o.weights, kDepth); });
}

template <int kRows, int kVectors>
void MultiplyGates(const Operands& o) {
  OneTile<kRows, kVectors>(o, [&](auto& tile) HWY_ATTR {
    for (Index panel = 0; panel < kDepth / (4 * kLanes); ++panel) {
      tile.template MultiplyGates<kLanes>(D(), o.rows + panel * 4 * kLanes * kRows,
                                          o.weights + panel * 4 * kLanes * kVectors * kLanes, kLanes);
    }
  });
}

template <int kRows, int kVectors>
void MultiplyColumns(const Operands& o) {
  OneTile<kRows, kVectors>(o, [&](auto& tile) HWY_ATTR {
    tile.template MultiplyColumns<false>(D(), o.rows, kRows, o.weights, kVectors * kLanes, kDepth);
  });
}

// The tile whose first row is the bias's.
template <int kRows, int kVectors>
void MultiplyColumnsOnes(const Operands& o) {
  OneTile<kRows, kVectors>(o, [&](auto& tile) HWY_ATTR {
    tile.template MultiplyColumns<true>(D(), o.rows, kRows, o.weights, kVectors * kLanes, kDepth);
  });
}

template <int kRows, int kVectors>
void AddTile(std::vector<Case>& cases) {
  const std::string size = std::to_string(kRows) + "x" + std::to_string(kVectors);
  const double flops = 2.0 * kDepth * kRows * kVectors * kLanes;
  cases.push_back({"MultiplyRows/" + size, MultiplyRows<kRows, kVectors>, flops});
  cases.push_back({"MultiplyGates/" + size, MultiplyGates<kRows, kVectors>, flops});
  cases.push_back({"MultiplyColumns/" + size, MultiplyColumns<kRows, kVectors>, flops});
  cases.push_back({"MultiplyColumnsOnes/" + size, MultiplyColumnsOnes<kRows, kVectors>, flops});
}

template <int kRows>
void AddTiles(std::vector<Case>& cases) {
  AddTile<kRows, 4>(cases);
  AddTile<kRows, 3>(cases);
  AddTile<kRows, 2>(cases);
  AddTile<kRows, 1>(cases);
  if constexpr (kRows > 1) AddTiles<kRows - 1>(cases);
}

// ---- cells ---------------------------------------------------------------------------------------------------------

// A panel of kLanes / kParts units, in training.
template <int kParts>
void CellForward(const Operands& o) {
  constexpr Index kStride = kLanes / kParts;
  constexpr Index kState = kCellRows * kLanes;
  const kn::CellForwardRows<float> at{.sums = {o.rows, 4 * kStride, 0},
                                      .values = {o.out, 4 * kStride, 0},
                                      .c_before = {o.state, kStride, 0},
                                      .c = {o.state + kState, kStride, 0},
                                      .h = {o.state + 2 * kState, kStride, 0},
                                      .kept_c = {o.state + 3 * kState, kStride, 0},
                                      .kept_output = {o.state + 4 * kState, kStride, 0}};
  kn::CellForward<kn::StandardLstm, kParts>(D(), kernels::RecurrentArgs<float>(), at, 0, kCellRows);
}

// Works in place, and from call to call the gradients would sink into slow denormals. So the gates stand at 0, which
// makes all gradients 0 and no instruction cheaper.
template <int kParts>
void CellBackward(const Operands& o) {
  constexpr Index kStride = kLanes / kParts;
  constexpr Index kState = kCellRows * kLanes;
  const kn::CellBackwardRows<float> at{.dh = {o.state, kStride, 0},
                                       .gates = {o.gates, 4 * kStride, 0},
                                       .c = {o.state + 2 * kState, kStride, 0},
                                       .output = {o.state + 3 * kState, kStride, 0},
                                       .c_before = {o.state + kState, kStride, 0},
                                       .dz = {o.gates, 4 * kStride, 0},
                                       .dc = {o.weights, kStride, 0}};
  kn::CellBackward<kn::StandardLstm, kParts>(D(), kernels::RecurrentArgs<float>(), at, 0, kCellRows);
}

template <int kParts>
void AddCells(std::vector<Case>& cases) {
  const std::string name = kParts == 1 ? "whole" : kParts == 2 ? "half" : "quarter";
  const double vectors = static_cast<double>(kCellRows) / kParts;
  cases.push_back({"CellForward/" + name, CellForward<kParts>, 0, vectors});
  cases.push_back({"CellBackward/" + name, CellBackward<kParts>, 0, vectors});
}

TargetCases GetCases() {
  TargetCases found{FmaPass, {}};
  AddTiles<kn::kMaxRows>(found.cases);
  AddCells<1>(found.cases);
  if constexpr (kLanes >= 4) {
    AddCells<2>(found.cases);
    AddCells<4>(found.cases);
  }
  const std::string target = hwy::TargetName(HWY_TARGET);
  for (Case& c : found.cases) c.name = target + "/" + c.name;
  return found;
}

}  // namespace rondo::benchmarks::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <benchmark/benchmark.h>
#include <chrono>

#include "targets.hpp"

namespace rondo::benchmarks {

HWY_EXPORT(GetCases);

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Flops a second over about a millisecond.
double peak(float (*fma_pass)(float)) {
  float number = fma_pass(1);
  double passes = 0;
  const auto start = std::chrono::steady_clock::now();
  do {
    number = fma_pass(number);
    ++passes;
  } while (seconds_since(start) < 1e-3);
  benchmark::DoNotOptimize(number);
  return static_cast<double>(kFmaFlopsPerPass) * passes / seconds_since(start);
}

void run(benchmark::State& state, const Case& c, float (*fma_pass)(float)) {
  const Operands operands;
  const double flops_a_second = peak(fma_pass);
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) {
    c.work(operands);
    benchmark::ClobberMemory();
  }
  const double seconds = seconds_since(start) / static_cast<double>(state.iterations());
  if (c.flops > 0) {
    state.counters["GFLOP/s"] = c.flops / seconds * 1e-9;
    state.counters["peak%"] = 100 * c.flops / seconds / flops_a_second;
  } else {
    state.counters["ns/vector"] = seconds / c.vectors * 1e9;
  }
}

}  // namespace
}  // namespace rondo::benchmarks

int main(int argc, char** argv) {
  using namespace rondo::benchmarks;
  for_each_target(HWY_TARGETS, [] {
    const TargetCases found = HWY_DYNAMIC_DISPATCH(GetCases)();
    for (const Case& c : found.cases) {
      benchmark::RegisterBenchmark(c.name.c_str(), [c, fma = found.fma_pass](benchmark::State& s) { run(s, c, fma); });
    }
  });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}

#endif  // HWY_ONCE
