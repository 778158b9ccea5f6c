// One walk of a plan, as executors see it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

#include <rondo/shape.hpp>

#include "core/range.hpp"

namespace rondo::engine {

// What a user's code threw inside a walk, the first of it. Members of a team may report; the caller asks afterwards.
class Failure {
 public:
  // In a catch block.
  void report() noexcept {
    if (!reported_.test_and_set(std::memory_order_relaxed)) exception_ = std::current_exception();
  }
  bool happened() const { return reported_.test(std::memory_order_relaxed); }
  // Throws it, if there is any. Once: the next walk begins without.
  void rethrow() {
    if (!happened()) return;
    reported_.clear(std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(exception_, nullptr));
  }

 private:
  std::atomic_flag reported_;
  std::exception_ptr exception_;
};

// One walk of a plan: whose memory, and how many batch rows.
struct Run {
  std::byte* arena = nullptr;      // of the batch's numbers
  std::byte* bound = nullptr;      // of copies derived from weights
  std::byte* gradients = nullptr;  // of weights: those of the first shard
  Index rows = 0;
  Index step = 0;       // streaming: how many walks have gone before; in the first one the state counts as zero
  Index first_row = 0;  // of the whole batch, where the arena has a part of it
  std::uint64_t training_step = 0;   // which random numbers are drawn
  Index repetition = 0;              // likewise, in a body: in which of its walks
  Index sequence = 0;                // the same number in all walks that are time steps of one sequence (repeat.hpp)
  std::byte* outer_arena = nullptr;  // in a body: that of the plan around it; else the same as arena
  Failure* failure = nullptr;        // the workspace's: what a user's code throws
  Index shards = 1;                  // of the batch, each with gradients of its own, so many bytes apart
  std::ptrdiff_t gradient_bytes = 0;
};

// Where a copy derived from weights, or their gradient, stands in a workspace: bytes from the start of the memory for
// such things. A body that is walked for each time step has an arena for each, but these once, as all that stands in
// the arena of the plan around it. A default one stands nowhere.
template <std::byte* Run::*kMemory>
struct PlaceIn {
  std::ptrdiff_t offset = -1;

  explicit operator bool() const { return offset >= 0; }
  template <class T>
  T* pointer(const Run& run) const {
    return offset < 0 ? nullptr : reinterpret_cast<T*>(run.*kMemory + offset);
  }
};
using BoundPlace = PlaceIn<&Run::bound>;
using GradientPlace = PlaceIn<&Run::gradients>;
// What a body's walks share with the plan around it.
using OuterPlace = PlaceIn<&Run::outer_arena>;

// Shards: contiguous blocks of a batch's rows. Each has gradients of its own, which are chains over its rows alone; a
// fixed tree adds them up. Whoever computes a shard, its bits are the same.
inline Index rows_of_shard(const Run& run) { return (run.rows + run.shards - 1) / run.shards; }
// How many have rows: all, unless the batch is small.
inline Index shards_with_rows(const Run& run) {
  const Index rows = rows_of_shard(run);
  return rows == 0 ? 1 : (run.rows + rows - 1) / rows;
}

// f(run, rows) for each shard, where `run` has the gradients of that one.
template <class F>
void for_each_shard(const Run& run, F&& f) {
  if (run.shards == 1) return f(run, Range{0, run.rows});
  const Index rows = rows_of_shard(run);
  Run shard = run;
  for (Index begin = 0; begin < run.rows; begin += rows, shard.gradients += run.gradient_bytes) {
    f(static_cast<const Run&>(shard), Range{begin, std::min(run.rows, begin + rows)});
  }
}

}  // namespace rondo::engine
