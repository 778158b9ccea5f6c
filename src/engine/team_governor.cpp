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

void TeamGovernor::begin_stretch() {
  steps_ = 0;
  seconds_ = waited_ = unknown_ = 0;
}

TeamGovernor::Pace* TeamGovernor::pace(const void* plan) {
  const auto end = paces_.begin() + static_cast<std::ptrdiff_t>(plans_);
  const auto found = std::find_if(paces_.begin(), end, [&](const Pace& p) { return p.plan == plan; });
  return found == end ? nullptr : &*found;
}

void TeamGovernor::team_took(const Work& work, Index members, double seconds, double waited) {
  if (steps_ == 0) plans_ = 0;
  if (pace(work.plan) == nullptr && plans_ < paces_.size()) paces_[plans_++] = {work.plan, 0, 0};
  if (Pace* p = pace(work.plan)) {
    p->flops += work.flops;
    p->seconds += seconds;
  }
  ++steps_;
  seconds_ += seconds;
  waited_ += waited / static_cast<double>(members);
  hold_ -= seconds;
  // Much waiting shows before the stretch is over.
  if (steps_ < kSteps || (seconds_ < kSeconds && waited_ < kMuchWaiting * kSeconds)) return;
  const bool waits_much = waited_ > kMuchWaiting * seconds_;
  if (!waits_much) losses_ = std::max<Index>(0, losses_ - 1);
  if (waits_much && hold_ <= 0) {
    state_ = State::trial;
    by_team_ = 0;
  }
  begin_stretch();
}

void TeamGovernor::one_took(const Work& work, double seconds) {
  if (state_ == State::one) {
    hold_ -= seconds;
    if (hold_ <= 0) state_ = State::team;
    return;
  }
  const Pace* team = pace(work.plan);
  if (team == nullptr) {
    unknown_ += seconds;
    if (unknown_ < kSeconds) return;
    state_ = State::team;
    return begin_stretch();
  }
  ++steps_;
  seconds_ += seconds;
  by_team_ += work.flops * team->seconds / team->flops;
  if (steps_ >= kSteps && seconds_ >= kSeconds) end_trial();
}

// What was lost, and the steps that must pay for it: those of the team's stretch if one thread is faster, else those of
// the trial.
void TeamGovernor::end_trial() {
  if (seconds_ < by_team_) {
    double stretch = 0;
    for (std::size_t i = 0; i < plans_; ++i) stretch += paces_[i].seconds;
    state_ = State::one;
    hold_ = std::min(stretch * (1 - seconds_ / by_team_) / kBudget, kFirstHold * std::pow(4.0, losses_++));
  } else {
    state_ = State::team;
    hold_ = (seconds_ - by_team_) / kBudget;
  }
  begin_stretch();
}

}  // namespace rondo::engine
