// Buffers that a thread keeps from call to call.
#pragma once

#include <utility>

namespace rondo::core {

// A thread's Buffers, so that a steady step allocates nothing. Taken while they are in use: a user's function may come
// here again, by asking another model, and then has fresh ones.
template <class Buffers>
class ThreadBuffers {
 public:
  ThreadBuffers() : taken_(std::move(kept())) {}
  ~ThreadBuffers() { kept() = std::move(taken_); }
  ThreadBuffers(const ThreadBuffers&) = delete;
  ThreadBuffers& operator=(const ThreadBuffers&) = delete;

  Buffers& operator*() { return taken_; }
  Buffers* operator->() { return &taken_; }

 private:
  static Buffers& kept() {
    static thread_local Buffers kept;
    return kept;
  }

  Buffers taken_;
};

}  // namespace rondo::core
