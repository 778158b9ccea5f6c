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

TEST(Sgd, GoesDownTheGradient) {
  expect_steps(SGD({.learning_rate = 0.1}), [](double& w, double g, int) { w -= 0.1 * g; });
}

TEST(Sgd, WithMomentumKeepsAVelocity) {
  double v = 0;
  expect_steps(SGD({.learning_rate = 0.1, .momentum = 0.3}), [&](double& w, double g, int) {
    v = 0.3 * v - 0.1 * g;
    w += v;
  });
  v = 0;
  expect_steps(SGD({.learning_rate = 0.1, .momentum = 0.3, .nesterov = true}), [&](double& w, double g, int) {
    v = 0.3 * v - 0.1 * g;
    w += 0.3 * v - 0.1 * g;
  });
}

TEST(Sgd, IsWhatItSaysOfItself) {
  check_rule(SGD());
  check_rule(SGD({.learning_rate = 1e20}));
  check_rule(SGD({.momentum = 1, .nesterov = true}));
  EXPECT_TRUE(SGD().impl().rests_without_gradient());
  EXPECT_FALSE(SGD({.momentum = 0.5}).impl().rests_without_gradient());
  EXPECT_FALSE(test::foretells_bounds(SGD({.learning_rate = 1e300})));
}

TEST(Sgd, RefusesWhatCannotWork) {
  EXPECT_THROW(SGD({.learning_rate = -1}), ConfigError);
  EXPECT_THROW(SGD({.learning_rate = std::nan("")}), ConfigError);
  EXPECT_THROW(SGD({.momentum = 1.5}), ConfigError);
}

}  // namespace
}  // namespace rondo
