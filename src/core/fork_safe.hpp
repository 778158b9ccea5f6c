// Locks and first uses that a child of fork() does not inherit half done.
//
// A child has the memory of its parent and only the thread that forked. A mutex that another thread held at that moment
// stays locked in the child for ever, as does a function's static that another thread was just making.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>

namespace rondo {

// Protects what stands at `guarded` for a scope. fork() waits until no thread is inside such a scope, and keeps others
// out meanwhile: a few dozen mutexes serve all of the library, chosen by the address. So while one is held, take no
// other and run no code of the user's, and be brief.
class ForkSafeLock {
 public:
  explicit ForkSafeLock(const void* guarded);

 private:
  std::unique_lock<std::mutex> lock_;
};

// A value that is made at its first use and stays, in place of a function's static:
//
//   static constinit Lazy<std::vector<int>> all;
//   return all.get([] { return find_them(); });
//
// Takes no lock. Threads that come at once may each make one; all get the same.
template <class T>
class Lazy {
 public:
  template <class Make>
  const T& get(Make make) {
    const T* value = value_.load(std::memory_order_acquire);
    if (value != nullptr) return *value;
    const T* fresh = new T(make());
    if (value_.compare_exchange_strong(value, fresh)) return *fresh;
    delete fresh;
    return *value;
  }

 private:
  std::atomic<const T*> value_{nullptr};  // never deleted: other threads may use it when the program ends
};

}  // namespace rondo
