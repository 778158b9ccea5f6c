// A thread that does one thing at a time for another: reading the next batch while one is at work.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace rondo::training {

class ReadingThread {
 public:
  ReadingThread() : thread_([this] { run(); }) {}
  // Ends what is being done first.
  ~ReadingThread();
  ReadingThread(const ReadingThread&) = delete;
  ReadingThread& operator=(const ReadingThread&) = delete;

  // Begins with a task; what was begun before has been waited for.
  void start(std::function<void()> task);
  // Until it is done. What it has thrown comes out.
  void wait();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> task_;  // empty: none
  std::exception_ptr thrown_;
  bool ends_ = false;
  std::thread thread_;  // the last member: it sees all others
};

}  // namespace rondo::training
