// dropout and recurrent_dropout of LSTM, GRU and their cells. That the numbers are those of the plain program, in all
// sizes and ways to walk, on every instruction set, is in tests/size_sweep_test.cpp.
#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include <rondo/rondo.hpp>

#include "engine/builder.hpp"
#include "engine/thread_pool.hpp"
#include "layers/nodes.hpp"
#include "layers/recurrent/sequence_executor.hpp"
#include "layers/regularization/dropout_factors.hpp"
#include "support/comparison.hpp"
#include "support/expect_error.hpp"
#include "support/layer_conformance.hpp"
#include "support/layer_probe.hpp"
#include "support/plain/dropout.hpp"
#include "support/plain/model.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::ramp;

constexpr std::uint64_t kSeed = 20;

Tensor ones(const Shape& shape) {
  return Tensor(shape, std::vector<double>(static_cast<std::size_t>(shape.elements()), 1.0));
}

bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Tensor& x, const Tensor& y) { return x.identical(y); });
}

// ---- promises of every layer ----------------------------------------------------------------------------------------

void check_promises(const std::string& label, const std::vector<Shape>& samples,
                    const std::function<Layer(DType)>& make, test::NanReach nan_reach = test::NanReach::onward,
                    Index rows = 5) {
  test::check_layer({.label = label,
                     .make = make,
                     .samples = samples,
                     .nan_reach = nan_reach,
                     .rows = rows,
                     .training_differs = true});
}

TEST(RecurrentDropoutConformance, HoldsForLstmAndGru) {
  int number = 0;
  for (const Index units : {1, 5, 17, 33}) {
    for (const auto& [dropout, recurrent] : {std::pair{0.4, 0.0}, {0.0, 0.3}, {0.2, 0.5}}) {
      const bool sequences = number++ % 2 == 0;
      const std::string label =
          std::to_string(units) + " units, dropout of " + std::to_string(dropout) + " and " + std::to_string(recurrent);
      check_promises("LSTM of " + label, {{4, 3}}, [=, d = dropout, r = recurrent](DType dtype) {
        return LSTM(units, {.return_sequences = sequences, .dropout = d, .recurrent_dropout = r, .dtype = dtype});
      });
      for (const bool after : {true, false}) {
        check_promises((after ? "GRU of " : "GRU, reset before, of ") + label, {{4, 3}},
                       [=, d = dropout, r = recurrent](DType dtype) {
                         return GRU(units, {.return_sequences = sequences,
                                            .reset_after = after,
                                            .dropout = d,
                                            .recurrent_dropout = r,
                                            .dtype = dtype});
                       });
      }
    }
  }
}

TEST(RecurrentDropoutConformance, HoldsWithStatesChunksAndManyRows) {
  check_promises("LSTM from states", {{5, 2}, {6}, {6}}, [](DType dtype) {
    return LSTM(6, {.return_state = true, .dropout = 0.3, .recurrent_dropout = 0.3, .dtype = dtype});
  });
  check_promises("GRU from a state", {{5, 2}, {6}}, [](DType dtype) {
    return GRU(6, {.return_state = true, .reset_after = false, .recurrent_dropout = 0.3, .dtype = dtype});
  });
  check_promises("LSTM, stateful", {{3, 2}}, [](DType dtype) {
    return LSTM(6, {.stateful = true, .dropout = 0.3, .recurrent_dropout = 0.3, .dtype = dtype});
  });
  check_promises("LSTM, recompute", {{12, 2}}, [](DType dtype) {
    return LSTM(6, {.recompute = true, .dropout = 0.3, .recurrent_dropout = 0.3, .dtype = dtype});
  });
  check_promises(
      "LSTM, 32 rows", {{3, 3}},
      [](DType dtype) { return LSTM(17, {.dropout = 0.3, .recurrent_dropout = 0.3, .dtype = dtype}); },
      test::NanReach::onward, 32);
}

