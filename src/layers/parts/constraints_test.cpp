#include "layers/parts/constraints.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>
#include <rondo/layers.hpp>
#include <rondo/tensor_ops.hpp>

#include "graph/layer_node.hpp"
#include "support/expect_error.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using Json = nlohmann::ordered_json;
using test::expect_error;
using test::ramp;

void expect_near(const Tensor& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), static_cast<Index>(expected.size()));
  const std::vector<double> values = actual.to_vector();
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-6) << i;
}

const Tensor kWeight{{3.0, 0.3, 0.0}, {-4.0, 0.4, 0.0}};  // columns of norm 5, 0.5 and 0

TEST(MaxNorm, ShortensWhatIsLonger) {
  expect_near(MaxNorm()(kWeight), {1.2, 0.3, 0, -1.6, 0.4, 0});
  expect_near(MaxNorm({.max_value = 0.25})(kWeight), {0.15, 0.15, 0, -0.2, 0.2, 0});
  EXPECT_EQ(MaxNorm({.max_value = 0.0})(kWeight).to_vector()[0], 0);
}

TEST(UnitNorm, MakesEveryNormOne) {
  expect_near(UnitNorm()(kWeight), {0.6, 0.6, 0, -0.8, 0.8, 0});
  const double row = std::sqrt(9.09);
  expect_near(UnitNorm({.axis = 1})(kWeight.rows(0, 1)), {3 / row, 0.3 / row, 0});
  expect_near(UnitNorm({.axis = -1})(kWeight.rows(0, 1)), {3 / row, 0.3 / row, 0});
}

TEST(MinMaxNorm, GoesThatPartOfTheWay) {
  expect_near(MinMaxNorm({.min_value = 1, .max_value = 2})(kWeight), {1.2, 0.6, 0, -1.6, 0.8, 0});
  expect_near(MinMaxNorm({.min_value = 1, .max_value = 2, .rate = 0.5})(kWeight), {2.1, 0.45, 0, -2.8, 0.6, 0});
}

TEST(NonNeg, LeavesNoNegativeWeight) {
  EXPECT_EQ(Constraint("non_neg")(kWeight).to_vector(), (std::vector<double>{3, 0.3, 0, 0, 0.4, 0}));
}

// A vector has one norm; of more axes the others choose.
TEST(Constraint, TakesNormsAlongItsAxis) {
  expect_near(UnitNorm()(Tensor{3.0, 4.0}), {0.6, 0.8});
  const Tensor w({2, 3, 4}, std::vector<double>(24, 1.0));
  for (const auto& [axis, length] : {std::pair<Index, double>{0, 2}, {1, 3}, {2, 4}, {-1, 4}}) {
    expect_near(UnitNorm({.axis = axis})(w), std::vector<double>(24, 1 / std::sqrt(length)));
  }
  std::vector<double> of_axis_1;
  const Tensor mixed = ramp({2, 3, 4}, 0.5);
  for (Index a = 0; a < 2; ++a) {
    for (Index b = 0; b < 3; ++b) {
      for (Index c = 0; c < 4; ++c) {
        double squares = 0;
        for (Index k = 0; k < 3; ++k) squares += mixed(a, k, c) * mixed(a, k, c);
        of_axis_1.push_back(mixed(a, b, c) / std::sqrt(squares));
      }
    }
  }
  expect_near(UnitNorm({.axis = 1})(mixed), of_axis_1);
  expect_error<ShapeError>([] { (void)UnitNorm({.axis = 1})(Tensor{1.0}); }, {"UnitNorm: axis is 1", "(1,)", "has 1"});
}

