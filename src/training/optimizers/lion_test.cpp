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

TEST(Lion, StepsByTheSignAlone) {
  double m = 0;
  expect_steps(Lion({.learning_rate = 0.1, .beta_1 = 0.5, .beta_2 = 0.25}), [&](double& w, double g, int) {
    const double way = 0.5 * m + 0.5 * g;
    w -= way > 0 ? 0.1 : way < 0 ? -0.1 : 0;
    m = 0.25 * m + 0.75 * g;
  });
}

TEST(Lion, IsWhatItSaysOfItself) {
  check_rule(Lion());
  check_rule(Lion({.learning_rate = 1e30, .beta_1 = 1, .beta_2 = 1}));
  EXPECT_TRUE(Lion().impl().rests_without_gradient());
}

TEST(Lion, RefusesWhatCannotWork) {
  EXPECT_THROW(Lion({.beta_1 = 0}), ConfigError);
  EXPECT_THROW(Lion({.beta_2 = 1.5}), ConfigError);
}

}  // namespace
}  // namespace rondo
