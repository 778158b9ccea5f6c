// Penalties of weights and activities, as a user sees them: in the losses, and in what a step of SGD with a learning
// rate of 1 subtracts.
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

constexpr DType kDouble = DType::float64;

double loss_of(const Model& model, const Tensor& X, const Tensor& y) {
  model.reset_states();
  return model.evaluate(X, y, {.verbose = 0}).loss();
}

// What a step subtracts is the derivative of what evaluate says, by central differences; both say the same loss.
void expect_steps_along_the_gradient(const Model& model, const Tensor& X, const Tensor& y) {
  model.compile({.optimizer = SGD({.learning_rate = 1}), .loss = "mse"});
  (void)loss_of(model, X, y);
  const std::vector<Tensor> before = model.get_weights();
  const double loss = loss_of(model, X, y);
  const History history = model.fit(X, y, {.verbose = 0});
  EXPECT_NEAR(history["loss"][0], loss, 1e-14);
  const std::vector<Tensor> after = model.get_weights();
  for (std::size_t w = 0; w < before.size(); ++w) {
    if (!model.weights()[w].trainable) continue;
    const std::vector<double> from = before[w].to_vector(), to = after[w].to_vector();
    const std::size_t stride = std::max<std::size_t>(1, from.size() / 7);
    for (std::size_t i = 0; i < from.size(); i += stride) {
      constexpr double kStep = 1e-5;
      const auto at = [&](double value) {
        std::vector<double> moved = from;
        moved[i] = value;
        std::vector<Tensor> weights = before;
        weights[w] = Tensor(before[w].shape(), moved);
        model.set_weights(weights);
        return loss_of(model, X, y);
      };
      EXPECT_NEAR(from[i] - to[i], (at(from[i] + kStep) - at(from[i] - kStep)) / (2 * kStep), 1e-8)
          << model.weights()[w].path << ' ' << i;
    }
  }
}

void expect_steps_along_the_gradient(const std::vector<Layer>& layers, const Shape& x, const Shape& y) {
  clear_session();
  set_random_seed(3);
  Sequential model;
  for (const Layer& layer : layers) model.add(layer);
  expect_steps_along_the_gradient(model, ramp(x, -0.4), ramp(y, 0.2));
}

// Of orthogonal recurrent weights the penalty has a kink.
const LSTMOptions kRegularLstm{.recurrent_initializer = "glorot_uniform",
                               .kernel_regularizer = L2(0.03),
                               .recurrent_regularizer = OrthogonalRegularizer({.factor = 0.3}),
                               .bias_regularizer = L1(0.02),
                               .activity_regularizer = L1L2({.l1 = 0.2, .l2 = 0.3}),
                               .return_sequences = true,
                               .dtype = kDouble};

TEST(Penalties, OfEveryLayerAreInTheLossAndTheGradient) {
  expect_steps_along_the_gradient({LSTM(5, kRegularLstm), Dense(2, {.kernel_regularizer = L1(0.1),
                                                                    .bias_regularizer = "l2",
                                                                    .activity_regularizer = L2(0.4),
                                                                    .dtype = kDouble})},
                                  {4, 3, 2}, {4, 3, 2});
  expect_steps_along_the_gradient(
      {GRU(5, {.kernel_regularizer = L2(0.03),
               .recurrent_regularizer = L1(0.04),
               .bias_regularizer = OrthogonalRegularizer({.factor = 0.3}),
               .activity_regularizer = L2(0.3),
               .dtype = kDouble}),
       ActivityRegularization({.l1 = 0.1, .l2 = 0.2, .dtype = kDouble}), Dense(2, {.dtype = kDouble})},
      {4, 3, 2}, {4, 2});
}

// A step from zero state has no gradient of recurrent weights but this.
TEST(Penalties, OfRecurrentWeightsAreInASingleStepToo) {
  expect_steps_along_the_gradient({LSTM(5, kRegularLstm), Dense(2, {.dtype = kDouble})}, {4, 1, 2}, {4, 1, 2});
  for (const Optimizer& optimizer : {Optimizer(SGD({.learning_rate = 0.1})), Optimizer(Adam())}) {
    clear_session();
    set_random_seed(3);
    const Sequential model{LSTM(3, {.recurrent_regularizer = L2(0.1), .input_shape = {1, 2}})};
    model.compile({.optimizer = optimizer, .loss = "mse"});
    const auto size = [&] { return L2(1)(model.get_weights()[1]); };
    double before = size();
    for (int step = 0; step < 3; ++step) {
      model.fit(ramp({4, 1, 2}), ramp({4, 3}), {.verbose = 0, .shards = step % 2 + 1});
      EXPECT_LT(size(), before) << optimizer.class_name();
      before = size();
    }
  }
}

