// Runs something in a child of fork(), which has the memory of the test program and none of its other threads.
#pragma once

#include <csignal>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

#include "support/instrumented.hpp"

namespace rondo::test {

// The thread sanitizer ends a child that starts threads.
inline bool children_may_start_threads() { return sanitizer() != Sanitizer::thread; }

// The address sanitizer does not look after its own locks at a fork: a child that inherits one, held by a thread that
// was just starting, waits for ever when it starts threads itself. (Seen once in some hundred runs.)
inline bool may_fork_while_threads_start() { return sanitizer() != Sanitizer::address; }

[[noreturn]] inline void end_child(int status) {
  // The search for leaks knows nothing of what the parent's other threads hold.
  if (sanitizer() == Sanitizer::address) _exit(status);
  std::exit(status);
}

// Whether `in_child` returned true there, and the child ended as programs do, within twenty seconds.
template <class F>
bool succeeds_in_child(F in_child) {
  const pid_t child = fork();
  if (child == 0) end_child(in_child() ? 0 : 1);
  int status = -1;
  for (int i = 0; i < 2000 && waitpid(child, &status, WNOHANG) == 0; ++i) usleep(10000);
  if (status == -1) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace rondo::test
