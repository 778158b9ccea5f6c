#include "training/interrupt.hpp"

#include <csignal>
#include <mutex>

namespace rondo::training {

namespace {

volatile std::sig_atomic_t g_interrupted = 0;
std::mutex g_mutex;
int g_guards = 0;
bool g_installed = false;
struct sigaction g_before;

void on_interrupt(int) {
  g_interrupted = 1;
  std::signal(SIGINT, SIG_DFL);  // the second Ctrl-C ends the program
}

}  // namespace

InterruptGuard::InterruptGuard() {
  const std::lock_guard lock(g_mutex);
  if (g_guards++ > 0) return;
  g_interrupted = 0;
  sigaction(SIGINT, nullptr, &g_before);
  g_installed = g_before.sa_handler == SIG_DFL;
  if (!g_installed) return;
  struct sigaction listen {};
  listen.sa_handler = on_interrupt;
  sigemptyset(&listen.sa_mask);
  listen.sa_flags = SA_RESTART;
  sigaction(SIGINT, &listen, nullptr);
}

InterruptGuard::~InterruptGuard() {
  const std::lock_guard lock(g_mutex);
  if (--g_guards > 0 || !g_installed) return;
  sigaction(SIGINT, &g_before, nullptr);
}

bool InterruptGuard::interrupted() const { return g_interrupted != 0; }

}  // namespace rondo::training
