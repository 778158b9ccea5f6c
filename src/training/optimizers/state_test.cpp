#include "training/optimizers/state.hpp"

#include <functional>
#include <gtest/gtest.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include <rondo/rondo.hpp>

namespace rondo {
namespace {

TEST(OptimizerState, TheRateOfACompiledModelCanBeChanged) {
  const Sequential model{Dense(1, {.use_bias = false, .kernel_initializer = "ones", .input_shape = {1}})};
  EXPECT_THROW((void)model.learning_rate(), StateError);
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"});
  model.set_learning_rate(0);
  EXPECT_EQ(model.learning_rate(), 0);
  model.fit(Tensor{{1.0}}, Tensor{{0.0}}, {.verbose = 0});
  EXPECT_EQ(model.get_weights()[0](0, 0), 1);
  EXPECT_THROW(model.set_learning_rate(-1), ConfigError);
}

TEST(OptimizerState, IsFreshAfterACompile) {
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

// ---- what stands around the rule -----------------------------------------------------------------------------------

// w from 1 by SGD's rule on the loss w^2, step by step as `update` says; what fit leaves is compared with `left`, if
// that is given, since averages become weights at its end.
void expect_course(const SGD& optimizer, int batches, const std::function<void(double& w, int t)>& update,
                   const double* left = nullptr) {
  const Sequential model{
      Dense(1, {.use_bias = false, .kernel_initializer = "ones", .dtype = DType::float64, .input_shape = {1}})};
  model.compile({.optimizer = optimizer, .loss = "mse"});
  double w = 1;
  int t = 0;
  const auto follow = [&](Index, Logs&) {
    update(w, ++t);
    EXPECT_NEAR(model.get_weights()[0](0, 0), w, 1e-14) << "step " << t;
  };
  const auto follower = std::make_shared<LambdaCallback>(LambdaCallback::Functions{.on_train_batch_end = follow});
  model.fit(Tensor::zeros({batches, 1}, DType::float64) + 1.0, Tensor::zeros({batches, 1}, DType::float64),
            {.batch_size = 1, .verbose = 0, .callbacks = {follower}});
  EXPECT_EQ(t, batches);
  EXPECT_NEAR(model.get_weights()[0](0, 0), left != nullptr ? *left : w, 1e-14);
}

TEST(OptimizerState, WeightsDecayBeforeTheUpdate) {
  expect_course(SGD({.learning_rate = 0.1, .weight_decay = 0.5}), 5, [](double& w, int) {
    const double g = 2 * w;
    w -= w * 0.5 * 0.1;
    w -= 0.1 * g;
  });
}

TEST(OptimizerState, GradientsOfSeveralStepsMakeOneUpdate) {
  double sum = 0;
  expect_course(SGD({.learning_rate = 0.1, .momentum = 0.0, .gradient_accumulation_steps = 3}), 8,
                [&](double& w, int t) {
                  sum += 2 * w;
                  if (t % 3 != 0) return;
                  w -= 0.1 * sum / 3;
                  sum = 0;
                });
}

TEST(OptimizerState, MeansOfWeightsReplaceThemAtTheEnd) {
  double mean = 0;
  expect_course(
      SGD({.learning_rate = 0.1, .use_ema = true, .ema_momentum = 0.75}), 5,
      [&](double& w, int t) {
        w -= 0.1 * 2 * w;
        mean = t == 1 ? w : 0.75 * mean + 0.25 * w;
      },
      &mean);
}

TEST(OptimizerState, MeansOfWeightsReplaceThemNowAndThen) {
  double mean = 0;
  expect_course(
      SGD({.learning_rate = 0.1, .use_ema = true, .ema_momentum = 0.75, .ema_overwrite_frequency = 2}), 7,
      [&](double& w, int t) {
        w -= 0.1 * 2 * w;
        mean = t == 1 ? w : 0.75 * mean + 0.25 * w;
        if (t % 2 == 0) w = mean;
      },
      &mean);
}

// A fit that takes no step has no means, and one that an exception ends keeps its weights.
TEST(OptimizerState, OnlyAFitThatEndsTakesTheMeans) {
  const Sequential model{
      Dense(1, {.use_bias = false, .kernel_initializer = "ones", .dtype = DType::float64, .input_shape = {1}})};
  model.compile({.optimizer = SGD({.learning_rate = 0.1, .use_ema = true}), .loss = "mse"});
  model.fit(Tensor{{1.0}}, Tensor{{0.0}}, {.epochs = 0, .verbose = 0});
  EXPECT_EQ(model.get_weights()[0](0, 0), 1);
  const auto thrower =
      std::make_shared<LambdaCallback>(LambdaCallback::Functions{.on_epoch_end = [](Index epoch, Logs&) {
        if (epoch == 1) throw std::runtime_error("stop");
      }});
  EXPECT_THROW(model.fit(Tensor{{1.0}}, Tensor{{0.0}}, {.epochs = 3, .verbose = 0, .callbacks = {thrower}}),
               std::runtime_error);
  EXPECT_NEAR(model.get_weights()[0](0, 0), 0.64, 1e-15);
}

// Weights of a model after a step whose gradients are zero: what decays, and what does not.
std::vector<Tensor> after_a_step_without_gradients(const Optimizer& optimizer) {
  set_random_seed(3);
  const Sequential model{LSTM(5, {.bias_initializer = "ones", .input_shape = {4, 3}}),
                         Dense(7, {.bias_initializer = "ones"})};
  model.compile({.optimizer = optimizer, .loss = "mse"});
  const Tensor X = Tensor::zeros({2, 4, 3}, DType::float32), y = model.predict(X, {.verbose = 0});
  model.fit(X, y, {.verbose = 0});
  return model.get_weights();
}

TEST(OptimizerState, WeightsThatAreExcludedDoNotDecay) {
  const std::vector<Tensor> before = after_a_step_without_gradients(SGD());
  const auto factors_of = [&](const std::vector<std::string>& excluded) {
    const std::vector<Tensor> after = after_a_step_without_gradients(
        SGD({.learning_rate = 0.5, .weight_decay = 0.5, .exclude_from_weight_decay = excluded}));
    std::vector<double> factors;
    for (std::size_t i = 0; i < after.size(); ++i) {
      const std::vector<double> a = after[i].to_vector(), b = before[i].to_vector();
      factors.push_back(a.front() / b.front());
      for (std::size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k] * factors.back(), 1e-6) << i << ' ' << k;
    }
    return factors;
  };
  const auto expect = [&](const std::vector<std::string>& excluded, const std::vector<double>& expected) {
    const std::vector<double> got = factors_of(excluded);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6) << i;
  };
  expect({}, {0.75, 0.75, 0.75, 0.75, 0.75});
  expect({"bias"}, {0.75, 0.75, 1, 0.75, 1});
  expect({"^kernel$", "nothing"}, {1, 0.75, 0.75, 1, 0.75});
  expect({"lstm"}, {1, 1, 1, 0.75, 0.75});
}

// A plan of one step computes no gradient of the recurrent weights, and counts on zeros there.
TEST(OptimizerState, SumsOfGradientsLeaveNothingBehind) {
  const auto weights = [](bool five_first) {
    set_random_seed(4);
    const Sequential model{LSTM(6, {.input_shape = {Shape::kUnknown, 3}}), Dense(2)};
    model.compile({.optimizer = SGD({.learning_rate = 0.1, .gradient_accumulation_steps = 2}), .loss = "mse"});
    const Tensor y = Tensor::zeros({4, 2}, DType::float32) + 1.0;
    const Tensor one = Tensor::zeros({4, 1, 3}, DType::float32) + 0.5,
                 five = Tensor::zeros({4, 5, 3}, DType::float32) + 0.5;
    model.fit(five_first ? five : one, y, {.verbose = 0});
    model.fit(five_first ? one : five, y, {.verbose = 0});  // the update, from both
    const Tensor before = model.get_weight("recurrent_kernel");
    model.fit(one, y, {.epochs = 2, .verbose = 0});
    EXPECT_TRUE(model.get_weight("recurrent_kernel").identical(before));
    return before;
  };
  (void)weights(true);
  (void)weights(false);
}

TEST(OptimizerState, CountsItsVariablesAsKeras) {
  const auto parameters = [](const Optimizer& optimizer) {
    const Sequential model{Dense(4, {.input_shape = {3}})};  // 12 and 4
    model.compile({.optimizer = optimizer, .loss = "mse"});
    model.fit(Tensor::zeros({1, 3}, DType::float32), Tensor::zeros({1, 4}, DType::float32), {.verbose = 0});
    const std::string text = model.summary_text();
    const std::string before = "Optimizer params: ";
    return std::stoi(text.substr(text.find(before) + before.size()));
  };
  EXPECT_EQ(parameters(SGD()), 2);
  EXPECT_EQ(parameters(SGD({.learning_rate = ExponentialDecay(0.1, 1, 0.5)})), 1);
  EXPECT_EQ(parameters(Adam({.use_ema = true, .gradient_accumulation_steps = 2})), 2 + 4 * 16);
  EXPECT_EQ(parameters(Nadam()), 3 + 2 * 16);
  EXPECT_EQ(parameters(Adafactor()), 2 + 16 + (3 + 4) + 2);
  EXPECT_EQ(parameters(Muon()), 2 + 12 + 2 * 4);
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

TEST(OptimizerState, WeightsThatHaveNoGradientAreLeftAloneWithoutATrace) {
  for (const Optimizer& optimizer : {Optimizer(Adam()), Optimizer(Adam({.amsgrad = true})), Optimizer(RMSprop()),
                                     Optimizer(Adagrad()), Optimizer(SGD({.learning_rate = 0.1}))}) {
    const std::vector<Tensor> some = fit_one_step_five_steps_one_step(optimizer, /*all_from_the_start=*/false);
    const std::vector<Tensor> all = fit_one_step_five_steps_one_step(optimizer, /*all_from_the_start=*/true);
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_TRUE(some[i].identical(all[i])) << optimizer.class_name() << ", weight " << i;
    }
  }
}

#if defined(__SSE2__)
// Denormal numbers cost each later step: they must not stay.
TEST(OptimizerState, HoldsNoDenormalNumbersOfGradientsThatHaveEnded) {
  const Index before = num_threads();
  set_num_threads(1);
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const Optimizer& optimizer :
         {Optimizer(Adam({.beta_2 = 0.9})), Optimizer(Lamb({.beta_2 = 0.9})), Optimizer(Nadam({.beta_2 = 0.9})),
          Optimizer(RMSprop({.momentum = 0.5, .centered = true})),
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

}  // namespace
}  // namespace rondo
