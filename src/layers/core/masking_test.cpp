#include <algorithm>
#include <gtest/gtest.h>
#include <utility>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/layer_conformance.hpp"
#include "support/way.hpp"

namespace rondo {
namespace {

using test::expect_error;

Tensor filled(const Shape& shape, double value) {
  return Tensor(shape, std::vector<double>(static_cast<std::size_t>(shape.elements()), value));
}

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

// The loss of padded sequences is that of the steps that count, all of them together: 2 and 4 of 8.
TEST(Masking, StepsThatDoNotCountAreNotInTheLoss) {
  set_random_seed(6);
  const Sequential model{Masking({.mask_value = -1, .dtype = DType::float64, .input_shape = {Shape::kUnknown, 2}}),
                         LSTM(3, {.return_sequences = true, .dtype = DType::float64})};
  const Tensor y = filled({2, 4, 3}, 0.5);
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse", .metrics = {"mae"}});
  const auto squares = [&](const Tensor& X) {
    double sum = 0;
    for (const double v : model.predict(X, {.verbose = 0}).to_vector()) sum += (v - 0.5) * (v - 0.5) / 3;
    return sum;
  };
  const double expected = (squares(Tensor{{{1, 2}, {3, 4}}}) + squares(kPadded.rows(1, 2))) / 6;
  EXPECT_NEAR(model.evaluate(kPadded, y, {.verbose = 0}).loss(), expected, 1e-12);
  // A batch of its own has its own number of steps: the mean over batches is by samples, as Keras's.
  const double separate = (squares(Tensor{{{1, 2}, {3, 4}}}) / 2 + squares(kPadded.rows(1, 2)) / 4) / 2;
  EXPECT_NEAR(model.evaluate(kPadded, y, {.batch_size = 1, .verbose = 0}).loss(), separate, 1e-12);

  // What stands beside steps that do not count has no influence, even if it is huge.
  const std::vector<Tensor> before = model.get_weights();
  const auto trained = [&](double filler) {
    Tensor labels = y;
    for (Index f = 0; f < 3; ++f) labels.data<double>()[static_cast<std::size_t>(9 + f)] = filler;  // sample 0, step 3
    model.set_weights(before);
    model.fit(kPadded, labels, {.epochs = 3, .verbose = 0});
    return model.get_weights();
  };
  EXPECT_TRUE(trained(0.5)[1].identical(trained(1e300)[1]));
  EXPECT_FALSE(trained(0.5)[1].identical(before[1]));
}

// How many steps count is the whole batch's, whose rows several threads have.
TEST(Masking, LossesHaveTheSameBitsForAnyNumberOfThreads) {
  const auto trained = [](int threads) {
    const test::Walking walking({.target = simd_target(), .threads = threads});
    clear_session();
    set_random_seed(6);
    const Sequential model{Masking({.input_shape = {9, 2}}), LSTM(20, {.return_sequences = true}), Dense(3)};
    model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
    Tensor X = filled({13, 9, 2}, 0.3);
    for (std::size_t i = 0; i < 13; ++i) std::fill_n(X.data<double>().begin() + 18 * static_cast<long>(i) + 4, i, 0.0);
    const History history = model.fit(X, filled({13, 9, 3}, 0.5), {.batch_size = 7, .epochs = 3, .verbose = 0});
    return std::pair{history["loss"], model.get_weights()[1]};
  };
  const auto one = trained(1);
  for (const int threads : {2, 3, 5}) {
    EXPECT_EQ(trained(threads).first, one.first) << threads;
    EXPECT_TRUE(trained(threads).second.identical(one.second)) << threads;
  }
}

TEST(Masking, OfEverythingLeavesNothingToLearn) {
  const Sequential model{Masking({.input_shape = {3, 2}}), LSTM(2, {.return_sequences = true})};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const std::vector<Tensor> before = model.get_weights();
  EXPECT_EQ(model.fit(Tensor::zeros({2, 3, 2}), filled({2, 3, 2}, 1), {.verbose = 0})["loss"][0], 0);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(model.get_weights()[i].identical(before[i]));
}

TEST(Masking, OfSamplesOfMoreAxesIsRefused) {
  expect_error<ShapeError>([] { (void)Masking()(Input({4, 3, 2})); }, {"Masking", "(None, 4, 3, 2)"});
}

}  // namespace
}  // namespace rondo
