// Keras's callbacks, driven by a fit whose numbers are told: what they do with them. Whole runs are in tests/golden.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <limits>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"

namespace rondo {
namespace {

using test::expect_error;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Says what the logs hold, epoch by epoch, before the callbacks behind it see them.
struct Script : Callback {
  std::string name;
  std::vector<double> values;
  Script(std::string n, std::vector<double> v) : name(std::move(n)), values(std::move(v)) {}
  void on_epoch_end(Index epoch, Logs& logs) override { logs.set(name, values.at(static_cast<std::size_t>(epoch))); }
};

// w, which an epoch makes larger by 1: y = w + 0.5 learning rate 1, as the gradient of |y - y_true| is.
Sequential counter(const std::vector<Metric>& metrics = {}) {
  Sequential model{
      Dense(1, {.use_bias = false, .kernel_initializer = "zeros", .dtype = DType::float64, .input_shape = {1}})};
  model.compile({.optimizer = SGD({.learning_rate = 1}), .loss = "mae", .metrics = metrics});
  return model;
}

double weight(const Sequential& model) { return model.get_weights()[0].to_vector()[0]; }

struct Run {
  Index epochs;
  double weight;
  std::vector<double> rates;
};

// How a fit of as many epochs as there are values goes.
Run run(const std::string& name, const std::vector<double>& values, const std::shared_ptr<Callback>& callback,
        const std::vector<Metric>& metrics = {}) {
  const Sequential model = counter(metrics);
  const Tensor x(Shape{1, 1}, std::vector<double>{1.0}), y(Shape{1, 1}, std::vector<double>{1e6});
  const History history = model.fit(x, y,
                                    {.epochs = static_cast<Index>(values.size()),
                                     .verbose = 0,
                                     .callbacks = {make_callback<Script>(name, values), callback},
                                     .validation_data = {x, y}});
  std::vector<double> rates;
  if (history.contains("learning_rate")) rates = history["learning_rate"];
  return {static_cast<Index>(history["loss"].size()), weight(model), rates};
}

Run stopped(const std::vector<double>& values, const EarlyStoppingOptions& options) {
  return run("val_loss", values, make_callback<EarlyStopping>(options));
}

// ---- EarlyStopping --------------------------------------------------------------------------------------------------

TEST(EarlyStopping, EndsAfterAsManyEpochsWithoutImprovement) {
  EXPECT_EQ(stopped({5, 4, 4, 4, 4, 4}, {.patience = 2}).epochs, 4);
  EXPECT_EQ(stopped({5, 4, 4, 4, 4, 4}, {.patience = 1}).epochs, 3);
  EXPECT_EQ(stopped({5, 4, 4, 4, 4, 4}, {}).epochs, 3);
  EXPECT_EQ(stopped({5, 4, 5, 3, 4, 2}, {.patience = 2}).epochs, 6);
  EXPECT_EQ(stopped({5, 4.9, 4.8, 4.7}, {.min_delta = 0.5, .patience = 2}).epochs, 3);
  EXPECT_EQ(stopped({1, 5, 4, 4, 4}, {.start_from_epoch = 1}).epochs, 4);
}

TEST(EarlyStopping, ABaselineMustBeBeatenToo) {
  EXPECT_EQ(stopped({5, 4, 3, 2}, {.patience = 2, .baseline = 1.0}).epochs, 4);
  EXPECT_EQ(stopped({5, 4, 3, 3}, {.patience = 2, .baseline = 1.0}).epochs, 4);
  EXPECT_EQ(stopped({0.5, 4, 3, 3}, {.patience = 2, .baseline = 1.0}).epochs, 3);
}

TEST(EarlyStopping, NanIsNeverBetterAndNothingIsBetterThanNan) {
  EXPECT_EQ(stopped({5, kNan, kNan, 1}, {.patience = 2}).epochs, 3);
  EXPECT_EQ(stopped({kNan, 5, 4, 3}, {.patience = 2}).epochs, 3);
}

TEST(EarlyStopping, GivesTheWeightsOfTheBestEpochBack) {
  EXPECT_EQ(stopped({5, 3, 4, 4, 4}, {.patience = 2, .restore_best_weights = true}).weight, 2);
  EXPECT_EQ(stopped({5, 3, 4, 4, 4}, {.patience = 2}).weight, 4);
  EXPECT_EQ(stopped({5, 3, 4}, {.patience = 9, .restore_best_weights = true}).weight, 2);  // not stopped
}

TEST(EarlyStopping, TellsWhereItStopped) {
  const auto callback = make_callback<EarlyStopping>({.patience = 1});
  (void)run("val_loss", {5, 3, 4, 4}, callback);
  EXPECT_EQ(callback->stopped_epoch(), 2);
  EXPECT_EQ(callback->best_epoch(), 1);
  (void)run("val_loss", {5, 4, 3}, callback);  // another fit: all forgotten
  EXPECT_EQ(callback->stopped_epoch(), std::nullopt);
}

TEST(EarlyStopping, SaysWhatItDoes) {
  testing::internal::CaptureStdout();
  (void)stopped({5, 3, 4, 4}, {.patience = 2, .verbose = 1, .restore_best_weights = true});
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "Epoch 4: early stopping\nRestoring model weights from the end of the best epoch: 2.\n");
}

TEST(EarlyStopping, KnowsWhichWayIsBetter) {
  const auto epochs = [](const char* monitor, const char* mode) {
    return run(monitor, {1, 2, 3, 3}, make_callback<EarlyStopping>({.monitor = monitor, .mode = mode}),
               {"accuracy", "mse"})
        .epochs;
  };
  EXPECT_EQ(epochs("val_accuracy", "auto"), 4);
  EXPECT_EQ(epochs("accuracy", "auto"), 4);
  EXPECT_EQ(epochs("mse", "auto"), 2);
  EXPECT_EQ(epochs("loss", "auto"), 2);
  EXPECT_EQ(epochs("mse", "max"), 4);
  EXPECT_EQ(epochs("accuracy", "min"), 2);
}

TEST(EarlyStopping, PassesEpochsWithoutValidationOver) {
  const Sequential model = counter();
  const Tensor x(Shape{1, 1}, std::vector<double>{1.0}), y(Shape{1, 1}, std::vector<double>{-1e6});
  const History history = model.fit(x, y,
                                    {.epochs = 9,
                                     .verbose = 0,
                                     .callbacks = {make_callback<EarlyStopping>({.patience = 2, .mode = "max"})},
                                     .validation_data = {x, y},
                                     .validation_freq = 2});
  EXPECT_EQ(history["loss"].size(), 6U);  // validated in the second, fourth and sixth
}

TEST(EarlyStopping, MistakesAreNamed) {
  const Sequential model = counter();
  const Tensor x(Shape{1, 1}, std::vector<double>{1.0});
  const auto fit = [&](const EarlyStoppingOptions& options, const ValidationData& validation) {
    (void)model.fit(x, x,
                    {.epochs = 3,
                     .verbose = 0,
                     .callbacks = {make_callback<EarlyStopping>(options)},
                     .validation_data = validation});
  };
  expect_error<ConfigError>([&] { fit({}, {}); }, {"EarlyStopping watches 'val_loss'", "'loss'", ".validation_data"});
  expect_error<ConfigError>([&] { fit({.monitor = "val_mea"}, {x, x}); }, {"watches 'val_mea'", "'val_loss'"});
  expect_error<ConfigError>([] { (void)EarlyStopping({.mode = "up"}); }, {"mode is 'up'", "'max'"});
  expect_error<ConfigError>([] { (void)EarlyStopping({.min_delta = kNan}); }, {"EarlyStopping", "min_delta"});
}

// ---- the learning rate ----------------------------------------------------------------------------------------------

Run reduced(const std::vector<double>& values, const ReduceLROnPlateauOptions& options) {
  return run("val_loss", values, make_callback<ReduceLROnPlateau>(options));
}

TEST(ReduceLROnPlateau, LowersTheRateAfterAsManyEpochsWithoutImprovement) {
  using Rates = std::vector<double>;
  EXPECT_EQ(reduced({5, 5, 5, 5, 5}, {.factor = 0.5, .patience = 2}).rates, (Rates{1, 1, 1, 0.5, 0.5}));
  EXPECT_EQ(reduced({5, 5, 5, 5, 5}, {.factor = 0.5, .patience = 1}).rates, (Rates{1, 1, 0.5, 0.25, 0.125}));
  EXPECT_EQ(reduced({5, 5, 5, 5, 5}, {.factor = 0.5, .patience = 1, .min_lr = 0.3}).rates,
            (Rates{1, 1, 0.5, 0.3, 0.3}));
  EXPECT_EQ(reduced({5, 4.9999, 4.9998}, {.factor = 0.5, .patience = 1}).rates, (Rates{1, 1, 0.5}));
  EXPECT_EQ(reduced({5, 5, 5, 5, 5, 5}, {.factor = 0.5, .patience = 1, .cooldown = 2}).rates,
            (Rates{1, 1, 0.5, 0.5, 0.25, 0.25}));
}

TEST(ReduceLROnPlateau, SaysWhatItDoes) {
  testing::internal::CaptureStdout();
  (void)reduced({5, 5, 5}, {.factor = 0.1, .patience = 2, .verbose = 1});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "\nEpoch 3: ReduceLROnPlateau reducing learning rate to 0.1.\n");
  expect_error<ConfigError>([] { (void)ReduceLROnPlateau({.factor = 1.0}); }, {"ReduceLROnPlateau", "factor is 1"});
}

