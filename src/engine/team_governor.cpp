#include "engine/team_governor.hpp"

#include <algorithm>
#include <cmath>

namespace rondo::engine {

namespace {

// A stretch is long enough to compare when it is many time slices long (3 or 4 ms each), so that neither one that was
// lost nor one that happened not to be decides.
constexpr Index kSteps = 2;
constexpr double kSeconds = 0.05;
// Members that wait for less of their time than this are worth having.
constexpr double kMuchWaiting = 0.2;
// The part of the time that trials may lose, and the seconds that one thread goes on after the first of them, four
// times as many after the second, and so on.
constexpr double kBudget = 0.02, kFirstHold = 0.1;

}  // namespace

bool TeamGovernor::Stretch::is_enough() const { return steps >= kSteps && seconds >= kSeconds; }

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
  team_.waited += waited / static_cast<double>(members);
  if (!team_.is_enough()) return;
  if (team_.waited > kMuchWaiting * team_.seconds && now >= next_trial_) {
    state_ = State::trial;
    one_ = {};
  } else {
    team_ = {};
    losses_ = 0;
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
    until_ = now + std::min((by_team - by_one) * team_.flops / kBudget, kFirstHold * std::pow(4.0, losses_++));
  } else {
    state_ = State::team;
    losses_ = 0;
    next_trial_ = now + (by_one - by_team) * one_.flops / kBudget;
  }
  team_ = {};
}

}  // namespace rondo::engine
