#include "engine/team_governor.hpp"

#include <gtest/gtest.h>

namespace rondo::engine {
namespace {

// A machine on which a step takes so long by a team and by one thread, and a clock that the steps move.
struct Machine {
  double by_team = 1e-3, by_one = 1.8e-3;
  double waited = 0.1e-3;  // of both members together
  TeamGovernor governor = {};
  double now = 0;
  int steps_by_one = 0;

  void step(const void* plan = nullptr, double flops = 1e6) {
    const Work work{plan, flops};
    const double scale = flops / 1e6;
    if (governor.prefers_one(work, now)) {
      ++steps_by_one;
      now += by_one * scale;
      governor.one_took(work, by_one * scale, now);
    } else {
      now += by_team * scale;
      governor.team_took(work, 2, by_team * scale, waited * scale, now);
    }
  }

  // The seconds that `steps` of them take.
  double run(int steps) {
    const double begin = now;
    for (int i = 0; i < steps; ++i) step();
    return now - begin;
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
    machine.now += 10e-3;  // a neighbour took a processor away
    machine.governor.team_took({nullptr, 1e6}, 2, 11e-3, 10e-3, machine.now);
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

TEST(TeamGovernor, StepsOfDifferentPlansAreNotCompared) {
  Machine machine{.by_team = 3e-3, .by_one = 1e-3, .waited = 3e-3};
  const int a = 0, b = 0;
  for (int i = 0; i < 100; ++i) machine.step(i % 2 == 0 ? &a : &b);
  EXPECT_EQ(machine.steps_by_one, 0) << "no plan has a stretch long enough";
  for (int i = 0; i < 120; ++i) machine.step(&a);
  EXPECT_GT(machine.steps_by_one, 80);
  machine.steps_by_one = 0;
  machine.step(&b);
  EXPECT_EQ(machine.steps_by_one, 1) << "that the machine is busy holds for all plans";
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
