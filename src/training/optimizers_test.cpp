#include "training/optimizers.hpp"

#include <cmath>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include <rondo/rondo.hpp>

#include "kernels/table.hpp"

namespace rondo {
namespace {

constexpr int kSteps = 6;

// Weight after each step of fitting w to 0 from 1, where the loss is w^2 and so the gradient 2 w.
std::vector<double> path(const Optimizer& optimizer) {
  const Sequential model{
      Dense(1, {.use_bias = false, .kernel_initializer = "ones", .dtype = DType::float64, .input_shape = {1}})};
  model.compile({.optimizer = optimizer, .loss = "mse"});
  std::vector<double> weights;
  for (int i = 0; i < kSteps; ++i) {
    model.fit(Tensor{{1.0}}, Tensor{{0.0}}, {.verbose = 0});
    weights.push_back(model.get_weights()[0](0, 0));
  }
  return weights;
}

// The same by a formula: `update` changes w by its gradient g in step t = 1, 2, ...
void expect_path(const Optimizer& optimizer, const std::function<void(double& w, double g, int t)>& update) {
  const std::vector<double> got = path(optimizer);
  double w = 1;
  for (int t = 1; t <= kSteps; ++t) {
    update(w, 2 * w, t);
    EXPECT_NEAR(got[static_cast<std::size_t>(t - 1)], w, 1e-14) << "step " << t;
  }
}

TEST(Optimizers, SgdGoesDownTheGradient) {
  expect_path(SGD({.learning_rate = 0.1}), [](double& w, double g, int) { w -= 0.1 * g; });
}

TEST(Optimizers, SgdWithMomentumKeepsAVelocity) {
  double v = 0;
  expect_path(SGD({.learning_rate = 0.1, .momentum = 0.3}), [&](double& w, double g, int) {
    v = 0.3 * v - 0.1 * g;
    w += v;
  });
  v = 0;
  expect_path(SGD({.learning_rate = 0.1, .momentum = 0.3, .nesterov = true}), [&](double& w, double g, int) {
    v = 0.3 * v - 0.1 * g;
    w += 0.3 * v - 0.1 * g;
  });
}

TEST(Optimizers, RmspropDividesByTheRunningSizeOfTheGradient) {
  double v = 0, b = 0, mean = 0;
  expect_path(RMSprop({.learning_rate = 0.01}), [&](double& w, double g, int) {
    v = 0.9 * v + 0.1 * g * g;
    w -= 0.01 * g / std::sqrt(v + 1e-7);
  });
  v = 0;
  expect_path(RMSprop({.learning_rate = 0.01, .momentum = 0.4, .centered = true}), [&](double& w, double g, int) {
    v = 0.9 * v + 0.1 * g * g;
    mean = 0.9 * mean + 0.1 * g;
    b = 0.4 * b + 0.01 * g / std::sqrt(v - mean * mean + 1e-7);
    w -= b;
  });
}

TEST(Optimizers, AdamCorrectsItsRunningMeans) {
  double m = 0, v = 0, v_max = 0;
  expect_path(Adam({.learning_rate = 0.01}), [&](double& w, double g, int t) {
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    w -= 0.01 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) * m / (std::sqrt(v) + 1e-7);
  });
  m = v = 0;
  expect_path(Adam({.learning_rate = 0.3, .beta_2 = 0.5, .amsgrad = true}), [&](double& w, double g, int t) {
    m = 0.9 * m + 0.1 * g;
    v = 0.5 * v + 0.5 * g * g;
    v_max = std::max(v_max, v);
    w -= 0.3 * std::sqrt(1 - std::pow(0.5, t)) / (1 - std::pow(0.9, t)) * m / (std::sqrt(v_max) + 1e-7);
  });
}

TEST(Optimizers, HaveKerasDefaults) {
  EXPECT_EQ(Optimizer("sgd").learning_rate(), 0.01);
  EXPECT_EQ(Optimizer("rmsprop").learning_rate(), 0.001);
  EXPECT_EQ(Optimizer("adam").learning_rate(), 0.001);
  EXPECT_EQ(Optimizer("Adam").class_name(), "Adam");
  EXPECT_EQ(Optimizer("RMSprop").class_name(), "RMSprop");
  EXPECT_EQ(SGD().class_name(), "SGD");
}

TEST(Optimizers, TakeTheOldNameOfTheRate) {
  EXPECT_EQ(SGD({.lr = 0.25}).learning_rate(), 0.25);
  EXPECT_EQ(RMSprop({.lr = 0.25}).learning_rate(), 0.25);
  EXPECT_EQ(Adam({.lr = 0.25}).learning_rate(), 0.25);
}

TEST(Optimizers, RefuseWhatCannotWork) {
  EXPECT_THROW(SGD({.learning_rate = -1}), ConfigError);
  EXPECT_THROW(SGD({.learning_rate = std::nan("")}), ConfigError);
  EXPECT_THROW(SGD({.momentum = 1.5}), ConfigError);
  EXPECT_THROW(RMSprop({.rho = -0.1}), ConfigError);
  EXPECT_THROW(Adam({.beta_1 = 1}), ConfigError);
}

TEST(Optimizers, TheRateOfACompiledModelCanBeChanged) {
  const Sequential model{Dense(1, {.use_bias = false, .kernel_initializer = "ones", .input_shape = {1}})};
  EXPECT_THROW((void)model.learning_rate(), StateError);
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"});
  model.set_learning_rate(0);
  EXPECT_EQ(model.learning_rate(), 0);
  model.fit(Tensor{{1.0}}, Tensor{{0.0}}, {.verbose = 0});
  EXPECT_EQ(model.get_weights()[0](0, 0), 1);
  EXPECT_THROW(model.set_learning_rate(-1), ConfigError);
}

TEST(Optimizers, ACompileBeginsWithFreshState) {
  const Optimizer sgd = SGD({.learning_rate = 0.1, .momentum = 0.9});
  const Sequential model{
      Dense(1, {.use_bias = false, .kernel_initializer = "ones", .dtype = DType::float64, .input_shape = {1}})};
  const auto step = [&] {
    model.fit(Tensor{{1.0}}, Tensor{{0.0}}, {.verbose = 0});
    return model.get_weights()[0](0, 0);
  };
  model.compile({.optimizer = sgd, .loss = "mse"});
  const double first = step();
  EXPECT_NE(step(), first * 0.8) << "the velocity goes on";
  model.set_weights({Tensor{{1.0}}});
  model.compile({.optimizer = sgd, .loss = "mse"});
  EXPECT_EQ(step(), first);
}

// A single step from zero state multiplies the recurrent weights with zero: they have no gradient, and no optimizer
// touches them until a plan computes one.
std::vector<Tensor> fit_one_step_five_steps_one_step(const Optimizer& optimizer, bool all_from_the_start) {
  const RandomStream random(5, Purpose::user);
  const auto tensor = [&](const Shape& shape) {
    Tensor t = Tensor::zeros(shape, DType::float32);
    std::uint64_t i = 0;
    for (float& v : t.data<float>()) v = static_cast<float>(random.normal(i++));
    return t;
  };
  const Tensor y = tensor({12, 2}), one = tensor({12, 1, 3}), five = tensor({12, 5, 3});
  set_random_seed(4);
  const Sequential model{LSTM(26, {.input_shape = {Shape::kUnknown, 3}}), Dense(2)};
  model.compile({.optimizer = optimizer, .loss = "mse"});
  // Without epochs the plan is made and the optimizer prepared for it, no more.
  if (all_from_the_start) model.fit(five, y, {.epochs = 0, .verbose = 0});
  const Tensor before = model.get_weight("recurrent_kernel");
  model.fit(one, y, {.batch_size = 5, .epochs = 3, .verbose = 0});
  EXPECT_TRUE(model.get_weight("recurrent_kernel").identical(before));
  model.fit(five, y, {.batch_size = 5, .epochs = 3, .verbose = 0});
  const Tensor between = model.get_weight("recurrent_kernel");
  EXPECT_FALSE(between.identical(before));
  model.fit(one, y, {.batch_size = 5, .epochs = 3, .verbose = 0});
  const bool has_velocity = optimizer.class_name() == "Adam";
  EXPECT_EQ(model.get_weight("recurrent_kernel").identical(between), !has_velocity);
  return model.get_weights();
}

TEST(Optimizers, WeightsThatHaveNoGradientAreLeftAloneWithoutATrace) {
  for (const Optimizer& optimizer : {Optimizer(Adam()), Optimizer(Adam({.amsgrad = true})), Optimizer(RMSprop()),
                                     Optimizer(SGD({.learning_rate = 0.1}))}) {
    const std::vector<Tensor> some = fit_one_step_five_steps_one_step(optimizer, /*all_from_the_start=*/false);
    const std::vector<Tensor> all = fit_one_step_five_steps_one_step(optimizer, /*all_from_the_start=*/true);
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_TRUE(some[i].identical(all[i])) << optimizer.class_name() << ", weight " << i;
    }
  }
}

