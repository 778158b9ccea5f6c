#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

#include <rondo/data.hpp>

#include "support/expect_error.hpp"
#include "support/golden_reader.hpp"

namespace rondo {
namespace {

using Doubles = std::vector<double>;
using Strings = std::vector<std::string>;
using golden::Json;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kTolerance = 1e-12;

using test::expect_error;

// Compares what one case of sklearn holds, where it holds it.
void expect_state(const Json& one, const char* key, const Doubles& actual) {
  if (!one.contains(key)) return;
  const std::string what = one.at("id").get<std::string>() + " " + key;
  if (one.at(key).is_null()) {
    EXPECT_TRUE(actual.empty()) << what;
  } else {
    golden::expect_close(Tensor(actual), golden::tensor(one.at(key)), kTolerance, what);
  }
}

template <class Scaler>
void expect_transforms(const Json& one, Scaler& scaler) {
  const std::string id = one.at("id");
  const Tensor data = golden::tensor(one.at("args").at("fit"));
  const Tensor scaled = scaler.fit_transform(data);
  const Tensor later = scaler.transform(golden::tensor(one.at("args").at("new")));
  const auto expect = [&](const char* key, const Tensor& actual) {
    if (one.contains(key)) golden::expect_close(actual, golden::tensor(one.at(key)), kTolerance, id + " " + key);
  };
  expect("transform", scaled);
  expect("transform_new", later);
  expect("inverse", scaler.inverse_transform(scaled));
}

Tensor pseudo_random(const Shape& shape, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(3, 100);
  Doubles values;
  for (Index i = 0; i < shape.elements(); ++i) values.push_back(normal(random));
  return Tensor(shape, values);
}

TEST(MinMaxScaler, AgreesWithSklearn) {
  for (const Json& one : golden::utils_cases("MinMaxScaler")) {
    const Json& args = one.at("args");
    const auto range = args.at("feature_range").get<Doubles>();
    MinMaxScaler scaler({.feature_range = {range[0], range[1]}, .clip = args.value("clip", false)});
    expect_transforms(one, scaler);
    expect_state(one, "data_min", scaler.data_min());
    expect_state(one, "data_max", scaler.data_max());
    expect_state(one, "scale", scaler.scale());
    expect_state(one, "min", scaler.min());
  }
}

TEST(StandardScaler, AgreesWithSklearn) {
  for (const Json& one : golden::utils_cases("StandardScaler")) {
    const Json& args = one.at("args");
    StandardScaler scaler({.with_mean = args.at("with_mean"), .with_std = args.at("with_std")});
    expect_transforms(one, scaler);
    expect_state(one, "mean", scaler.mean());
    expect_state(one, "var", scaler.var());
    expect_state(one, "scale", scaler.scale());
  }
}

TEST(MinMaxScaler, ScalesTheTutorialsSeries) {
  MinMaxScaler scaler({.feature_range = {-1, 1}});
  EXPECT_TRUE(scaler.fit_transform(Tensor{10, 20, 30}).identical(Tensor{-1.0, 0.0, 1.0}));
  EXPECT_TRUE(scaler.inverse_transform(Tensor{{-1.0}, {2.0}}).identical(Tensor{{10.0}, {40.0}}));
}

TEST(Scalers, TakeTheLastAxisAsColumns) {
  const Tensor cube = Tensor{1, 10, 2, 20, 3, 30, 5, 50}.reshape({2, 2, 2});
  MinMaxScaler minmax;
  EXPECT_EQ(minmax.fit_transform(cube).shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(minmax.data_max(), (Doubles{5, 50}));
  EXPECT_EQ(minmax.transform(cube)(0, 1, 1), 0.25);
  EXPECT_EQ(StandardScaler().fit(cube).mean(), (Doubles{2.75, 27.5}));
}

TEST(Scalers, IgnoreNaNInFitAndLeaveItInTransform) {
  const Tensor data = {1.0, kNaN, 3.0};
  const Tensor minmax = MinMaxScaler().fit_transform(data);
  golden::expect_close(minmax, Tensor{0.0, kNaN, 1.0}, 0, "min-max");
  golden::expect_close(StandardScaler().fit_transform(data), Tensor{-1.0, kNaN, 1.0}, 0, "standard");
  golden::expect_close(MinMaxScaler({.clip = true}).fit_transform(data), Tensor{0.0, kNaN, 1.0}, 0, "clipped");
}

TEST(Scalers, MoveConstantColumnsWithoutStretchingThem) {
  const Tensor constant = {{7.1, 1}, {7.1, 2}};
  EXPECT_EQ(MinMaxScaler().fit(constant).scale()[0], 1);
  EXPECT_EQ(MinMaxScaler().fit_transform(constant)(1, 0), 0);
  EXPECT_EQ(StandardScaler().fit(constant).scale()[0], 1);
  // The mean of ten times 0.1 is not 0.1 in floating point; the column is constant nevertheless.
  EXPECT_EQ(StandardScaler().fit(Tensor(Doubles(10, 0.1))).scale()[0], 1);
}

TEST(Scalers, KeepTheDtype) {
  const Tensor narrow = std::vector<float>{1, 2, 4};
  EXPECT_EQ(MinMaxScaler().fit_transform(narrow).dtype(), DType::float32);
  EXPECT_EQ(StandardScaler().fit_transform(narrow).dtype(), DType::float32);
  EXPECT_EQ(MinMaxScaler().fit_transform(narrow.cast(DType::float64)).dtype(), DType::float64);
}

TEST(Scalers, InverseUndoesTransform) {
  for (const Shape& shape : {Shape{50}, Shape{50, 3}, Shape{10, 5, 3}}) {
    const Tensor data = pseudo_random(shape, 9);
    MinMaxScaler minmax({.feature_range = {-1, 1}});
    golden::expect_close(minmax.inverse_transform(minmax.fit_transform(data)), data, kTolerance, "min-max");
    StandardScaler standard;
    golden::expect_close(standard.inverse_transform(standard.fit_transform(data)), data, kTolerance, "standard");
  }
}

TEST(Scalers, ComeBackFromTheirState) {
  const Tensor data = pseudo_random({20, 3}, 10);
  const MinMaxScaler minmax = MinMaxScaler({.feature_range = {-1, 1}, .clip = true}).fit(data);
  const MinMaxScaler minmax2(minmax.options(), minmax.data_min(), minmax.data_max());
  EXPECT_TRUE(minmax2.transform(data).identical(minmax.transform(data)));
  const StandardScaler standard = StandardScaler().fit(data);
  const StandardScaler standard2(standard.options(), standard.mean(), standard.var(), standard.scale());
  EXPECT_TRUE(standard2.transform(data).identical(standard.transform(data)));
  EXPECT_TRUE(standard2.fitted());
  EXPECT_FALSE(StandardScaler().fitted());
}

TEST(Scalers, GiveTheScalerOfOneColumn) {
  const Tensor data = {{1, 100}, {3, 300}};
  const MinMaxScaler minmax = MinMaxScaler().fit(data);
  EXPECT_TRUE(minmax.column(1).inverse_transform(Tensor{{0.5}}).identical(Tensor{{200.0}}));
  const StandardScaler standard = StandardScaler().fit(data);
  EXPECT_TRUE(standard.column(-1).inverse_transform(Tensor{{1.0}}).identical(Tensor{{300.0}}));
  EXPECT_EQ(StandardScaler({.with_std = false}).fit(data).column(0).inverse_transform(Tensor{1.0})(0), 3);
  expect_error<ShapeError>([&] { (void)minmax.column(2); }, {"column 2", "fitted on 2"});
}

template <class Scaler>
void expect_scaler_errors(const std::string& name) {
  const Tensor pair = {{1, 2}, {3, 4}};
  expect_error<StateError>([&] { (void)Scaler().transform(pair); }, {name, "transform before fit", "fit_transform"});
  expect_error<StateError>([&] { (void)Scaler().inverse_transform(pair); }, {name, "inverse_transform before fit"});
  expect_error<StateError>([&] { (void)Scaler().column(0); }, {name, "before fit"});
  const Scaler fitted = Scaler().fit(pair);
  expect_error<ShapeError>(
      [&] {
        (void)fitted.transform(Tensor{{1, 2, 3}});
      },
      {name, "got 3 columns", "(1, 3)", "fitted on 2"});
  expect_error<ShapeError>([&] { (void)fitted.inverse_transform(Tensor{1, 2}); }, {name, "got 1 columns", "column()"});
  expect_error<ShapeError>([&] { (void)Scaler().fit(Tensor()); }, {name, "empty"});
  expect_error<ShapeError>([&] { (void)Scaler().fit(Tensor::zeros({})); }, {name, "scalar"});
  expect_error<NumericError>([&] { (void)Scaler().fit(Tensor{{1, 2}, {3, HUGE_VAL}}); }, {name, "row 1", "column 1"});
  expect_error<NumericError>([&] { (void)Scaler().fit(Tensor{{1, kNaN}, {3, kNaN}}); }, {name, "column 1", "NaN"});
}

TEST(ScalerErrors, SayWhatWasGivenAndExpected) {
  expect_scaler_errors<MinMaxScaler>("MinMaxScaler");
  expect_scaler_errors<StandardScaler>("StandardScaler");
  expect_error<ConfigError>([] { (void)MinMaxScaler({.feature_range = {1, 0}}); }, {"feature_range", "smaller"});
  expect_error<ConfigError>([] { (void)MinMaxScaler({.feature_range = {kNaN, 0}}); }, {"feature_range"});
  expect_error<ShapeError>([] { (void)MinMaxScaler({}, {1, 2}, {3}); }, {"data_min has 2", "data_max has 1"});
  expect_error<ShapeError>([] { (void)StandardScaler({}, {1, 2}, {1, 1}, {1}); }, {"mean has 2", "scale 1"});
  expect_error<ShapeError>([] { (void)StandardScaler({.with_std = false}, {1}, {1}, {1}); }, {"none without with_std"});
}

}  // namespace
}  // namespace rondo
