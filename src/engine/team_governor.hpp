// Whether a team of threads pays, learned from how long its steps take.
//
// Where other programs keep the processors busy, a team waits at its barriers for the member that has just lost its
// processor, for a time slice: milliseconds, many times in a step that takes one thread half a millisecond. So when
// members have waited for much of a while, one thread walks for a while, and the faster way is kept: for as long as
// pays for what the trial has lost, counted in time at work, so that a pause between two fits is no reason to try
// again. At first the next trial comes sooner, as the other program may have gone.
//
// Pure arithmetic about times that others have measured; not safe from several threads.
#pragma once

#include <array>

#include <rondo/shape.hpp>

namespace rondo::engine {

// Steps of which plan, and how many floating-point operations one takes: what a step of one plan costs per operation
// says nothing about another's.
struct Work {
  const void* plan = nullptr;
  double flops = 0;
};

class TeamGovernor {
 public:
  // Whether one thread should walk the next step.
  bool prefers_one() const { return state_ != State::team; }

  // What the step took that just ended: a team's, where all members together waited for so many seconds, or that of one
  // thread because prefers_one() said so.
  void team_took(const Work& work, Index members, double seconds, double waited);
  void one_took(const Work& work, double seconds);

 private:
  enum class State { team, trial, one };
  // The steps of a team with one plan.
  struct Pace {
    const void* plan;
    double flops, seconds;
  };

  void begin_stretch();
  // Of this plan, or null where the last stretch of the team had none of it.
  Pace* pace(const void* plan);
  void end_trial();

  State state_ = State::team;
  double hold_ = 0;  // seconds at work for which the state stays
  // The stretch of steps that is going on.
  Index steps_ = 0;
  double seconds_ = 0;
  double waited_ = 0;   // of a member, on average
  double unknown_ = 0;  // of a trial: with plans that the team has not walked
  double by_team_ = 0;  // what a team would have taken for the steps of the trial
  // Those of the last stretch of the team. A fit has two plans that alternate, its own and that of its validation.
  std::array<Pace, 4> paces_{};
  std::size_t plans_ = 0;
  Index losses_ = 0;  // of the team, less those that lie behind some stretches without much waiting
};

}  // namespace rondo::engine