TEST(RecurrentDropoutConformance, HoldsInsideOtherLayers) {
  check_promises(
      "RNN", {{4, 3}},
      [](DType dtype) {
        return RNN(StackedRNNCells({LSTMCell(4, {.dropout = 0.3, .dtype = dtype}),
                                    GRUCell(5, {.dropout = 0.2, .recurrent_dropout = 0.4, .dtype = dtype})}));
      },
      test::NanReach::some);
  check_promises(
      "Bidirectional", {{4, 3}},
      [](DType dtype) {
        const LSTMOptions options{.return_sequences = true, .dropout = 0.3, .recurrent_dropout = 0.2, .dtype = dtype};
        LSTMOptions backward = options;
        backward.go_backwards = true;
        const LSTM behind(4, backward);  // made first, as from a configuration
        return Bidirectional(LSTM(4, options), {.backward_layer = behind});
      },
      test::NanReach::some);
  check_promises(
      "TimeDistributed", {{3, 4, 2}},
      [](DType dtype) { return TimeDistributed(GRU(4, {.dropout = 0.3, .recurrent_dropout = 0.2, .dtype = dtype})); },
      test::NanReach::some);
}

// ---- draws ----------------------------------------------------------------------------------------------------------

TEST(RecurrentDropout, GatesHaveTheirRateEachByItself) {
  constexpr Index kRows = 400, kUnits = 50;
  for (const double rate : {0.1, 0.5, 0.8}) {
    engine::PlanBuilder builder(DType::float64, kRows, engine::Use::training);
    const layers::DroppedPlaces places{
        .draws =
            layers::DropoutDraws({.rate = rate, .seed = 7, .purpose = Purpose::recurrent_dropout}, {.row = 4 * kUnits}),
        .numbers = kUnits,
        .bits = builder.byte_rows(kernels::dropped_bytes(kUnits)),
        .records = {}};
    const auto plan = builder.finish();
    const engine::Workspace workspace = plan->lease();
    const engine::Run run = workspace.run(kRows);
    places.draw(run, {0, kRows}, kernels::chosen());
    const kernels::Dropped<double> dropped = places.at<double>(run);
    EXPECT_EQ(dropped.kept, 1 / (1 - rate));
    const auto bits_of_row = [&](Index row) {
      std::vector<bool> bits;
      for (Index i = 0; i < 4 * kUnits; ++i) bits.push_back((dropped.bits.at(row, 0)[i / 8] >> (i % 8) & 1) != 0);
      return bits;
    };
    double kept = 0, gates_differ = 0;
    for (Index b = 0; b < kRows; ++b) {
      const std::vector<bool> bits = bits_of_row(b);
      for (std::size_t i = 0; i < bits.size(); ++i) {
        kept += bits[i] ? 1 : 0;
        gates_differ += i % 4 > 0 && bits[i] != bits[i - 1] ? 1 : 0;
      }
    }
    const double n = 4 * kRows * kUnits, odds = 2 * rate * (1 - rate);
    EXPECT_NEAR(kept / n, 1 - rate, 4.5 * std::sqrt(rate * (1 - rate) / n));
    EXPECT_NEAR(gates_differ / (0.75 * n), odds, 4.5 * std::sqrt(odds / n));

    // A part of the batch that begins at row 3, and rows of a member from 5 on.
    const std::vector<bool> fourth = bits_of_row(3), sixth = bits_of_row(5);
    engine::Run part = workspace.run(1);
    part.first_row = 3;
    places.draw(part, {0, 1}, kernels::chosen());
    EXPECT_EQ(bits_of_row(0), fourth);
    places.draw(run, {5, 7}, kernels::chosen());
    EXPECT_EQ(bits_of_row(5), sixth);
  }
}

