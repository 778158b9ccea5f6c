#include "engine/host_executor.hpp"

#include <atomic>
#include <pthread.h>
#include <utility>

#include "core/fork_safe.hpp"

namespace rondo {

namespace {

using Held = std::shared_ptr<ParallelExecutor>;

// A pointer to the owner, so that a look suffices while there is none, and that is never destroyed at exit, when other
// threads may still be training. A lock of its address is for those who copy or replace the owner.
std::atomic<Held*> g_held{nullptr};

// A child of fork() has none of the host's threads: it goes on with Rondo's own pool. The owner is left behind in
// memory, since the executor's destructor could wait for threads that are not there.
[[maybe_unused]] const int g_at_fork = pthread_atfork(nullptr, nullptr, [] { g_held.store(nullptr); });

}  // namespace

std::shared_ptr<ParallelExecutor> engine::host_executor() {
  if (g_held.load(std::memory_order_relaxed) == nullptr) return nullptr;
  const ForkSafeLock lock(&g_held);
  const Held* held = g_held.load(std::memory_order_relaxed);
  return held != nullptr ? *held : nullptr;
}

void set_executor(std::shared_ptr<ParallelExecutor> executor) {
  // Declared before the lock, so that the executor that is replaced ends, and runs its own code, behind it.
  auto held = executor != nullptr ? std::make_unique<Held>(std::move(executor)) : nullptr;
  const ForkSafeLock lock(&g_held);
  held.reset(g_held.exchange(held.release()));
}

}  // namespace rondo
