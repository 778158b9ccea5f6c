#include "layers/parts/regularizers.hpp"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>
#include <rondo/layers.hpp>

#include "graph/layer_node.hpp"
#include "support/expect_error.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using Json = nlohmann::ordered_json;
using test::expect_error;
using test::ramp;

const Tensor kPenalized{{1.0, -2.0, 0.5}, {0.0, 3.0, -1.0}};

TEST(Regularizer, AddsUpSizesAndSquares) {
  EXPECT_DOUBLE_EQ(L1(0.1)(kPenalized), 0.75);
  EXPECT_DOUBLE_EQ(L2(0.1)(kPenalized), 1.525);
  EXPECT_DOUBLE_EQ(L1L2({.l1 = 0.1, .l2 = 0.2})(kPenalized), 3.8);
  EXPECT_DOUBLE_EQ(Regularizer("l2")(kPenalized), 0.1525);
  EXPECT_EQ(Regularizer("l1l2")(kPenalized), 0);
  EXPECT_EQ(L2()(Tensor()), 0);
}

TEST(OrthogonalRegularizer, IsTheMeanOfCosines) {
  const double of_rows = 6.5 / std::sqrt(5.25 * 10);  // of the only pair
  EXPECT_NEAR(OrthogonalRegularizer({.factor = 0.3})(kPenalized), 0.3 * of_rows, 1e-15);
  const double of_columns = 2 / std::sqrt(13.0) + 0.5 / std::sqrt(1.25) + 4 / std::sqrt(13 * 1.25);
  EXPECT_NEAR(OrthogonalRegularizer({.factor = 0.3, .mode = "columns"})(kPenalized), 0.3 * of_columns / 3, 1e-15);
  EXPECT_EQ(OrthogonalRegularizer()(Tensor{{2.0, 0.0}, {0.0, -3.0}}), 0) << "orthogonal";
  EXPECT_EQ(OrthogonalRegularizer()(Tensor{{0.0, 0.0}, {1.0, 2.0}}), 0) << "a row without direction";
  EXPECT_EQ(OrthogonalRegularizer()(Tensor{{1.0, 2.0}}), 0) << "no pair";
}

// In an LSTM's panels, where the elements of a row stand far apart and, with so many units, the last panels are
// narrower than the others, whatever vectors the processor has.
void expect_gradient(const Regularizer& regularizer) {
  const LSTM layer(9, {.dtype = DType::float64});
  layer.build({Shape::kUnknown, 1, 3});
  for (const engine::Parameter& p : layer.node()->parameters()) {
    if (p.name() == "bias" && regularizer.class_name() == "OrthogonalRegularizer") continue;
    SCOPED_TRACE(p.path + " " + regularizer.class_name());
    const Tensor w = ramp(p.shape, -0.333);
    p.set(w);
    const auto penalty = regularizer.impl().of_weight(p.shape);
    std::vector<double> gradient(static_cast<std::size_t>(p.block->size()), 1.0);  // that of the loss
    double value = 0;
    for (Index part = 0; part < penalty->parts(p.map); ++part) {
      value += penalty->part(p.map, part, p.block->values<double>(), gradient.data());
    }
    EXPECT_NEAR(value, regularizer(w), 1e-14);
    const Tensor got = p.unpack(reinterpret_cast<const std::byte*>(gradient.data()));
    std::vector<double> moved = w.to_vector();
    for (std::size_t i = 0; i < moved.size(); ++i) {
      constexpr double kStep = 1e-5;
      const double at = moved[i];
      moved[i] = at + kStep;
      const double above = regularizer(Tensor(p.shape, moved));
      moved[i] = at - kStep;
      const double below = regularizer(Tensor(p.shape, moved));
      moved[i] = at;
      EXPECT_NEAR(got.data<double>()[i], 1 + (above - below) / (2 * kStep), 1e-9) << i;
    }
  }
}

TEST(Regularizer, AddsItsDerivativesToTheGradient) {
  expect_gradient(L1(0.3));
  expect_gradient(L2(0.3));
  expect_gradient(L1L2({.l1 = 0.1, .l2 = 0.2}));
  expect_gradient(OrthogonalRegularizer({.factor = 0.7}));
  expect_gradient(OrthogonalRegularizer({.factor = 0.7, .mode = "columns"}));
}

TEST(Regularizer, IsFoundByKerasNamesAndClassNames) {
  EXPECT_EQ(Regularizer("l1").class_name(), "L1");
  EXPECT_EQ(Regularizer("L2").class_name(), "L2");
  EXPECT_EQ(Regularizer("L1L2").class_name(), "L1L2");
  EXPECT_EQ(Regularizer("orthogonal_regularizer").class_name(), "OrthogonalRegularizer");
  expect_error<ConfigError>([] { (void)Regularizer("l1_l2"); }, {"regularizer 'l1_l2'", "Did you mean 'l1l2'?"});
  expect_error<ConfigError>([] { (void)Regularizer("max_norm"); }, {"in Keras that is a constraint"});
}

TEST(Regularizer, RefusesWhatIsNoFactor) {
  expect_error<ConfigError>([] { (void)L2(-1); }, {"L2: l2 is -1", "0 or more"});
  expect_error<ConfigError>([] { (void)L1(std::nan("")); }, {"L1: l1 is nan"});
  expect_error<ConfigError>([] { (void)L1L2({.l1 = INFINITY}); }, {"L1L2: l1 is inf"});
  expect_error<ConfigError>([] { (void)OrthogonalRegularizer({.factor = -1}); }, {"OrthogonalRegularizer: factor"});
  expect_error<ConfigError>([] { (void)OrthogonalRegularizer({.mode = "row"}); },
                            {"mode 'row' is not known. Did you mean 'rows'?"});
}

TEST(Regularizer, SurvivesAConfiguration) {
  for (const Regularizer& rule :
       {Regularizer(L1(0.5)), Regularizer(L2(0.25)), Regularizer(L1L2({.l1 = 0.5, .l2 = 0.125})),
        Regularizer(OrthogonalRegularizer({.factor = 0.5, .mode = "columns"}))}) {
    const Json config = to_config(rule);
    EXPECT_EQ(config["module"], "keras.regularizers");
    std::optional<Regularizer> again;
    from_config(config, again);
    EXPECT_EQ(to_config(*again).dump(), config.dump());
    EXPECT_EQ((*again)(kPenalized), rule(kPenalized));
  }
  EXPECT_EQ(to_config(L2(0.5))["config"].dump(), R"({"l2":0.5})");
  std::optional<Regularizer> none = "l2";
  from_config(nullptr, none);
  EXPECT_FALSE(none);
  from_config("l1", none);
  EXPECT_EQ(none->class_name(), "L1");
  expect_error<ConfigError>(
      [&] {
        from_config({{"class_name", "L2"}, {"config", {{"l3", 1}}}}, none);
      },
      {"L2: the option l3 = 1 is not known", "Did you mean 'l2'?"});
}

TEST(OrthogonalRegularizer, IsForMatrices) {
  const Dense layer(2, {.bias_regularizer = OrthogonalRegularizer(), .name = "it"});
  expect_error<ShapeError>(
      [&] {
        layer.build({Shape::kUnknown, 3});
      },
      {"layer 'it' (Dense), weight 'bias': OrthogonalRegularizer needs a weight of rank 2", "(2,)"});
  expect_error<ConfigError>([] { (void)LSTM(2, {.activity_regularizer = OrthogonalRegularizer(), .name = "that"}); },
                            {"layer 'that' (LSTM): the activity_regularizer OrthogonalRegularizer is for weights"});
}

}  // namespace
}  // namespace rondo