TEST(RecurrentDropout, WhatIsDroppedIsNotThereWhateverItWas) {
  const Tensor x(Shape{64, 2, 1}, std::vector<double>(128, std::numeric_limits<double>::infinity()));
  const std::vector<Layer> layers{Dropout(0.5), LSTM(3, {.dropout = 0.9, .recurrent_dropout = 0.1}),
                                  GRU(3, {.dropout = 0.9, .recurrent_dropout = 0.1}), LSTM(3, {.dropout = 0.9})};
  for (const Layer& layer : layers) {
    const Shape y = layer.node()->output_shapes({x.shape().from(1)})[0];
    const test::Probed got = test::probe(*layer.node(), {.inputs = {x}, .cotangents = {ones(y.prepend(64))}});
    for (const double v : got.outputs[0].to_vector()) ASSERT_FALSE(std::isnan(v)) << layer.node()->where();
  }
}

Layer dropping(bool gru, DType dtype, Index steps = 6) {
  set_random_seed(kSeed);
  if (gru) {
    return GRU(9, {.dropout = 0.3, .recurrent_dropout = 0.4, .dtype = dtype, .input_shape = {steps, 3}});
  }
  return LSTM(9, {.dropout = 0.3, .recurrent_dropout = 0.4, .dtype = dtype, .input_shape = {steps, 3}});
}

std::vector<Tensor> walked(const Layer& layer, Index rows, Index threads = 1, Index spare_rows = 0) {
  const test::Probed got = test::probe(
      *layer.node(),
      {.inputs = {ones({rows, 6, 3})}, .cotangents = {ones({rows, 9})}, .spare_rows = spare_rows, .threads = threads});
  std::vector<Tensor> all{got.outputs[0], got.input_gradients[0]};
  all.insert(all.end(), got.weight_gradients.begin(), got.weight_gradients.end());
  return all;
}

TEST(RecurrentDropout, DrawsDependOnNeitherThreadsNorThePlansRoom) {
  for (const bool gru : {false, true}) {
    const Layer layer = dropping(gru, DType::float32);
    const std::vector<Tensor> expected = walked(layer, 13);
    for (const Index threads : {2, 3, 8}) EXPECT_TRUE(same(walked(layer, 13, threads), expected)) << threads;
    EXPECT_TRUE(same(walked(layer, 13, 1, 7), expected));
    EXPECT_TRUE(walked(layer, 4)[0].identical(expected[0].rows(0, 4))) << "a smaller batch";
    EXPECT_FALSE(expected[0].rows(0, 1).identical(expected[0].rows(1, 2))) << "rows of the same input";
  }
}

TEST(RecurrentDropout, DrawsDifferBetweenLayersSeedsAndCalls) {
  const auto first = [](const Layer& layer) {
    layer.build({4, 6, 3});
    layer.set_weights({ones({3, 36}), ones({9, 36}), ones({36})});
    return walked(layer, 4)[0];
  };
  for (const auto& [dropout, recurrent] : {std::pair{0.5, 0.0}, {0.0, 0.5}}) {
    const auto make = [d = dropout, r = recurrent](std::uint64_t seed) {
      return LSTM(9, {.dropout = d, .recurrent_dropout = r, .seed = seed});
    };
    set_random_seed(kSeed);
    const Tensor one = first(make(1)), another_layer = first(make(1));
    set_random_seed(kSeed);
    const Tensor another_seed = first(make(2));
    set_random_seed(kSeed + 1);
    const Tensor again = first(make(1));
    EXPECT_FALSE(one.identical(another_layer));
    EXPECT_FALSE(one.identical(another_seed));
    EXPECT_TRUE(one.identical(again)) << "the option is the whole seed";

    const Input in({6, 3});
    const Layer layer = make(1);
    const Model model({in}, {layer(in), layer(in)});
    const test::Probed calls =
        test::probe(*model.node(), {.inputs = {ones({4, 6, 3})}, .cotangents = {ones({4, 9}), ones({4, 9})}});
    EXPECT_FALSE(calls.outputs[0].identical(calls.outputs[1]));
  }
}

