#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

#include <rondo/data.hpp>

#include "support/expect_error.hpp"
#include "support/golden_reader.hpp"
#include "support/nan.hpp"

namespace rondo {
namespace {

using Doubles = std::vector<double>;
using Strings = std::vector<std::string>;
using golden::Json;

using test::kNaN;
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

Tensor normal_numbers(const Shape& shape, unsigned seed) {
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

// n values from `low` to `high`, as even as floating point allows.
Tensor ramp(double low, double high, std::size_t n = 1000) {
  Doubles values;
  for (std::size_t i = 0; i < n; ++i) {
    values.push_back(std::lerp(low, high, static_cast<double>(i) / static_cast<double>(n - 1)));
  }
  return Tensor(values);
}

struct Span {
  double low, high;
};
// Narrow and wide ones, at every height.
const std::vector<Span> kSpans = {{-1e-15, 1e-15},      {-1e308, 1e308}, {-1.7e308, 1.7e308}, {1e200, 3e200},
                                  {-3e-200, 1e-200},    {0, 5e-324},     {1e-320, 2e-315},    {1e6, 1e6 + 1e-6},
                                  {-1e16, -1e16 + 100}, {1, 1 + 1e-13},  {1e308, 1.7e308}};

TEST(MinMaxScaler, StretchesEveryColumnThatIsNotConstant) {
  for (const Span& span : kSpans) {
    SCOPED_TRACE(span.low);
    const Tensor data = ramp(span.low, span.high);
    MinMaxScaler scaler;
    const Tensor scaled = scaler.fit_transform(data);
    EXPECT_EQ(scaled(0), 0);
    EXPECT_EQ(scaled(-1), 1);
    for (Index i = 1; i < scaled.size(); ++i) {
      ASSERT_GE(scaled(i), scaled(i - 1)) << i;
      ASSERT_LE(scaled(i), 1) << i;
    }
    const Tensor back = scaler.inverse_transform(scaled);
    const double ulps = 4 * std::numeric_limits<double>::epsilon() * std::max(std::abs(span.low), std::abs(span.high));
    for (Index i = 0; i < back.size(); ++i) ASSERT_NEAR(back(i), data(i), ulps) << i;
  }
}

TEST(MinMaxScaler, GoesBeyondItsRangeWithoutOverflowing) {
  const MinMaxScaler scaler = MinMaxScaler().fit(Tensor{-1e308, 0.0});
  EXPECT_EQ(scaler.transform(Tensor{1e308})(0), 2);
  EXPECT_EQ(MinMaxScaler().fit_transform(Tensor{-1e308, 0, 1e308}).to_vector(), (Doubles{0, 0.5, 1}));
  MinMaxScaler wide({.feature_range = {-1e308, 1e308}});
  EXPECT_EQ(wide.fit_transform(Tensor{1, 2, 3}).to_vector(), (Doubles{-1e308, 0, 1e308}));
  EXPECT_EQ(wide.inverse_transform(Tensor{-1e308, 0, 1e308}).to_vector(), (Doubles{1, 2, 3}));
  EXPECT_EQ(MinMaxScaler({.clip = true}).fit(Tensor{0.0, 1e-300}).transform(Tensor{1e300})(0), 1);
}

TEST(StandardScaler, StretchesEveryColumnThatIsNotConstant) {
  for (const Span& span : kSpans) {
    if (span.high == 5e-324) continue;  // half of it is no number
    SCOPED_TRACE(span.low);
    const Tensor data = Tensor{span.low, span.high, span.low, span.high};
    StandardScaler scaler;
    const Tensor scaled = scaler.fit_transform(data);
    // Mean and scale are float64 themselves, and rounded.
    const double spread = span.high / 2 - span.low / 2;
    const double rounding =
        1e-15 + 5e-324 / spread + 2e-16 * std::max(std::abs(span.low), std::abs(span.high)) / spread;
    for (Index i = 0; i < 4; ++i) EXPECT_NEAR(scaled(i), i % 2 == 0 ? -1 : 1, rounding) << i;
    const Tensor back = scaler.inverse_transform(scaled);
    const double ulps = 4 * std::numeric_limits<double>::epsilon() * std::max(std::abs(span.low), std::abs(span.high));
    for (Index i = 0; i < 4; ++i) EXPECT_NEAR(back(i), data(i), ulps + 5e-324) << i;
  }
}

TEST(StandardScaler, NeverDividesByZero) {
  const Tensor scaled = StandardScaler().fit_transform(Tensor{0.0, 5e-324});
  EXPECT_EQ(scaled(1) - scaled(0), 1);
}

TEST(StandardScaler, KnowsConstantColumnsOfAnySize) {
  for (const double value : {0.0, 0.1, 1e200, -1e-200, 1.7e308, 5e-324}) {
    StandardScaler scaler;
    EXPECT_EQ(scaler.fit_transform(Tensor(Doubles(7, value))).to_vector(), Doubles(7, 0.0)) << value;
    EXPECT_EQ(scaler.scale()[0], 1) << value;
    EXPECT_EQ(scaler.mean()[0], value);
  }
}

TEST(StandardScaler, GoesBeyondWhatItSawWithoutOverflowing) {
  const StandardScaler scaler = StandardScaler().fit(Tensor{-1.6e308, -1.2e308});
  EXPECT_NEAR(scaler.transform(Tensor{1.4e308})(0), 14, 1e-13);
  EXPECT_NEAR(scaler.inverse_transform(Tensor{14})(0) / 1.4e308, 1, 1e-13);
}

TEST(Scalers, RefuseInfinitiesInTransformsAndNameTheirPlace) {
  const Tensor data = {{1, 2}, {3, 4}, {5, 6}};
  const Tensor broken = {{1, 2}, {3, -HUGE_VAL}};
  const auto expect_refused = [&](const auto& scaler, const std::string& name) {
    expect_error<NumericError>([&] { (void)scaler.transform(broken); },
                               {name, "transform", "row 1", "column 1", "NaN"});
    expect_error<NumericError>([&] { (void)scaler.inverse_transform(broken); }, {name, "inverse_transform", "row 1"});
    expect_error<NumericError>(
        [&] {
          (void)scaler.transform(broken.reshape({1, 2, 2}));
        },
        {name, "position (0, 1, 1)"});
  };
  expect_refused(MinMaxScaler({.clip = true}).fit(data), "MinMaxScaler");
  expect_refused(StandardScaler().fit(data), "StandardScaler");
}

TEST(Scalers, RefuseAStateThatNoFitLeaves) {
  expect_error<ConfigError>([] { (void)MinMaxScaler({}, {0, 2}, {1, 1}); }, {"column 1", "2 and 1"});
  expect_error<ConfigError>([] { (void)MinMaxScaler({}, {kNaN}, {1}); }, {"column 0", "nan"});
  expect_error<ConfigError>([] { (void)MinMaxScaler({}, {0}, {HUGE_VAL}); }, {"column 0", "inf"});
  expect_error<ConfigError>([] { (void)StandardScaler({}, {0}, {0}, {0}); }, {"column 0", "above 0"});
  expect_error<ConfigError>([] { (void)StandardScaler({}, {kNaN}, {1}, {1}); }, {"column 0", "nan"});
}

TEST(Scalers, KeepTheDtype) {
  const Tensor narrow = std::vector<float>{1, 2, 4};
  EXPECT_EQ(MinMaxScaler().fit_transform(narrow).dtype(), DType::float32);
  EXPECT_EQ(StandardScaler().fit_transform(narrow).dtype(), DType::float32);
  EXPECT_EQ(MinMaxScaler().fit_transform(narrow.cast(DType::float64)).dtype(), DType::float64);
}

TEST(Scalers, InverseUndoesTransform) {
  for (const Shape& shape : {Shape{50}, Shape{50, 3}, Shape{10, 5, 3}}) {
    const Tensor data = normal_numbers(shape, 9);
    MinMaxScaler minmax({.feature_range = {-1, 1}});
    golden::expect_close(minmax.inverse_transform(minmax.fit_transform(data)), data, kTolerance, "min-max");
    StandardScaler standard;
    golden::expect_close(standard.inverse_transform(standard.fit_transform(data)), data, kTolerance, "standard");
  }
}

TEST(Scalers, ComeBackFromTheirState) {
  const Tensor data = normal_numbers({20, 3}, 10);
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
