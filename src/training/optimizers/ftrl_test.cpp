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

struct Leader {
  double power = 0.5, first = 0.1, l1 = 0, l2 = 0, shrinkage = 0, beta = 0, rate = 0.1;
};

void expect_leader(const Ftrl& ftrl, const Leader& p) {
  double n = p.first, z = 0;
  expect_steps(ftrl, [&](double& w, double g, int) {
    const double before = n;
    n += g * g;
    const double sigma = (std::pow(n, p.power) - std::pow(before, p.power)) / p.rate;
    z += g + 2 * p.shrinkage * w - sigma * w;
    const double rest = std::abs(z) <= p.l1 ? 0 : (z > 0 ? p.l1 : -p.l1) - z;
    w = rest / (std::pow(n, p.power) / p.rate + 2 * (p.l2 + p.beta / (2 * p.rate)));
  });
}

TEST(Ftrl, FollowsTheRegularizedLeader) {
  expect_leader(Ftrl({.learning_rate = 0.1}), {});
  expect_leader(Ftrl({.learning_rate = 0.3,
                      .initial_accumulator_value = 0.5,
                      .l1_regularization_strength = 0.05,
                      .l2_regularization_strength = 0.1,
                      .l2_shrinkage_regularization_strength = 0.02,
                      .beta = 0.3}),
                {.first = 0.5, .l1 = 0.05, .l2 = 0.1, .shrinkage = 0.02, .beta = 0.3, .rate = 0.3});
}

TEST(Ftrl, TakesAnyPower) {
  expect_leader(Ftrl({.learning_rate = 0.1, .learning_rate_power = -0.2, .l1_regularization_strength = 0.01}),
                {.power = 0.2, .l1 = 0.01});
  expect_leader(Ftrl({.learning_rate = 0.1, .learning_rate_power = 0}), {.power = 0});
}

TEST(Ftrl, IsWhatItSaysOfItself) {
  check_rule(Ftrl());
  check_rule(Ftrl({.learning_rate = 0.1, .learning_rate_power = -0.2}));
  check_rule(Ftrl({.learning_rate = 0.01, .l1_regularization_strength = 3, .beta = 1}));
  EXPECT_FALSE(Ftrl().impl().rests_without_gradient());
  EXPECT_FALSE(test::foretells_bounds(Ftrl({.initial_accumulator_value = 0})));
}

TEST(Ftrl, RefusesWhatCannotWork) {
  EXPECT_THROW(Ftrl({.learning_rate = 0}), ConfigError);
  EXPECT_THROW(Ftrl({.learning_rate_power = 0.5}), ConfigError);
  EXPECT_THROW(Ftrl({.l1_regularization_strength = -1}), ConfigError);
}

}  // namespace
}  // namespace rondo