#if defined(__SSE2__)
// Denormal numbers cost each later step: they must not stay.
TEST(Optimizers, DoNotRememberDenormalNumbersOfGradientsThatHaveEnded) {
  const Index before = num_threads();
  set_num_threads(1);
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const Optimizer& optimizer :
         {Optimizer(Adam({.beta_2 = 0.9})), Optimizer(RMSprop({.momentum = 0.5, .centered = true})),
          Optimizer(SGD({.learning_rate = 0.1, .momentum = 0.9}))}) {
      const Sequential model{
          Dense(1, {.use_bias = false, .kernel_initializer = "ones", .dtype = dtype, .input_shape = {1}})};
      model.compile({.optimizer = optimizer, .loss = "mse"});
      model.fit(Tensor{{1.0}}, Tensor{{0.0}}, {.verbose = 0});
      const auto without_gradient = [&](Index steps) {
        model.fit(Tensor{{0.0}}, Tensor{{0.0}}, {.epochs = steps, .verbose = 0});
      };
      without_gradient(dtype == DType::float32 ? 1000 : 8000);
      _MM_SET_EXCEPTION_STATE(0);
      without_gradient(100);
      EXPECT_EQ(_MM_GET_EXCEPTION_STATE() & (_MM_EXCEPT_DENORM | _MM_EXCEPT_UNDERFLOW), 0u)
          << optimizer.class_name() << ", " << to_string(dtype);
    }
  }
  set_num_threads(before);
}
#endif