// An RNN draws once for all steps, as the fused layer does.
TEST(RecurrentDropout, ACellUnderAnRnnIsTheFusedLayer) {
  const Tensor x = ramp({7, 6, 3}, 0.1), dy = ramp({7, 6, 5}, 0.2);
  for (const bool gru : {false, true}) {
    for (const auto& [dropout, recurrent] : {std::pair{0.5, 0.0}, {0.0, 0.5}, {0.3, 0.3}}) {
      set_random_seed(kSeed);
      const Layer cell =
          gru ? Layer(GRUCell(5, {.dropout = dropout, .recurrent_dropout = recurrent, .dtype = DType::float64}))
              : Layer(LSTMCell(5, {.dropout = dropout, .recurrent_dropout = recurrent, .dtype = DType::float64}));
      const RNN rnn(cell, {.return_sequences = true});
      set_random_seed(kSeed);
      const Layer fused = gru ? Layer(GRU(5, {.return_sequences = true,
                                              .dropout = dropout,
                                              .recurrent_dropout = recurrent,
                                              .dtype = DType::float64}))
                              : Layer(LSTM(5, {.return_sequences = true,
                                               .dropout = dropout,
                                               .recurrent_dropout = recurrent,
                                               .dtype = DType::float64}));
      fused.build({7, 6, 3});
      const test::Probed expected = test::probe(*fused.node(), {.inputs = {x}, .cotangents = {dy}});
      const test::Probed got =
          test::probe(*rnn.node(), {.inputs = {x}, .weights = fused.get_weights(), .cotangents = {dy}});
      EXPECT_TRUE(same(got.outputs, expected.outputs));
      for (std::size_t i = 0; i < expected.weight_gradients.size(); ++i) {
        EXPECT_TRUE(allclose(got.weight_gradients[i], expected.weight_gradients[i], {.rtol = 1e-12, .atol = 1e-12}));
      }
      EXPECT_TRUE(allclose(got.input_gradients[0], expected.input_gradients[0], {.rtol = 1e-12, .atol = 1e-12}));
    }
  }
}

// Each outer step is a call of its own; and so is each step of a Dropout in a cell of the user's.
TEST(RecurrentDropout, EachStepOfATimeDistributedDrawsAnew) {
  set_random_seed(kSeed);  // all inputs of the candidate drop out in one draw of eight
  const auto steps_differ = [](const Layer& layer, const Shape& sample, const Shape& output) {
    const Tensor y = test::probe(*layer.node(), {.inputs = {ones(sample)}, .cotangents = {ones(output)}}).outputs[0];
    const Index units = output.back();
    bool differ = false;
    for (Index u = 0; u < units; ++u) differ = differ || y(0, 0, u) != y(0, 1, u);
    return differ;
  };
  const LSTM fused(9, {.dropout = 0.5, .recurrent_dropout = 0.5});
  EXPECT_TRUE(steps_differ(TimeDistributed(fused), {1, 2, 4, 3}, {1, 2, 9}));
  const RNN walked_cell(LSTMCell(9, {.dropout = 0.5, .recurrent_dropout = 0.5}));
  EXPECT_TRUE(steps_differ(TimeDistributed(walked_cell), {1, 2, 4, 3}, {1, 2, 9}));

  const Layer inner = TimeDistributed(fused);  // whose steps begin anew with each outer one
  const Tensor y = test::probe(*TimeDistributed(inner).node(),
                               {.inputs = {ones({1, 2, 2, 4, 3})}, .cotangents = {ones({1, 2, 2, 9})}})
                       .outputs[0];
  std::set<double> of_steps;
  for (const Index outer : {0, 1}) {
    for (const Index step : {0, 1}) of_steps.insert(y(0, outer, step, 0));
  }
  EXPECT_EQ(of_steps.size(), 4u);

  const Input x({40}), h({40});
  const Symbol dropped = Dropout(0.5)(x);
  EXPECT_TRUE(steps_differ(RNN(Model({x, h}, {dropped, h}), {.return_sequences = true}), {1, 2, 40}, {1, 2, 40}));
}

// ---- in models ------------------------------------------------------------------------------------------------------

