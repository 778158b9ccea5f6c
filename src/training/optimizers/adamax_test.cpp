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

TEST(Adamax, DividesByTheLargestGradientThatFades) {
  double m = 0, u = 0;
  expect_steps(Adamax({.learning_rate = 0.05, .beta_2 = 0.5}), [&](double& w, double g, int t) {
    m = 0.9 * m + 0.1 * g;
    u = std::max(0.5 * u, std::abs(g));
    w -= 0.05 / (1 - std::pow(0.9, t)) * m / (u + 1e-7);
  });
}

TEST(Adamax, IsWhatItSaysOfItself) {
  check_rule(Adamax());
  check_rule(Adamax({.learning_rate = 1e3, .beta_1 = 0, .beta_2 = 0, .epsilon = 1e-3}));
  EXPECT_TRUE(Adamax().impl().rests_without_gradient());
}

TEST(Adamax, ForetellsNothingWhereItMayDivideByZero) {
  test::check_rest(Adamax({.epsilon = 0}));
  EXPECT_FALSE(test::foretells_bounds(Adamax({.epsilon = 0})));
}

TEST(Adamax, RefusesWhatCannotWork) { EXPECT_THROW(Adamax({.beta_2 = 1}), ConfigError); }

}  // namespace
}  // namespace rondo