TEST(LearningRateScheduler, AsksAFunctionOfTheEpochAndPerhapsOfTheRate) {
  EXPECT_EQ(
      run("x", {0, 0, 0}, make_callback<LearningRateScheduler>([](Index, double rate) { return rate / 2; })).rates,
      (std::vector<double>{0.5, 0.25, 0.125}));
  EXPECT_EQ(
      run("x", {0, 0}, make_callback<LearningRateScheduler>([](Index epoch) { return epoch == 0 ? 3.0 : 4.0; })).weight,
      7);
  expect_error<ConfigError>(
      [] { (void)run("x", {0}, make_callback<LearningRateScheduler>([](Index) { return -1.0; })); }, {"-1"});
}

// ---- averages of weights --------------------------------------------------------------------------------------------

// After epochs that make w = 1, 2, 3: averages of half and half, beginning with 1: 1, 1.5, 2.25.
TEST(SwapEMAWeights, EvaluatesTheAveragesAndTrainsTheWeights) {
  const auto fit = [](const Callbacks& callbacks, Index epochs) {
    const Sequential model = counter();
    model.compile({.optimizer = SGD({.learning_rate = 1, .use_ema = true, .ema_momentum = 0.5}), .loss = "mae"});
    const Tensor x(Shape{1, 1}, std::vector<double>{1.0}), y(Shape{1, 1}, std::vector<double>{10});
    const History history =
        model.fit(x, y, {.epochs = epochs, .verbose = 0, .callbacks = callbacks, .validation_data = {x, y}});
    return std::pair(history["val_loss"], weight(model));
  };
  EXPECT_EQ(fit({}, 3), std::pair(std::vector<double>({9, 8, 7}), 2.25));
  EXPECT_EQ(fit({make_callback<SwapEMAWeights>({})}, 3), std::pair(std::vector<double>({9, 8.5, 7.75}), 2.25));
  EXPECT_EQ(fit({make_callback<SwapEMAWeights>({.swap_on_epoch = true})}, 3),
            std::pair(std::vector<double>({9, 8.5, 7.75}), 2.25));
}