Sequential model_with(double dropout, double recurrent, bool recompute = false) {
  set_random_seed(kSeed);
  return {LSTM(9, {.return_sequences = true,
                   .recompute = recompute,
                   .dropout = dropout,
                   .recurrent_dropout = recurrent,
                   .input_shape = {12, 3}}),
          RNN(GRUCell(6, {.dropout = dropout, .recurrent_dropout = recurrent}), {.return_sequences = true}),
          GRU(5, {.recompute = recompute, .dropout = dropout, .recurrent_dropout = recurrent}), Dense(1)};
}

TEST(RecurrentDropout, NothingHappensOutsideTraining) {
  const Sequential with = model_with(0.5, 0.5), without = model_with(0, 0);
  const Tensor x = ramp({5, 12, 3}), y = ramp({5, 1});
  EXPECT_TRUE(with.predict(x, {.verbose = 0}).identical(without.predict(x, {.verbose = 0})));
  for (const Sequential& model : {with, without}) model.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_EQ(with.evaluate(x, y, {.verbose = 0}).loss(), without.evaluate(x, y, {.verbose = 0}).loss());
  Stream stream = with.stream(), plain = without.stream();
  std::vector<float> in{0.5f, -1, 2}, a(1), b(1);
  for (int step = 0; step < 3; ++step) {
    stream.step(std::span(in), std::span(a));
    plain.step(std::span(in), std::span(b));
    EXPECT_EQ(a, b);
  }
}

TEST(RecurrentDropout, AFitCanBeRepeatedToTheBitOnAnyThreadsWithAndWithoutRecomputation) {
  for (const auto& [dropout, recurrent] : {std::pair{0.3, 0.0}, {0.3, 0.2}}) {
    const auto trained = [d = dropout, r = recurrent](Index threads, bool recompute) {
      const Sequential model = model_with(d, r, recompute);
      set_num_threads(threads);
      engine::set_thread_threshold(0);
      model.compile({.optimizer = "adam", .loss = "mse"});
      model.fit(ramp({11, 12, 3}), ramp({11, 1}), {.batch_size = 4, .epochs = 3, .verbose = 0});
      engine::set_thread_threshold(4e6);
      set_num_threads(0);
      return model.get_weights();
    };
    const std::vector<Tensor> once = trained(1, false);
    for (const Index threads : {1, 2, 3}) EXPECT_TRUE(same(trained(threads, threads == 2), once)) << threads;
    EXPECT_TRUE(same(trained(1, true), once)) << "recompute";
  }
}

// Steps, and the parts of the batch in each, have the draws that the plain program has.
TEST(RecurrentDropout, AFitIsThatOfThePlainProgram) {
  constexpr plain::Size kRows = 3, kUnits = 5, kInputs = 2;
  const Tensor X = ramp({6, 4, kInputs}, -0.3), y = ramp({6, 1}, 0.2);
  for (const bool gru : {false, true}) {
    set_random_seed(kSeed);
    const Sequential model{
        gru ? Layer(
                  GRU(kUnits,
                      {.dropout = 0.3, .recurrent_dropout = 0.4, .dtype = DType::float64, .input_shape = {4, kInputs}}))
            : Layer(LSTM(
                  kUnits,
                  {.dropout = 0.3, .recurrent_dropout = 0.4, .dtype = DType::float64, .input_shape = {4, kInputs}})),
        Dense(1, {.dtype = DType::float64})};
    std::vector<plain::Array> weights;
    for (const Tensor& w : model.get_weights()) weights.push_back(w.to_vector());
    model.compile({.optimizer = SGD({.learning_rate = 0.5}), .loss = "mse"});
    model.fit(X, y, {.batch_size = kRows, .epochs = 3, .verbose = 0, .shuffle = false});

    plain::Optimizer sgd({.learning_rate = 0.5});
    using Places = std::vector<plain::Size>;
    for (std::uint32_t step = 0; step < 6; ++step) {
      const plain::Draws x{.rate = 0.3, .seed = kSeed, .training_step = step};
      const plain::Draws h{.rate = 0.4, .seed = kSeed, .purpose = 5, .training_step = step};
      plain::Model expected(
          {{.kind = gru ? "GRU" : "LSTM",
            .units = kUnits,
            .activation = "tanh",
            .x_factors = plain::gate_factors(x, kRows, kInputs, gru ? Places{1, 2, 0} : Places{0, 1, 2, 3}),
            .h_factors = plain::gate_factors(h, kRows, kUnits, gru ? Places{0, 1, 2} : Places{0, 1, 2, 3}),
            .weights = {weights[0], weights[1], weights[2]}},
           {.kind = "Dense", .units = 1, .weights = {weights[3], weights[4]}}});
      const Index begin = step % 2 * kRows;
      const auto part = [&](const Tensor& all) { return all.rows(begin, begin + Index{kRows}).to_vector(); };
      (void)expected.train({part(X), kRows, 4, kInputs}, part(y), {}, sgd);
      weights = expected.weights();
    }
    const std::vector<Tensor> got = model.get_weights();
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_LE(test::largest_difference(got[i].to_vector(), weights[i]), 1e-12) << i;
    }
  }
}