TEST(Penalties, OfLayersInsideLayersCount) {
  const LSTMOptions inside = kRegularLstm;
  LSTMOptions last = kRegularLstm;
  last.return_sequences = false;
  expect_steps_along_the_gradient({TimeDistributed(LSTM(3, last)), Dense(2, {.dtype = kDouble})}, {4, 2, 3, 2},
                                  {4, 2, 2});
  expect_steps_along_the_gradient({Bidirectional(LSTM(3, inside)), Dense(2, {.dtype = kDouble})}, {4, 3, 2}, {4, 3, 2});
  expect_steps_along_the_gradient(
      {RNN(GRUCell(3, {.kernel_regularizer = "l2", .recurrent_regularizer = "l1", .dtype = kDouble})),
       Sequential({Dense(2, {.activity_regularizer = "l2", .dtype = kDouble})})},
      {4, 3, 2}, {4, 2});
  expect_steps_along_the_gradient(
      {TimeDistributed(Dense(2, {.kernel_regularizer = "l2", .activity_regularizer = "l1", .dtype = kDouble})),
       Dense(2, {.dtype = kDouble})},
      {4, 3, 2}, {4, 3, 2});
}

// An output that is a state too, with a cost at each step.
TEST(Penalties, OfACellThatIsAModelCount) {
  clear_session();
  set_random_seed(3);
  const Input x({2}, {.dtype = kDouble}), h({3}, {.dtype = kDouble});
  const Dense inside(3, {.activation = "tanh", .activity_regularizer = L2(0.3), .dtype = kDouble});
  const Symbol y = inside(Concatenate({.dtype = kDouble})({x, h}));
  expect_steps_along_the_gradient({RNN(Model({x, h}, {y, y})), Dense(2, {.dtype = kDouble})}, {4, 3, 2}, {4, 2});
}

// Called as in predict, so that both losses are of the moving statistics.
TEST(Penalties, OfNormalizationCount) {
  clear_session();
  set_random_seed(3);
  const Input x({3}, {.dtype = kDouble});
  const BatchNormalization layer(
      {.beta_initializer = Constant(0.5), .beta_regularizer = L2(0.3), .gamma_regularizer = L1(0.2), .dtype = kDouble});
  expect_steps_along_the_gradient(Model(x, layer(x, {.training = false})), ramp({4, 3}), ramp({4, 3}, 0.3));
}

TEST(Penalties, OfALayerThatIsCalledTwiceCountItsWeightsOnce) {
  clear_session();
  set_random_seed(3);
  const Input x({3}, {.dtype = kDouble});
  const Dense shared(3, {.kernel_regularizer = L2(0.3), .activity_regularizer = L1(0.2), .dtype = kDouble});
  expect_steps_along_the_gradient(Model(x, shared(shared(x))), ramp({4, 3}), ramp({4, 3}, 0.3));
}

TEST(Penalties, OfStatesThatNobodyReadsCount) {
  clear_session();
  set_random_seed(3);
  const Input x({3, 2}, {.dtype = kDouble});
  LSTMOptions options = kRegularLstm;
  options.return_state = true;
  expect_steps_along_the_gradient(Model(x, LSTM(3, options)(x)[0]), ramp({4, 3, 2}, -0.3), ramp({4, 3, 3}));
}

TEST(Penalties, OfASubsetOfMaskedStepsCountAll) {
  Tensor X = ramp({4, 3, 2}, -0.3);
  for (Index f = 0; f < 2; ++f) X.set({1, 2, f}, 9);
  clear_session();
  set_random_seed(3);
  Sequential model{Masking({.mask_value = 9, .dtype = kDouble, .input_shape = {3, 2}}), LSTM(3, kRegularLstm)};
  expect_steps_along_the_gradient(model, X, ramp({4, 3, 3}));
}

