#include "support/way.hpp"

#include <memory>

#include <rondo/compute.hpp>

#include "engine/thread_pool.hpp"

namespace rondo::test {

namespace {

// Calls the tasks one after the other, the last one first: any order is allowed.
struct LastFirst : ParallelExecutor {
  Index max_concurrency() const override { return 3; }
  void run(Index tasks, ParallelTask task) override {
    for (Index i = tasks - 1; i >= 0; --i) task(i);
  }
};

}  // namespace

Walking::Walking(const Way& way) : before_(simd_target()) {
  engine::set_thread_threshold(0);  // small steps would walk alone
  set_num_threads(way.threads);
  if (way.executor) set_executor(std::make_shared<LastFirst>());
  set_simd_target(way.target);
}

Walking::~Walking() {
  engine::set_thread_threshold(4e6);
  set_num_threads(0);
  set_executor(nullptr);
  set_simd_target(before_);
}

}  // namespace rondo::test
