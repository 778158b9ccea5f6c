// A child of fork() works, whatever the other threads of its parent were doing when it was made.
#include <atomic>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <rondo/rondo.hpp>

#include "engine/thread_pool.hpp"
#include "support/in_child.hpp"

namespace rondo {
namespace {

// The sanitizers' allocators may be locked at a fork, which malloc is not: there the other threads only do what
// allocates nothing.
bool others_may_allocate() { return !test::instrumented(); }

// One that hangs is ended by the alarm.
bool works_in_child(const std::function<bool()>& f) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(f() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// What a program of a few lines does: names, weights, plans, a fit, an evaluation, a prediction, and all names looked
// up.
bool lives(Index threads) {
  set_num_threads(threads);
  const Tensor X = Tensor::zeros({6, 3, 2}), y = Tensor::zeros({6, 1});
  Sequential model{LSTM(4, {.activation = "relu", .kernel_initializer = "random_normal", .input_shape = {3, 2}}),
                   Dense(1)};
  model.compile({.optimizer = "sgd", .loss = "mae", .metrics = {"mse"}});
  const History history = model.fit(X, y, {.batch_size = 4, .verbose = 0});
  (void)model.evaluate(X, y, {.verbose = 0});
  return history.epochs().size() == 1 && model.predict(X, {.verbose = 0}).shape() == Shape{6, 1};
}

TEST(Fork, AChildLivesWhateverTheOtherThreadsOfItsParentDo) {
  engine::set_thread_threshold(0);
  const Tensor X = Tensor::zeros({6, 3, 2});
  const Sequential shared{LSTM(4, {.input_shape = {3, 2}}), Dense(1)};
  Tensor first = shared.predict(X, {.verbose = 0});
  std::atomic<bool> stop{false};
  std::vector<std::function<void()>> works = {[&] { shared.predict_into(X, first); }};
  if (others_may_allocate()) {
    works.emplace_back([] { (void)lives(2); });
    works.emplace_back([&, calls = Index{0}]() mutable {
      (void)Dense(1).name();
      (void)shared.predict(X, {.batch_size = 1 + ++calls % 6, .verbose = 0});
    });
    works.emplace_back([] { set_executor(nullptr); });
  }
  std::vector<std::thread> others;
  for (const auto& work : works) {
    others.emplace_back([&] {
      while (!stop) work();
    });
  }
  // As many forks as go into a few seconds, two thousand at most.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(8);
  int forks = 0;
  bool alive = true;
  for (; alive && forks < 2000 && std::chrono::steady_clock::now() < end; ++forks) {
    alive = works_in_child([&] { return lives(test::children_may_start_threads() ? 1 + forks % 2 : 1); });
  }
  RecordProperty("forks", forks);
  EXPECT_TRUE(alive) << "fork " << forks;
  stop = true;
  for (std::thread& other : others) other.join();
  engine::set_thread_threshold(4e6);
  set_num_threads(0);
}

TEST(Fork, AChildOfACallbackGoesOnWithItsFit) {
  // The child is made inside a fit, and comes out of it at its end.
  const Tensor X = Tensor::zeros({6, 3, 2}), y = Tensor::zeros({6, 1});
  const Sequential model{LSTM(4, {.input_shape = {3, 2}}), Dense(1)};
  model.compile({.loss = "mse"});
  pid_t child = -1;
  const auto forker = std::make_shared<LambdaCallback>(LambdaCallback::Functions{.on_epoch_begin = [&](Index epoch) {
    if (epoch == 1) child = fork();
    if (child == 0) alarm(20);
  }});
  const History history = model.fit(X, y, {.epochs = 3, .verbose = 0, .callbacks = {forker}});
  if (child == 0) _exit(history.epochs().size() == 3 && lives(1) ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(history.epochs().size(), 3u);
}

}  // namespace
}  // namespace rondo
