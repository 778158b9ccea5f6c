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

TEST(Adadelta, TakesStepsOfTheSizeOfThoseBefore) {
  for (const double rho : {0.95, 0.5}) {
    double a = 0, d = 0;
    expect_steps(Adadelta({.learning_rate = 0.7, .rho = rho}), [&](double& w, double g, int) {
      a = rho * a + (1 - rho) * g * g;
      const double step = std::sqrt(d + 1e-7) / std::sqrt(a + 1e-7) * g;
      d = rho * d + (1 - rho) * step * step;
      w -= 0.7 * step;
    });
  }
}

TEST(Adadelta, IsWhatItSaysOfItself) {
  check_rule(Adadelta());
  check_rule(Adadelta({.learning_rate = 1, .rho = 0.5}));
  check_rule(Adadelta({.learning_rate = 1e6, .rho = 0.999, .epsilon = 1}));
  EXPECT_TRUE(Adadelta().impl().rests_without_gradient());
}

TEST(Adadelta, ForetellsNothingWhereItMayDivideByZero) {
  test::check_rest(Adadelta({.epsilon = 0}));
  EXPECT_FALSE(test::foretells_bounds(Adadelta({.epsilon = 0})));
  EXPECT_FALSE(test::foretells_bounds(Adadelta({.rho = 1})));
}

TEST(Adadelta, RefusesWhatCannotWork) { EXPECT_THROW(Adadelta({.rho = 1.5}), ConfigError); }

}  // namespace
}  // namespace rondo
