#include "training/schedules.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"

namespace rondo {
namespace {

using test::expect_error;

constexpr double kPi = 3.14159265358979323846;

// To 1e-14 of the rate at each of the steps.
void expect_rates(const LearningRateSchedule& schedule, const std::function<double(double s)>& rate) {
  for (const Index step : {0, 1, 2, 3, 4, 5, 9, 10, 11, 29, 30, 31, 1000}) {
    const double expected = rate(static_cast<double>(step));
    EXPECT_NEAR(schedule(step), expected, 1e-14 * std::max(expected, 1e-3)) << schedule.class_name() << ' ' << step;
  }
}

TEST(Schedules, DecayByPowersAndByTime) {
  expect_rates(ExponentialDecay(0.1, 4, 0.9), [](double s) { return 0.1 * std::pow(0.9, s / 4); });
  expect_rates(ExponentialDecay(0.1, 4, 0.9, {.staircase = true}),
               [](double s) { return 0.1 * std::pow(0.9, std::floor(s / 4)); });
  expect_rates(InverseTimeDecay(0.1, 4, 0.5), [](double s) { return 0.1 / (1 + 0.5 * s / 4); });
  expect_rates(InverseTimeDecay(0.1, 4, 0.5, {.staircase = true}),
               [](double s) { return 0.1 / (1 + 0.5 * std::floor(s / 4)); });
}

TEST(Schedules, APolynomialEndsOrGoesRound) {
  expect_rates(PolynomialDecay(0.1, 10, {.end_learning_rate = 0.01, .power = 1.5}),
               [](double s) { return 0.09 * std::pow(1 - std::min(s, 10.0) / 10, 1.5) + 0.01; });
  expect_rates(PolynomialDecay(0.1, 10, {.cycle = true}), [](double s) {
    const double steps = 10 * std::max(1.0, std::ceil(s / 10));
    return 0.0999 * (1 - s / steps) + 1e-4;
  });
}

TEST(Schedules, PiecesEndWithTheirBoundary) {
  const PiecewiseConstantDecay schedule({2, 10}, {0.5, 0.25, 0.125});
  EXPECT_EQ(schedule(2), 0.5);
  EXPECT_EQ(schedule(3), 0.25);
  EXPECT_EQ(schedule(10), 0.25);
  EXPECT_EQ(schedule(11), 0.125);
}

TEST(Schedules, ACosineMayWarmUpFirst) {
  const auto wave = [](double part, double alpha) { return (1 - alpha) * 0.5 * (1 + std::cos(kPi * part)) + alpha; };
  expect_rates(CosineDecay(0.1, 10, {.alpha = 0.2}), [&](double s) { return 0.1 * wave(std::min(s / 10, 1.0), 0.2); });
  expect_rates(CosineDecay(0, 20, {.warmup_target = 0.3, .warmup_steps = 10}),
               [&](double s) { return s < 10 ? 0.3 * s / 10 : 0.3 * wave(std::min((s - 10) / 20, 1.0), 0); });
}

TEST(Schedules, RestartsBeginLowerAndTakeLonger) {
  const CosineDecayRestarts schedule(0.1, 10, {.t_mul = 2, .m_mul = 0.5});
  for (const auto& [step, rate] : {std::pair(0, 0.1), {5, 0.05}, {10, 0.05}, {20, 0.025}, {30, 0.025}, {70, 0.0125}}) {
    EXPECT_NEAR(schedule(step), rate, 1e-16) << step;
  }
  const CosineDecayRestarts even(0.1, 10, {.t_mul = 1, .m_mul = 0.5, .alpha = 0.5});
  EXPECT_NEAR(even(20), 0.1 * (0.5 * 0.25 + 0.5), 1e-16);
}

TEST(Schedules, ReadWhatTheyWriteAsKeras) {
  for (const LearningRateSchedule& schedule :
       {LearningRateSchedule(ExponentialDecay(0.5, 3, 0.25, {.staircase = true})),
        LearningRateSchedule(InverseTimeDecay(0.5, 3, 0.25, {.staircase = true})),
        LearningRateSchedule(PolynomialDecay(0.5, 3, {.end_learning_rate = 0.1, .power = 2, .cycle = true})),
        LearningRateSchedule(PiecewiseConstantDecay({1, 2}, {1, 0.5, 0.25})),
        LearningRateSchedule(CosineDecay(0.5, 3, {.alpha = 0.1, .warmup_target = 1, .warmup_steps = 2})),
        LearningRateSchedule(CosineDecayRestarts(0.5, 3, {.t_mul = 3, .m_mul = 0.5, .alpha = 0.1}))}) {
    const nlohmann::ordered_json config = to_config(LearningRate(schedule));
    EXPECT_EQ(config["module"], "keras.optimizers.schedules");
    EXPECT_TRUE(config["registered_name"].is_null());
    LearningRate again = 0.0;
    from_config(config, again);
    EXPECT_EQ(to_config(again).dump(), config.dump());
    for (const Index step : {0, 1, 2, 7}) EXPECT_EQ(again(step), schedule(step)) << config.dump();
  }
  EXPECT_EQ(to_config(LearningRate(0.25)), 0.25);
}

TEST(Schedules, RefuseWhatCannotWork) {
  expect_error<ConfigError>([] { (void)ExponentialDecay(0.1, 0, 0.9); },
                            {"ExponentialDecay: decay_steps is 0; it must be a finite number above 0"});
  expect_error<ConfigError>([] { (void)InverseTimeDecay(0.1, 1, -1); }, {"InverseTimeDecay: decay_rate is -1"});
  expect_error<ConfigError>(
      [] {
        (void)PiecewiseConstantDecay({1, 2}, {0.1, 0.2});
      },
      {"PiecewiseConstantDecay: values has 2 numbers; for 2 boundaries it must have 3"});
  expect_error<ConfigError>([] { (void)PiecewiseConstantDecay({2, 2}, {0.1, 0.2, 0.3}); }, {"boundaries must grow"});
  expect_error<ConfigError>([] { (void)CosineDecayRestarts(0.1, 1, {.t_mul = 0.5}); }, {"t_mul is 0.5", "1 or more"});
  expect_error<ConfigError>([] { (void)custom_schedule("", [](Index) { return 0.1; }); }, {"needs a name"});
  expect_error<ConfigError>([] { (void)custom_schedule("mine", nullptr); }, {"'mine' has no function"});
  expect_error<ConfigError>(
      [] {
        LearningRate rate = 0.0;
        from_config({{"class_name", "ExponentialDecai"}, {"config", nullptr}}, rate);
      },
      {"schedule 'ExponentialDecai' is not known. Did you mean 'ExponentialDecay'?"});
}

// ---- in training ---------------------------------------------------------------------------------------------------

Sequential weight_of_one(const Optimizer& optimizer) {
  Sequential model{
      Dense(1, {.use_bias = false, .kernel_initializer = "ones", .dtype = DType::float64, .input_shape = {1}})};
  model.compile({.optimizer = optimizer, .loss = "mse"});
  return model;
}

TEST(Schedules, GiveEachStepItsRate) {
  const LearningRateSchedule schedule = custom_schedule("own", [](Index step) { return step == 1 ? 0.25 : 0.0625; });
  const Sequential model = weight_of_one(SGD({.learning_rate = schedule}));
  double w = 1;
  for (Index step = 0; step < 4; ++step) {
    EXPECT_EQ(model.learning_rate(), schedule(step));
    model.fit(Tensor{{1.0}}, Tensor{{0.0}}, {.verbose = 0});
    w -= schedule(step) * 2 * w;
    EXPECT_NEAR(model.get_weights()[0](0, 0), w, 1e-15) << step;
  }
  EXPECT_EQ(SGD({.learning_rate = schedule}).learning_rate(), 0.0625);
}

TEST(Schedules, TheRateOfAScheduleCannotBeSet) {
  const Sequential model = weight_of_one(SGD({.learning_rate = ExponentialDecay(0.1, 1, 0.5)}));
  expect_error<ConfigError>([&] { model.set_learning_rate(0.1); },
                            {"set_learning_rate", "a schedule, ExponentialDecay", "compile"});
}

TEST(Schedules, MustGiveRatesThatWork) {
  const Sequential model =
      weight_of_one(SGD({.learning_rate = custom_schedule("own", [](Index step) { return step < 1 ? 0.1 : -0.1; })}));
  model.fit(Tensor{{1.0}}, Tensor{{0.0}}, {.verbose = 0});
  const Tensor before = model.get_weights()[0];
  expect_error<ConfigError>([&] { model.fit(Tensor{{1.0}}, Tensor{{0.0}}, {.verbose = 0}); },
                            {"the schedule own", "is -0.1"});
  EXPECT_TRUE(model.get_weights()[0].identical(before));
}

}  // namespace
}  // namespace rondo
