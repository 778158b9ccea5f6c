#include "engine/host_executor.hpp"

#include <atomic>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <rondo/error.hpp>

#include "engine/thread_pool.hpp"
#include "support/expect_error.hpp"
#include "support/in_child.hpp"

namespace rondo::engine {
namespace {

// Calls the tasks from `begin` on, then is done; counts its calls.
struct Serial : ParallelExecutor {
  Index begin = 0, concurrency = 3;
  std::atomic<int> calls{0};

  Index max_concurrency() const override { return concurrency; }
  void run(Index tasks, ParallelTask task) override {
    ++calls;
    for (Index i = begin; i < tasks; ++i) task(i);
  }
};

class HostExecutor : public testing::Test {
 protected:
  void TearDown() override {
    set_executor(nullptr);
    set_num_threads(0);
  }
  // Walks two phases; how many members each had.
  static std::vector<Index> walk(Index threads) {
    std::atomic<Index> first{0}, second{0};
    auto one = [&](const Member&) { ++first; };
    auto two = [&](const Member& m) { second += m.size() == first ? 1 : 1000; };
    run_team(threads, {one, two});
    return {first, second};
  }
};

TEST_F(HostExecutor, IsCalledOnceAPhaseAndNotForOneThread) {
  const auto executor = std::make_shared<Serial>();
  set_executor(executor);
  EXPECT_EQ(walk(4), (std::vector<Index>{4, 4}));
  EXPECT_EQ(executor->calls, 2);
  EXPECT_EQ(walk(1), (std::vector<Index>{1, 1}));
  EXPECT_EQ(executor->calls, 2);
  set_executor(nullptr);
  EXPECT_EQ(walk(4), (std::vector<Index>{4, 4}));
  EXPECT_EQ(executor->calls, 2) << "null brings Rondo's own pool back";
}

TEST_F(HostExecutor, SaysHowManyThreadsUnlessSetNumThreadsDoes) {
  const auto executor = std::make_shared<Serial>();
  set_executor(executor);
  EXPECT_EQ(num_threads(), 3);
  executor->concurrency = 0;
  EXPECT_EQ(num_threads(), 1);
  set_num_threads(5);
  EXPECT_EQ(num_threads(), 5);
}

TEST_F(HostExecutor, ThatForgetsTasksIsAnError) {
  const auto executor = std::make_shared<Serial>();
  executor->begin = 1;
  set_executor(executor);
  test::expect_error<StateError>([] { walk(4); }, {"set_executor", "3 of 4 tasks", "task(0) to task(3)"});
  executor->begin = -1;
  EXPECT_EQ(walk(4), (std::vector<Index>{4, 4})) << "an index out of range is not walked";
}

TEST_F(HostExecutor, ThatRunsOneTaskTwiceIsAnErrorWhetherItForgetsAnotherOrNot) {
  struct Repeating : Serial {
    Index forgotten = 1;
    void run(Index tasks, ParallelTask task) override {
      task(0);
      for (Index i = 0; i < tasks - forgotten; ++i) task(i);
    }
  };
  const auto executor = std::make_shared<Repeating>();
  set_executor(executor);
  test::expect_error<StateError>([] { walk(4); }, {"3 of 4 tasks", "1 calls had been for a task again", "each once"});
  executor->forgotten = 0;
  test::expect_error<StateError>([] { walk(4); }, {"4 of 4 tasks", "again", "each once"});
}

TEST_F(HostExecutor, OfMoreThreadsThanThereAreGetsAsManyTasksAsATeamMayHave) {
  const auto executor = std::make_shared<Serial>();
  executor->concurrency = INT64_MAX;
  set_executor(executor);
  EXPECT_EQ(walk(num_threads()), (std::vector<Index>{kMostThreads, kMostThreads}));
}

TEST_F(HostExecutor, MayThrow) {
  struct Broken : Serial {
    void run(Index, ParallelTask) override { throw std::runtime_error("no threads today"); }
  };
  set_executor(std::make_shared<Broken>());
  EXPECT_THROW(walk(2), std::runtime_error);
}

#if defined(__x86_64__)
TEST_F(HostExecutor, MayHaveThreadsThatFlushDenormals) {
  struct Flushing : Serial {
    void run(Index tasks, ParallelTask task) override {
      const unsigned before = _mm_getcsr();
      _mm_setcsr(before | 0x8040);
      Serial::run(tasks, task);
      _mm_setcsr(before);
    }
  };
  set_executor(std::make_shared<Flushing>());
  Index kept = 0;
  auto f = [&](const Member&) {
    volatile float denormal = 1e-38f;
    denormal = denormal * 0.25f;
    kept += denormal > 0 ? 1 : 0;
  };
  run_team(2, {f});
  EXPECT_EQ(kept, 2);
}
#endif

TEST_F(HostExecutor, IsKeptWhileAStepUsesIt) {
  struct Replaced : Serial {
    void run(Index tasks, ParallelTask task) override {
      set_executor(nullptr);
      Serial::run(tasks, task);
      EXPECT_EQ(calls, 1) << "still alive";
      calls = 0;
    }
  };
  std::weak_ptr<ParallelExecutor> executor;
  {
    const auto fresh = std::make_shared<Replaced>();
    executor = fresh;
    set_executor(fresh);
  }
  EXPECT_EQ(walk(2), (std::vector<Index>{2, 2}));
  EXPECT_TRUE(executor.expired());
}

TEST_F(HostExecutor, StaysWithTheParentOfAFork) {
  if (!test::children_may_start_threads()) GTEST_SKIP();
  static bool destroyed;
  struct Parents : Serial {
    ~Parents() override { destroyed = true; }  // would wait for threads that the child does not have
  };
  const auto executor = std::make_shared<Parents>();
  set_executor(executor);
  destroyed = false;
  EXPECT_TRUE(test::succeeds_in_child([&] {
    const bool walked = walk(3) == std::vector<Index>{3, 3} && executor->calls == 0;
    set_executor(std::make_shared<Serial>());
    return walked && executor.use_count() == 2 && !destroyed;
  }));
  EXPECT_EQ(walk(3), (std::vector<Index>{3, 3}));
  EXPECT_EQ(executor->calls, 2);
}

TEST_F(HostExecutor, MayBeReplacedWhileOthersWork) {
  set_executor(std::make_shared<Serial>());
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) EXPECT_EQ(walk(3), (std::vector<Index>{3, 3}));
  });
  for (int i = 0; i < 200; ++i) set_executor(i % 4 == 0 ? nullptr : std::make_shared<Serial>());
  stop = true;
  other.join();
}

}  // namespace
}  // namespace rondo::engine