TEST(SwapEMAWeights, GivesOtherCallbacksTheAverages) {
  const Sequential model = counter();
  model.compile({.optimizer = SGD({.learning_rate = 1, .use_ema = true, .ema_momentum = 0.5}), .loss = "mae"});
  const Tensor x(Shape{1, 1}, std::vector<double>{1.0}), y(Shape{1, 1}, std::vector<double>{10});
  std::vector<double> seen;
  const auto look =
      make_callback<LambdaCallback>({.on_epoch_end = [&](Index, Logs&) { seen.push_back(weight(model)); }});
  (void)model.fit(
      x, y, {.epochs = 3, .verbose = 0, .callbacks = {make_callback<SwapEMAWeights>({.swap_on_epoch = true}), look}});
  EXPECT_EQ(seen, (std::vector<double>{1, 1.5, 2.25}));
}

TEST(SwapEMAWeights, NeedsAnOptimizerThatKeepsAverages) {
  expect_error<ConfigError>([] { (void)run("x", {0}, make_callback<SwapEMAWeights>({})); }, {"SGD", ".use_ema = true"});
}

// ---- what is not finite ---------------------------------------------------------------------------------------------

TEST(TerminateOnNaN, EndsTheFitWithTheWeightsOfBefore) {
  const Sequential model = counter();
  const Tensor x(Shape{3, 1}, std::vector<double>{1, kNan, 1}), y(Shape{3, 1}, std::vector<double>{9, 9, 9});
  testing::internal::CaptureStdout();
  const History history = model.fit(
      x, y,
      {.batch_size = 1, .epochs = 5, .verbose = 0, .callbacks = {make_callback<TerminateOnNaN>()}, .shuffle = false});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "Batch 1: Invalid loss, terminating training\n");
  EXPECT_EQ(history["loss"].size(), 1U);
  EXPECT_TRUE(std::isnan(history["loss"][0]));
  EXPECT_EQ(weight(model), 1);
}