// A bias that learns alone moves as far as the input was let through, which each step draws anew.
TEST(RecurrentDropout, EachStepOfAFitDrawsAnew) {
  set_random_seed(kSeed);
  const Sequential model{
      LSTM(1, {.kernel_initializer = "ones", .dropout = 0.5, .trainable = false, .input_shape = {1, 1}}),
      Dense(1, {.use_bias = false, .kernel_initializer = "zeros"})};
  model.compile({.optimizer = SGD({.learning_rate = 0.001}), .loss = "mae"});
  int kept = 0, steps = 0;
  double before = 0, most = 0;
  std::vector<double> moves;
  const auto watch =
      std::make_shared<LambdaCallback>(LambdaCallback::Functions{.on_train_batch_end = [&](Index, Logs&) {
        const double weight = model.get_weights().back()(0, 0);
        moves.push_back(weight - before);
        most = std::max(most, std::abs(weight - before));
        before = weight;
        ++steps;
      }});
  model.fit(ones({64, 1, 1}), ones({64, 1}), {.batch_size = 1, .verbose = 0, .callbacks = {watch}});
  for (const double move : moves) kept += std::abs(move) > most / 2 ? 1 : 0;
  EXPECT_EQ(steps, 64);
  EXPECT_GT(kept, 16);
  EXPECT_LT(kept, 48);
}

// ---- options --------------------------------------------------------------------------------------------------------

// Keras: the fused layers drop all inputs at a rate of 1, cells and gates with dropout of their own nothing.
TEST(RecurrentDropout, ARateOfOneIsAsInKeras) {
  const Tensor x = ones({2, 3, 4}), dy = ones({2, 5});
  const auto output = [&](const Layer& layer) {
    const test::Probed got = test::probe(*layer.node(), {.inputs = {x}, .cotangents = {dy}});
    return got.outputs[0];
  };
  const auto lstm = [](double dropout, double recurrent) {
    set_random_seed(kSeed);
    return LSTM(5, {.dropout = dropout, .recurrent_dropout = recurrent});
  };
  const auto cell = [](double dropout, double recurrent) {
    set_random_seed(kSeed);
    return RNN(LSTMCell(5, {.dropout = dropout, .recurrent_dropout = recurrent}));
  };
  const Tensor whole = output(lstm(0, 0));
  const Layer nothing = lstm(0, 0);
  EXPECT_TRUE(output(lstm(1, 0)).identical(nothing(Tensor::zeros({2, 3, 4}))[0]));
  EXPECT_TRUE(output(lstm(0, 1)).identical(whole));
  EXPECT_TRUE(output(lstm(1, 1)).identical(whole));
  EXPECT_TRUE(output(lstm(1, 0.5)).identical(output(lstm(0, 0.5))));
  EXPECT_TRUE(output(cell(1, 0)).identical(whole));
  EXPECT_TRUE(output(cell(0, 1)).identical(whole));
  EXPECT_FALSE(output(lstm(0.5, 1)).identical(whole)) << "the inputs are dropped gate by gate";
}

