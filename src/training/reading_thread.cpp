#include "training/reading_thread.hpp"

#include <utility>

namespace rondo::training {

ReadingThread::~ReadingThread() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ReadingThread::start(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    task_ = std::move(task);
  }
  changed_.notify_all();
}

void ReadingThread::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !task_; });
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

void ReadingThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ends_ || task_; });
    if (!task_) return;
    lock.unlock();
    std::exception_ptr thrown;
    try {
      task_();
    } catch (...) {
      thrown = std::current_exception();
    }
    lock.lock();
    thrown_ = thrown;
    task_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace rondo::training
