#include <functional>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
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
using test::ramp;

TEST(BidirectionalConformance, HoldsForAllMergeModes) {
  for (const char* mode : {"concat", "sum", "mul", "ave", "none"}) {
    for (const bool sequences : {false, true}) {
      test::check_layer({.label = std::string("Bidirectional ") + mode + (sequences ? ", sequences" : ""),
                         .make =
                             [=](DType dtype) {
                               return Bidirectional(LSTM(5, {.return_sequences = sequences, .dtype = dtype}),
                                                    {.merge_mode = mode});
                             },
                         .samples = {{4, 3}},
                         .nan_reach = test::NanReach::some});
    }
  }
}

TEST(BidirectionalConformance, HoldsWithStates) {
  test::check_layer({.label = "Bidirectional with states",
                     .make =
                         [](DType dtype) {
                           return Bidirectional(
                               LSTM(3, {.return_sequences = true, .return_state = true, .dtype = dtype}));
                         },
                     .samples = {{4, 2}, {3}, {3}, {3}, {3}},
                     .nan_reach = test::NanReach::some});
}

TEST(BidirectionalConformance, HoldsForDirectionsThatDiffer) {
  test::check_layer(
      {.label = "Bidirectional with a backward layer of other units",
       .make =
           [](DType dtype) {
             return Bidirectional(
                 LSTM(2, {.return_sequences = true, .dtype = dtype}),
                 {.backward_layer = LSTM(
                      5, {.activation = "sigmoid", .return_sequences = true, .go_backwards = true, .dtype = dtype})});
           },
       .samples = {{4, 2}},
       .nan_reach = test::NanReach::some});
}

TEST(BidirectionalConformance, HoldsAroundEveryRecurrentLayer) {
  const auto check = [](const std::string& label, const std::function<Layer(DType)>& inside) {
    test::check_layer({.label = "Bidirectional(" + label + ")",
                       .make = [=](DType dtype) { return Bidirectional(inside(dtype)); },
                       .samples = {{4, 2}},
                       .nan_reach = test::NanReach::some});
    test::check_layer({.label = "TimeDistributed(Bidirectional(" + label + "))",
                       .make =
                           [=](DType dtype) {
                             const Layer both = Bidirectional(inside(dtype));
                             return TimeDistributed(both);
                           },
                       .samples = {{2, 3, 2}},
                       .nan_reach = test::NanReach::some});
  };
  check("GRU", [](DType dtype) { return GRU(4, {.return_sequences = true, .dtype = dtype}); });
  check("GRU, reset before", [](DType dtype) { return GRU(4, {.reset_after = false, .dtype = dtype}); });
  check("RNN", [](DType dtype) { return RNN(LSTMCell(3, {.dtype = dtype}), {.return_sequences = true}); });
}

// What Keras does not know of goes over to both directions too.
TEST(Bidirectional, DirectionsRecomputeWhereThePatternDoes) {
  const auto memory = [](bool recompute) {
    const Sequential model{Bidirectional(LSTM(8, {.recompute = recompute}), {.input_shape = {2000, 1}}), Dense(1)};
    model.compile({.loss = "mse"});
    return model.memory_required({8, 2000, 1}, {.batch_size = 8, .y = {8, 1}}).workspace;
  };
  EXPECT_LT(memory(true), memory(false) / 4);
}

TEST(BidirectionalConformance, HoldsInEachTimeStep) {
  test::check_layer({.label = "TimeDistributed(Bidirectional)",
                     .make =
                         [](DType dtype) {
                           return TimeDistributed(Bidirectional(LSTM(3, {.return_sequences = true, .dtype = dtype})));
                         },
                     .samples = {{2, 3, 2}},
                     .nan_reach = test::NanReach::some});
}

