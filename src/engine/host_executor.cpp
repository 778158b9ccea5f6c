#include "engine/host_executor.hpp"

#include <atomic>
#include <mutex>
#include <pthread.h>
#include <utility>

namespace rondo {

namespace {

using Held = std::shared_ptr<ParallelExecutor>;

// A pointer to the owner, so that a look suffices while there is none, and that is never destroyed at exit, when other
// threads may still be training. The lock is for those who copy or replace the owner.
std::mutex g_mutex;
std::atomic<Held*> g_held{nullptr};

// A child of fork() has none of the host's threads: it goes on with Rondo's own pool. The owner is left behind in
// memory, since the executor's destructor could wait for threads that are not there.
[[maybe_unused]] const int g_at_fork = pthread_atfork([] { g_mutex.lock(); }, [] { g_mutex.unlock(); },
                                                      [] {
                                                        g_held.store(nullptr);
                                                        g_mutex.unlock();
                                                      });

}  // namespace

std::shared_ptr<ParallelExecutor> engine::host_executor() {
  if (g_held.load(std::memory_order_relaxed) == nullptr) return nullptr;
  const std::lock_guard lock(g_mutex);
  const Held* held = g_held.load(std::memory_order_relaxed);
  return held != nullptr ? *held : nullptr;
}

void set_executor(std::shared_ptr<ParallelExecutor> executor) {
  auto held = executor != nullptr ? std::make_unique<Held>(std::move(executor)) : nullptr;
  const std::lock_guard lock(g_mutex);
  held.reset(g_held.exchange(held.release()));
}

}  // namespace rondo
