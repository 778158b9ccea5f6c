// What the processor can do at most, as one runner of a race: the measure that Rondo is held against.
//
//   peak_worker [target]      target: AVX3, AVX2, SSE4 or SCALAR; default the best
//
// It speaks the line protocol (line_protocol.hpp). Modes, per iteration:
//
//   fma    786,432 flops in float on each of `threads` threads: fused multiply-adds in registers
//   read   every weight of an LSTM step of H units and I features read once, 16 H (H + I + 1) bytes, again and again
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "peak_worker.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "peak-inl.h"

#ifndef RONDO_BENCHMARKS_PEAK_WORKER_CPP_
#define RONDO_BENCHMARKS_PEAK_WORKER_CPP_

namespace rondo::benchmarks {

using Fma = float (*)(float);
using Read = std::uint32_t (*)(const std::uint32_t*, std::size_t);

struct Peaks {
  const char* target;
  Fma fma;
  Read read[3];  // 1, 2 and 4 stretches side by side: which is fastest depends on the processor and the size
};

}  // namespace rondo::benchmarks

#endif  // RONDO_BENCHMARKS_PEAK_WORKER_CPP_

HWY_BEFORE_NAMESPACE();
namespace rondo::benchmarks::HWY_NAMESPACE {

Peaks GetPeaks() { return {hwy::TargetName(HWY_TARGET), FmaPass, {ReadPass<1>, ReadPass<2>, ReadPass<4>}}; }

}  // namespace rondo::benchmarks::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <barrier>
#include <hwy/aligned_allocator.h>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include "line_protocol.hpp"
#include "targets.hpp"

namespace rondo::benchmarks {

HWY_EXPORT(GetPeaks);

namespace {

// The best target, or the one of that name.
Peaks find_peaks(std::string_view name) {
  std::optional<Peaks> found;
  for_each_target(HWY_TARGETS, [&] {
    const Peaks peaks = HWY_DYNAMIC_DISPATCH(GetPeaks)();
    if (!found && (name.empty() || name == peaks.target)) found = peaks;
  });
  if (!found) throw std::runtime_error("target '" + std::string(name) + "' is not available here");
  return *found;
}

class FmaRunner : public Runner {
 public:
  FmaRunner(Fma pass, Index threads) : pass_(pass), threads_(threads) {}

  double run(Index n) override {
    std::barrier ready(threads_), done(threads_);
    const auto work = [&] {
      ready.arrive_and_wait();
      const Clock::time_point start = Clock::now();
      float number = 1;
      for (Index i = 0; i < n; ++i) number = pass_(number);
      [[maybe_unused]] volatile float sink = number;
      done.arrive_and_wait();
      return seconds_since(start);
    };
    std::vector<std::jthread> others;
    for (Index i = 1; i < threads_; ++i) others.emplace_back(work);
    return work() / static_cast<double>(n);
  }

 private:
  Fma pass_;
  Index threads_;
};

class ReadRunner : public Runner {
 public:
  ReadRunner(const Peaks& peaks, std::size_t words) : words_(words), data_(hwy::AllocateAligned<std::uint32_t>(words)) {
    std::fill_n(data_.get(), words, std::uint32_t{1});
    double best = 0;
    for (const Read read : peaks.read) {
      read_ = read;
      run(tries());
      const double seconds = run(tries());
      if (best == 0 || seconds < best) {
        best = seconds;
        fastest_ = read;
      }
    }
    read_ = fastest_;
  }

  double run(Index n) override {
    const Clock::time_point start = Clock::now();
    std::uint32_t seen = 0;
    for (Index i = 0; i < n; ++i) seen ^= read_(data_.get(), words_);
    const double seconds = seconds_since(start);
    [[maybe_unused]] volatile std::uint32_t sink = seen;
    return seconds / static_cast<double>(n);
  }

 private:
  // About 100 MB: some milliseconds.
  Index tries() const { return 1 + static_cast<Index>(25'000'000 / words_); }

  std::size_t words_;
  hwy::AlignedFreeUniquePtr<std::uint32_t[]> data_;
  Read read_ = nullptr, fastest_ = nullptr;
};

std::unique_ptr<Runner> make_runner(const Peaks& peaks, const Setup& s) {
  if (s.mode == "fma") return std::make_unique<FmaRunner>(peaks.fma, s.threads);
  if (s.mode == "read" && s.threads == 1) {
    return std::make_unique<ReadRunner>(peaks, static_cast<std::size_t>(4 * s.units * (s.units + s.features + 1)));
  }
  throw std::runtime_error("there is no mode '" + s.mode + "' on " + std::to_string(s.threads) + " threads");
}

}  // namespace
}  // namespace rondo::benchmarks

int main(int argc, char** argv) try {
  using namespace rondo::benchmarks;
  const Peaks peaks = find_peaks(argc > 1 ? argv[1] : "");
  serve([&](const Setup& s) { return make_runner(peaks, s); });
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}

#endif  // HWY_ONCE
