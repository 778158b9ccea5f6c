// A thread that reads the batches of an epoch in their order, ahead of the one at work: large batches one at a time,
// small ones several, so that a short step does not wait for a thread to wake.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <rondo/data_source.hpp>

namespace rondo::training {

class ReadAhead {
 public:
  // Puts the batch at a place of the epoch's order into memory that may have one that was read before.
  using Read = std::function<void(Index place, std::optional<Batch>& into)>;

  // `read` is called by one thread at a time: this object's, or the one that takes a batch.
  explicit ReadAhead(Read read);
  // Ends what is being read first.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // The batch at a place of `count`; it stays until the next one is taken. What reading it has thrown comes out.
  const Batch& take(Index place, Index count);
  // Forgets what was read ahead. Nothing is being read any more, until the next one is taken.
  void stop();

 private:
  struct Slot {
    std::optional<Batch> batch;
    std::size_t bytes = 0;
  };

  void run();
  void read_next(std::unique_lock<std::mutex>& lock);
  void give_back(std::unique_ptr<Slot> slot);
  bool has_room() const;
  bool is_low() const;

  Read read_;
  std::mutex mutex_;  // of all that follows
  std::condition_variable wake_reader_, wake_taker_;
  std::vector<std::unique_ptr<Slot>> ready_;  // in their order
  std::vector<std::unique_ptr<Slot>> free_;
  std::unique_ptr<Slot> at_work_;
  std::size_t ready_bytes_ = 0;
  Index next_ = 0, end_ = 0;   // what is to be read
  Index following_ = -1;       // what is to be taken; -1: anything
  std::exception_ptr thrown_;  // by reading what follows ready_
  bool is_reading_ = false, ends_ = false;
  std::thread thread_;  // the last member: it sees all others
};

}  // namespace rondo::training
