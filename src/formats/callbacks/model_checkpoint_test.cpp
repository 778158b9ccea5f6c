#include <filesystem>
#include <gtest/gtest.h>
#include <set>
#include <unistd.h>

#include <rondo/checkpoints.hpp>
#include <rondo/rondo.hpp>

#include "formats/callbacks/file_name.hpp"
#include "support/expect_error.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using formats::FieldValue;
using test::expect_error;
using test::ramp;

std::string named(const std::string& text) {
  return formats::file_name("Somebody", text, [](const std::string& name) {
    if (name == "epoch") return FieldValue(Index{7});
    if (name == "loss") return FieldValue(0.03125);
    throw ConfigError("no " + name);
  });
}

// Expectations: Python's format.
TEST(FileName, HasFieldsAsPythonWritesThem) {
  EXPECT_EQ(named("a.keras"), "a.keras");
  EXPECT_EQ(named("{epoch}-{loss}"), "7-0.03125");
  EXPECT_EQ(named("{epoch:02d}-{epoch:3d}-{epoch:04}"), "07-  7-0007");
  EXPECT_EQ(named("{loss:.2f} {loss:8.3f} {loss:08.3f} {loss:.1e} {loss:.3g} {loss:f}"),
            "0.03    0.031 0000.031 3.1e-02 0.0312 0.031250");
  EXPECT_EQ(named("{epoch:.1f}"), "7.0");
  EXPECT_EQ(named("{{{epoch}}}"), "{7}");
}

TEST(FileName, NamesWhatItDoesNotUnderstand) {
  expect_error<ConfigError>([] { named("{epoch"); }, {"Somebody", "'{epoch'", "brace"});
  expect_error<ConfigError>([] { named("epoch}"); }, {"brace"});
  expect_error<ConfigError>([] { named("{loss:03d}"); }, {"{loss:03d}", "{epoch:02d}"});
  expect_error<ConfigError>([] { named("{loss:.2q}"); }, {"{loss:.2q}"});
  expect_error<ConfigError>([] { named("{loss:999f}"); }, {"{loss:999f}"});
  expect_error<ConfigError>([] { named("{mae}"); }, {"no mae"});
}

class Checkpoints : public testing::Test {
 protected:
  void SetUp() override {
    set_random_seed(1);
    folder_ = std::filesystem::path(testing::TempDir()) / ("rondo_checkpoints_" + std::to_string(getpid()));
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::set<std::string> files() const {
    std::set<std::string> names;
    if (!std::filesystem::exists(folder_)) return names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      names.insert(entry.path().filename().string());
    return names;
  }
  static Sequential model() {
    Sequential model{Dense(1, {.input_shape = {2}})};
    model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"});
    return model;
  }
  const Tensor X_ = ramp({8, 2}), y_ = ramp({8, 1});

 private:
  std::filesystem::path folder_;
};

TEST_F(Checkpoints, KeepTheModelOfEachEpochUnderItsOwnName) {
  const Sequential m = model();
  const History history = m.fit(
      X_, y_, {.epochs = 3, .verbose = 0, .callbacks = {make_callback<ModelCheckpoint>(path("{epoch:02d}.keras"))}});
  EXPECT_EQ(files(), (std::set<std::string>{"01.keras", "02.keras", "03.keras"}));
  EXPECT_TRUE(load_model(path("03.keras")).predict(X_, {.verbose = 0}).identical(m.predict(X_, {.verbose = 0})));
  EXPECT_FALSE(load_model(path("02.keras")).predict(X_, {.verbose = 0}).identical(m.predict(X_, {.verbose = 0})));
}

TEST_F(Checkpoints, KeepTheBestAlone) {
  const Sequential m = model();
  const auto checkpoint = make_callback<ModelCheckpoint>(
      path("best.weights.h5"),
      ModelCheckpointOptions{.monitor = "loss", .save_best_only = true, .save_weights_only = true});
  std::vector<Tensor> best;
  double lowest = 1e9;
  const auto watch =
      make_callback<LambdaCallback>(LambdaCallback::Functions{.on_epoch_end = [&](Index epoch, Logs& logs) {
        if (epoch == 3) m.set_learning_rate(50);  // away from the best
        if (logs["loss"] < lowest) {
          lowest = logs["loss"];
          best = m.get_weights();
        }
      }});
  m.fit(X_, y_, {.epochs = 6, .verbose = 0, .callbacks = {watch, checkpoint}});
  EXPECT_EQ(checkpoint->best(), lowest);
  const Sequential again = model();
  EXPECT_TRUE(again.load_weights(path("best.weights.h5")).empty());
  for (std::size_t i = 0; i < best.size(); ++i) EXPECT_TRUE(again.get_weights()[i].identical(best[i])) << i;
}

TEST_F(Checkpoints, KeepNothingAboveTheThreshold) {
  model().fit(X_, y_,
              {.epochs = 2,
               .verbose = 0,
               .callbacks = {make_callback<ModelCheckpoint>(
                   path("a.keras"), ModelCheckpointOptions{
                                        .monitor = "loss", .save_best_only = true, .initial_value_threshold = 1e-9})}});
  EXPECT_TRUE(files().empty());
}

TEST_F(Checkpoints, ComeAfterSoManyBatches) {
  model().fit(X_, y_,
              {.batch_size = 2,
               .epochs = 2,
               .verbose = 0,
               .callbacks = {make_callback<ModelCheckpoint>(path("{epoch}-{batch}.keras"),
                                                            ModelCheckpointOptions{.save_freq = 3})}});
  EXPECT_EQ(files(), (std::set<std::string>{"1-3.keras", "2-2.keras"}));
}

TEST_F(Checkpoints, SayWhatTheyCannotDo) {
  expect_error<ConfigError>([&] { ModelCheckpoint(path("a.txt")); }, {"a.txt", ".keras"});
  expect_error<ConfigError>([&] { ModelCheckpoint(path("a.weights.h5")); }, {"save_weights_only"});
  expect_error<ConfigError>([&] { ModelCheckpoint(path("a.keras"), {.save_weights_only = true}); }, {".weights.h5"});
  expect_error<ConfigError>([&] { ModelCheckpoint(path("a.keras"), {.save_freq = 0}); }, {"save_freq"});
  expect_error<ConfigError>(
      [&] { model().fit(X_, y_, {.verbose = 0, .callbacks = {make_callback<ModelCheckpoint>(path("{mae}.keras"))}}); },
      {"mae"});
}

}  // namespace
}  // namespace rondo
