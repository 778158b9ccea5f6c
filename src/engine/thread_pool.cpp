#include "engine/thread_pool.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <hwy/cache_control.h>
#include <memory>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <rondo/compute.hpp>
#include <rondo/error.hpp>

#include "core/standard_floats.hpp"
#include "engine/host_executor.hpp"
#include "engine/processors.hpp"

namespace rondo::engine {

namespace {

using Phases = std::initializer_list<Phase>;

std::atomic<Index> g_threads{0};
constexpr double kThreshold = 4e6;
std::atomic<double> g_threshold{kThreshold};

// What different threads write stands this far apart, so that they do not take each other's cache line away.
constexpr std::size_t kCacheLine = 64;

// ---- waiting ---------------------------------------------------------------------------------------------------

using Clock = std::chrono::steady_clock;

// Time rather than rounds: a pause lasts 10 ns on some processors and 50 ns on others.
constexpr auto kSpin = std::chrono::microseconds(50);

// Waits until `word` differs from `old`: spins for kSpin if it may, then sleeps. (A thread that yields instead comes
// back when another program's time slice has ended, one that was woken comes before it.) Returns how long that took, 0
// where it was too short to look at the clock.
//
// Whoever changes the word and notifies must do so in sequentially consistent order: libstdc++ skips the system call of
// notify when it sees no sleeper, and a weaker store may come after that look, which would leave a sleeper behind.
Clock::duration wait_for_change(const std::atomic<std::uint32_t>& word, std::uint32_t old, bool may_spin) {
  const auto changed = [&] { return word.load(std::memory_order_acquire) != old; };
  const auto changes_soon = [&] {
    for (int i = 0; i < 64; ++i) {
      if (changed()) return true;
      hwy::Pause();
    }
    return false;
  };
  if (may_spin && changes_soon()) return {};  // the usual case, before a look at the clock
  const Clock::time_point begin = Clock::now();
  for (Clock::time_point now = begin; may_spin && now - begin < kSpin; now = Clock::now()) {
    if (changes_soon()) return now - begin;
  }
  while (!changed()) word.wait(old, std::memory_order_acquire);
  return Clock::now() - begin;
}

class Barrier {
 public:
  // The last of `members` to arrive opens the barrier; the others wait for that if told to. One that does not wait
  // touches nothing of the barrier after its arrival. Returns how long it waited.
  Clock::duration arrive(Index members, bool wait, bool may_spin) {
    const std::uint32_t phase = phase_.load(std::memory_order_relaxed);  // stands still until this member has arrived
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == members) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1);
      phase_.notify_all();
    } else if (wait) {
      return wait_for_change(phase_, phase, may_spin);
    }
    return {};
  }

 private:
  alignas(kCacheLine) std::atomic<Index> arrived_{0};
  alignas(kCacheLine) std::atomic<std::uint32_t> phase_{0};
};

// ---- the pool --------------------------------------------------------------------------------------------------

void run_alone(Phases phases) {
  for (const Phase& phase : phases) {
    for (Index piece = 0; piece < phase.pieces(); ++piece) phase(Member(0, 1), piece);
  }
}

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

class Pool {
 public:
  // A team of at most `threads`.
  void run(Index threads, Phases phases) {
    if (busy_.test_and_set(std::memory_order_acquire)) return run_alone(phases);
    walk_together(threads, phases);
    busy_.clear(std::memory_order_release);
  }

  // A team if it pays.
  void run(Index threads, Phases phases, const Work& work) {
    if (busy_.test_and_set(std::memory_order_acquire)) return run_alone(phases);
    const Clock::time_point begin = Clock::now();
    if (governor_.prefers_one()) {
      run_alone(phases);
      governor_.one_took(work, seconds(Clock::now() - begin));
    } else {
      const Clock::duration waited = walk_together(threads, phases);
      governor_.team_took(work, team_, seconds(Clock::now() - begin), seconds(waited));
    }
    busy_.clear(std::memory_order_release);
  }

  // Ends the workers, for good: whoever comes later walks alone. Does nothing while a team is at work.
  void close() {
    if (busy_.test_and_set(std::memory_order_acquire)) return;
    stop_.store(true, std::memory_order_relaxed);
    for (auto& worker : workers_) worker->wake();
    for (auto& worker : workers_) worker->thread.join();
    workers_.clear();
  }

