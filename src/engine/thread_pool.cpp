#include "engine/thread_pool.hpp"

#include <atomic>
#include <cstdint>
#include <fstream>
#include <hwy/cache_control.h>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <thread>
#include <vector>

#include <rondo/compute.hpp>
#include <rondo/error.hpp>

namespace rondo::engine {

namespace {

// ---- how many processors ---------------------------------------------------------------------------------------

Index processors_by_affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

// The cgroup's processor quota, rounded up; 0 where there is none. Version 2 has "quota period" in one file.
Index processors_by_cgroup() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period && quota != "max" && period > 0) {
    return static_cast<Index>((std::stod(quota) + period - 1) / period);
  }
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double microseconds = 0;
  if (v1_quota >> microseconds && v1_period >> period && microseconds > 0 && period > 0) {
    return static_cast<Index>((microseconds + period - 1) / period);
  }
  return 0;
}

Index available_processors() {
  static const Index count = [] {
    const Index affinity = processors_by_affinity(), quota = processors_by_cgroup();
    return quota > 0 ? std::min(affinity, quota) : affinity;
  }();
  return count;
}

std::atomic<Index> g_threads{0};
std::atomic<double> g_threshold{4e6};

// ---- waiting ---------------------------------------------------------------------------------------------------

// Waits until `word` differs from `old`: spins a few microseconds, yields a little, then sleeps.
void wait_for_change(const std::atomic<std::uint32_t>& word, std::uint32_t old) {
  for (int i = 0; i < 4000; ++i) {
    if (word.load(std::memory_order_acquire) != old) return;
    hwy::Pause();
  }
  for (int i = 0; i < 50; ++i) {
    if (word.load(std::memory_order_acquire) != old) return;
    std::this_thread::yield();
  }
  while (word.load(std::memory_order_acquire) == old) word.wait(old, std::memory_order_acquire);
}

class Barrier {
 public:
  void start(Index members) {
    members_ = static_cast<std::uint32_t>(members);
    arrived_.store(0, std::memory_order_relaxed);
  }

  void arrive() {
    const std::uint32_t phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == members_) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      phase_.notify_all();
    } else {
      wait_for_change(phase_, phase);
    }
  }

 private:
  std::uint32_t members_ = 1;
  std::atomic<std::uint32_t> arrived_{0};
  std::atomic<std::uint32_t> phase_{0};
};

// ---- the pool --------------------------------------------------------------------------------------------------

class Pool {
 public:
  ~Pool() {
    stop_.store(true, std::memory_order_relaxed);
    for (auto& worker : workers_) worker->wake();
    for (auto& worker : workers_) worker->thread.join();
  }

  void run(Index threads, MemberFunction f) {
    const std::unique_lock lock(busy_, std::try_to_lock);
    if (!lock.owns_lock()) return run_alone(f);
    const auto helpers = static_cast<std::size_t>(threads - 1);
    while (workers_.size() < helpers) start_worker();

    function_ = &f;
    team_ = threads;
    barrier_.start(threads);
    pending_.store(static_cast<std::uint32_t>(helpers), std::memory_order_relaxed);
    for (std::size_t i = 0; i < helpers; ++i) workers_[i]->wake();
    f(Member(0, threads, &barrier_));
    while (const std::uint32_t pending = pending_.load(std::memory_order_acquire)) wait_for_change(pending_, pending);
  }

  static void run_alone(MemberFunction f) { f(Member(0, 1, nullptr)); }

 private:
  struct Worker {
    std::atomic<std::uint32_t> calls{0};  // raised once per team that this worker is in
    std::thread thread;

    void wake() {
      calls.fetch_add(1, std::memory_order_release);
      calls.notify_one();
    }
  };

  void start_worker() {
    Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
    const auto rank = static_cast<Index>(workers_.size());
    worker.thread = std::thread([this, rank, &worker] { work(rank, worker); });
  }

  void work(Index rank, const Worker& self) {
    for (std::uint32_t seen = 0;; ++seen) {
      wait_for_change(self.calls, seen);
      if (stop_.load(std::memory_order_relaxed)) return;
      (*function_)(Member(rank, team_, &barrier_));
      if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) pending_.notify_one();
    }
  }

  std::mutex busy_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<bool> stop_{false};
  // Written by the caller before it wakes a worker, read by workers until pending_ is zero.
  const MemberFunction* function_ = nullptr;
  Index team_ = 1;
  Barrier barrier_;
  std::atomic<std::uint32_t> pending_{0};
};

// A child of fork() has no worker threads: it gets a pool of its own, and the parent's is left alone.
std::atomic<Pool*> g_pool{nullptr};

Pool& pool() {
  static std::once_flag registered;
  std::call_once(registered, [] {
    pthread_atfork(nullptr, nullptr, [] { g_pool.store(nullptr); });
    std::atexit([] { delete g_pool.exchange(nullptr); });
  });
  Pool* current = g_pool.load(std::memory_order_acquire);
  if (current != nullptr) return *current;
  auto fresh = std::make_unique<Pool>();
  if (g_pool.compare_exchange_strong(current, fresh.get())) return *fresh.release();
  return *current;
}

}  // namespace

void Member::barrier() const {
  if (size_ > 1) static_cast<Barrier*>(barrier_)->arrive();
}

void run_team(Index threads, MemberFunction f) {
  if (threads <= 1) return Pool::run_alone(f);
  pool().run(threads, f);
}

Index threads_for(double flops_per_step) {
  return flops_per_step < g_threshold.load(std::memory_order_relaxed) ? 1 : num_threads();
}

void set_thread_threshold(double flops) { g_threshold.store(flops, std::memory_order_relaxed); }

}  // namespace rondo::engine

namespace rondo {

void set_num_threads(Dim threads) {
  if (threads < 0) {
    throw ConfigError("set_num_threads(" + std::to_string(threads.value) + "): 1 or more, or 0 for all processors");
  }
  engine::g_threads.store(threads, std::memory_order_relaxed);
}

Index num_threads() {
  const Index set = engine::g_threads.load(std::memory_order_relaxed);
  return set > 0 ? set : engine::available_processors();
}

}  // namespace rondo
