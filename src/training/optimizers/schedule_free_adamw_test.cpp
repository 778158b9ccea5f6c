#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/optimizer_check.hpp"
#include "training/optimizers/rule.hpp"

namespace rondo {
namespace {

// The mean x is summed up here from all z; the rule has it from the weights alone.
TEST(ScheduleFreeAdamW, TakesGradientsBetweenItsStepsAndTheirMean) {
  for (const int warmup : {0, 3}) {
    for (const Shape& shape : {Shape{11}, Shape{3, 5}}) {
      std::vector<std::vector<double>> z;
      std::vector<double> v(100, 0);
      const auto optimizer =
          ScheduleFreeAdamW({.learning_rate = 0.1, .beta_1 = 0.8, .epsilon = 1e-5, .warmup_steps = warmup});
      test::expect_whole_steps(optimizer, shape, [&](std::vector<double>& w, const std::vector<double>& g, int t) {
        std::vector<double> next = t == 1 ? w : z.back();
        const double rate = warmup == 0 ? 0.1 : 0.1 * std::min(1.0, static_cast<double>(t) / warmup);
        for (std::size_t i = 0; i < w.size(); ++i) {
          v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
          next[i] -= rate * g[i] / (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-5);
        }
        z.push_back(next);
        for (std::size_t i = 0; i < w.size(); ++i) {
          double sum = 0;
          for (const auto& one : z) sum += one[i];
          w[i] = 0.2 * next[i] + 0.8 * sum / static_cast<double>(z.size());
        }
      });
    }
  }
}

Sequential trained_model() {
  set_random_seed(5);
  const Sequential model{Dense(3, {.dtype = DType::float64, .input_shape = {2}})};
  model.compile({.optimizer = ScheduleFreeAdamW({.learning_rate = 0.1}), .loss = "mse"});
  model.fit(Tensor{{1.0, 2.0}, {0.5, -1.0}}, Tensor{{1.0, 0.0, 2.0}, {0.0, 1.0, 1.0}}, {.epochs = 4, .verbose = 0});
  return model;
}

TEST(ScheduleFreeAdamW, EvaluatesWithTheMean) {
  const Sequential model = trained_model();
  const Tensor w = model.get_weights()[0], z = model.optimizer_variables()[2].value;
  model.swap_to_eval();
  const Tensor x = model.get_weights()[0];
  model.swap_to_eval();  // there already
  EXPECT_TRUE(model.get_weights()[0].identical(x));
  for (Index i = 0; i < 2; ++i) {
    for (Index k = 0; k < 3; ++k) {
      EXPECT_NEAR(0.1 * z(i, k) + 0.9 * x(i, k), w(i, k), 1e-15);
      EXPECT_NE(x(i, k), w(i, k));
    }
  }
  model.swap_to_train();
  for (Index i = 0; i < 2; ++i) EXPECT_NEAR(model.get_weights()[0](i, 0), w(i, 0), 1e-15);
}

TEST(ScheduleFreeAdamW, TrainsWhereItStoodBeforeAnEvaluation) {
  const Sequential one = trained_model(), other = trained_model();
  one.swap_to_eval();
  for (const Sequential& model : {one, other}) {
    model.fit(Tensor{{1.0, 2.0}}, Tensor{{1.0, 0.0, 2.0}}, {.verbose = 0});
  }
  for (Index i = 0; i < 2; ++i) EXPECT_NEAR(one.get_weights()[0](i, 1), other.get_weights()[0](i, 1), 1e-14);
}

TEST(ScheduleFreeAdamW, IsWhatItSaysOfItself) {
  test::check_rule(ScheduleFreeAdamW());
  test::check_rule(ScheduleFreeAdamW({.learning_rate = 10, .beta_1 = 0.5, .beta_2 = 0, .epsilon = 1e-3}));
  EXPECT_FALSE(ScheduleFreeAdamW().impl().rests_without_gradient());
  EXPECT_FALSE(test::foretells_bounds(ScheduleFreeAdamW({.epsilon = 0})));
}

TEST(ScheduleFreeAdamW, RefusesWhatCannotWork) {
  EXPECT_THROW(ScheduleFreeAdamW({.beta_1 = 0}), ConfigError);
  EXPECT_THROW(ScheduleFreeAdamW({.beta_1 = 1}), ConfigError);
  EXPECT_THROW(ScheduleFreeAdamW({.warmup_steps = -1}), ConfigError);
  const Sequential model{Dense(1, {.input_shape = {2}})};
  model.compile({.optimizer = "adam", .loss = "mse"});
  EXPECT_THROW(model.swap_to_eval(), ConfigError);
}

}  // namespace
}  // namespace rondo
