// The threads that walk a plan together.
//
// A team is the caller and up to size-1 workers; all run the same function and meet at barriers. Waiting threads spin
// briefly, then yield, then sleep; nothing spins after a call has returned. One team works at a time: a second caller
// walks alone, with the same bits.
#pragma once

#include <functional>

#include <rondo/shape.hpp>

#include "core/range.hpp"

namespace rondo::engine {

// One member of a team at work.
class Member {
 public:
  Member(Index rank, Index size, void* barrier) : rank_(rank), size_(size), barrier_(barrier) {}
  Index rank() const { return rank_; }
  Index size() const { return size_; }
  // This member's part of [0, count).
  Range share(Index count) const { return rondo::share(count, rank_, size_); }
  // Returns when every member has arrived; what they wrote before is visible to all after.
  void barrier() const;

 private:
  Index rank_, size_;
  void* barrier_;
};

// A reference to a callable: no allocation, valid during the call.
class MemberFunction {
 public:
  template <class F>
  MemberFunction(F& f) : object_(&f), call_([](void* o, const Member& m) { (*static_cast<F*>(o))(m); }) {}
  void operator()(const Member& member) const { call_(object_, member); }

 private:
  void* object_;
  void (*call_)(void*, const Member&);
};

// Runs f on a team of `threads` (at least 1, the caller included). f must not throw.
void run_team(Index threads, MemberFunction f);

// How many threads a step of this many floating-point operations deserves: 1 below the threshold at which a second
// thread pays for its waking, num_threads() above.
Index threads_for(double flops_per_step);

// Moves that threshold (default 4e6), so that tests can walk tiny plans with many threads.
void set_thread_threshold(double flops);

}  // namespace rondo::engine
