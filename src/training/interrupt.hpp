// Ctrl-C during a fit: the first one is noted, so that training can stop after the batch at work and keep what it has;
// the second one ends the program as usual.
#pragma once

namespace rondo::training {

// Listens while at least one guard lives, unless the program has a handler of its own for SIGINT. Made and destroyed by
// one thread.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  // Whether Ctrl-C came since this guard was made.
  bool interrupted() const;

 private:
  int before_;  // how often it had come
};

}  // namespace rondo::training