TEST(Bidirectional, ReadsBothWaysInTheOrderOfTime) {
  set_random_seed(3);
  const Bidirectional both(LSTM(3, {.return_sequences = true}));
  const Tensor x = ramp({2, 5, 2});
  const Tensor y = both(x)[0];
  const std::vector<Tensor> weights = both.get_weights();
  const LSTM forward(3, {.return_sequences = true}), backward(3, {.return_sequences = true, .go_backwards = true});
  for (const Layer& each : {static_cast<Layer>(forward), static_cast<Layer>(backward)}) each.build({2, 5, 2});
  forward.set_weights({weights[0], weights[1], weights[2]});
  backward.set_weights({weights[3], weights[4], weights[5]});
  const std::vector<double> a = forward(x)[0].to_vector(), b = backward(x)[0].to_vector(), all = y.to_vector();
  for (std::size_t row = 0; row < 2; ++row) {
    for (std::size_t t = 0; t < 5; ++t) {
      for (std::size_t u = 0; u < 3; ++u) {
        EXPECT_EQ(all[(row * 5 + t) * 6 + u], a[(row * 5 + t) * 3 + u]);
        EXPECT_EQ(all[(row * 5 + t) * 6 + 3 + u], b[(row * 5 + 4 - t) * 3 + u]);
      }
    }
  }
}

TEST(Bidirectional, ThePatternKeepsItsNameAndItsWeights) {
  clear_session();
  const LSTM pattern(3);
  const Sequential model{Bidirectional(pattern, {.input_shape = {5, 2}})};
  EXPECT_FALSE(pattern.built());
  std::vector<std::string> paths;
  for (const WeightInfo& w : model.weights()) paths.push_back(w.path);
  EXPECT_EQ(paths[0], "sequential/bidirectional/forward_lstm/lstm_cell/kernel");
  EXPECT_EQ(paths[3], "sequential/bidirectional/backward_lstm/lstm_cell/kernel");
  EXPECT_FALSE(model.get_weights()[0].identical(model.get_weights()[3]));

  const LSTM own(3, {.go_backwards = true, .name = "own"});
  const Bidirectional given(pattern, {.backward_layer = own});
  given.build({4, 5, 2});
  EXPECT_TRUE(given.get_weights()[3].identical(own.get_weights()[0]));
}

TEST(Bidirectional, TrainsWithTheSameBitsForAnyNumberOfThreads) {
  const auto trained = [](int threads) {
    const test::Walking walking({.target = simd_target(), .threads = threads});
    clear_session();
    set_random_seed(3);
    const Sequential model{Masking({.input_shape = {12, 2}}), Bidirectional(LSTM(9, {.return_sequences = true})),
                           Bidirectional(LSTM(5), {.merge_mode = "ave"}), Dense(1)};
    model.compile({.optimizer = "adam", .loss = "mse"});
    Tensor X = ramp({7, 12, 2}, 0.1);
    for (std::size_t i = 18; i < 24; ++i) X.data<double>()[i] = 0;
    model.fit(X, ramp({7, 1}, 0.3), {.batch_size = 4, .epochs = 2, .verbose = 0});
    return model.get_weights();
  };
  const std::vector<Tensor> one = trained(1);
  for (const int threads : {2, 3}) {
    const std::vector<Tensor> several = trained(threads);
    for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(several[i].identical(one[i])) << i;
  }
}

// A backward layer of the user's repeats outputs over masked steps unless it is told not to; inside it puts out zeros.
TEST(Bidirectional, MaskedStepsAreZerosInBothDirections) {
  set_random_seed(3);
  const Input in({4, 2});
  const Symbol y =
      Bidirectional(LSTM(2, {.return_sequences = true}),
                    {.backward_layer = LSTM(2, {.return_sequences = true, .go_backwards = true})})(Masking()(in));
  Tensor x = ramp({1, 4, 2}, 0.1);
  for (std::size_t i = 2; i < 4; ++i) x.data<double>()[i] = 0;  // time 1
  const std::vector<double> out = Model(in, y).predict(x, {.verbose = 0}).to_vector();
  for (std::size_t u = 0; u < 4; ++u) {
    EXPECT_EQ(out[4 + u], 0);
    EXPECT_NE(out[u], 0);
  }
}