TEST(Penalties, AreThoseOfTheFormula) {
  const auto trained = [](const std::optional<Regularizer>& regularizer) {
    clear_session();
    set_random_seed(3);
    const Sequential model{Dense(2, {.kernel_regularizer = regularizer, .dtype = kDouble, .input_shape = {3}})};
    model.compile({.optimizer = SGD({.learning_rate = 0.5}), .loss = "mse", .metrics = {"mse"}});
    model.build({Shape::kUnknown, 3});
    const Tensor before = model.get_weights()[0];
    const History history = model.fit(ramp({4, 3}), ramp({4, 2}), {.verbose = 0});
    EXPECT_NEAR(history["loss"][0] - history["mse"][0], regularizer ? (*regularizer)(before) : 0, 1e-15)
        << "metrics have no penalty";
    return std::pair(before, model.get_weights()[0]);
  };
  const auto plain = trained({}), regular = trained(L2(0.25));
  for (Index i = 0; i < 6; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double w = plain.first.to_vector()[at];
    EXPECT_NEAR(regular.second.to_vector()[at], plain.second.to_vector()[at] - 0.5 * 2 * 0.25 * w, 1e-15);
  }
}

TEST(Penalties, OfACustomLayersWeightsCount) {
  const auto scale = [](const std::optional<Constraint>& constraint) {
    return custom_layer("Scale",
                        {.weights = [constraint](const std::vector<Shape>& x) -> std::vector<CustomWeight> {
                           return {{"scale", {x[0].back()}, Constant(-0.7), L1(0.3), constraint}};
                         },
                         .forward =
                             [](const ForwardPass& pass) {
                               for (std::size_t i = 0; i < pass.y.size(); ++i) {
                                 pass.y[i] = pass.x[0][i] * pass.weights[0][i];
                               }
                             },
                         .backward =
                             [](const BackwardPass& pass) {
                               for (std::size_t i = 0; i < pass.dy.size(); ++i) {
                                 if (!pass.dx[0].empty()) pass.dx[0][i] = pass.dy[i] * pass.weights[0][i];
                                 if (!pass.dweights.empty()) pass.dweights[0][i] += pass.dy[i] * pass.x[0][i];
                               }
                             }},
                        {.dtype = kDouble});
  };
  expect_steps_along_the_gradient(std::vector<Layer>{scale({})}, Shape{4, 3}, Shape{4, 3});
  clear_session();
  Sequential model;
  model.add(scale("non_neg"));
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(ramp({4, 3}), ramp({4, 3}), {.verbose = 0});
  EXPECT_EQ(model.get_weights()[0].to_vector(), std::vector<double>(3, 0.0));
}

// In Keras the penalties of activities are a layer's own, those of weights those of trainable weights.
TEST(Penalties, OfFrozenWeightsAreNone) {
  clear_session();
  set_random_seed(3);
  const Sequential model{Dense(2, {.kernel_regularizer = L2(0.25), .dtype = kDouble, .input_shape = {3}}),
                         ActivityRegularization({.l1 = 0.5, .dtype = kDouble}), Dense(1, {.dtype = kDouble})};
  model.compile({.loss = "mse", .metrics = {"mse"}});
  const Tensor X = ramp({4, 3}), y = ramp({4, 1});
  const auto penalties = [&] {
    const Evaluation e = model.evaluate(X, y, {.verbose = 0});
    return e.loss() - e["mse"];
  };
  const double of_both = penalties(), of_weights = L2(0.25)(model.get_weights()[0]);
  const Layer first = model.layers()[0];
  EXPECT_NEAR(of_both - of_weights, L1(0.5)(first(X)[0]) / 4, 1e-15);
  first.set_trainable(false);
  EXPECT_NEAR(penalties(), of_both - of_weights, 1e-15);
  const Tensor before = model.get_weights()[0];
  model.fit(X, y, {.verbose = 0});
  EXPECT_TRUE(model.get_weights()[0].identical(before));
}

TEST(Penalties, OfActivitiesAreDividedByTheSizeOfEachBatch) {
  clear_session();
  const Sequential model{ActivityRegularization({.l2 = 0.5, .dtype = kDouble, .input_shape = {1}}),
                         Dense(1, {.kernel_initializer = "zeros", .dtype = kDouble})};
  model.compile({.loss = "mse"});
  // Batches of two and one; the mean of their losses by samples.
  const Tensor X{{1.0}, {2.0}, {4.0}}, y{{0.0}, {0.0}, {0.0}};
  EXPECT_DOUBLE_EQ(model.evaluate(X, y, {.batch_size = 2, .verbose = 0}).loss(),
                   (2 * 0.5 * (1 + 4) / 2 + 0.5 * 16) / 3);
}

