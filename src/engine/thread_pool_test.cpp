#include "engine/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <rondo/compute.hpp>
#include <rondo/error.hpp>

namespace rondo::engine {
namespace {

// How many members a team of this wish had, as its members saw it; -1 if they did not agree.
Index size_seen(Index threads) {
  std::atomic<Index> members{0}, size{0};
  auto f = [&](const Member& m) {
    members.fetch_add(1);
    size.store(m.size());
  };
  run_team(threads, f);
  return members == size ? size.load() : -1;
}

TEST(ThreadPool, EveryMemberRunsOnceWithItsOwnRank) {
  for (Index threads = 1; threads <= 8; ++threads) {
    std::vector<std::atomic<int>> runs(static_cast<std::size_t>(threads));
    auto f = [&](const Member& m) {
      EXPECT_EQ(m.size(), threads);
      runs[static_cast<std::size_t>(m.rank())].fetch_add(1);
    };
    run_team(threads, f);
    for (const auto& n : runs) EXPECT_EQ(n.load(), 1) << threads;
  }
}

TEST(ThreadPool, TheCallerIsRankZero) {
  std::thread::id zero;
  auto f = [&](const Member& m) {
    if (m.rank() == 0) zero = std::this_thread::get_id();
  };
  run_team(3, f);
  EXPECT_EQ(zero, std::this_thread::get_id());
}

TEST(ThreadPool, ABarrierWaitsForAllAndShowsWhatTheyWrote) {
  constexpr int kPhases = 50;
  for (const Index threads : {1, 2, 3, 8}) {
    // Plain integers: the barrier alone must make them visible.
    std::vector<int> phase_of(static_cast<std::size_t>(threads), 0);
    std::atomic<int> wrong{0};
    auto f = [&](const Member& m) {
      for (int phase = 1; phase <= kPhases; ++phase) {
        phase_of[static_cast<std::size_t>(m.rank())] = phase;
        m.barrier();
        for (const int p : phase_of) wrong += p == phase ? 0 : 1;
        m.barrier();
      }
    };
    run_team(threads, f);
    EXPECT_EQ(wrong.load(), 0) << threads << " threads";
  }
}

TEST(ThreadPool, TeamsOfChangingSizeFollowEachOther) {
  long total = 0, expected = 0;
  for (int i = 0; i < 300; ++i) {
    const Index threads = 1 + i * 5 % 4;
    std::vector<long> parts(static_cast<std::size_t>(threads), 0);
    auto f = [&](const Member& m) { parts[static_cast<std::size_t>(m.rank())] = m.rank() + 1; };
    run_team(threads, f);
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
      m.barrier();
    };
    run_team(3, inner);
  };
  run_team(2, outer);
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
  run_team(2, f);
  caller.join();
  EXPECT_EQ(second, 1);
  EXPECT_EQ(size_seen(4), 4);
}

TEST(ThreadPool, AForkedChildHasATeamOfItsOwn) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the thread sanitizer ends a child that starts threads";
#endif
  EXPECT_EQ(size_seen(3), 3);  // the parent's workers exist, and are not in the child
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(size_seen(3) == 3 && size_seen(2) == 2 ? 0 : 1);
  int status = -1;
  for (int i = 0; i < 1000 && waitpid(child, &status, WNOHANG) == 0; ++i) usleep(10000);
  if (status == -1) kill(child, SIGKILL);
  ASSERT_TRUE(status != -1 && WIFEXITED(status)) << "the child hangs or crashed";
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(size_seen(3), 3) << "the parent's team works on";
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
