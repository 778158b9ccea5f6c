#include "engine/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <thread>
#include <unistd.h>
#include <vector>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <rondo/compute.hpp>
#include <rondo/error.hpp>

#include "support/in_child.hpp"

namespace rondo::engine {
namespace {

// How many members a team of this wish had, as its members saw it; -1 if they did not agree.
Index size_seen(Index threads) {
  std::atomic<Index> members{0}, size{0};
  auto f = [&](const Member& m) {
    members.fetch_add(1);
    size.store(m.size());
  };
  run_team(threads, {f});
  return members == size ? size.load() : -1;
}

TEST(ThreadPool, EveryMemberRunsOnceWithItsOwnRank) {
  for (Index threads = 1; threads <= 8; ++threads) {
    std::vector<std::atomic<int>> runs(static_cast<std::size_t>(threads));
    auto f = [&](const Member& m) {
      EXPECT_EQ(m.size(), threads);
      runs[static_cast<std::size_t>(m.rank())].fetch_add(1);
    };
    run_team(threads, {f});
    for (const auto& n : runs) EXPECT_EQ(n.load(), 1) << threads;
  }
}

TEST(ThreadPool, TheCallerIsRankZero) {
  std::thread::id zero;
  auto f = [&](const Member& m) {
    if (m.rank() == 0) zero = std::this_thread::get_id();
  };
  run_team(3, {f});
  EXPECT_EQ(zero, std::this_thread::get_id());
}

TEST(ThreadPool, APhaseBeginsWhenAllHaveEndedTheOneBeforeAndShowsWhatTheyWrote) {
  for (const Index threads : {1, 2, 3, 8}) {
    // Plain integers: the team alone must make them visible.
    std::vector<int> written(static_cast<std::size_t>(threads), 0);
    std::atomic<int> wrong{0};
    int round = 0;
    const auto all_are = [&](int expected) {
      for (const int w : written) wrong += w == expected ? 0 : 1;
    };
    auto write = [&](const Member& m) { written[static_cast<std::size_t>(m.rank())] = round; };
    auto read = [&](const Member&) { all_are(round); };
    auto negate = [&](const Member& m) { written[static_cast<std::size_t>(m.rank())] *= -1; };
    for (round = 1; round <= 50; ++round) {
      run_team(threads, {write, read, negate});
      all_are(-round);
    }
    EXPECT_EQ(wrong.load(), 0) << threads << " threads";
  }
}

TEST(ThreadPool, APhaseMayComeInPieces) {
  for (const Index threads : {1, 3}) {
    std::vector<std::atomic<Index>> pieces(static_cast<std::size_t>(threads));
    std::atomic<int> wrong{0};
    auto piece = [&](const Member& m, Index i) {
      for (const auto& p : pieces) wrong += p == i || p == i + 1 ? 0 : 1;  // another may have ended this one
      pieces[static_cast<std::size_t>(m.rank())] = i + 1;
    };
    auto sum = [&](const Member&) { wrong += pieces.front() == 5 && pieces.back() == 5 ? 0 : 1; };
    run_team(threads, {{piece, 5}, sum, {piece, 0}});
    EXPECT_EQ(wrong.load(), 0) << threads << " threads";
  }
}

TEST(ThreadPool, TeamsOfChangingSizeFollowEachOther) {
  long total = 0, expected = 0;
  for (int i = 0; i < 300; ++i) {
    const Index threads = 1 + i * 5 % 4;
    std::vector<long> parts(static_cast<std::size_t>(threads), 0);
    auto f = [&](const Member& m) { parts[static_cast<std::size_t>(m.rank())] = m.rank() + 1; };
    run_team(threads, {f});
    for (const long part : parts) total += part;
    expected += threads * (threads + 1) / 2;
  }
  EXPECT_EQ(total, expected);
}

TEST(ThreadPool, ATeamInsideATeamWalksAlone) {
  std::atomic<int> inner_members{0}, inner_larger{0};
  auto outer = [&](const Member&) {
    auto inner = [&](const Member& m) {
      ++inner_members;
      inner_larger += m.size() > 1 ? 1 : 0;
    };
    run_team(3, {inner});
  };
  run_team(2, {outer});
  EXPECT_EQ(inner_members.load(), 2);
  EXPECT_EQ(inner_larger.load(), 0);
  EXPECT_EQ(size_seen(3), 3) << "afterwards the pool is free";
}

TEST(ThreadPool, ASecondCallerWalksAloneWhileTheFirstIsAtWork) {
  std::atomic<bool> at_work{false}, asked{false};
  Index second = 0;
  std::thread caller([&] {
    while (!at_work) std::this_thread::yield();
    second = size_seen(4);
    asked = true;
  });
  auto f = [&](const Member& m) {
    if (m.rank() != 0) return;
    at_work = true;
    while (!asked) std::this_thread::yield();
  };
  run_team(2, {f});
  caller.join();
  EXPECT_EQ(second, 1);
  EXPECT_EQ(size_seen(4), 4);
}

TEST(ThreadPool, FewerThreadsWorkWhereTheSystemCannotStartAsMany) {
  if (!test::children_may_start_threads()) GTEST_SKIP();
  EXPECT_TRUE(test::succeeds_in_child([] {  // where the pool is new
    const bool three = size_seen(3) == 3;
    pthread_attr_t usual, greedy;
    pthread_getattr_default_np(&usual);
    pthread_attr_init(&greedy);
    pthread_attr_setstacksize(&greedy, std::size_t{1} << 50);  // a stack of a petabyte
    pthread_setattr_default_np(&greedy);
    const bool no_more = size_seen(8) == 3 && size_seen(8) == 3 && size_seen(2) == 2;
    pthread_setattr_default_np(&usual);
    return three && no_more && size_seen(8) == 8;  // when there is room again
  }));
}

TEST(ThreadPool, NothingSpinsAfterACall) {
  using namespace std::chrono_literals;
  const auto processor_seconds = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  double least = 1;
  for (int attempt = 0; attempt < 5 && least > 0.005; ++attempt) {
    ASSERT_EQ(size_seen(3), 3);
    ASSERT_EQ(size_seen(2), 2);  // no more than there are processors, so that it may spin
    const double before = processor_seconds();
    std::this_thread::sleep_for(50ms);
    least = std::min(least, processor_seconds() - before);
  }
  EXPECT_LE(least, 0.005) << "seconds of processor time in 50 ms of rest";
}

TEST(ThreadPool, SleepingWorkersWakeAndSleepingMembersToo) {
  using namespace std::chrono_literals;
  // Longer than a thread spins: the helpers sleep before each call and at the barrier inside.
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(5ms);
    std::atomic<int> late{0};
    auto slow = [&](const Member& m) {
      if (m.rank() == i % 3) std::this_thread::sleep_for(5ms);
      late += 1;
    };
    auto after = [&](const Member&) { EXPECT_EQ(late.load(), 3); };
    run_team(3, {slow, after});
  }
}

// The processors on which the members of a team of two may run.
std::vector<int> processors_of_members() {
  std::vector<int> counts(2, 0);
  auto f = [&](const Member& m) {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) counts[static_cast<std::size_t>(m.rank())] = CPU_COUNT(&mask);
  };
  for (int i = 0; i < 64; ++i) run_team(2, {f});  // masks are looked at now and then
  return counts;
}