TEST(RecurrentDropout, ConfigurationsHaveKerasKeysAndComeBack) {
  using Json = nlohmann::ordered_json;
  const auto keys_from_dropout = [](const Layer& layer) {
    std::vector<std::string> keys;
    const Json config = Json::parse(layer.get_config());
    for (const auto& [key, value] : config.items()) {
      if (key == "dropout" || !keys.empty()) keys.push_back(key);
    }
    return keys;
  };
  const LSTM lstm(3, {.dropout = 0.25, .recurrent_dropout = 0.5, .seed = 9});
  EXPECT_EQ(keys_from_dropout(lstm), (std::vector<std::string>{"dropout", "recurrent_dropout", "seed"}));
  EXPECT_EQ(keys_from_dropout(GRUCell(3)),
            (std::vector<std::string>{"dropout", "recurrent_dropout", "reset_after", "seed"}));
  for (const Layer& layer : {Layer(lstm), Layer(GRU(3, {.dropout = 0.25, .recurrent_dropout = 0.5, .seed = 9})),
                             Layer(LSTMCell(3, {.dropout = 0.25, .recurrent_dropout = 0.5, .seed = 9})),
                             Layer(GRUCell(3, {.dropout = 0.25, .recurrent_dropout = 0.5, .seed = 9}))}) {
    const Json config = Json::parse(layer.get_config());
    EXPECT_EQ(config["dropout"], 0.25);
    EXPECT_EQ(config["recurrent_dropout"], 0.5);
    EXPECT_EQ(config["seed"], 9);
    EXPECT_EQ(layers::layer_from_config(layer.class_name(), config)->config(), config);
  }
  EXPECT_TRUE(Json::parse(LSTM(3).get_config())["seed"].is_null());
}

TEST(RecurrentDropout, MistakesAreNamed) {
  expect_error<ConfigError>([] { (void)LSTM(2, {.dropout = 1.5, .name = "a"}); },
                            {"'a' (LSTM)", "dropout is 1.5", "between 0 and 1"});
  expect_error<ConfigError>([] { (void)GRU(2, {.recurrent_dropout = -0.1}); },
                            {"(GRU)", "recurrent_dropout is -0.1", "between 0 and 1"});
  expect_error<ConfigError>([] { (void)LSTMCell(2, {.dropout = std::nan("")}); }, {"(LSTMCell)", "dropout is nan"});
  expect_error<ConfigError>([] { (void)GRUCell(2, {.recurrent_dropout = 2}); },
                            {"(GRUCell)", "recurrent_dropout is 2"});
  expect_error<ConfigError>([] { (void)LSTM(2, {.recurrent_dropout = 0.2, .dtype = "mixed_bfloat16"}); },
                            {"(LSTM)", "recurrent_dropout", "mixed_bfloat16", "float32"});
}

TEST(RecurrentDropout, DropoutOfInputsWorksUnderMixedBfloat16) {
  set_random_seed(kSeed);
  const LSTM rounded(20, {.dropout = 0.3, .dtype = "mixed_bfloat16"});
  set_random_seed(kSeed);
  const LSTM exact(20, {.dropout = 0.3, .dtype = "float32"});
  const Tensor x = ramp({9, 5, 6}, 0.1), dy = ones({9, 20});
  const Tensor a = test::probe(*rounded.node(), {.inputs = {x}, .cotangents = {dy}}).outputs[0];
  const Tensor b = test::probe(*exact.node(), {.inputs = {x}, .cotangents = {dy}}).outputs[0];
  EXPECT_TRUE(allclose(a, b, {.rtol = 0.02, .atol = 0.02}));
}

}  // namespace
}  // namespace rondo
