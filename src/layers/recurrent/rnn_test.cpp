#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/layer_conformance.hpp"
#include "support/ramp.hpp"
#include "support/way.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::NanReach;
using test::ramp;

// A cell of a user's: a leaky sum of what it sees, which it puts out behind a Dense.
Model leaky(DType dtype) {
  const Input x({3}, {.dtype = dtype}), h({4}, {.dtype = dtype});
  const Symbol state = Activation("tanh", {.dtype = dtype})(
      Add({.dtype = dtype})({Dense(4, {.dtype = dtype})(x), Dense(4, {.use_bias = false, .dtype = dtype})(h)}));
  return Model({x, h}, {Dense(2, {.dtype = dtype})(state), state});
}

std::vector<Layer> cells(DType dtype) {
  return {LSTMCell(5, {.dtype = dtype}), GRUCell(4, {.dtype = dtype}),
          GRUCell(3, {.reset_after = false, .dtype = dtype}),
          StackedRNNCells({LSTMCell(3, {.dtype = dtype}), GRUCell(5, {.dtype = dtype})}), leaky(dtype)};
}

// ---- promises of every layer ---------------------------------------------------------------------------------------

TEST(RnnConformance, HoldsOverEveryCell) {
  for (std::size_t i = 0; i + 1 < cells(DType::float32).size(); ++i) {  // a Model's configuration is not read yet
    for (const bool sequences : {false, true}) {
      test::check_layer(
          {.label = "RNN over " + cells(DType::float32)[i].class_name() + (sequences ? ", sequences" : ""),
           .make =
               [=](DType dtype) {
                 return RNN(cells(dtype)[i], {.return_sequences = sequences, .return_state = sequences});
               },
           .samples = {{4, 3}},
           .nan_reach = NanReach::some});
    }
  }
}

TEST(RnnConformance, HoldsBackwardsAndFromGivenStates) {
  test::check_layer({.label = "RNN from states",
                     .make = [](DType dtype) { return RNN(LSTMCell(3, {.dtype = dtype}), {.return_state = true}); },
                     .samples = {{4, 2}, {3}, {3}},
                     .nan_reach = NanReach::some});
  test::check_layer({.label = "RNN backwards",
                     .make =
                         [](DType dtype) {
                           return RNN(GRUCell(3, {.dtype = dtype}), {.return_sequences = true, .go_backwards = true});
                         },
                     .samples = {{4, 2}},
                     .nan_reach = NanReach::some,
                     .backwards = true});
}

// ---- what it does
// ----------------------------------------------------------------------------------------------------

// The fused layers are the same function, with masks, from states, forwards and backwards.
TEST(Rnn, OverAFusedLayersCellIsThatLayer) {
  for (const bool gru : {false, true}) {
    for (const bool backwards : {false, true}) {
      set_random_seed(3);
      const Layer cell = gru ? static_cast<Layer>(GRUCell(5, {.dtype = DType::float64}))
                             : static_cast<Layer>(LSTMCell(5, {.dtype = DType::float64}));
      const Layer walked = RNN(cell, {.return_sequences = true, .go_backwards = backwards});
      const Layer fused = gru ? static_cast<Layer>(GRU(
                                    5, {.return_sequences = true, .go_backwards = backwards, .dtype = DType::float64}))
                              : static_cast<Layer>(LSTM(
                                    5, {.return_sequences = true, .go_backwards = backwards, .dtype = DType::float64}));
      std::vector<Tensor> weights;
      std::vector<Tensor> predictions;
      for (const Layer& each : {walked, fused}) {
        const Sequential model{Masking({.dtype = DType::float64, .input_shape = {6, 2}}), each,
                               Dense(1, {.kernel_initializer = "ones", .dtype = DType::float64})};
        if (weights.empty()) weights = each.get_weights();
        each.set_weights(weights);
        Tensor X = ramp({7, 6, 2}, 0.1);
        for (const int row : {0, 1, 2}) {
          for (int i = 0; i < 4; ++i) X.data<double>()[static_cast<std::size_t>(row * 12 + row * 4 + i)] = 0;
        }
        predictions.push_back(model.predict(X, {.verbose = 0}));
        model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"});
        model.fit(X, ramp({7, 6, 1}, 0.4), {.epochs = 3, .verbose = 0, .shuffle = false});
        predictions.push_back(model.predict(X, {.verbose = 0}));
      }
      EXPECT_TRUE(predictions[0].identical(predictions[2])) << gru << backwards;
      EXPECT_TRUE(allclose(predictions[1], predictions[3], {.rtol = 1e-12, .atol = 1e-12})) << gru << backwards;
      EXPECT_FALSE(predictions[0].identical(predictions[1]));
    }
  }
}

