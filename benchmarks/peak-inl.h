// What a target can do at most: fused multiply-adds in registers, and reading an array again and again.

#if defined(RONDO_BENCHMARKS_PEAK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_BENCHMARKS_PEAK_INL_H_
#undef RONDO_BENCHMARKS_PEAK_INL_H_
#else
#define RONDO_BENCHMARKS_PEAK_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <hwy/highway.h>

#include "kernels/math-inl.h"
#include "kernels/tiles-inl.h"  // RONDO_UNROLL

#ifndef RONDO_BENCHMARKS_PEAK_ONCE_
#define RONDO_BENCHMARKS_PEAK_ONCE_
namespace rondo::benchmarks {

// Two units of latency 4 or 5 need 8 or 10 chains at once; 12 and two constants fit into 16 registers.
constexpr int kChains = 12;
constexpr Index kFmaFlopsPerPass = 2 * kChains * 16 * 2048;  // in float, whatever the vector's width

}  // namespace rondo::benchmarks
#endif  // RONDO_BENCHMARKS_PEAK_ONCE_

HWY_BEFORE_NAMESPACE();
namespace rondo::benchmarks::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// One pass. Takes and returns a number so that no pass can be left out.
HWY_NOINLINE float FmaPass(float start) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.999F), term = hn::Set(d, 0.0001F);
  hn::Vec<decltype(d)> sum[kChains];
  RONDO_UNROLL
  for (int i = 0; i < kChains; ++i) sum[i] = hn::Set(d, start + static_cast<float>(i));  // else they are one chain
  const Index steps = kFmaFlopsPerPass / (2 * kChains * static_cast<Index>(hn::Lanes(d)));
  for (Index step = 0; step < steps; ++step) {
    RONDO_UNROLL
    for (int i = 0; i < kChains; ++i) sum[i] = kernels::HWY_NAMESPACE::Fma(d, sum[i], factor, term);
  }
  RONDO_UNROLL
  for (int i = 1; i < kChains; ++i) sum[0] = hn::Add(sum[0], sum[i]);
  return hn::GetLane(sum[0]);
}

// Reads `count` words once, as kStreams stretches side by side, eight loads in flight in all.
template <int kStreams>
HWY_NOINLINE std::uint32_t ReadPass(const std::uint32_t* data, std::size_t count) {
  constexpr int kLoads = 8 / kStreams;
  const hn::ScalableTag<std::uint32_t> d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t stretch = count / (kStreams * kLoads * lanes) * kLoads * lanes;
  hn::Vec<decltype(d)> seen[kStreams * kLoads];
  RONDO_UNROLL
  for (int i = 0; i < kStreams * kLoads; ++i) seen[i] = hn::Zero(d);
  for (const std::uint32_t* at = data; at < data + stretch; at += kLoads * lanes) {
    RONDO_UNROLL
    for (int s = 0; s < kStreams; ++s) {
      RONDO_UNROLL
      for (int i = 0; i < kLoads; ++i) {
        auto& v = seen[s * kLoads + i];
        v = hn::Xor(v, hn::LoadU(d, at + static_cast<std::size_t>(s) * stretch + static_cast<std::size_t>(i) * lanes));
      }
    }
  }
  for (std::size_t i = kStreams * stretch; i + lanes <= count; i += lanes) {
    seen[0] = hn::Xor(seen[0], hn::LoadU(d, data + i));
  }
  RONDO_UNROLL
  for (int i = 1; i < kStreams * kLoads; ++i) seen[0] = hn::Xor(seen[0], seen[i]);
  return hn::GetLane(seen[0]);
}

}  // namespace rondo::benchmarks::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