 private:
  struct alignas(kCacheLine) Worker {
    std::atomic<std::uint32_t> calls{0};  // raised once per team that this worker is in
    std::thread thread;
    // Of the last team that it was in; the caller reads them when all have arrived.
    Clock::duration waited{};
    Clock::time_point ended;

    void wake() {
      calls.fetch_add(1);
      calls.notify_one();
    }
  };

  // Returns how long the members waited for each other, all together. The caller's, while busy.
  Clock::duration walk_together(Index threads, Phases phases) {
    const std::size_t helpers = start_workers(static_cast<std::size_t>(threads - 1));
    if (teams_++ % 64 == 0) look_around();

    phases_ = phases;
    team_ = static_cast<Index>(helpers) + 1;
    begun_ = Clock::now();
    may_spin_.store(team_ <= processors_, std::memory_order_relaxed);
    for (std::size_t i = 0; i < helpers; ++i) workers_[i]->wake();
    const bool may_spin = may_spin_.load(std::memory_order_relaxed);
    Clock::duration waited = walk(0, may_spin);
    waited += barrier_.arrive(team_, /*wait=*/true, may_spin);
    const Clock::time_point end = Clock::now();
    for (std::size_t i = 0; i < helpers; ++i) waited += workers_[i]->waited + (end - workers_[i]->ended);
    return waited;
  }

  // Sees to it that there are `wanted` workers, or as many as the system can give. Returns how many there are for it.
  // They inherit the floating-point mode, which run_team has made the standard's.
  std::size_t start_workers(std::size_t wanted) {
    try {
      while (workers_.size() < wanted) {
        auto worker = std::make_unique<Worker>();
        workers_.reserve(workers_.size() + 1);  // so that a thread, once started, is surely kept
        const auto rank = static_cast<Index>(workers_.size()) + 1;
        worker->thread = std::thread([this, rank, &self = *worker] { work(rank, self); });
        workers_.push_back(std::move(worker));
        teams_ = 0;  // look around: its mask may be another than the others'
        CPU_ZERO(&mask_);
      }
    } catch (const std::exception&) {
      // Out of threads or memory: a smaller team reaches the same bits.
    }
    return std::min(workers_.size(), wanted);
  }

  // Workers have the affinity mask of the thread that started them; they follow when the caller's is another. Two
  // system calls, so only now and then.
  void look_around() {
    processors_ = available_processors();
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (sched_getaffinity(0, sizeof mask, &mask) != 0 || CPU_EQUAL(&mask, &mask_)) return;
    for (auto& worker : workers_) pthread_setaffinity_np(worker->thread.native_handle(), sizeof mask, &mask);
    mask_ = mask;
  }

  // At the end only the caller waits: when all have arrived, it may return and begin another team, so nothing of this
  // one is read after the last arrival.
  void work(Index rank, Worker& self) {
    for (std::uint32_t seen = 0;; ++seen) {
      wait_for_change(self.calls, seen, may_spin_.load(std::memory_order_relaxed));
      if (stop_.load(std::memory_order_relaxed)) return;
      const bool may_spin = may_spin_.load(std::memory_order_relaxed);
      const Clock::duration late = Clock::now() - begun_;
      self.waited = late + walk(rank, may_spin);
      self.ended = Clock::now();
      barrier_.arrive(team_, /*wait=*/false, may_spin);
    }
  }

  // One member's way through the phases, up to the last arrival. Returns how long it waited at barriers.
  Clock::duration walk(Index rank, bool may_spin) {
    const Phases phases = phases_;
    const Member self(rank, team_);
    Clock::duration waited{};
    bool first = true;
    for (const Phase& phase : phases) {
      for (Index piece = 0; piece < phase.pieces(); ++piece) {
        if (!std::exchange(first, false)) waited += barrier_.arrive(self.size(), /*wait=*/true, may_spin);
        phase(self, piece);
      }
    }
    return waited;
  }

  std::atomic_flag busy_;
  // The caller's, while busy.
  std::vector<std::unique_ptr<Worker>> workers_;
  std::uint64_t teams_ = 0;
  Index processors_ = 1;
  cpu_set_t mask_{};
  TeamGovernor governor_;
  // Written by the caller before it wakes a worker, read by workers until they have arrived at the last barrier.
  alignas(kCacheLine) Phases phases_;
  Index team_ = 1;
  Clock::time_point begun_;
  std::atomic<bool> may_spin_{true};  // not where members must give each other their processor
  std::atomic<bool> stop_{false};
  Barrier barrier_;
};

