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

TEST(Nadam, LooksAhead) {
  double m = 0, v = 0, product = 1;
  const auto u = [](int t) { return 0.9 * (1 - 0.5 * std::pow(0.96, t)); };
  expect_steps(Nadam({.learning_rate = 0.05}), [&](double& w, double g, int t) {
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    product *= u(t);
    const double ahead = u(t + 1) * m / (1 - product * u(t + 1)) + (1 - u(t)) * g / (1 - product);
    w -= 0.05 * ahead / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-7);
  });
}

TEST(Nadam, IsWhatItSaysOfItself) {
  check_rule(Nadam());
  check_rule(Nadam({.learning_rate = 1e3, .beta_1 = 0.5, .beta_2 = 0, .epsilon = 1e-3}));
  EXPECT_TRUE(Nadam().impl().rests_without_gradient());
}

TEST(Nadam, ForetellsNothingWhereItMayDivideByZero) {
  test::check_rest(Nadam({.epsilon = 0}));
  EXPECT_FALSE(test::foretells_bounds(Nadam({.epsilon = 0})));
}

TEST(Nadam, RefusesWhatCannotWork) { EXPECT_THROW(Nadam({.beta_1 = 1}), ConfigError); }

}  // namespace
}  // namespace rondo
