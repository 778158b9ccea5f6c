#include "engine/team_governor.hpp"

#include <algorithm>

namespace rondo::engine {

namespace {

// A stretch is long enough to compare after so many steps, or after fewer that have taken several time slices. A single
// step may be slow because of anything.
constexpr Index kSteps = 16, kLeastSteps = 4;
constexpr double kSeconds = 0.02;
// Members that wait for less of their time than this are worth having.
constexpr double kMuchWaiting = 0.25;
// The part of the time that trials may lose.
constexpr double kBudget = 0.02;

}  // namespace

bool TeamGovernor::Stretch::is_enough() const {
  return steps >= kSteps || (steps >= kLeastSteps && seconds >= kSeconds);
}

bool TeamGovernor::prefers_one(const Work& work, double now) {
  if (state_ == State::one) {
    if (now < until_) return true;
    state_ = State::team;
    team_ = {};
  }
  if (work.plan != plan_) {
    plan_ = work.plan;
    team_ = {};
    state_ = State::team;
  }
  return state_ == State::trial;
}

void TeamGovernor::team_took(const Work& work, Index members, double seconds, double waited, double now) {
  ++team_.steps;
  team_.flops += work.flops;
  team_.seconds += seconds;
  team_.slow += waited > kMuchWaiting * seconds * static_cast<double>(members) ? 1 : 0;
  if (!team_.is_enough()) return;
  if (2 * team_.slow > team_.steps && now >= next_trial_) {
    state_ = State::trial;
    one_ = {};
  } else {
    team_ = {};
  }
}

void TeamGovernor::one_took(const Work& work, double seconds, double now) {
  if (state_ != State::trial) return;
  ++one_.steps;
  one_.flops += work.flops;
  one_.seconds += seconds;
  if (!one_.is_enough()) return;
  const double by_one = one_.seconds_per_flop(), by_team = team_.seconds_per_flop();
  if (by_one < by_team) {
    state_ = State::one;
    until_ = now + (by_team - by_one) * team_.flops / kBudget;
  } else {
    state_ = State::team;
    next_trial_ = now + (by_one - by_team) * one_.flops / kBudget;
  }
  team_ = {};
}

}  // namespace rondo::engine
