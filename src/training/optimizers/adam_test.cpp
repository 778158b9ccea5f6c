#include <cmath>
#include <gtest/gtest.h>

#include <rondo/error.hpp>
#include <rondo/optimizers.hpp>

#include "support/optimizer_check.hpp"
#include "training/optimizers/rule.hpp"

namespace rondo {
namespace {

using test::check_rule;
using test::expect_steps;

TEST(Adam, CorrectsItsRunningMeans) {
  double m = 0, v = 0, v_max = 0;
  expect_steps(Adam({.learning_rate = 0.01}), [&](double& w, double g, int t) {
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    w -= 0.01 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) * m / (std::sqrt(v) + 1e-7);
  });
  m = v = 0;
  expect_steps(Adam({.learning_rate = 0.3, .beta_2 = 0.5, .amsgrad = true}), [&](double& w, double g, int t) {
    m = 0.9 * m + 0.1 * g;
    v = 0.5 * v + 0.5 * g * g;
    v_max = std::max(v_max, v);
    w -= 0.3 * std::sqrt(1 - std::pow(0.5, t)) / (1 - std::pow(0.9, t)) * m / (std::sqrt(v_max) + 1e-7);
  });
}

TEST(Adam, IsWhatItSaysOfItself) {
  check_rule(Adam());
  check_rule(Adam({.beta_1 = 0.99, .beta_2 = 0.5, .epsilon = 1e-12, .amsgrad = true}));
  check_rule(Adam({.learning_rate = 1e6, .beta_1 = 0, .beta_2 = 0, .epsilon = 1e5}));
  EXPECT_TRUE(Adam({.amsgrad = true}).impl().rests_without_gradient());
  EXPECT_TRUE(test::foretells_bounds(Adam()));
}

TEST(Adam, ForetellsNothingWhereItMayDivideByZero) {
  test::check_rest(Adam({.epsilon = 0}));
  EXPECT_FALSE(test::foretells_bounds(Adam({.epsilon = 0})));
  EXPECT_FALSE(test::foretells_bounds(Adam({.epsilon = 1e-50}))) << "0 in float32";
}

TEST(AdamW, DecaysAndIsAdamOtherwise) {
  double m = 0, v = 0;
  expect_steps(AdamW({.learning_rate = 0.1, .weight_decay = 0.5}), [&](double& w, double g, int t) {
    w -= 0.1 * 0.5 * w;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    w -= 0.1 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) * m / (std::sqrt(v) + 1e-7);
  });
}

TEST(Adam, RefusesWhatCannotWork) { EXPECT_THROW(Adam({.beta_1 = 1}), ConfigError); }

}  // namespace
}  // namespace rondo
