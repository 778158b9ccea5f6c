// Whether a team of threads pays, learned from how long its steps take.
//
// Where other programs keep the processors busy, a team waits at its barriers for the member that has just lost its
// processor, for a time slice: milliseconds, many times in a step that takes one thread half a millisecond. So when
// members have waited for much of a while, the next steps of the same work are walked by one thread, and the faster way
// is kept. What such trials lose is bounded: in the end, after one that has lost a second the next comes 50 seconds
// later. At first it comes sooner, as the other program may have gone.
//
// Pure arithmetic about times that others have measured; not safe from several threads.
#pragma once

#include <rondo/shape.hpp>

namespace rondo::engine {

// Steps of which plan, and how many floating-point operations one takes: only steps of the same plan are compared.
struct Work {
  const void* plan = nullptr;
  double flops = 0;
};

class TeamGovernor {
 public:
  // Whether the step that begins at `now` (in seconds) should be walked by one thread.
  bool prefers_one(const Work& work, double now);

  // What the step took that just ended: a team's, where all members together waited for so many seconds, or that of one
  // thread because prefers_one() said so.
  void team_took(const Work& work, Index members, double seconds, double waited, double now);
  void one_took(const Work& work, double seconds, double now);

 private:
  // Steps of one kind in a row.
  struct Stretch {
    Index steps = 0;
    double flops = 0, seconds = 0;
    double waited = 0;  // of a member, on average

    bool is_enough() const;
    double seconds_per_flop() const { return seconds / flops; }
  };
  enum class State { team, trial, one };

  State state_ = State::team;
  const void* plan_ = nullptr;  // of the stretches
  Stretch team_, one_;
  Index losses_ = 0;       // of the team, one after the other
  double next_trial_ = 0;  // in state team: not before
  double until_ = 0;       // in state one
};

}  // namespace rondo::engine
