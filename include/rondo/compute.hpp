// How Rondo computes on this machine: threads and vector instructions. Neither ever changes a bit of a result.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <rondo/shape.hpp>

namespace rondo {

// At most this many threads work on one model, the caller included; 0 means "as many processors as this process may
// use" (the caller's affinity mask, followed when it changes, and the cgroup's limit), the default. Small steps run on
// one thread whatever is set, and fewer threads work where the system cannot start as many. ConfigError below 0 and
// above 4096. May be called at any time from any thread; takes effect at the next step.
//
// The pool starts threads when they are first needed. One model at a time has it: others that train or predict
// meanwhile in threads of their own walk alone. After a call its threads wait a moment for the next and then sleep.
// A child of fork() gets a pool of its own.
void set_num_threads(Dim threads);
Index num_threads();

// A reference to a function of an index: two pointers, copied freely, allocates nothing. It is good until the call that
// it was handed to returns.
class ParallelTask {
 public:
  template <class F>
    requires(!std::same_as<std::remove_const_t<F>, ParallelTask>)
  explicit ParallelTask(F& f) noexcept : object_(&f), call_([](void* o, Index i) { (*static_cast<F*>(o))(i); }) {}
  void operator()(Index i) const noexcept { call_(object_, i); }

 private:
  void* object_;
  void (*call_)(void*, Index);
};

// A host program's own threads, to work on models in place of Rondo's pool. A batch of predict or evaluate of enough
// work is one call of run, a training step up to five (both passes and loss; weight gradients; their check; update;
// derived weights), two more where gradients are clipped, and two for each chunk of a long sequence. With oneTBB:
//
//   struct TbbExecutor : rondo::ParallelExecutor {
//     rondo::Index max_concurrency() const override { return tbb::this_task_arena::max_concurrency(); }
//     void run(rondo::Index tasks, rondo::ParallelTask task) override {
//       tbb::parallel_for(rondo::Index(0), tasks, [&](rondo::Index i) { task(i); }, tbb::static_partitioner());
//     }
//   };
//   rondo::set_executor(std::make_shared<TbbExecutor>());
//
// and with OpenMP the body of run is `#pragma omp parallel for` over a loop that calls task(i).
class ParallelExecutor {
 public:
  virtual ~ParallelExecutor() = default;

  // How many tasks a step is cut into where set_num_threads has not said; below 1 counts as 1. Asked at every step, so
  // it should be cheap.
  virtual Index max_concurrency() const = 0;

  // Calls task(0), task(1), ... task(tasks - 1), each once, and returns when all have returned. They are of about equal
  // size, never wait for each other and never throw: any threads may run them in any order, at once or one after the
  // other, with the same bits. The caller's thread may take its share.
  //
  // Called from every thread that trains or predicts, so from several at once, and from a thread of the executor itself
  // if models work there; an executor that cannot nest calls the tasks in a loop. Whatever run allocates, a step
  // allocates. What run throws, after the tasks that it began have ended, leaves fit, evaluate or predict; the weights
  // may then be those of half a step.
  virtual void run(Index tasks, ParallelTask task) = 0;
};

// From the next step on models work on these threads; null: on Rondo's own pool, the default. May be called at any time
// from any thread. An executor is kept until it is replaced and the last step that uses it has ended; it is not
// destroyed when the program ends, and a child of fork(), which has none of the host's threads, begins with Rondo's own
// pool. A step throws StateError if run returned without having called every task, or called one again.
void set_executor(std::shared_ptr<ParallelExecutor> executor);

// The instruction sets that this build and this processor share, best first: for example AVX3 (Highway's name of
// AVX-512), AVX2, SSE4, SCALAR.
std::vector<std::string> simd_targets();

// The target that layers built from now on will use. The default is the best one, or the one that the environment
// variable RONDO_TARGET names.
std::string simd_target();

// Chooses a target by name (case does not matter; AVX512 is taken as AVX3). ConfigError for a name that is not in
// simd_targets(). A layer keeps the target it was built with.
void set_simd_target(std::string_view name);
void set_simd_target(std::nullptr_t) = delete;

}  // namespace rondo