TEST(Constraint, DoesTheSameInPackedPanels) {
  const GRU layer(5, {.dtype = DType::float64});
  layer.build({Shape::kUnknown, 1, 3});
  for (const Constraint& rule : {Constraint(MaxNorm({.max_value = 0.25})), Constraint(UnitNorm({.axis = -1})),
                                 Constraint(NonNeg()), Constraint(MinMaxNorm({.min_value = 2, .max_value = 3}))}) {
    for (const engine::Parameter& p : layer.node()->parameters()) {
      const Tensor w = ramp(p.shape, -0.333);
      p.set(w);
      const auto constraint = rule.impl().of_weight(p.shape);
      for (Index part = 0; part < constraint->parts(p.map); ++part) {
        constraint->hold(p.map, part, p.block->values<double>());
      }
      EXPECT_TRUE(p.get().identical(rule(w))) << rule.class_name() << " " << p.path;
    }
  }
}

TEST(Constraint, TakesNormsWhoseSquaresAreBeyondADouble) {
  const Tensor w{{3e200}, {-4e200}};
  expect_near(UnitNorm()(w), {0.6, -0.8});
  expect_near(MinMaxNorm({.max_value = 5, .rate = 0.5})(w) * 1e-200, {1.5, -2});
}

TEST(Constraint, IsFoundByKerasNamesAndClassNames) {
  EXPECT_EQ(Constraint("max_norm").class_name(), "MaxNorm");
  EXPECT_EQ(Constraint("MinMaxNorm").class_name(), "MinMaxNorm");
  EXPECT_EQ(Constraint("unit_norm").class_name(), "UnitNorm");
  expect_error<ConfigError>([] { (void)Constraint("max_nrom"); },
                            {"constraint 'max_nrom'", "Did you mean 'max_norm'?"});
  expect_error<ConfigError>([] { (void)Constraint("l2"); }, {"in Keras that is a regularizer"});
}

TEST(Constraint, RefusesOptionsThatMakeNoSense) {
  expect_error<ConfigError>([] { (void)MaxNorm({.max_value = -1}); }, {"MaxNorm: max_value is -1"});
  expect_error<ConfigError>([] { (void)MaxNorm({.max_value = 1e31}); },
                            {"MaxNorm: max_value is 1e+31", "at most 1e30"});
  expect_error<ConfigError>([] { (void)MinMaxNorm({.rate = 2}); }, {"MinMaxNorm: rate is 2"});
  expect_error<ConfigError>([] { (void)MinMaxNorm({.min_value = 2}); }, {"min_value is 2 and max_value 1"});
  const Dense layer(2, {.bias_constraint = MaxNorm({.axis = 1}), .name = "it"});
  expect_error<ShapeError>(
      [&] {
        layer.build({Shape::kUnknown, 3});
      },
      {"layer 'it' (Dense), weight 'bias': MaxNorm: axis is 1"});
}

TEST(Constraint, SurvivesAConfiguration) {
  for (const Constraint& rule :
       {Constraint(MaxNorm({.max_value = 3, .axis = 1})), Constraint(NonNeg()), Constraint(UnitNorm({.axis = -1})),
        Constraint(MinMaxNorm({.min_value = 0.5, .max_value = 4, .rate = 0.25, .axis = 1}))}) {
    const Json config = to_config(rule);
    EXPECT_EQ(config["module"], "keras.constraints");
    std::optional<Constraint> again;
    from_config(config, again);
    EXPECT_EQ(to_config(*again).dump(), config.dump());
    EXPECT_TRUE((*again)(kWeight).identical(rule(kWeight)));
  }
  std::optional<Constraint> none = "non_neg";
  from_config(nullptr, none);
  EXPECT_FALSE(none);
  expect_error<ConfigError>(
      [&] {
        from_config({{"class_name", "MaxNorm"}, {"config", {{"axes", 1}}}}, none);
      },
      {"MaxNorm: the option axes = 1 is not known", "Did you mean 'axis'?"});
  expect_error<ConfigError>(
      [&] {
        from_config({{"class_name", "MaxNorm"}, {"config", {{"axis", {0, 1}}}}}, none);
      },
      {"MaxNorm", "axis = [0,1]", "whole number"});
}

}  // namespace
}  // namespace rondo