// ---- CSV ------------------------------------------------------------------------------------------------------------

class CsvLoggerTest : public testing::Test {
 protected:
  CsvLoggerTest() { std::filesystem::remove(path_); }
  ~CsvLoggerTest() override { std::filesystem::remove(path_); }

  std::string content() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // y = 0 + 1 x, and so a loss of 1 with the rate 0.
  History fit(const CSVLoggerOptions& options, Index first, Index epochs, const ValidationFreq& freq = {}) {
    const Sequential model{
        Dense(1, {.use_bias = false, .kernel_initializer = "ones", .dtype = DType::float64, .input_shape = {1}})};
    model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse", .metrics = {"mae"}});
    const Tensor x(Shape{1, 1}, std::vector<double>{1.0}), y(Shape{1, 1}, std::vector<double>{1.1});
    return model.fit(x, y,
                     {.epochs = epochs,
                      .verbose = 0,
                      .callbacks = {make_callback<CSVLogger>(path_, options)},
                      .validation_data = freq.every() > 1 ? ValidationData(x, x) : ValidationData(),
                      .initial_epoch = first,
                      .validation_freq = freq});
  }

  const std::string path_ = "csv_logger_test_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
                            ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".csv";
};

TEST_F(CsvLoggerTest, WritesALineAnEpoch) {
  fit({}, 0, 2);
  EXPECT_EQ(
      content(),
      "epoch,loss,mae\r\n0,0.010000000000000018,0.10000000000000009\r\n1,0.010000000000000018,0.10000000000000009\r\n");
}

TEST_F(CsvLoggerTest, GoesOnInAFileOrBeginsItAnew) {
  fit({.separator = ";"}, 0, 1);
  fit({.separator = ";", .append = true}, 1, 2);
  EXPECT_EQ(content(),
            "epoch;loss;mae\r\n0;0.010000000000000018;0.10000000000000009\r\n"
            "1;0.010000000000000018;0.10000000000000009\r\n");
  fit({}, 0, 1);
  EXPECT_EQ(content(), "epoch,loss,mae\r\n0,0.010000000000000018,0.10000000000000009\r\n");
}

TEST_F(CsvLoggerTest, HasColumnsForAValidationThatComesLater) {
  fit({}, 0, 2, 2);
  EXPECT_EQ(content(),
            "epoch,loss,mae,val_loss,val_mae\r\n0,0.010000000000000018,0.10000000000000009,NA,NA\r\n"
            "1,0.010000000000000018,0.10000000000000009,0.0,0.0\r\n");
}

TEST_F(CsvLoggerTest, WritesWhatTheHistorySaysAsCsv) {
  const History history = fit({}, 2, 5, 2);
  EXPECT_EQ(content(), history.to_csv());
}

TEST_F(CsvLoggerTest, SaysWhatCannotBeWritten) {
  const Sequential model = counter();
  const Tensor x(Shape{1, 1}, std::vector<double>{1.0});
  expect_error<FileError>(
      [&] { (void)model.fit(x, x, {.verbose = 0, .callbacks = {make_callback<CSVLogger>("no/such/folder/log.csv")}}); },
      {"CSVLogger cannot write 'no/such/folder/log.csv'", "No such file"});
}

}  // namespace
}  // namespace rondo
