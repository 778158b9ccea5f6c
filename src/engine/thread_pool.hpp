// The threads that walk a plan together.
//
// A team is the caller and its helpers. Each member takes its share of every phase of the work; a phase begins when all
// have ended the one before. Helpers are threads of Rondo's own pool, or whatever the host has given (set_executor).
// Waiting threads of the pool spin briefly, then sleep. The pool serves one team at a time: a second caller walks
// alone, with the same bits. So does the first one while other programs keep the processors so busy that a team would
// lose to one thread (team_governor.hpp).
#pragma once

#include <concepts>
#include <initializer_list>

#include <rondo/shape.hpp>

#include "core/range.hpp"
#include "engine/team_governor.hpp"

namespace rondo::engine {

// One member of a team at work.
class Member {
 public:
  Member(Index rank, Index size) : rank_(rank), size_(size) {}
  Index rank() const { return rank_; }
  Index size() const { return size_; }
  // This member's part of [0, count).
  Range share(Index count) const { return rondo::share(count, rank_, size_); }

 private:
  Index rank_, size_;
};

// A piece of work between barriers, or several in a row: a reference to a function of the member, or of the member and
// the number of the piece. No allocation; valid during the call.
class Phase {
 public:
  template <std::invocable<const Member&> F>
  Phase(F& f) : object_(&f), call_([](void* o, const Member& m, Index) { (*static_cast<F*>(o))(m); }) {}
  template <std::invocable<const Member&, Index> F>
  Phase(F& f, Index pieces)
      : object_(&f),
        call_([](void* o, const Member& m, Index piece) { (*static_cast<F*>(o))(m, piece); }),
        pieces_(pieces) {}
  Index pieces() const { return pieces_; }
  void operator()(const Member& member, Index piece) const { call_(object_, member, piece); }

 private:
  void* object_;
  void (*call_)(void*, const Member&, Index);
  Index pieces_ = 1;
};

// Runs the phases one after the other on a team of at most `threads`, the caller included. What the members wrote in a
// piece is visible to all in the next, and to the caller at the end. Phases must not throw; they compute by the
// standard's floating-point rules (StandardFloats).
void run_team(Index threads, std::initializer_list<Phase> phases);

// The same with as many threads as the work deserves: threads_for(work.flops), or one while a team does not pay.
void run_team(const Work& work, std::initializer_list<Phase> phases);

// The most threads of a team: beyond any processor's, and few enough for a list on the stack.
constexpr Index kMostThreads = 4096;

// How many threads a step of this many floating-point operations deserves: 1 below the threshold at which a second
// thread pays for its waking, num_threads() above.
Index threads_for(double flops_per_step);

// Moves that threshold (default 4e6), so that tests can walk tiny plans with many threads; below the default a team is
// kept even where it does not pay.
void set_thread_threshold(double flops);

}  // namespace rondo::engine
