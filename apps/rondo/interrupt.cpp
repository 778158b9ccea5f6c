#include "interrupt.hpp"

#include <csignal>

#include "failure.hpp"

namespace rondo::cli {

namespace {

volatile std::sig_atomic_t g_interrupted = 0;

}  // namespace

void listen_to_ctrl_c() {
  struct sigaction action {};
  action.sa_handler = [](int) { g_interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // and reading ends, which SA_RESTART would go on with
  sigaction(SIGINT, &action, nullptr);
}

void stop_if_interrupted() {
  if (g_interrupted != 0) throw Failure(kInterrupted, "interrupted");
}

}  // namespace rondo::cli