// What the rules say of themselves must be true: of 7 elements the first three have no gradient.
TEST(Optimizers, SayWhetherAWeightRestsWithoutAGradient) {
  const auto rests = [](const Optimizer& optimizer) {
    const auto rule = optimizer.impl().clone();
    const std::vector<float> start{-0.0F, 0.0F, 0.5F, 1, 2, 3, 4}, gradient{0, 0, 0, 1, -1, 0.5F, -2};
    std::vector<float> w = start, memory(21);
    training::Slots<float> slots{};
    for (std::size_t i = 0; i < static_cast<std::size_t>(rule->slots()); ++i) slots[i] = &memory[7 * i];
    for (int step = 0; step < 9; ++step) {
      rule->begin_step();
      rule->update(kernels::chosen().f32, w.data(), gradient.data(), slots, 7);
      rule->end_step();
    }
    const bool same = std::memcmp(w.data(), start.data(), 3 * sizeof(float)) == 0;
    EXPECT_EQ(same, rule->rests_without_gradient()) << optimizer.class_name();
    return same;
  };
  EXPECT_TRUE(rests(Adam()));
  EXPECT_TRUE(rests(Adam({.amsgrad = true})));
  EXPECT_TRUE(rests(Adam({.epsilon = 0})));
  EXPECT_TRUE(rests(RMSprop()));
  EXPECT_TRUE(rests(RMSprop({.momentum = 0.5, .centered = true})));
  EXPECT_TRUE(rests(RMSprop({.epsilon = 0})));
  EXPECT_TRUE(rests(SGD()));
  EXPECT_FALSE(rests(SGD({.momentum = 0.5})));
}

