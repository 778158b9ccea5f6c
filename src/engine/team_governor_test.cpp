#include "engine/team_governor.hpp"

#include <gtest/gtest.h>

namespace rondo::engine {
namespace {

// A machine on which a step takes so long by a team and by one thread.
struct Machine {
  double by_team = 1e-3, by_one = 1.8e-3;
  double waited = 0.1e-3;  // of both members together
  TeamGovernor governor = {};
  int steps_by_one = 0;

  // Returns the seconds that it takes.
  double step(const void* plan = nullptr, double flops = 1e6) {
    const Work work{plan, flops};
    const double scale = flops / 1e6;
    if (governor.prefers_one()) {
      ++steps_by_one;
      governor.one_took(work, by_one * scale);
      return by_one * scale;
    }
    governor.team_took(work, 2, by_team * scale, waited * scale);
    return by_team * scale;
  }

  // The seconds that `steps` of them take.
  double run(int steps) {
    double seconds = 0;
    for (int i = 0; i < steps; ++i) seconds += step();
    return seconds;
  }
};

TEST(TeamGovernor, ATeamWhoseMembersHardlyWaitIsNeverDoubted) {
  Machine idle;
  idle.run(10000);
  EXPECT_EQ(idle.steps_by_one, 0);
}

TEST(TeamGovernor, ATeamThatLosesShrinksToOneAndCostsLittle) {
  // Somebody else's time slices: 35 times as long as one thread takes.
  Machine busy{.by_team = 35e-3, .by_one = 1e-3, .waited = 33e-3};
  busy.run(3);
  EXPECT_EQ(busy.steps_by_one, 1) << "two bad steps are enough to try";
  EXPECT_LT(busy.run(1000), 1.35 * 1000 * busy.by_one);
  EXPECT_LT(busy.run(20000), 1.03 * 20000 * busy.by_one);
}

TEST(TeamGovernor, ASlowStepNowAndThenIsNoReasonToShrink) {
  Machine machine;
  for (int i = 0; i < 100; ++i) {
    machine.governor.team_took({nullptr, 1e6}, 2, 11e-3, 10e-3);  // a neighbour took a processor away
    machine.run(100);
  }
  EXPECT_EQ(machine.steps_by_one, 0);
}

TEST(TeamGovernor, ItTriesATeamAgainWhenTheOtherProgramHasGone) {
  Machine machine{.by_team = 35e-3, .by_one = 1.8e-3, .waited = 33e-3};
  machine.run(100);
  machine.by_team = 1e-3;
  machine.waited = 0.1e-3;
  machine.run(3000);
  machine.steps_by_one = 0;
  machine.run(1000);
  EXPECT_EQ(machine.steps_by_one, 0);
}

TEST(TeamGovernor, ATeamThatWaitsMuchButWinsIsKept) {
  Machine machine{.by_team = 1e-3, .by_one = 1.3e-3, .waited = 0.7e-3};
  const double seconds = machine.run(20000);
  EXPECT_LT(seconds, 1.03 * 20000 * machine.by_team);
}

TEST(TeamGovernor, OneLuckyWhileDoesNotMakeItTryAnewAsOften) {
  Machine busy{.by_team = 35e-3, .by_one = 1e-3, .waited = 33e-3};
  busy.run(20000);
  double seconds = 0;
  for (int i = 0; i < 20; ++i) {
    while (busy.governor.prefers_one()) seconds += busy.step();
    busy.governor.team_took({nullptr, 1e6}, 2, 60e-3, 1e-3);
    seconds += busy.run(500);
  }
  EXPECT_GT(seconds / 20, 0.5) << "as after the third loss or so, not as after the first";
}

TEST(TeamGovernor, PlansThatAlternateAreComparedEachWithItself) {
  // One thread is slower per operation with the second plan than a team is with the first, as that plan is.
  Machine busy{.by_team = 3e-3, .by_one = 1e-3, .waited = 3e-3};
  const int a = 0, b = 0;
  for (int i = 0; i < 200; ++i) {
    busy.by_team = i % 2 == 0 ? 3e-3 : 30e-3;
    busy.by_one = i % 2 == 0 ? 1e-3 : 10e-3;
    busy.waited = busy.by_team;
    busy.step(i % 2 == 0 ? &a : &b);
  }
  EXPECT_GT(busy.steps_by_one, 150);
}

TEST(TeamGovernor, ThatTheMachineIsBusyHoldsForAllPlans) {
  Machine busy{.by_team = 35e-3, .by_one = 1e-3, .waited = 33e-3};
  const int a = 0, b = 0;
  for (int i = 0; i < 100; ++i) busy.step(&a);
  busy.steps_by_one = 0;
  busy.step(&b);
  EXPECT_EQ(busy.steps_by_one, 1);
}

TEST(TeamGovernor, StepsThatTheTeamHasNotTakenDecideNothing) {
  Machine machine{.by_team = 1e-3, .by_one = 1.3e-3, .waited = 0.7e-3};
  const int a = 0, b = 0;
  while (machine.steps_by_one == 0) machine.step(&a);
  for (int i = 0; i < 30; ++i) machine.step(&b);
  EXPECT_EQ(machine.steps_by_one, 31) << "a short validation: the trial goes on";
  for (int i = 0; i < 30; ++i) machine.step(&b);
  EXPECT_LT(machine.steps_by_one, 50) << "another fit: the trial ends without a result";
}

TEST(TeamGovernor, BatchesOfDifferentSizeAreComparedByTheirWork) {
  // The batches that one thread tries are a tenth of the others.
  Machine machine{.by_team = 1e-3, .by_one = 1.3e-3, .waited = 0.7e-3};
  const int plan = 0;
  while (machine.steps_by_one == 0) machine.step(&plan, 1e6);
  for (int i = 0; i < 1000 && machine.steps_by_one == i + 1; ++i) machine.step(&plan, 1e5);
  machine.steps_by_one = 0;
  machine.step(&plan, 1e6);
  EXPECT_EQ(machine.steps_by_one, 0) << "the team was faster";
}

}  // namespace
}  // namespace rondo::engine