TEST(Penalties, OfSeveralOutputsAreInTheTotalAlone) {
  clear_session();
  set_random_seed(3);
  const Input x({3}, {.dtype = kDouble});
  const Model model(x, {Dense(1, {.kernel_regularizer = L2(0.5), .dtype = kDouble, .name = "a"})(x),
                        Dense(1, {.dtype = kDouble, .name = "b"})(x)});
  model.compile({.loss = "mse"});
  const Evaluation e = model.evaluate(ramp({4, 3}), Outputs{ramp({4, 1}), ramp({4, 1})}, {.verbose = 0});
  EXPECT_NEAR(e.loss(), e["a_loss"] + e["b_loss"] + L2(0.5)(model.get_weights()[0]), 1e-15);
}

// The sum of the penalties' derivatives is clipped with the others.
TEST(Penalties, AreClippedWithTheGradients) {
  clear_session();
  const Sequential model{Dense(1, {.use_bias = false,
                                   .kernel_initializer = "ones",
                                   .kernel_regularizer = L2(50),
                                   .dtype = kDouble,
                                   .input_shape = {1}})};
  model.compile({.optimizer = SGD({.learning_rate = 0.5, .clipnorm = 1.0}), .loss = "mse"});
  model.fit(Tensor{{0.0}}, Tensor{{0.0}}, {.verbose = 0});
  EXPECT_DOUBLE_EQ(model.get_weights()[0](0, 0), 0.5);
}

TEST(Penalties, ThatAreNotFiniteStopTheStep) {
  clear_session();
  const Sequential model{Dense(
      1,
      {.kernel_initializer = Constant(1e30), .kernel_regularizer = L2(1e300), .dtype = kDouble, .input_shape = {1}})};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.build({Shape::kUnknown, 1});
  const std::vector<Tensor> before = model.get_weights();
  expect_error<NumericError>([&] { model.fit(Tensor{{0.0}}, Tensor{{0.0}}, {.verbose = 0}); },
                             {"the loss became inf", "regularizer"});
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(model.get_weights()[i].identical(before[i]));
}

TEST(Penalties, BitsAreThoseOfOneThreadOnEveryInstructionSet) {
  const auto trained = [](Index threads, const std::string& target, Index shards) {
    set_simd_target(target);
    set_num_threads(threads);
    clear_session();
    set_random_seed(3);
    const Sequential model{LSTM(5, {.kernel_regularizer = L1(0.01),
                                    .recurrent_regularizer = OrthogonalRegularizer(),
                                    .activity_regularizer = L2(0.1),
                                    .kernel_constraint = MaxNorm({.max_value = 0.5}),
                                    .recurrent_constraint = UnitNorm({.axis = 1}),
                                    .bias_constraint = "non_neg",
                                    .input_shape = {4, 3}}),
                           Dense(2, {.kernel_regularizer = "l2", .kernel_constraint = MinMaxNorm()})};
    model.compile({.optimizer = "adam", .loss = "mse"});
    const History history =
        model.fit(ramp({6, 4, 3}), ramp({6, 2}), {.epochs = 3, .verbose = 0, .shuffle = false, .shards = shards});
    std::vector<Tensor> all = model.get_weights();
    all.emplace_back(history["loss"]);
    all.emplace_back(std::vector<double>{loss_of(model, ramp({6, 4, 3}), ramp({6, 2}))});
    return all;
  };
  const std::string best = simd_target();
  engine::set_thread_threshold(0);
  for (const Index shards : {1, 3}) {
    const auto expected = trained(1, best, shards);
    for (const std::string& target : simd_targets()) {
      for (const Index threads : {1, 2, 3}) {
        const auto got = trained(threads, target, shards);
        for (std::size_t i = 0; i < got.size(); ++i) {
          EXPECT_TRUE(got[i].identical(expected[i])) << target << ", " << threads << " threads, tensor " << i;
        }
      }
    }
  }
  engine::set_thread_threshold(4e6);
  set_simd_target(best);
  set_num_threads(0);
}

}  // namespace
}  // namespace rondo