// Never destroyed, since other threads may be at work when the program ends; but its workers are ended, so that a
// shared library can be unloaded. A child of fork() has no worker threads: it gets a pool of its own, and the parent's
// is left alone.
std::atomic<Pool*> g_pool{nullptr};

void leave_pool_to_parent() { g_pool.store(nullptr); }

void close_pool() {
  if (Pool* pool = g_pool.load(std::memory_order_acquire)) pool->close();
}

[[maybe_unused]] const int g_at_fork = pthread_atfork(nullptr, nullptr, leave_pool_to_parent);
[[maybe_unused]] const int g_at_exit = std::atexit(close_pool);

Pool& pool() {
  Pool* current = g_pool.load(std::memory_order_acquire);
  if (current != nullptr) return *current;
  auto fresh = std::make_unique<Pool>();
  if (g_pool.compare_exchange_strong(current, fresh.get())) return *fresh.release();
  return *current;
}

// ---- the host's threads ----------------------------------------------------------------------------------------

// Which tasks have begun: a bit for each.
class Begun {
 public:
  // False if it had already.
  bool add(Index task) {
    const std::uint64_t bit = std::uint64_t{1} << (task % 64);
    return (words_[static_cast<std::size_t>(task / 64)].fetch_or(bit, std::memory_order_relaxed) & bit) == 0;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kMostThreads / 64> words_{};
};

// One piece of a phase on the host's threads; the end of the call is the barrier. Tasks are counted, since weights that
// were silently not updated are hard to find. One that is called again is not walked again.
void run_piece(ParallelExecutor& executor, Index threads, const Phase& phase, Index piece) {
  Begun begun;
  std::atomic<Index> done{0}, again{0};
  auto task = [&](Index rank) {
    if (rank < 0 || rank >= threads) return;
    if (!begun.add(rank)) {
      again.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    const StandardFloats floats;
    phase(Member(rank, threads), piece);
    done.fetch_add(1, std::memory_order_release);
  };
  executor.run(threads, ParallelTask(task));
  const Index ended = done.load(std::memory_order_acquire), repeated = again.load(std::memory_order_relaxed);
  if (ended != threads || repeated > 0) {
    throw StateError("the executor given to set_executor returned from run when " + std::to_string(ended) + " of " +
                     std::to_string(threads) + " tasks had ended" +
                     (repeated > 0 ? " and " + std::to_string(repeated) + " calls had been for a task again" : "") +
                     ": it must call task(0) to task(" + std::to_string(threads - 1) +
                     "), each once, and wait for them");
  }
}

void run_on(ParallelExecutor& executor, Index threads, Phases phases) {
  for (const Phase& phase : phases) {
    for (Index piece = 0; piece < phase.pieces(); ++piece) run_piece(executor, threads, phase, piece);
  }
}

}  // namespace

void run_team(Index threads, Phases phases) {
  const StandardFloats floats;
  if (threads <= 1) return run_alone(phases);
  threads = std::min(threads, kMostThreads);
  if (const auto executor = host_executor()) return run_on(*executor, threads, phases);
  pool().run(threads, phases);
}

void run_team(const Work& work, Phases phases) {
  const Index threads = threads_for(work.flops);
  if (threads <= 1 || g_threshold.load(std::memory_order_relaxed) < kThreshold || host_executor()) {
    return run_team(threads, phases);
  }
  const StandardFloats floats;
  pool().run(threads, phases, work);
}

Index threads_for(double flops_per_step) {
  return flops_per_step < g_threshold.load(std::memory_order_relaxed) ? 1 : num_threads();
}

void set_thread_threshold(double flops) { g_threshold.store(flops, std::memory_order_relaxed); }

}  // namespace rondo::engine

namespace rondo {

void set_num_threads(Dim threads) {
  if (threads < 0 || threads > engine::kMostThreads) {
    throw ConfigError("set_num_threads(" + std::to_string(threads.value) + "): 1 to " +
                      std::to_string(engine::kMostThreads) + ", or 0 for all processors");
  }
  engine::g_threads.store(threads, std::memory_order_relaxed);
}

Index num_threads() {
  const Index set = engine::g_threads.load(std::memory_order_relaxed);
  if (set > 0) return set;
  if (const auto executor = engine::host_executor()) return std::max<Index>(1, executor->max_concurrency());
  return engine::available_processors();
}

}  // namespace rondo
