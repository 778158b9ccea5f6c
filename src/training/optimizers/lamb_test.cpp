#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include <rondo/error.hpp>
#include <rondo/optimizers.hpp>

#include "support/optimizer_check.hpp"
#include "training/optimizers/rule.hpp"

namespace rondo {
namespace {

using test::expect_whole_steps;
using Doubles = std::vector<double>;

double norm(const Doubles& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return std::sqrt(sum);
}

TEST(Lamb, StepsAsFarAsTheWeightsAreLarge) {
  for (const Shape& shape : {Shape{7, 13}, Shape{11}, Shape{3, 2, 5}}) {
    Doubles m(91, 0), v(91, 0);
    expect_whole_steps(Lamb({.learning_rate = 0.1, .beta_1 = 0.8, .epsilon = 1e-5}), shape,
                       [&](Doubles& w, const Doubles& g, int t) {
                         Doubles u(w.size());
                         for (std::size_t i = 0; i < w.size(); ++i) {
                           m[i] = 0.8 * m[i] + 0.2 * g[i];
                           v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
                           u[i] = m[i] / (1 - std::pow(0.8, t)) / (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-5);
                         }
                         const double ratio = norm(w) / norm(u);
                         for (std::size_t i = 0; i < w.size(); ++i) w[i] -= 0.1 * ratio * u[i];
                       });
  }
}

TEST(Lamb, ForetellsBounds) {
  EXPECT_TRUE(test::foretells_bounds(Lamb()));
  EXPECT_FALSE(test::foretells_bounds(Lamb({.epsilon = 0})));
}

TEST(Lamb, RefusesWhatCannotWork) { EXPECT_THROW(Lamb({.beta_1 = 1}), ConfigError); }

}  // namespace
}  // namespace rondo
