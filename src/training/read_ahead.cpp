#include "training/read_ahead.hpp"

#include <utility>

#include "core/dispatch.hpp"

namespace rondo::training {

namespace {

// As much is read ahead, in batches and in bytes; but one batch, however large.
constexpr std::size_t kBatches = 16, kBytes = std::size_t{1} << 20;

std::size_t bytes_of(const std::vector<Tensor>& tensors) {
  std::size_t bytes = 0;
  for (const Tensor& t : tensors) bytes += core::with_elements(t, [](auto elements) { return elements.size_bytes(); });
  return bytes;
}

}  // namespace

ReadAhead::ReadAhead(Read read) : read_(std::move(read)) {
  ready_.reserve(kBatches);
  free_.reserve(kBatches + 1);
  thread_ = std::thread([this] { run(); });
}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_reader_.notify_one();
  thread_.join();
}

const Batch& ReadAhead::take(Index place, Index count) {
  if (place != following_) stop();
  std::unique_lock lock(mutex_);
  if (place != following_) next_ = place;
  end_ = count;
  following_ = place + 1;
  if (at_work_ != nullptr) give_back(std::move(at_work_));

  // Nobody waits for a thread to wake that has not begun.
  if (ready_.empty() && !is_reading_ && !thrown_) read_next(lock);
  wake_taker_.wait(lock, [this] { return !ready_.empty() || thrown_; });
  if (ready_.empty()) std::rethrow_exception(std::exchange(thrown_, nullptr));

  at_work_ = std::move(ready_.front());
  ready_.erase(ready_.begin());
  ready_bytes_ -= at_work_->bytes;
  const Batch& batch = *at_work_->batch;
  const bool wakes = is_low();
  lock.unlock();
  if (wakes) wake_reader_.notify_one();
  return batch;
}

void ReadAhead::stop() {
  std::unique_lock lock(mutex_);
  end_ = next_;
  wake_taker_.wait(lock, [this] { return !is_reading_; });
  for (std::unique_ptr<Slot>& slot : ready_) give_back(std::move(slot));
  ready_.clear();
  ready_bytes_ = 0;
  following_ = -1;
  thrown_ = nullptr;
}

void ReadAhead::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_reader_.wait(lock, [this] { return ends_ || is_low(); });
    while (!ends_ && has_room()) read_next(lock);
    if (ends_) return;
  }
}

// Lets go of the lock meanwhile.
void ReadAhead::read_next(std::unique_lock<std::mutex>& lock) {
  std::unique_ptr<Slot> slot;
  if (free_.empty()) {
    slot = std::make_unique<Slot>();
  } else {
    slot = std::move(free_.back());
    free_.pop_back();
  }
  const Index place = next_++;
  is_reading_ = true;
  lock.unlock();
  std::exception_ptr thrown;
  try {
    read_(place, slot->batch);
    const Batch& batch = *slot->batch;
    slot->bytes = bytes_of(batch.X.tensors()) + bytes_of(batch.y.tensors());
  } catch (...) {
    thrown = std::current_exception();
  }
  lock.lock();
  is_reading_ = false;
  if (thrown) {
    thrown_ = thrown;
    end_ = next_;
  } else {
    ready_bytes_ += slot->bytes;
    ready_.push_back(std::move(slot));
  }
  wake_taker_.notify_one();
}

// The memory of large batches serves again once; else a few large ones among small ones would grow all.
void ReadAhead::give_back(std::unique_ptr<Slot> slot) {
  if (free_.empty() || (free_.size() <= kBatches && slot->bytes * kBatches <= kBytes)) free_.push_back(std::move(slot));
}

bool ReadAhead::has_room() const {
  if (is_reading_ || next_ >= end_) return false;
  return ready_.empty() || (ready_.size() < kBatches && ready_bytes_ + ready_.back()->bytes <= kBytes);
}

// So that a thread is woken for several batches.
bool ReadAhead::is_low() const { return has_room() && ready_.size() <= kBatches / 2 && ready_bytes_ <= kBytes / 2; }

}  // namespace rondo::training
