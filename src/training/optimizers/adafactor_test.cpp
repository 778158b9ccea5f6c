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

double rms(const Doubles& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return std::sqrt(sum / static_cast<double>(x.size()));
}

struct Kept {
  Doubles r, c, v;
};

// v of a stack of matrices from their rows' and columns' means, or of anything else as it is.
Doubles velocity(Kept& kept, const Doubles& g, const Shape& shape, double beta) {
  Doubles v(g.size());
  const auto square = [&](std::size_t i) { return g[i] * g[i] + 1e-30; };
  if (shape.rank() < 2) {
    kept.v.resize(g.size());
    for (std::size_t i = 0; i < g.size(); ++i) v[i] = kept.v[i] = beta * kept.v[i] + (1 - beta) * square(i);
    return v;
  }
  const auto rows = static_cast<std::size_t>(shape[-2]), columns = static_cast<std::size_t>(shape[-1]);
  kept.r.resize(g.size() / columns);
  kept.c.resize(g.size() / rows);
  for (std::size_t first = 0; first < g.size(); first += rows * columns) {
    double *r = &kept.r[first / columns], *c = &kept.c[first / rows], mean = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      double sum = 0;
      for (std::size_t k = 0; k < columns; ++k) sum += square(first + i * columns + k);
      r[i] = beta * r[i] + (1 - beta) * sum / static_cast<double>(columns);
      mean += r[i] / static_cast<double>(rows);
    }
    for (std::size_t k = 0; k < columns; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < rows; ++i) sum += square(first + i * columns + k);
      c[k] = beta * c[k] + (1 - beta) * sum / static_cast<double>(rows);
    }
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < columns; ++k) v[first + i * columns + k] = r[i] / mean * c[k];
    }
  }
  return v;
}

TEST(Adafactor, KeepsMeansOfRowsAndColumns) {
  // Rows are taken one by one or by four, columns by eight.
  for (const Shape& shape :
       {Shape{7, 13}, Shape{11}, Shape{3, 2, 5}, Shape{3, 7}, Shape{4, 8}, Shape{5, 9}, Shape{9, 17}, Shape{2, 9, 5}}) {
    SCOPED_TRACE(to_string(shape));
    Kept kept;
    expect_whole_steps(Adafactor({.learning_rate = 0.6, .beta_2_decay = -0.7, .clip_threshold = 0.8}), shape,
                       [&](Doubles& w, const Doubles& g, int t) {
                         const Doubles v = velocity(kept, g, shape, 1 - std::pow(t, -0.7));
                         Doubles u(g.size());
                         for (std::size_t i = 0; i < g.size(); ++i) u[i] = g[i] / std::sqrt(v[i]);
                         const double step =
                             std::min(0.6, 1 / std::sqrt(t)) * std::max(1e-3, rms(w)) / std::max(1.0, rms(u) / 0.8);
                         for (std::size_t i = 0; i < g.size(); ++i) w[i] -= step * u[i];
                       });
  }
}

TEST(Adafactor, ForetellsBounds) {
  EXPECT_TRUE(test::foretells_bounds(Adafactor()));
  EXPECT_FALSE(test::foretells_bounds(Adafactor({.epsilon_1 = 0})));
}

TEST(Adafactor, RefusesWhatCannotWork) {
  EXPECT_THROW(Adafactor({.beta_2_decay = 0.5}), ConfigError);
  EXPECT_THROW(Adafactor({.clip_threshold = 0}), ConfigError);
}

}  // namespace
}  // namespace rondo