TEST(Bidirectional, StatefulDirectionsGoOnAndCanBeReset) {
  set_random_seed(3);
  const Sequential model{Bidirectional(LSTM(3, {.stateful = true}), {.input_shape = {4, 2}})};
  const Tensor x = ramp({2, 4, 2});
  const Tensor first = model.predict(x, {.verbose = 0});
  EXPECT_FALSE(model.predict(x, {.verbose = 0}).identical(first));
  model.reset_states();
  EXPECT_TRUE(model.predict(x, {.verbose = 0}).identical(first));
}

// What is in no configuration: functions, and an activation's own numbers.
TEST(Bidirectional, TakesACellOfTheUsersOwn) {
  const auto cell = [] {
    const Input x({2}), h({3});
    const Symbol next = custom_layer(
        "Sum", {.forward =
                    [](const ForwardPass& pass) {
                      for (std::size_t i = 0; i < pass.y.size(); ++i) {
                        pass.y[i] = pass.x[0][i] + 0.5 * pass.x[1][i];
                      }
                    },
                .backward =
                    [](const BackwardPass& pass) {
                      for (std::size_t i = 0; i < pass.dy.size(); ++i) {
                        if (!pass.dx[0].empty()) pass.dx[0][i] = pass.dy[i];
                        if (!pass.dx[1].empty()) pass.dx[1][i] = 0.5 * pass.dy[i];
                      }
                    }})({Dense(3, {.activation = activations::leaky_relu({.negative_slope = 0.3})})(x), h});
    return Model({x, h}, {next, next});
  };
  set_random_seed(3);
  const Input in({4, 2});
  const Bidirectional both(RNN(cell(), {.return_sequences = true}));
  const Model model(in, both(in));
  ASSERT_EQ(model.get_weights().size(), 4U);
  const Tensor x = ramp({2, 4, 2}, 0.1);
  const std::vector<double> y = model.predict(x, {.verbose = 0}).to_vector();
  for (std::size_t direction = 0; direction < 2; ++direction) {
    const std::vector<double> w = model.get_weights()[2 * direction].to_vector(), data = x.to_vector();
    for (std::size_t row = 0; row < 2; ++row) {
      std::vector<double> h(3, 0.0);
      for (std::size_t step = 0; step < 4; ++step) {
        const std::size_t t = direction == 0 ? step : 3 - step;
        for (std::size_t u = 0; u < 3; ++u) {
          const double z = data[(row * 4 + t) * 2] * w[u] + data[(row * 4 + t) * 2 + 1] * w[3 + u];
          h[u] = (z < 0 ? 0.3 * z : z) + 0.5 * h[u];
          EXPECT_NEAR(y[(row * 4 + t) * 6 + direction * 3 + u], h[u], 1e-5);
        }
      }
    }
  }
}

TEST(Bidirectional, MistakesAreNamed) {
  expect_error<ConfigError>([] { (void)Bidirectional(Dense(2)); }, {"recurrent layer", "(Dense) is none"});
  expect_error<ConfigError>([] { (void)Bidirectional(LSTM(2), {.merge_mode = "mull"}); },
                            {"merge_mode 'mull'", "Did you mean 'mul'", "'ave'"});
  expect_error<ConfigError>([] { (void)Bidirectional(LSTM(2), {.backward_layer = LSTM(2)}); },
                            {"same direction", "go_backwards = true"});
  expect_error<ConfigError>(
      [] {
        (void)Bidirectional(LSTM(2, {.return_sequences = true}), {.backward_layer = LSTM(2, {.go_backwards = true})});
      },
      {"agree in return_sequences"});
  expect_error<ShapeError>(
      [] {
        (void)Bidirectional(LSTM(2),
                            {.merge_mode = "sum", .backward_layer = LSTM(3, {.go_backwards = true})})(Input({4, 2}));
      },
      {"one shape", "(None, 2)", "(None, 3)", "'concat'"});
  const Sequential model{Bidirectional(LSTM(2, {.return_sequences = true}), {.input_shape = {4, 2}})};
  expect_error<ConfigError>([&] { (void)model.stream(); }, {"(Bidirectional) mixes time steps"});
}

}  // namespace
}  // namespace rondo