TEST(Rnn, ACellOfTheUsersLearnsLikeAnyLayer) {
  const auto trained = [](int threads) {
    const test::Walking walking({.target = simd_target(), .threads = threads});
    clear_session();
    set_random_seed(3);
    const Sequential model{RNN(leaky(DType::float32), {.return_sequences = true, .input_shape = {9, 3}}),
                           RNN(LSTMCell(6)), Dense(1)};
    model.compile({.optimizer = Adam({.learning_rate = 0.02}), .loss = "mse"});
    const History history =
        model.fit(ramp({12, 9, 3}), ramp({12, 1}, 0.3), {.batch_size = 5, .epochs = 20, .verbose = 0});
    EXPECT_LT(history["loss"].back(), 0.5 * history["loss"].front());
    return model.get_weights();
  };
  const std::vector<Tensor> one = trained(1);
  for (const int threads : {2, 3}) {
    const std::vector<Tensor> several = trained(threads);
    for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(several[i].identical(one[i])) << i;
  }
}

TEST(Rnn, StreamsStepByStep) {
  set_random_seed(3);
  for (const Layer& cell : cells(DType::float32)) {
    const Sequential model{RNN(cell, {.return_sequences = true, .input_shape = {5, 3}})};
    const Tensor x = ramp({1, 5, 3});
    const std::vector<double> whole = model.predict(x, {.verbose = 0}).to_vector();
    Stream stream = model.stream();
    const auto outputs = static_cast<std::size_t>(stream.outputs());
    for (int pass = 0; pass < 2; ++pass, stream.reset()) {
      for (std::size_t t = 0; t < 5; ++t) {
        std::vector<float> step(3), out(outputs);
        for (std::size_t i = 0; i < 3; ++i) step[i] = static_cast<float>(x.to_vector()[t * 3 + i]);
        stream.step(step, out);
        for (std::size_t u = 0; u < outputs; ++u) {
          EXPECT_EQ(static_cast<double>(out[u]), whole[t * outputs + u]) << cell.class_name() << t;
        }
      }
    }
  }
}

TEST(Rnn, GoesOnWhereTheBatchBeforeEnded) {
  set_random_seed(3);
  const LSTMCell cell(4);
  const Sequential whole{RNN(cell, {.return_sequences = true, .input_shape = {6, 2}})};
  const Sequential parts{RNN(cell, {.return_sequences = true, .stateful = true, .input_shape = {3, 2}})};
  const Tensor x = ramp({2, 6, 2});
  const auto steps = [&](Index from) {
    std::vector<double> part;
    for (Index b = 0; b < 2; ++b) {
      const std::vector<double> all = x.to_vector();
      part.insert(part.end(), all.begin() + b * 12 + from * 2, all.begin() + b * 12 + (from + 3) * 2);
    }
    return Tensor({2, 3, 2}, part);
  };
  const std::vector<double> expected = whole.predict(x, {.verbose = 0}).to_vector();
  for (const Index from : {0, 3}) {
    const std::vector<double> got = parts.predict(steps(from), {.verbose = 0}).to_vector();
    for (std::size_t b = 0; b < 2; ++b) {
      for (std::size_t i = 0; i < 12; ++i) {
        EXPECT_EQ(got[b * 12 + i], expected[b * 24 + static_cast<std::size_t>(from) * 4 + i]);
      }
    }
  }
}

// What comes in at the next step must not overwrite what goes on to it.
TEST(Rnn, InputsAndStatesMayGoOnAsTheyAre) {
  const auto shift = [] {
    const Input x({1}), first({1}), second({1});
    return Model({x, first, second}, {Add()({x, Add()({first, second})}), x, first});
  };
  const auto swap = [] {
    const Input x({1}), first({1}), second({1});
    return Model({x, first, second}, {Add()({x, first}), second, Add()({first, x})});
  };
  const Tensor x = Tensor{{{1}, {10}, {100}, {0}, {0}}};
  EXPECT_TRUE(RNN(shift(), {.return_sequences = true})(x)[0].identical(
      Tensor{{{1}, {11}, {111}, {110}, {100}}}.cast(DType::float32)));
  // With states 0, 0: outputs x + a, then a, b = b, a + x.
  EXPECT_TRUE(RNN(swap(), {.return_sequences = true})(x)[0].identical(
      Tensor{{{1}, {10}, {101}, {10}, {101}}}.cast(DType::float32)));
}

// Only the new state has weights behind it, and only the state is asked for.
TEST(Rnn, AStateLearnsWhereTheOutputHasNoGradient) {
  set_random_seed(3);
  const Input x({2}), state({2});
  const Model cell({x, state}, {x, Dense(2)(Add()({x, state}))});
  const Input in({4, 2});
  const auto [y, last] = RNN(cell, {.return_state = true})(in).unpack<2>();
  const Model model(in, last);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor before = model.get_weights()[0];
  model.fit(ramp({5, 4, 2}), ramp({5, 2}, 0.5), {.verbose = 0});
  EXPECT_FALSE(model.get_weights()[0].identical(before));
}