TEST(ThreadPool, WorkersFollowTheAffinityOfTheCaller) {
  cpu_set_t all, one;
  CPU_ZERO(&all);
  ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
  const int count = CPU_COUNT(&all);
  EXPECT_EQ(processors_of_members(), std::vector<int>(2, count));
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(processors_of_members(), std::vector<int>(2, 1));
  ASSERT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
  EXPECT_EQ(processors_of_members(), std::vector<int>(2, count));
}

#if defined(__x86_64__)
TEST(ThreadPool, EveryMemberKeepsDenormalsWhateverTheHostHasSet) {
  constexpr unsigned kFlush = 0x8040;  // results and inputs
  const unsigned before = _mm_getcsr();
  for (const Index threads : {1, 2, 50}) {  // 50: workers that are started by a thread that flushes
    std::atomic<Index> kept{0};
    auto f = [&](const Member&) {
      volatile float denormal = 1e-38f;
      denormal = denormal * 0.25f;
      kept += denormal > 0 ? 1 : 0;
    };
    _mm_setcsr(before | kFlush);
    run_team(threads, {f});
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    EXPECT_EQ(kept.load(), threads);
    EXPECT_EQ(after & kFlush, kFlush) << "the host's mode is its own again";
  }
}
#endif

TEST(ThreadPool, AForkedChildHasATeamOfItsOwn) {
  if (!test::children_may_start_threads()) GTEST_SKIP();
  EXPECT_EQ(size_seen(3), 3);  // the parent's workers exist, and are not in the child
  EXPECT_TRUE(test::succeeds_in_child([] { return size_seen(3) == 3 && size_seen(2) == 2; }));
  EXPECT_EQ(size_seen(3), 3) << "the parent's team works on";
}

TEST(ThreadPool, AForkWhileAnotherThreadIsInsideATeamHarmsNeitherSide) {
  if (!test::children_may_start_threads()) GTEST_SKIP();
  std::atomic<bool> stop{false};
  std::atomic<long> teams{0};
  std::thread other([&] {
    auto f = [&](const Member&) {};
    for (; !stop; ++teams) run_team(3, {f, f});
  });
  while (!test::may_fork_while_threads_start() && teams == 0) std::this_thread::yield();
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(test::succeeds_in_child([] { return size_seen(3) == 3 && size_seen(3) == 3; }));
  }
  const long so_far = teams;
  while (teams < so_far + 10) std::this_thread::yield();
  stop = true;
  other.join();
}

TEST(ThreadPool, AProgramMayEndWhileAnotherThreadIsInsideATeam) {
  if (!test::children_may_start_threads()) GTEST_SKIP();
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(test::succeeds_in_child([] {
      std::thread([] {
        auto f = [](const Member&) { usleep(100); };
        while (true) run_team(3, {f, f});
      }).detach();
      usleep(3000);
      return true;
    }));
  }
}

TEST(ThreadPool, SmallStepsGetOneThread) {
  set_num_threads(3);
  EXPECT_EQ(threads_for(1e3), 1);
  EXPECT_EQ(threads_for(1e9), 3);
  set_thread_threshold(0);
  EXPECT_EQ(threads_for(1), 3);
  set_thread_threshold(4e6);
  set_num_threads(0);
}

TEST(ThreadPool, TheNumberOfThreadsIsAllProcessorsUnlessSet) {
  EXPECT_GE(num_threads(), 1);
  set_num_threads(5);
  EXPECT_EQ(num_threads(), 5);
  set_num_threads(0);
  EXPECT_LE(num_threads(), static_cast<Index>(std::max(1u, std::thread::hardware_concurrency())));
  EXPECT_THROW(set_num_threads(-1), ConfigError);
}

}  // namespace
}  // namespace rondo::engine
