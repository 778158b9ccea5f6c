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

TEST(Rmsprop, DividesByTheRunningSizeOfTheGradient) {
  double v = 0, b = 0, mean = 0;
  expect_steps(RMSprop({.learning_rate = 0.01}), [&](double& w, double g, int) {
    v = 0.9 * v + 0.1 * g * g;
    w -= 0.01 * g / std::sqrt(v + 1e-7);
  });
  v = 0;
  expect_steps(RMSprop({.learning_rate = 0.01, .momentum = 0.4, .centered = true}), [&](double& w, double g, int) {
    v = 0.9 * v + 0.1 * g * g;
    mean = 0.9 * mean + 0.1 * g;
    b = 0.4 * b + 0.01 * g / std::sqrt(v - mean * mean + 1e-7);
    w -= b;
  });
}

TEST(Rmsprop, IsWhatItSaysOfItself) {
  check_rule(RMSprop());
  check_rule(RMSprop({.learning_rate = 1e15, .epsilon = 1e3}));
  check_rule(RMSprop({.momentum = 1, .epsilon = 1e-30, .centered = true}));
  EXPECT_TRUE(RMSprop({.momentum = 0.5, .centered = true}).impl().rests_without_gradient());
}

TEST(Rmsprop, ForetellsNothingWhereItMayDivideByZero) {
  test::check_rest(RMSprop({.epsilon = 0}));
  EXPECT_FALSE(test::foretells_bounds(RMSprop({.epsilon = 0})));
}

TEST(Rmsprop, RefusesWhatCannotWork) { EXPECT_THROW(RMSprop({.rho = -0.1}), ConfigError); }

}  // namespace
}  // namespace rondo