// Without these bounds a step would have to look at all that it writes.
TEST(Optimizers, KeepTheBoundsThatTheyForetell) {
  constexpr Index kElements = 97;
  constexpr int kForetold = 300;
  const double limit = 0x1p32, last = 0x1p126;
  for (const Optimizer& optimizer :
       {Optimizer(SGD()), Optimizer(SGD({.learning_rate = 1e20})), Optimizer(SGD({.momentum = 1, .nesterov = true})),
        Optimizer(RMSprop()), Optimizer(RMSprop({.learning_rate = 1e15, .epsilon = 1e3})),
        Optimizer(RMSprop({.momentum = 1, .epsilon = 1e-30, .centered = true})), Optimizer(Adam()),
        Optimizer(Adam({.beta_1 = 0.99, .beta_2 = 0.5, .epsilon = 1e-12, .amsgrad = true})),
        Optimizer(Adam({.learning_rate = 1e6, .beta_1 = 0, .beta_2 = 0, .epsilon = 1e5}))}) {
    const RandomStream random(7, Purpose::user);
    std::uint64_t drawn = 0;
    // Every size from the denormal numbers to the bound, most of them near to it, of both signs.
    const auto draw = [&](double bound) {
      const double sign = random.uniform(drawn++) < 0.5 ? -1 : 1;
      return static_cast<float>(sign * bound * std::pow(random.uniform(drawn++), 40));
    };
    const auto rule = optimizer.impl().clone();
    const training::Sizes start{0x1p100, 0x1p64}, end = rule->after_steps(kForetold, start, limit);
    ASSERT_TRUE(end.weights <= last && end.slots <= last) << optimizer.class_name();
    std::vector<float> w(kElements), g(kElements), memory(3 * kElements);
    for (float& v : w) v = draw(start.weights);
    for (float& v : memory) v = std::abs(draw(start.slots));
    training::Slots<float> slots{};
    for (Index i = 0; i < rule->slots(); ++i) slots[static_cast<std::size_t>(i)] = memory.data() + i * kElements;
    for (int step = 0; step < kForetold; ++step) {
      for (float& v : g) v = draw(limit);
      g[0] = static_cast<float>(limit);
      rule->begin_step();
      rule->update(kernels::chosen().f32, w.data(), g.data(), slots, kElements);
      rule->end_step();
      for (const float v : w) ASSERT_LE(std::abs(v), 1.0001 * end.weights) << optimizer.class_name() << ' ' << step;
      for (std::size_t i = 0; i < static_cast<std::size_t>(rule->slots() * kElements); ++i) {
        ASSERT_LE(std::abs(memory[i]), 1.0001 * end.slots) << optimizer.class_name() << ' ' << step;
      }
    }
  }
  // Nothing is foretold where a division by zero may come, or the rate itself is too large.
  const auto foretold = [&](const Optimizer& optimizer) {
    return optimizer.impl().after_steps(1, {1, 1}, 1).weights <= last;
  };
  EXPECT_TRUE(foretold(Adam()));
  EXPECT_FALSE(foretold(Adam({.epsilon = 0})));
  EXPECT_FALSE(foretold(Adam({.epsilon = 1e-50}))) << "0 in float32";
  EXPECT_FALSE(foretold(RMSprop({.epsilon = 0})));
  EXPECT_FALSE(foretold(SGD({.learning_rate = 1e300})));
}

}  // namespace
}  // namespace rondo
