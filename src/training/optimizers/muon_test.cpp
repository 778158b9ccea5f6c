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

// rows by columns, row-major.
struct Matrix {
  std::size_t rows, columns;
  Doubles values;

  double& at(std::size_t i, std::size_t k) { return values[i * columns + k]; }
  double at(std::size_t i, std::size_t k) const { return values[i * columns + k]; }
};

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c{a.rows, b.columns, Doubles(a.rows * b.columns)};
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t k = 0; k < b.columns; ++k) {
      for (std::size_t j = 0; j < a.columns; ++j) c.at(i, k) += a.at(i, j) * b.at(j, k);
    }
  }
  return c;
}

Matrix transposed(const Matrix& a) {
  Matrix b{a.columns, a.rows, Doubles(a.values.size())};
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t k = 0; k < a.columns; ++k) b.at(k, i) = a.at(i, k);
  }
  return b;
}

Matrix with_even_singular_values(Matrix x, int steps) {
  const bool tall = x.rows > x.columns;
  if (tall) x = transposed(x);
  double norm = 0;
  for (const double v : x.values) norm += v * v;
  for (double& v : x.values) v /= std::sqrt(norm) + 1e-7;
  for (int step = 0; step < steps; ++step) {
    const Matrix a = product(x, transposed(x));
    Matrix b = product(a, a);
    for (std::size_t i = 0; i < b.values.size(); ++i) b.values[i] = -4.775 * a.values[i] + 2.0315 * b.values[i];
    const Matrix bx = product(b, x);
    for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] = 3.4445 * x.values[i] + bx.values[i];
  }
  return tall ? transposed(x) : x;
}

TEST(Muon, EvensOutWhatAMatrixLearns) {
  for (const Shape& shape : {Shape{7, 13}, Shape{13, 7}, Shape{5, 5}, Shape{1, 9}}) {
    for (const bool nesterov : {true, false}) {
      const int steps = nesterov ? 5 : 2;
      const auto rows = static_cast<std::size_t>(shape[0]), columns = static_cast<std::size_t>(shape[1]);
      Doubles m(rows * columns, 0);
      expect_whole_steps(Muon({.learning_rate = 0.1, .ns_steps = steps, .nesterov = nesterov}), shape,
                         [&](Doubles& w, const Doubles& g, int) {
                           Matrix x{rows, columns, Doubles(m.size())};
                           for (std::size_t i = 0; i < m.size(); ++i) {
                             m[i] = 0.95 * m[i] + g[i];
                             x.values[i] = nesterov ? g[i] + 0.95 * m[i] : m[i];
                           }
                           x = with_even_singular_values(x, steps);
                           const double side = std::sqrt(static_cast<double>(std::max(rows, columns)));
                           for (std::size_t i = 0; i < m.size(); ++i)
                             w[i] -= 0.1 * (0.004 * w[i]) + 0.1 * 0.2 * side * x.values[i];
                         });
    }
  }
}

// As Adam of the given rate and decay.
void expect_adam(const Muon& muon, const Shape& shape, double rate, double decay) {
  Doubles m(100, 0), v(100, 0);
  expect_whole_steps(muon, shape, [&](Doubles& w, const Doubles& g, int t) {
    for (std::size_t i = 0; i < w.size(); ++i) {
      w[i] -= decay * w[i];
      m[i] = 0.9 * m[i] + 0.1 * g[i];
      v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
      w[i] -= rate * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) * m[i] / (std::sqrt(v[i]) + 1e-7);
    }
  });
}

TEST(Muon, LeavesTheRestToAdam) {
  expect_adam(Muon({.learning_rate = 0.1, .adam_lr_ratio = 0.5}), {11}, 0.05, 0.0004);
  expect_adam(Muon({.learning_rate = 0.1, .adam_weight_decay = {}}), {3, 2, 5}, 0.1, 0);
  expect_adam(Muon({.learning_rate = 0.1, .adam_weight_decay = 0.5, .exclude_layers = {"^den.e/"}}), {3, 5}, 0.1, 0.05);
}

TEST(Muon, ForetellsBounds) {
  EXPECT_TRUE(test::foretells_bounds(Muon()));
  EXPECT_FALSE(test::foretells_bounds(Muon({.epsilon = 0})));
  EXPECT_FALSE(test::foretells_bounds(Muon({.muon_a = 1e30}))) << "its steps grow without end";
}

TEST(Muon, RefusesWhatCannotWork) {
  EXPECT_THROW(Muon({.momentum = 1.5}), ConfigError);
  EXPECT_THROW(Muon({.ns_steps = -1}), ConfigError);
  EXPECT_THROW(Muon({.exclude_layers = {"("}}), ConfigError);
}

}  // namespace
}  // namespace rondo
