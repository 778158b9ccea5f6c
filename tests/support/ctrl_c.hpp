// Ctrl-C as a program finds it that a shell has started in the foreground.
#pragma once

#include <csignal>

namespace rondo::test {

// For a scope: programs that a shell starts in the background ignore Ctrl-C, and with them the library.
class ListeningToCtrlC {
 public:
  ListeningToCtrlC() : before_(std::signal(SIGINT, SIG_DFL)) {}
  ~ListeningToCtrlC() { std::signal(SIGINT, before_); }
  ListeningToCtrlC(const ListeningToCtrlC&) = delete;
  ListeningToCtrlC& operator=(const ListeningToCtrlC&) = delete;

 private:
  void (*before_)(int);
};

}  // namespace rondo::test
