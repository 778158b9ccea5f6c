// Clipped gradients, as a user sees them: by what a step of SGD with a learning rate of 1 subtracts.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include <rondo/rondo.hpp>

#include "engine/thread_pool.hpp"
#include "support/expect_error.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::ramp;

Sequential model_of(DType dtype = DType::float64) {
  clear_session();
  set_random_seed(3);
  return {LSTM(5, {.dtype = dtype, .input_shape = {4, 3}}), Dense(2, {.dtype = dtype})};
}

// What one step subtracts from each weight.
std::vector<std::vector<double>> step(const SGDOptions& options, double label = 3) {
  const Sequential model = model_of();
  model.compile({.optimizer = SGD(options), .loss = "mse"});
  const std::vector<Tensor> before = model.get_weights();
  model.fit(ramp({6, 4, 3}), Tensor({6, 2}, std::vector<double>(12, label)), {.verbose = 0});
  const std::vector<Tensor> after = model.get_weights();
  std::vector<std::vector<double>> moved;
  for (std::size_t w = 0; w < before.size(); ++w) {
    moved.emplace_back();
    for (std::size_t i = 0; i < static_cast<std::size_t>(before[w].size()); ++i) {
      moved.back().push_back(before[w].data<double>()[i] - after[w].data<double>()[i]);
    }
  }
  return moved;
}

double squares(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v * v;
  return sum;
}

void expect_near(const std::vector<std::vector<double>>& actual, const std::vector<std::vector<double>>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t w = 0; w < actual.size(); ++w) {
    for (std::size_t i = 0; i < actual[w].size(); ++i)
      EXPECT_NEAR(actual[w][i], expected[w][i], 1e-14) << w << ' ' << i;
  }
}

TEST(Clipping, OfNormsScalesWhatIsLarger) {
  const auto gradients = step({.learning_rate = 1});
  auto expected = gradients;
  int larger = 0;
  for (auto& of_weight : expected) {
    const double norm = std::sqrt(squares(of_weight));
    larger += norm > 0.5 ? 1 : 0;
    for (double& g : of_weight) g *= std::min(1.0, 0.5 / norm);
  }
  ASSERT_GT(larger, 0);
  ASSERT_LT(larger, 5);
  expect_near(step({.learning_rate = 1, .clipnorm = 0.5}), expected);
}

TEST(Clipping, OfTheGlobalNormScalesAllAlike) {
  const auto gradients = step({.learning_rate = 1});
  auto expected = gradients;
  double all = 0;
  for (const auto& of_weight : gradients) all += squares(of_weight);
  ASSERT_GT(all, 0.25);
  for (auto& of_weight : expected) {
    for (double& g : of_weight) g *= 0.5 / std::sqrt(all);
  }
  expect_near(step({.learning_rate = 1, .global_clipnorm = 0.5}), expected);
  EXPECT_EQ(step({.learning_rate = 1, .global_clipnorm = 1e6}), gradients);
}

TEST(Clipping, OfValuesCutsEachElement) {
  auto expected = step({.learning_rate = 1});
  for (auto& of_weight : expected) {
    for (double& g : of_weight) g = std::clamp(g, -0.1, 0.1);
  }
  expect_near(step({.learning_rate = 1, .clipvalue = 0.1}), expected);
}

TEST(Clipping, OfZeroOrLessIsNone) {
  const auto gradients = step({.learning_rate = 1});
  EXPECT_EQ(step({.learning_rate = 1, .clipnorm = 0.0}), gradients);
  EXPECT_EQ(step({.learning_rate = 1, .clipvalue = -1.0}), gradients);
}

// Gradients beyond what a quick step takes.
TEST(Clipping, IsDoneInAStepThatIsTakenWithCareToo) {
  for (const auto& of_weight : step({.learning_rate = 1, .clipnorm = 0.5}, 1e90)) {
    EXPECT_LE(squares(of_weight), 0.25 * (1 + 1e-9));
  }
}

// A norm beyond a double cannot scale anything.
TEST(Clipping, OfANormThatIsBeyondTheDtypeIsRefused) {
  const Sequential model = model_of();
  model.compile({.optimizer = SGD({.clipnorm = 1.0}), .loss = "mse"});
  const std::vector<Tensor> before = model.get_weights();
  const Tensor X = ramp({6, 4, 3}), y({6, 2}, std::vector<double>(12, 1e153));
  EXPECT_THROW(model.fit(X * 1e10, y * 10, {.verbose = 0}), Error);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(model.get_weights()[i].identical(before[i]));
}

// Of a single time step, the recurrent kernel has no gradient, and no plan computes one.
TEST(Clipping, ARefusedStepLeavesNothingForTheNext) {
  const auto trained = [](bool refused_before) {
    set_random_seed(3);
    const Sequential model{LSTM(4, {.dtype = DType::float64, .input_shape = {1, 3}}),
                           Dense(2, {.dtype = DType::float64})};
    model.compile({.optimizer = SGD({.clipnorm = 1.0}), .loss = "mse"});
    const Tensor X = ramp({6, 1, 3}), y = ramp({6, 2}), beyond({6, 2}, std::vector<double>(12, 1e154));
    if (refused_before) {
      EXPECT_THROW(model.fit(X * 1e10, beyond, {.verbose = 0}), Error);
    }
    model.fit(X, y, {.verbose = 0, .shuffle = false});
    return model.get_weights();
  };
  const std::vector<Tensor> expected = trained(false), weights = trained(true);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(weights[i].identical(expected[i])) << i;
}

TEST(Clipping, BitsAreThoseOfOneThreadOnEveryInstructionSet) {
  const auto trained = [](Index threads, const std::string& target, Index shards) {
    set_simd_target(target);
    set_num_threads(threads);
    const Sequential model = model_of(DType::float32);
    model.compile({.optimizer = Adam({.global_clipnorm = 0.01}), .loss = "mse"});
    model.fit(ramp({6, 4, 3}), ramp({6, 2}), {.epochs = 3, .verbose = 0, .shuffle = false, .shards = shards});
    return model.get_weights();
  };
  const std::string best = simd_target();
  engine::set_thread_threshold(0);
  for (const Index shards : {1, 3}) {
    const auto expected = trained(1, best, shards);
    for (const std::string& target : simd_targets()) {
      for (const Index threads : {1, 2, 3}) {
        const auto weights = trained(threads, target, shards);
        for (std::size_t i = 0; i < weights.size(); ++i) {
          EXPECT_TRUE(weights[i].identical(expected[i])) << target << ", " << threads << " threads";
        }
      }
    }
  }
  engine::set_thread_threshold(4e6);
  set_simd_target(best);
  set_num_threads(0);
}

TEST(Clipping, OfOneKindAlone) {
  expect_error<ConfigError>([] { (void)Adam({.clipnorm = 1.0, .global_clipnorm = 1.0}); },
                            {"Adam: only one of clipnorm, clipvalue and global_clipnorm"});
}

}  // namespace
}  // namespace rondo
