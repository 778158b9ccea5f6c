#include "training/read_ahead.hpp"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <stdexcept>
#include <thread>

#include "support/expect_error.hpp"

namespace rondo::training {
namespace {

using test::expect_error;

// Batches whose numbers are those of their places, with so many elements.
struct Source {
  explicit Source(Index elements) : size(elements) {}

  ReadAhead::Read reader() {
    return [this](Index place, std::optional<Batch>& into) {
      EXPECT_FALSE(is_reading.exchange(true)) << "one thread at a time";
      if (std::this_thread::get_id() != taker) ++read_by_thread;
      if (place == fails_at) {
        is_reading = false;
        throw std::runtime_error("the disk is gone");
      }
      into = Batch{Tensor({size}, std::vector<double>(static_cast<std::size_t>(size), static_cast<double>(place))),
                   Tensor::zeros({1})};
      is_reading = false;
      ++read;
    };
  }
  // Whether so many are read, or by the thread, sooner or later.
  static bool comes_to(const std::atomic<int>& count, int expected) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (count < expected && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return count >= expected;
  }
  bool stays_at(int expected) const {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return read == expected;
  }

  Index size, fails_at = -1;
  std::thread::id taker = std::this_thread::get_id();
  std::atomic<bool> is_reading = false;
  std::atomic<int> read = 0, read_by_thread = 0;
};

double number_of(const Batch& batch) { return batch.X.tensors()[0].to_vector().front(); }

TEST(ReadAhead, SmallBatchesAreReadSeveralAhead) {
  Source source(10);
  ReadAhead ahead(source.reader());
  EXPECT_EQ(number_of(ahead.take(0, 100)), 0);
  EXPECT_TRUE(Source::comes_to(source.read, 17));
  EXPECT_TRUE(source.stays_at(17)) << source.read;
  for (Index place = 1; place < 8; ++place) EXPECT_EQ(number_of(ahead.take(place, 100)), place);
  EXPECT_TRUE(source.stays_at(17)) << "the thread is woken for several";
  EXPECT_EQ(number_of(ahead.take(8, 100)), 8);
  EXPECT_TRUE(Source::comes_to(source.read, 25));
  EXPECT_GE(source.read_by_thread, 24);
}

TEST(ReadAhead, LargeBatchesAreReadOneAhead) {
  Source source(300'000);  // double: 2.4 MB
  ReadAhead ahead(source.reader());
  for (Index place = 0; place < 5; ++place) {
    EXPECT_EQ(number_of(ahead.take(place, 100)), place);
    EXPECT_TRUE(Source::comes_to(source.read, static_cast<int>(place) + 2));
    EXPECT_TRUE(source.stays_at(static_cast<int>(place) + 2));
  }
}

TEST(ReadAhead, EachPlaceComesOnceInOrderHoweverFastItIsTaken) {
  for (const Index elements : {1, 40'000}) {
    Source source(elements);
    ReadAhead ahead(source.reader());
    for (int epoch = 0; epoch < 3; ++epoch) {
      for (Index place = 0; place < 200; ++place) ASSERT_EQ(number_of(ahead.take(place, 200)), place);
      ahead.stop();
    }
    EXPECT_EQ(source.read, 600) << "nothing behind the last one, nothing twice";
  }
}

TEST(ReadAhead, AfterAStopAnyPlaceMayFollow) {
  Source source(10);
  ReadAhead ahead(source.reader());
  (void)ahead.take(0, 100);
  (void)ahead.take(1, 100);
  ahead.stop();
  const int read = source.read;
  EXPECT_TRUE(source.stays_at(read));
  EXPECT_EQ(number_of(ahead.take(2, 100)), 2);
  EXPECT_EQ(number_of(ahead.take(0, 100)), 0) << "nor need it be told";
  EXPECT_EQ(number_of(ahead.take(1, 100)), 1);
}

TEST(ReadAhead, WhatReadingThrowsComesInItsPlace) {
  Source source(10);
  source.fails_at = 3;
  ReadAhead ahead(source.reader());
  for (Index place = 0; place < 3; ++place) EXPECT_EQ(number_of(ahead.take(place, 100)), place);
  expect_error<std::runtime_error>([&] { (void)ahead.take(3, 100); }, {"the disk is gone"});
  source.fails_at = -1;
  EXPECT_EQ(number_of(ahead.take(0, 100)), 0) << "it begins anew";
}

}  // namespace
}  // namespace rondo::training
