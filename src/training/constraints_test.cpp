// Constraints in training.
#include <cmath>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/ramp.hpp"

namespace rondo {
namespace {

using test::ramp;

Sequential constrained_model(DType dtype) {
  clear_session();
  set_random_seed(3);
  const Sequential model{
      LSTM(5, {.kernel_constraint = MaxNorm({.max_value = 0.3}),
               .recurrent_constraint = UnitNorm({.axis = 1}),
               .bias_constraint = "non_neg",
               .dtype = dtype,
               .input_shape = {4, 3}}),
      BatchNormalization({.beta_constraint = "non_neg", .gamma_constraint = "unit_norm", .dtype = dtype}),
      Dense(2, {.kernel_constraint = MinMaxNorm({.min_value = 0.5, .max_value = 0.6}),
                .bias_constraint = "non_neg",
                .dtype = dtype})};
  model.compile({.optimizer = Adam({.learning_rate = 0.1}), .loss = "mse"});
  return model;
}

double norm(const Tensor& weight, Index axis, Index other) {
  double squares = 0;
  for (Index i = 0; i < weight.shape()[axis]; ++i) {
    const double w = axis == 0 ? weight(i, other) : weight(other, i);
    squares += w * w;
  }
  return std::sqrt(squares);
}

void expect_no_negative(const Tensor& weight) {
  for (const double w : weight.to_vector()) EXPECT_GE(w, 0);
}

void expect_constrained(const Model& model) {
  const Tensor kernel = model.get_weight("lstm_cell/kernel"), recurrent = model.get_weight("recurrent_kernel"),
               dense = model.get_weight("dense/kernel");
  for (Index c = 0; c < 20; ++c) EXPECT_LE(norm(kernel, 0, c), 0.3);
  for (Index r = 0; r < 5; ++r) EXPECT_NEAR(norm(recurrent, 1, r), 1, 1e-6);
  for (Index c = 0; c < 2; ++c) {
    EXPECT_GE(norm(dense, 0, c), 0.5 - 1e-6);
    EXPECT_LE(norm(dense, 0, c), 0.6);
  }
  for (const char* path : {"lstm_cell/bias", "beta", "dense/bias"}) expect_no_negative(model.get_weight(path));
}

TEST(Constraints, HoldAfterEachStep) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Sequential model = constrained_model(dtype);
    int steps = 0;
    const auto look =
        std::make_shared<LambdaCallback>(LambdaCallback::Functions{.on_train_batch_end = [&](Index, Logs&) {
          ++steps;
          expect_constrained(model);
        }});
    model.fit(ramp({12, 4, 3}, -0.4), ramp({12, 2}, -0.9),
              {.batch_size = 4, .epochs = 5, .verbose = 0, .callbacks = {look}});
    EXPECT_EQ(steps, 15);
  }
}

// Labels that make gradients beyond what a quick step takes.
TEST(Constraints, HoldAfterAStepThatIsTakenWithCare) {
  const Sequential model = constrained_model(DType::float64);
  model.fit(ramp({12, 4, 3}, -0.4), Tensor({12, 2}, std::vector<double>(24, -1e90)), {.verbose = 0});
  expect_constrained(model);
}

TEST(Constraints, LeaveFrozenWeightsAlone) {
  const Sequential model = constrained_model(DType::float64);
  model.build({Shape::kUnknown, 4, 3});
  model.layers()[0].set_trainable(false);
  const std::vector<Tensor> before = model.get_weights();
  model.fit(ramp({12, 4, 3}), ramp({12, 2}), {.verbose = 0});
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(model.get_weights()[i].identical(before[i]));
}

// A step of weights that have no gradient, but a constraint.
TEST(Constraints, HoldWeightsThatRest) {
  clear_session();
  set_random_seed(3);
  const Sequential model{LSTM(3, {.recurrent_constraint = MaxNorm({.max_value = 0.1}), .input_shape = {1, 2}})};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(ramp({4, 1, 2}), ramp({4, 3}), {.verbose = 0});
  const Tensor recurrent = model.get_weight("recurrent_kernel");
  for (Index c = 0; c < 12; ++c) EXPECT_LE(norm(recurrent, 0, c), 0.1);
}

}  // namespace
}  // namespace rondo
