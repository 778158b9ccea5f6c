#include <cmath>
#include <gtest/gtest.h>
#include <random>

#include <rondo/data.hpp>

#include "support/expect_error.hpp"
#include "support/golden_reader.hpp"
#include "support/instrumented.hpp"
#include "support/nan.hpp"

namespace rondo {
namespace {

using Strings = std::vector<std::string>;

using test::kNaN;

using test::expect_error;

// Side by side, as pandas' concat along the columns.
Tensor concat_columns(const Tensor& a, const Tensor& b) {
  std::vector<std::vector<double>> rows;
  for (Index r = 0; r < a.shape()[0]; ++r) {
    rows.emplace_back();
    for (Index c = 0; c < a.shape()[1]; ++c) rows.back().push_back(a(r, c));
    for (Index c = 0; c < b.shape()[1]; ++c) rows.back().push_back(b(r, c));
  }
  return Tensor(rows);
}

Tensor pseudo_random(const Shape& shape, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-10, 10);
  std::vector<double> values;
  for (Index i = 0; i < shape.elements(); ++i) values.push_back(uniform(random));
  return Tensor(shape, values);
}

// Whole numbers: their sums and differences are exact.
Tensor pseudo_random_integers(const Shape& shape, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<double> values;
  for (Index i = 0; i < shape.elements(); ++i) values.push_back(static_cast<double>(random() % 1000) - 500);
  return Tensor(shape, values);
}

TEST(LagFrame, AgreesWithPandas) {
  for (const golden::Json& one : golden::utils_cases("series_to_supervised")) {
    const std::string id = one.at("id");
    const golden::Json& args = one.at("args");
    const Tensor series = golden::tensor(args.at("series"));
    LagOptions options{.lags = args.at("n_in").get<int>(), .horizon = args.at("n_out").get<int>()};
    const LagFrame frame = lag_frame(series, options);
    golden::expect_close(concat_columns(frame.X, frame.y), golden::tensor(one.at("values")), 0, id);
    EXPECT_EQ(frame.index, one.at("index").get<std::vector<Index>>()) << id;
    options.drop_missing = false;
    const LagFrame whole = lag_frame(series, options);
    golden::expect_close(concat_columns(whole.X, whole.y), golden::tensor(one.at("with_nan")), 0, id + " with NaN");
    EXPECT_EQ(static_cast<Index>(whole.index.size()), series.shape()[0]) << id;
  }
}

TEST(LagFrame, NamesColumnsByStepAndVariable) {
  EXPECT_EQ(lag_frame(Tensor{1, 2, 3, 4, 5}, {.lags = 2, .horizon = 2}).names, (Strings{"t-2", "t-1", "t", "t+1"}));
  const Tensor two = {{1, 10}, {2, 20}, {3, 30}};
  EXPECT_EQ(lag_frame(two).names, (Strings{"var1(t-1)", "var2(t-1)", "var1(t)", "var2(t)"}));
  EXPECT_EQ(lag_frame(two.rows(0).reshape({6, 1})).names, (Strings{"t-1", "t"}));
}

TEST(LagFrame, PutsTheOldestStepFirstWithItsVariablesTogether) {
  const LagFrame frame = lag_frame(Tensor{{1, 10}, {2, 20}, {3, 30}, {4, 40}}, {.lags = 2});
  EXPECT_TRUE(frame.X.identical(Tensor{{1, 10, 2, 20}, {2, 20, 3, 30}}));
  EXPECT_TRUE(frame.y.identical(Tensor{{3, 30}, {4, 40}}));
}

TEST(LagFrame, DropsRowsWithGapsOfTheDataAsDropnaDoes) {
  const LagFrame frame = lag_frame(Tensor{1, 2, kNaN, 4, 5, 6}, {.lags = 1});
  EXPECT_TRUE(frame.X.identical(Tensor{{1}, {4}, {5}}));
  EXPECT_TRUE(frame.y.identical(Tensor{{2}, {5}, {6}}));
  EXPECT_EQ(frame.index, (std::vector<Index>{1, 4, 5}));
  EXPECT_EQ(lag_frame(Tensor{1, 2, kNaN, 4, 5, 6}, {.drop_missing = false}).index.size(), 6U);
}

TEST(LagFrame, KeepsTheDtype) {
  const Tensor series = std::vector<float>{0.1F, 0.2F, 0.3F};
  EXPECT_EQ(lag_frame(series).X.dtype(), DType::float32);
  EXPECT_TRUE(lag_frame(series).y.identical(Tensor(Shape{2, 1}, std::vector<float>{0.2F, 0.3F})));
}

TEST(LagFrame, RefusesWhatLeavesNoRowAndSaysWhy) {
  expect_error<ShapeError>(
      [] {
        (void)lag_frame(Tensor{1, 2, 3}, {.lags = 3});
      },
      {"3 steps", "3 lags", "horizon of 1", "at least 4"});
  expect_error<ShapeError>([] { (void)lag_frame(Tensor{1, kNaN, 3}); }, {"missing values", "drop_missing"});
  expect_error<ShapeError>([] { (void)lag_frame(Tensor::zeros({2, 2, 2})); }, {"(2, 2, 2)", "(steps, variables)"});
  expect_error<ConfigError>([] { (void)lag_frame(Tensor{1, 2}, {.lags = 0}); }, {"at least 1", "lags = 0"});
  expect_error<ConfigError>([] { (void)lag_frame(Tensor{1, 2}, {.lags = INT64_MAX, .horizon = INT64_MAX}); }, {"lags"});
}

TEST(Shift, AgreesWithPandas) {
  for (const golden::Json& one : golden::utils_cases("shift")) {
    const golden::Json& args = one.at("args");
    const Tensor shifted = shift(golden::tensor(args.at("series")), args.at("periods").get<int>());
    golden::expect_close(shifted, golden::tensor(one.at("result")), 0, one.at("id"));
  }
}

TEST(Shift, MovesAllVariablesAndBeyondTheEnds) {
  golden::expect_close(shift(Tensor{{1, 10}, {2, 20}}), Tensor{{kNaN, kNaN}, {1, 10}}, 0, "two variables");
  golden::expect_close(shift(Tensor{1, 2}, 5), Tensor{kNaN, kNaN}, 0, "past the end");
  golden::expect_close(shift(Tensor{1, 2}, INT64_MIN), Tensor{kNaN, kNaN}, 0, "past the beginning");
}

TEST(LagFrame, OfMoreThanTheMemoryHoldsIsAnError) {
  if (test::memory_may_end()) {
    const Tensor series = Tensor::zeros({300, 300});
    expect_error<MemoryError>([&] { (void)lag_frame(series, {.lags = 1'000'000'000, .drop_missing = false}); },
                              {"lag_frame", "1000000000 lags", "720 TB"});
  }
  EXPECT_THROW((void)lag_frame(Tensor{1, 2, 3}, {.lags = 1'000'000'000}), ShapeError);
}

TEST(AsTimesteps, MakesColumnsTimeSteps) {
  const Tensor X = {{1, 2, 3, 4}, {5, 6, 7, 8}};
  EXPECT_EQ(as_timesteps(X).shape(), (Shape{2, 4, 1}));
  EXPECT_EQ(as_timesteps(X)(1, 2, 0), 7);
  EXPECT_EQ(as_timesteps(X, 2).shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(as_timesteps(X, 2)(0, 1, 0), 3);
}

TEST(AsTimesteps, OfAFrameKnowsItsVariables) {
  const Tensor series = {{1, 10}, {2, 20}, {3, 30}, {4, 40}};
  const LagFrame frame = lag_frame(series, {.lags = 2});
  const Tensor X = as_timesteps(frame);
  EXPECT_TRUE(X.identical(Tensor{{{1, 10}, {2, 20}}, {{2, 20}, {3, 30}}})) << X;
  EXPECT_EQ(as_timesteps(lag_frame(Tensor{1, 2, 3, 4}, {.lags = 3})).shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(as_features(frame).shape(), (Shape{2, 1, 4}));
}

TEST(AsTimesteps, NamesTheAxesItExpects) {
  expect_error<ShapeError>([] { (void)as_timesteps(Tensor{1, 2, 3}); }, {"(3,)", "(samples, columns)", "lag_frame"});
  expect_error<ShapeError>(
      [] {
        (void)as_timesteps(Tensor::zeros({2, 3, 1}));
      },
      {"(2, 3, 1)", "already", "(samples, timesteps, features)"});
  expect_error<ShapeError>([] { (void)as_timesteps(Tensor::zeros({2, 3}), 2); }, {"3 columns", "2 features"});
  expect_error<ShapeError>([] { (void)as_timesteps(Tensor::zeros({2, 3}), 0); }, {"at least 1"});
}

TEST(AsFeatures, MakesColumnsFeaturesOfOneStep) {
  const Tensor X = {{1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(as_features(X).shape(), (Shape{2, 1, 3}));
  EXPECT_EQ(as_features(X)(1, 0, 2), 6);
  expect_error<ShapeError>([] { (void)as_features(Tensor{1, 2, 3}); }, {"(3,)", "(samples, 1, features)"});
}

// pandas keeps the steps without a difference as NaN; here they are left out.
TEST(Difference, AgreesWithPandas) {
  for (const golden::Json& one : golden::utils_cases("difference")) {
    const golden::Json& args = one.at("args");
    const Index lag = args.at("interval").get<Index>();
    const Tensor expected = golden::tensor(one.at("result")).rows(lag);
    golden::expect_close(difference(golden::tensor(args.at("series")), lag), expected, 0, one.at("id"));
  }
}

TEST(Difference, SubtractsTheStepOneLagEarlier) {
  EXPECT_TRUE(difference(Tensor{1, 4, 9, 16, 25}, 2).identical(Tensor{8, 12, 16}));
  EXPECT_TRUE(difference(Tensor{{1, 10}, {3, 40}}).identical(Tensor{{2, 30}}));
  EXPECT_EQ(difference(Tensor(std::vector<float>{1, 2})).dtype(), DType::float32);
}

TEST(Undifference, RestoresIntegersToTheBit) {
  for (const Index lag : {1, 2, 5, 12}) {
    for (const Shape& shape : {Shape{40}, Shape{40, 1}, Shape{40, 3}}) {
      const Tensor series = pseudo_random_integers(shape, 5);
      const Tensor back = undifference(difference(series, lag), series.rows(0, lag), lag);
      EXPECT_TRUE(back.identical(series.rows(lag))) << "lag " << lag << ", shape " << to_string(shape);
    }
  }
}

TEST(Undifference, RestoresRealNumbersUpToRounding) {
  const Tensor series = pseudo_random({200, 2}, 6);
  golden::expect_close(undifference(difference(series, 7), series.rows(0, 7), 7), series.rows(7), 1e-13, "lag 7");
}

TEST(Undifference, UsesTheLastStepsOfALongerHistory) {
  const Tensor series = {1, 4, 9, 16, 25, 36};
  const Tensor predicted = Tensor{11, 13}.reshape({2, 1});  // as a model predicts
  const Tensor back = undifference(predicted, series.rows(0, 5));
  EXPECT_EQ(back.shape(), (Shape{2, 1}));
  EXPECT_EQ(back(0, 0), 36);
  EXPECT_EQ(back(1, 0), 49);
  EXPECT_EQ(undifference(Tensor{11}, series.rows(0, 5), 3)(0), 20);  // one step of a walk forward
}

TEST(Undifference, IsAsPreciseAsTheMorePreciseArgument) {
  const Tensor narrow = std::vector<float>{0.5F};
  EXPECT_EQ(undifference(narrow, Tensor{0.1}).dtype(), DType::float64);
  EXPECT_EQ(undifference(Tensor{0.1}, narrow).dtype(), DType::float64);
  EXPECT_EQ(undifference(narrow, narrow).dtype(), DType::float32);
}

TEST(DifferenceError, SaysWhatIsTooShortOrDiffers) {
  expect_error<ShapeError>([] { (void)difference(Tensor{1, 2, 3}, 3); }, {"3 steps", "lag 3"});
  expect_error<ConfigError>([] { (void)difference(Tensor{1, 2, 3}, 0); }, {"lag must be at least 1", "0"});
  expect_error<ShapeError>([] { (void)undifference(Tensor{1}, Tensor{1, 2}, 12); }, {"last 12", "(2,)", "only 2"});
  expect_error<ShapeError>([] { (void)undifference(Tensor{{1, 2}}, Tensor{1, 2}); }, {"2 variables", "has 1"});
  expect_error<ConfigError>([] { (void)undifference(Tensor{1}, Tensor{1}, -1); }, {"-1"});
}

}  // namespace
}  // namespace rondo
