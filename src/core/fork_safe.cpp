#include "core/fork_safe.hpp"

#include <array>
#include <cstdint>
#include <pthread.h>

namespace rondo {

namespace {

// Enough that threads at work on different models seldom meet.
constexpr std::size_t kMutexes = 64;

struct alignas(64) Padded {  // on cache lines of their own
  std::mutex mutex;
};
constinit std::array<Padded, kMutexes> g_mutexes;

void lock_all() {
  for (Padded& p : g_mutexes) p.mutex.lock();
}
void unlock_all() {
  for (Padded& p : g_mutexes) p.mutex.unlock();
}
[[maybe_unused]] const int g_at_fork = pthread_atfork(lock_all, unlock_all, unlock_all);

// The high bits of a product with the golden ratio spread addresses that differ in any bits.
std::mutex& mutex_of(const void* guarded) {
  const std::uint64_t spread = reinterpret_cast<std::uintptr_t>(guarded) * std::uint64_t{0x9E3779B97F4A7C15};
  return g_mutexes[spread >> 58].mutex;
}
static_assert(kMutexes == std::size_t{1} << (64 - 58));

}  // namespace

ForkSafeLock::ForkSafeLock(const void* guarded) : lock_(mutex_of(guarded)) {}

}  // namespace rondo
