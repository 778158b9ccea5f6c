#include "training/optimizers/state.hpp"

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
TEST(OptimizerState, HoldsNoDenormalNumbersOfGradientsThatHaveEnded) {
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

}  // namespace
}  // namespace rondo