// Masked rows in a cell with statistics of its batch, whose gradient goes through them too; a state that no one reads;
// states that are handed on: against differences.
TEST(Rnn, GradientsUnderAMaskAreThoseOfTheFunction) {
  const std::vector<std::function<Model()>> cells = {
      [] {
        const DType d = DType::float64;
        const Input x({2}, {.dtype = d}), h({2}, {.dtype = d});
        const Symbol next = BatchNormalization({.dtype = d})(Dense(2, {.dtype = d})(Concatenate({.dtype = d})({x, h})));
        return Model({x, h}, {next, next});
      },
      [] {
        const DType d = DType::float64;
        const Input x({2}, {.dtype = d}), unread({2}, {.dtype = d});
        return Model({x, unread}, {Dense(2, {.dtype = d})(x), Dense(2, {.dtype = d})(x)});
      },
      [] {
        const DType d = DType::float64;
        const Input x({2}, {.dtype = d}), h({2}, {.dtype = d}), old({2}, {.dtype = d});
        const Symbol next = Dense(2, {.activation = "tanh", .dtype = d})(Concatenate({.dtype = d})({x, h, old}));
        return Model({x, h, old}, {next, next, h});
      }};
  for (std::size_t number = 0; number < cells.size(); ++number) {
    set_random_seed(3);
    const Sequential model{Masking({.dtype = DType::float64, .input_shape = {4, 2}}),
                           Dense(2, {.activation = "tanh", .dtype = DType::float64}),
                           RNN(cells[number](), {.return_sequences = true}), Dense(1, {.dtype = DType::float64})};
    Tensor X = ramp({5, 4, 2}, 0.1);
    for (const int place : {2, 3, 8, 9, 10, 11, 30, 31}) X.data<double>()[static_cast<std::size_t>(place)] = 0;
    const Tensor y = ramp({5, 4, 1}, 0.4);
    // A step of SGD shows the gradient, and a fit without a step the loss of training.
    constexpr double kStep = 1e-3, kSmall = 1e-5;
    const std::vector<Tensor> weights = model.get_weights();
    const auto fitted = [&](const std::vector<Tensor>& from, double rate) {
      model.set_weights(from);
      model.compile({.optimizer = SGD({.learning_rate = rate}), .loss = "mse"});
      return model.fit(X, y, {.verbose = 0})["loss"][0];
    };
    fitted(weights, kStep);
    const std::vector<Tensor> after = model.get_weights();
    for (std::size_t w = 0; w < weights.size(); ++w) {
      if (!model.weights()[w].trainable) continue;
      for (std::size_t k = 0; k < weights[w].to_vector().size(); ++k) {
        std::vector<Tensor> more = weights, less = weights;
        more[w].data<double>()[k] += kSmall;
        less[w].data<double>()[k] -= kSmall;
        const double difference = (fitted(more, 0) - fitted(less, 0)) / (2 * kSmall);
        const double gradient = (weights[w].to_vector()[k] - after[w].to_vector()[k]) / kStep;
        EXPECT_NEAR(gradient, difference, 1e-6) << "cell " << number << ", " << model.weights()[w].path << " " << k;
      }
    }
  }
}

TEST(Rnn, WeightsAreNamedAsTheCells) {
  clear_session();
  const Sequential model{RNN(StackedRNNCells({LSTMCell(3), GRUCell(2)}), {.input_shape = {4, 2}})};
  EXPECT_EQ(model.weights()[0].path, "sequential/rnn/stacked_rnn_cells/lstm_cell/kernel");
  EXPECT_EQ(model.weights()[3].path, "sequential/rnn/stacked_rnn_cells/gru_cell/kernel");
}

TEST(Rnn, MistakesAreNamed) {
  expect_error<ConfigError>([] { (void)RNN(Dense(3)); }, {"takes a cell", "(Dense) is none"});
  expect_error<ConfigError>([] { (void)StackedRNNCells({LSTM(3)}); }, {"(LSTM) is no cell"});
  expect_error<ConfigError>([] { (void)StackedRNNCells({}); }, {"one cell at least"});
  expect_error<ShapeError>([] { (void)RNN(LSTMCell(3))(Input({4})); }, {"(batch, timesteps, features)", "(None, 4)"});
  expect_error<ShapeError>(
      [] {
        const Input x({4, 2}), h({5});
        (void)RNN(GRUCell(3))(x, {.initial_state = {h}});
      },
      {"initial state 0", "(None, 3)", "(None, 5)"});
  expect_error<ShapeError>([] { (void)LSTMCell(3)(Input({2})); }, {"is a cell", "RNN(LSTMCell(...))"});
  const Sequential rounds{RNN(LSTMCell(2), {.return_sequences = true, .input_shape = {4, 2}})};
  expect_error<ConfigError>([&] { (void)rounds.stream({.weights = "bfloat16"}); }, {"not of cells"});
  const Sequential model{RNN(LSTMCell(2), {.return_sequences = true, .go_backwards = true, .input_shape = {4, 2}})};
  expect_error<ConfigError>([&] { (void)model.stream(); }, {"walks time backwards"});
}

}  // namespace
}  // namespace rondo
