// Flatten, Reshape, Permute and RepeatVector.
#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/layer_conformance.hpp"

namespace rondo {
namespace {

using test::check_layer;
using test::expect_error;
using test::NanReach;

TEST(ReshapingConformance, HoldsForFlatten) {
  for (const Shape& sample : {Shape{5}, Shape{3, 4}, Shape{1, 7}, Shape{2, 3, 17}}) {
    check_layer({.label = "flatten " + to_string(sample),
                 .make = [](DType dtype) { return Flatten({.dtype = dtype}); },
                 .samples = {sample},
                 .nan_reach = NanReach::one});
  }
}

TEST(ReshapingConformance, HoldsForReshape) {
  const std::pair<Shape, Shape> cases[] = {
      {{12}, {3, 4}}, {{3, 4}, {-1}}, {{3, 4}, {2, -1, 3}}, {{2, 3, 4}, {4, 6}}, {{34}, {-1, 17}}};
  for (const auto& [sample, target] : cases) {
    check_layer({.label = "reshape " + to_string(sample) + " to " + to_string(target),
                 .make = [&target = target](DType dtype) { return Reshape(target, {.dtype = dtype}); },
                 .samples = {sample},
                 .nan_reach = NanReach::one});
  }
}

TEST(ReshapingConformance, HoldsForPermute) {
  const std::pair<Shape, std::vector<Index>> cases[] = {
      {{3, 4}, {2, 1}}, {{3, 4}, {1, 2}}, {{2, 3, 4}, {3, 1, 2}}, {{2, 3, 4}, {1, 3, 2}}, {{6}, {1}}};
  for (const auto& [sample, dims] : cases) {
    check_layer({.label = "permute " + to_string(sample) + " by " + to_string(Shape(dims)),
                 .make = [&dims = dims](DType dtype) { return Permute(dims, {.dtype = dtype}); },
                 .samples = {sample},
                 .nan_reach = NanReach::one});
  }
}

TEST(ReshapingConformance, HoldsForRepeatVector) {
  for (const Index n : {1, 2, 5}) {
    check_layer({.label = "repeated " + std::to_string(n) + " times",
                 .make = [n](DType dtype) { return RepeatVector(n, {.dtype = dtype}); },
                 .samples = {{7}},
                 .nan_reach = NanReach::element});
  }
}

TEST(Reshaping, MovesNumbersAsKerasDoes) {
  const auto expect = [](const std::vector<Tensor>& got, const Tensor& expected) {
    EXPECT_TRUE(got.at(0).identical(expected.cast(DType::float32))) << to_string(got[0].shape());
  };
  const Tensor x = Tensor{{{1, 2, 3}, {4, 5, 6}}};
  expect(Flatten()(x), Tensor{{1, 2, 3, 4, 5, 6}});
  expect(Reshape({3, 2})(x), Tensor{{{1, 2}, {3, 4}, {5, 6}}});
  expect(Permute({2, 1})(x), Tensor{{{1, 4}, {2, 5}, {3, 6}}});
  expect(RepeatVector(2)(Tensor{{7, 8}}), Tensor{{{7, 8}, {7, 8}}});
}

// An autoencoder of sequences, as in Keras's tutorials: what was read is written again.
TEST(Reshaping, ARepeatedVectorFeedsADecoder) {
  set_random_seed(2);
  const Sequential model{LSTM(8, {.input_shape = {4, 1}}), RepeatVector(4), LSTM(8, {.return_sequences = true}),
                         Dense(1)};
  model.compile({.optimizer = Adam({.learning_rate = 0.02}), .loss = "mse"});
  const Tensor X = Tensor{{{0.1}, {0.2}, {0.3}, {0.4}}, {{0.5}, {0.4}, {0.3}, {0.2}}};
  const History history = model.fit(X, X, {.epochs = 300, .verbose = 0});
  EXPECT_LT(history["loss"].back(), 1e-3);
}

TEST(Reshaping, MistakesAreNamed) {
  expect_error<ShapeError>([] { (void)Reshape({5})(Input({3, 4})); }, {"cannot make", "(5,)", "12 numbers"});
  expect_error<ConfigError>([] { (void)Reshape({-1, -1}); }, {"-1 for one axis at most"});
  expect_error<ConfigError>([] { (void)Reshape({-1, 4294967296, 4294967296}); }, {"more numbers than can be counted"});
  expect_error<ConfigError>([] { (void)Permute({1, 3}); }, {"each axis behind the batch once"});
  expect_error<ShapeError>([] { (void)Permute({2, 1})(Input({4})); }, {"orders 2 axes", "(None, 4)"});
  expect_error<ConfigError>([] { (void)RepeatVector(0); }, {"n is 0"});
  expect_error<ShapeError>([] { (void)RepeatVector(3)(Input({4, 2})); }, {"expects 2-D input"});
}

TEST(Reshaping, WhatMixesTimeCannotBeStreamed) {
  for (const Layer& mixer :
       {static_cast<Layer>(Flatten({.name = "mixer"})), static_cast<Layer>(Reshape({3, 4}, {.name = "mixer"})),
        static_cast<Layer>(Permute({2, 1}, {.name = "mixer"}))}) {
    const Sequential model{LSTM(3, {.return_sequences = true, .input_shape = {4, 2}}), mixer};
    expect_error<ConfigError>([&] { (void)model.stream(); }, {"layer 'mixer'", "mixes time steps"});
    const Sequential outer{model};
    expect_error<ConfigError>([&] { (void)outer.stream(); }, {"cannot be streamed"});
  }
  const Input in({4, 2});
  const Model joined(in, Concatenate({.axis = 1})({in, in}));
  expect_error<ConfigError>([&] { (void)joined.stream(); }, {"(Concatenate) mixes time steps"});
}

}  // namespace
}  // namespace rondo
