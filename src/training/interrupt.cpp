#include "training/interrupt.hpp"

#include <atomic>
#include <csignal>
#include <pthread.h>

#include "core/fork_safe.hpp"

namespace rondo::training {

namespace {

// How often Ctrl-C was noted.
std::atomic<int> g_interrupts{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal's handler may not lock");

// Protected by a lock of the first one's address.
int g_guards = 0;
bool g_installed = false;  // the handler below, since the program had none of its own
struct sigaction g_before;
thread_local int t_guards = 0;  // this thread's

void on_interrupt(int) {
  g_interrupts.fetch_add(1, std::memory_order_relaxed);
  std::signal(SIGINT, SIG_DFL);  // the second Ctrl-C ends the program
}

auto current_handler() {
  struct sigaction now {};
  sigaction(SIGINT, nullptr, &now);
  return now.sa_handler;
}

void listen() {
  struct sigaction listening {};
  listening.sa_handler = on_interrupt;
  sigemptyset(&listening.sa_mask);
  listening.sa_flags = SA_RESTART;
  sigaction(SIGINT, &listening, nullptr);
}

void end_listening() {
  if (!g_installed) return;
  g_installed = false;
  if (current_handler() == on_interrupt) sigaction(SIGINT, &g_before, nullptr);  // not the program's own, set meanwhile
}

// A child of fork() has the guards of the thread that forked, from within a callback, and no others.
void keep_own_guards() {
  g_guards = t_guards;
  if (g_guards == 0) end_listening();
}
[[maybe_unused]] const int g_at_fork = pthread_atfork(nullptr, nullptr, keep_own_guards);

}  // namespace

InterruptGuard::InterruptGuard() : before_(g_interrupts.load(std::memory_order_relaxed)) {
  const ForkSafeLock lock(&g_guards);
  ++t_guards;
  if (g_guards++ == 0) {
    sigaction(SIGINT, nullptr, &g_before);
    g_installed = g_before.sa_handler == SIG_DFL;
  }
  // Also where a Ctrl-C has come to an older guard: this one's fit is not ending yet.
  if (g_installed && current_handler() == SIG_DFL) listen();
}

InterruptGuard::~InterruptGuard() {
  const ForkSafeLock lock(&g_guards);
  --t_guards;
  if (--g_guards == 0) end_listening();
}

bool InterruptGuard::interrupted() const { return g_interrupts.load(std::memory_order_relaxed) != before_; }

}  // namespace rondo::training
