// One walk of a plan, as executors see it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

#include <rondo/shape.hpp>

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
  std::byte* arena = nullptr;  // of the batch's numbers
  std::byte* bound = nullptr;  // of what belongs to weights: gradients, derived copies
  Index rows = 0;
  Index step = 0;       // streaming: how many walks have gone before; in the first one the state counts as zero
  Index first_row = 0;  // of the whole batch, where the arena has a part of it
  std::uint64_t training_step = 0;  // which random numbers are drawn
  Index repetition = 0;             // likewise, in a body: in which of its walks
  Index sequence = 0;               // the same number in all walks that are time steps of one sequence (repeat.hpp)
  Failure* failure = nullptr;       // the workspace's: what a user's code throws
};

// Where something that belongs to weights stands in a workspace: bytes from the start of its bound memory. A body that
// is walked for each time step has an arena for each, but its weights' gradients once. A default one stands nowhere.
struct BoundPlace {
  std::ptrdiff_t offset = -1;

  explicit operator bool() const { return offset >= 0; }
  template <class T>
  T* pointer(const Run& run) const {
    return offset < 0 ? nullptr : reinterpret_cast<T*>(run.bound + offset);
  }
};

}  // namespace rondo::engine
