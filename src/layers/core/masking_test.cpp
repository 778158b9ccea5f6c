#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/layer_conformance.hpp"

namespace rondo {
namespace {

using test::expect_error;

TEST(MaskingConformance, HoldsForRowsAndSequences) {
  for (const Shape& sample : {Shape{5}, Shape{1}, Shape{4, 3}, Shape{3, 17}}) {
    test::check_layer({.label = "masking " + to_string(sample),
                       .make = [](DType dtype) { return Masking({.mask_value = 0.25, .dtype = dtype}); },
                       .samples = {sample},
                       .nan_reach = test::NanReach::element});
  }
}

// Sequences of 2 and of 4 steps in one tensor.
const Tensor kPadded = Tensor{{{1, 2}, {3, 4}, {-1, -1}, {-1, -1}}, {{5, 6}, {-1, 7}, {8, 9}, {1, 1}}};

TEST(Masking, StepsThatAreFilledBecomeZeros) {
  EXPECT_TRUE(Masking({.mask_value = -1, .dtype = DType::float64})(kPadded)[0].identical(
      Tensor{{{1, 2}, {3, 4}, {0, 0}, {0, 0}}, {{5, 6}, {-1, 7}, {8, 9}, {1, 1}}}));
}

TEST(Masking, APaddedSequenceIsReadAsTheShortOne) {
  set_random_seed(4);
  const Sequential model{Masking({.mask_value = -1, .input_shape = {Shape::kUnknown, 2}}),
                         LSTM(5, {.return_sequences = true}), LSTM(3), Dense(1)};
  const Tensor padded = model.predict(kPadded, {.verbose = 0});
  EXPECT_TRUE(padded.rows(0, 1).identical(model.predict(Tensor{{{1, 2}, {3, 4}}}, {.verbose = 0})));
  EXPECT_TRUE(padded.rows(1, 2).identical(model.predict(kPadded.rows(1, 2), {.verbose = 0})));
}

TEST(Masking, TrainsAsOnTheShortSequences) {
  const auto trained = [](const Tensor& X) {
    set_random_seed(4);
    const Sequential model{Masking({.mask_value = -1, .input_shape = {Shape::kUnknown, 2}}), LSTM(5), Dense(1)};
    model.compile({.optimizer = "adam", .loss = "mse"});
    model.fit(X, Tensor{1}, {.epochs = 3, .verbose = 0});
    return model.get_weights();
  };
  const std::vector<Tensor> padded = trained(kPadded.rows(0, 1)), alone = trained(Tensor{{{1, 2}, {3, 4}}});
  for (std::size_t i = 0; i < padded.size(); ++i) EXPECT_TRUE(allclose(padded[i], alone[i])) << i;
}

TEST(Masking, StreamsPassOverFilledSteps) {
  set_random_seed(4);
  const Sequential model{Masking({.mask_value = -1, .input_shape = {4, 2}}), LSTM(5), Dense(1)};
  Stream stream = model.stream();
  Tensor last = Tensor::zeros({1});
  for (Index t = 0; t < 4; ++t) last = stream.step(Tensor{kPadded(0, t, 0), kPadded(0, t, 1)});
  EXPECT_EQ(last(0), model.predict(kPadded.rows(0, 1), {.verbose = 0})(0, 0));
}

TEST(Masking, MasksOfMergedTensorsAreMerged) {
  set_random_seed(4);
  const Input a({4, 2}), b({4, 2});
  const Layer mask = Masking({.mask_value = -1});
  const LSTM lstm(3);
  const Tensor other = Tensor{{{-1, -1}, {1, 1}, {-1, -1}, {-1, -1}}, {{1, 1}, {1, 1}, {-1, -1}, {-1, -1}}};
  const Model added({a, b}, {lstm(Add()({mask(a), mask(b)}))});
  // Row 0 has nothing behind step 1 in either, row 1 has all steps.
  const Tensor y = added.predict(Inputs{kPadded, other}, {.verbose = 0});
  EXPECT_TRUE(y.rows(0, 1).identical(lstm(Tensor{{{1, 2}, {4, 5}}})[0]));
  const Model half({a, b}, {lstm(Add()({mask(a), b}))});
  EXPECT_TRUE(half.predict(Inputs{kPadded, other}, {.verbose = 0})
                  .rows(0, 1)
                  .identical(lstm(Tensor{{{0, 1}, {4, 5}, {-1, -1}, {-1, -1}}})[0]))
      << "without a mask on one side there is none";
  const Model behind({a, b}, {lstm(Concatenate({.axis = 1})({mask(a), mask(b)}))});
  EXPECT_TRUE(behind.predict(Inputs{kPadded, other}, {.verbose = 0})
                  .rows(0, 1)
                  .identical(lstm(Tensor{{{1, 2}, {3, 4}, {1, 1}}})[0]));
}

TEST(Masking, WhatIsNotThereYetIsRefused) {
  expect_error<ShapeError>([] { (void)Masking()(Input({4, 3, 2})); }, {"Masking", "(None, 4, 3, 2)"});
  const Sequential model{Masking({.input_shape = {4, 2}}), LSTM(3, {.return_sequences = true})};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  expect_error<ConfigError>(
      [&] {
        model.fit(kPadded, Tensor::zeros({2, 4, 3}), {.verbose = 0});
      },
      {"the output has a mask", "not supported yet"});
}

}  // namespace
}  // namespace rondo
