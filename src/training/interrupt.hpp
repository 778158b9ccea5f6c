// Ctrl-C during a fit: the first one is noted, so that training can stop after the batch at work and keep what it has;
// the second one ends the program as usual.
#pragma once

namespace rondo::training {

// Listens while at least one guard lives, unless the program has a handler of its own for SIGINT.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  // Whether Ctrl-C came since the oldest living guard was made.
  bool interrupted() const;
};

}  // namespace rondo::training
