#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/in_child.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::ramp;

class Backup : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::path(testing::TempDir()) / ("rondo_backup_" + std::to_string(getpid()))).string();
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // The same each time: layers, first weights, orders, what dropout draws.
  static Sequential model() {
    set_random_seed(5);
    Sequential model{LSTM(4, {.dropout = 0.2, .input_shape = {3, 2}}), BatchNormalization(), Dropout(0.3), Dense(1)};
    model.compile(
        {.optimizer = Adam({.learning_rate = ExponentialDecay(0.02, 5, 0.9), .use_ema = true}), .loss = "mse"});
    return model;
  }
  void fit(const Model& model, const Callbacks& callbacks) const {
    model.fit(X_, y_, {.batch_size = 4, .epochs = 6, .verbose = 0, .callbacks = callbacks});
  }
  Callbacks with_backup(const BackupAndRestoreOptions& options = {}) const {
    return {make_callback<BackupAndRestore>(folder_, options)};
  }
  std::string file() const { return folder_ + "/latest.weights.h5"; }

  const Tensor X_ = ramp({12, 3, 2}), y_ = ramp({12, 1});
  std::string folder_;
};

void expect_equal_weights(const Model& a, const Model& b) {
  const std::vector<Tensor> of_a = a.get_weights(), of_b = b.get_weights();
  for (std::size_t i = 0; i < of_a.size(); ++i) EXPECT_TRUE(of_a[i].identical(of_b[i])) << i;
}

TEST_F(Backup, GoesOnAfterAnExceptionAsIfThereHadBeenNone) {
  const Sequential whole = model();
  fit(whole, {});
  const Sequential broken = model();
  Callbacks callbacks = with_backup();
  callbacks.push_back(make_callback<LambdaCallback>(LambdaCallback::Functions{.on_epoch_begin = [](Index epoch) {
    if (epoch == 3) throw std::runtime_error("the power is gone");
  }}));
  EXPECT_THROW(fit(broken, callbacks), std::runtime_error);
  EXPECT_TRUE(std::filesystem::exists(file()));
  const Sequential again = model();
  std::vector<Index> epochs;
  callbacks = with_backup();
  callbacks.push_back(make_callback<LambdaCallback>(
      LambdaCallback::Functions{.on_epoch_begin = [&](Index epoch) { epochs.push_back(epoch); }}));
  fit(again, callbacks);
  EXPECT_EQ(epochs, (std::vector<Index>{3, 4, 5}));
  expect_equal_weights(again, whole);
  EXPECT_FALSE(std::filesystem::exists(folder_));  // the fit has come to its end
}

// Among what the optimizer remembers it is a float32.
TEST_F(Backup, GoesOnWithTheRateThatWasSet) {
  const auto falling = [&] {
    set_random_seed(5);
    Sequential model{LSTM(1, {.input_shape = {3, 2}})};
    model.compile({.optimizer = "adam", .loss = "mse"});
    return model;
  };
  const auto rate = make_callback<LearningRateScheduler>([](Index, double before) { return 0.9 * before; });
  const Sequential whole = falling(), broken = falling(), again = falling();
  fit(whole, {rate});
  Callbacks callbacks = with_backup();
  callbacks.push_back(rate);
  callbacks.push_back(make_callback<LambdaCallback>(LambdaCallback::Functions{.on_epoch_begin = [](Index epoch) {
    if (epoch == 3) throw std::runtime_error("the power is gone");
  }}));
  EXPECT_THROW(fit(broken, callbacks), std::runtime_error);
  callbacks.pop_back();
  fit(again, callbacks);
  EXPECT_EQ(again.learning_rate(), whole.learning_rate());
  expect_equal_weights(again, whole);
}

TEST_F(Backup, GoesOnAfterTheProgramWasKilled) {
  if (!test::children_may_start_threads()) GTEST_SKIP();
  const Sequential whole = model();
  fit(whole, {});
  const pid_t child = fork();
  if (child == 0) {
    const Sequential killed = model();
    Callbacks callbacks = with_backup();
    callbacks.push_back(
        make_callback<LambdaCallback>(LambdaCallback::Functions{.on_train_batch_end = [&](Index batch, Logs&) {
          if (batch == 1 && std::filesystem::exists(file())) kill(getpid(), SIGKILL);
        }}));
    fit(killed, callbacks);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  const Sequential again = model();
  fit(again, with_backup());
  expect_equal_weights(again, whole);
}

TEST_F(Backup, StaysWhereItIsWanted) {
  const Sequential m = model();
  fit(m, with_backup({.delete_checkpoint = false}));
  EXPECT_TRUE(std::filesystem::exists(file()));
  const Sequential again = model();  // nothing is left to do
  again.fit(X_, y_, {.batch_size = 4, .epochs = 6, .verbose = 0, .callbacks = with_backup()});
  expect_equal_weights(again, m);
}

TEST_F(Backup, OfAnotherModelOrDamagedIsNamed) {
  fit(model(), with_backup({.delete_checkpoint = false}));
  Sequential other{LSTM(5, {.input_shape = {3, 2}}), BatchNormalization(), Dropout(0.3), Dense(1)};
  other.compile({.loss = "mse"});
  expect_error<FileError>([&] { fit(other, with_backup()); },
                          {"latest.weights.h5", "(2, 16)", "(2, 20)", "delete the file"});
  std::ofstream(file()) << "no HDF5";
  expect_error<FileError>([&] { fit(model(), with_backup()); }, {"BackupAndRestore", "latest.weights.h5"});
  expect_error<ConfigError>([] { make_callback<BackupAndRestore>("", {.delete_checkpoint = false}); }, {"folder"});
}

}  // namespace
}  // namespace rondo
