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

TEST(Adagrad, DividesByTheRootOfAllSquares) {
  double a = 0.1;
  expect_steps(Adagrad({.learning_rate = 0.05}), [&](double& w, double g, int) {
    a += g * g;
    w -= 0.05 * g / std::sqrt(a + 1e-7);
  });
  a = 0;
  expect_steps(Adagrad({.learning_rate = 0.05, .initial_accumulator_value = 0, .epsilon = 1e-3}),
               [&](double& w, double g, int) {
                 a += g * g;
                 w -= 0.05 * g / std::sqrt(a + 1e-3);
               });
}

TEST(Adagrad, IsWhatItSaysOfItself) {
  check_rule(Adagrad());
  check_rule(Adagrad({.learning_rate = 1e10, .initial_accumulator_value = 0, .epsilon = 1e-30}));
  EXPECT_TRUE(Adagrad().impl().rests_without_gradient());
}

TEST(Adagrad, ForetellsNothingWhereItMayDivideByZero) {
  test::check_rest(Adagrad({.initial_accumulator_value = 0, .epsilon = 0}));
  EXPECT_FALSE(test::foretells_bounds(Adagrad({.epsilon = 0})));
}

TEST(Adagrad, RefusesWhatCannotWork) { EXPECT_THROW(Adagrad({.initial_accumulator_value = -1}), ConfigError); }

}  // namespace
}  // namespace rondo
