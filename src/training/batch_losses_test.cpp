// Losses of more than a row: derivatives against differences, values against plain sums. Numbers of Keras's own are in
// tests/golden.
#include "training/batch_losses.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "engine/thread_pool.hpp"
#include "support/expect_error.hpp"
#include "support/ramp.hpp"
#include "training/loss_call.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::ramp;

Tensor numbers_of(const Shape& shape, std::vector<double> elements) { return Tensor(shape, std::move(elements)); }

double value_of(const Loss& loss, const Tensor& truth, const Tensor& prediction,
                const std::optional<Tensor>& weights = {}) {
  return loss(truth, prediction, weights).to_vector().at(0);
}

void expect_derivatives(const Loss& loss, const Tensor& truth, Tensor prediction,
                        const std::optional<Tensor>& weights = {}) {
  const std::vector<double> gradient =
      training::LossCall(loss, {truth, prediction, weights}, DType::float64).gradient().to_vector();
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double at = prediction.data<double>()[i], step = 1e-6;
    prediction.data<double>()[i] = at + step;
    const double above = value_of(loss, truth, prediction, weights);
    prediction.data<double>()[i] = at - step;
    const double below = value_of(loss, truth, prediction, weights);
    prediction.data<double>()[i] = at;
    EXPECT_NEAR(gradient[i], (above - below) / (2 * step), 1e-6 * std::max(1.0, std::abs(gradient[i])))
        << loss.name() << ", prediction " << i;
  }
}

TEST(BatchLosses, DerivativesAgreeWithDifferences) {
  const Tensor prediction = ramp({3, 2, 2}, 0.07),
               yes_or_no = numbers_of({3, 2, 2}, {1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 0});
  const std::optional<Tensor> each = numbers_of({3}, {1.0, 0.5, 2.0}), rows = ramp({3, 2}, 0.3);
  for (const char* reduction : {"sum_over_batch_size", "sum", "mean_with_sample_weight"}) {
    expect_derivatives(losses::Hinge({.reduction = reduction}), yes_or_no, prediction, rows);
    expect_derivatives(losses::SquaredHinge({.reduction = reduction}), yes_or_no, prediction, each);
    expect_derivatives(losses::Dice({.reduction = reduction}), yes_or_no, prediction);
    expect_derivatives(losses::Dice({.axis = {1, 2}, .reduction = reduction}), yes_or_no, prediction, each);
    expect_derivatives(losses::Tversky({.alpha = 0.3, .beta = 0.9, .reduction = reduction}), yes_or_no, prediction);
    expect_derivatives(losses::CTC({.reduction = reduction}), numbers_of({3, 2}, {1, 2, 1, 1, 2, 0}),
                       ramp({3, 4, 3}, 0.2), each);
    expect_derivatives(losses::Circle({.gamma = 3.0, .reduction = reduction}), numbers_of({4, 1}, {0, 1, 0, 1}),
                       numbers_of({4, 2}, {0.6, 0.8, -0.8, 0.6, 0.28, 0.96, 1, 0}),
                       numbers_of({4}, {1.0, 0.5, 2.0, 1.0}));
  }
}

// ---- hinge ----------------------------------------------------------------------------------------------------------

TEST(HingeLoss, TakesZerosForMinusOneWhereAllLabelsOfTheBatchAreBinary) {
  const Tensor prediction = numbers_of({2, 2}, {0.5, 0.5, -0.25, 2});
  const Tensor binary = numbers_of({2, 2}, {0, 1, 1, 1}), signs = numbers_of({2, 2}, {-1, 1, 1, 1});
  EXPECT_EQ(value_of(losses::Hinge(), binary, prediction), value_of(losses::Hinge(), signs, prediction));
  EXPECT_EQ(value_of(losses::Hinge(), signs, prediction), (1.5 + 0.5 + 1.25 + 0) / 4);
  EXPECT_EQ(value_of(losses::Hinge(), numbers_of({2, 2}, {0, 1, 1, -1}), prediction), (1 + 0.5 + 1.25 + 3) / 4);
}

TEST(HingeLoss, MasksAndThreadsChangeNoBit) {
  const auto trained = [](int threads) {
    set_num_threads(threads);
    set_random_seed(3);
    const Sequential model{Masking({.input_shape = {4, 2}}), LSTM(5, {.return_sequences = true}), Dense(2)};
    model.compile({.optimizer = "sgd", .loss = "squared_hinge"});
    Tensor X = ramp({9, 4, 2}, 0.05).cast(DType::float32);
    for (std::size_t i = 0; i < 4; ++i) X.data<float>()[i + 8] = 0;
    Tensor y({9, 4, 2}, DType::float32);
    for (std::size_t i = 0; i < 72; i += 3) y.data<float>()[i] = 1;
    const History history = model.fit(X, y, {.batch_size = 4, .epochs = 3, .verbose = 0});
    EXPECT_LT(history["loss"][2], history["loss"][0]);
    return model.get_weights();
  };
  const std::vector<Tensor> one = trained(1);
  for (const int threads : {2, 3}) {
    const std::vector<Tensor> several = trained(threads);
    for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(several[i].identical(one[i])) << threads;
  }
  set_num_threads(0);
}

TEST(HingeLoss, AndOthersTakeBatchesOfFewerRowsThanThreads) {
  engine::set_thread_threshold(0);
  const auto loss = [](const char* name, int threads) {
    set_num_threads(threads);
    set_random_seed(3);
    const Sequential model{Masking({.input_shape = {4, 2}}), LSTM(5, {.return_sequences = true}), Dense(2)};
    model.compile({.optimizer = "sgd", .loss = name});
    return model.fit(ramp({2, 4, 2}), ramp({2, 4, 2}), {.batch_size = 1, .epochs = 2, .verbose = 0})["loss"];
  };
  for (const char* name : {"mse", "hinge"}) {
    const std::vector<double> one = loss(name, 1);
    for (const int threads : {2, 3, 4}) EXPECT_EQ(loss(name, threads), one) << name;
  }
  engine::set_thread_threshold(4e6);
  set_num_threads(0);
}

// ---- dice and tversky ----------------------------------------------------------------------------------------------

TEST(DiceLoss, IsOfTheBatchOrOfEachSample) {
  const Tensor truth = numbers_of({2, 2}, {1, 0, 1, 1}), prediction = numbers_of({2, 2}, {0.5, 0.5, 1, 0});
  EXPECT_NEAR(value_of(losses::Dice(), truth, prediction), 1 - 2 * 1.5 / (3 + 2), 1e-7);
  EXPECT_NEAR(value_of(losses::Dice({.axis = {1}}), truth, prediction), (1 - 1.0 / 2 + 1 - 2.0 / 3) / 2, 1e-7);
  EXPECT_NEAR(value_of(losses::Tversky(), truth, prediction), value_of(losses::Dice(), truth, prediction), 1e-7);
}

TEST(DiceLoss, RefusesWhatOneValueCannotHeed) {
  expect_error<ConfigError>([] { (void)losses::Dice({.axis = {2}}); }, {"Dice", "axis is (2,)", "{1, 2, ...}"});
  const Tensor y = numbers_of({2, 1}, {1, 0});
  expect_error<ConfigError>(
      [&] {
        (void)losses::Dice()(y, y, numbers_of({2}, {1, 2}));
      },
      {"'dice'", "the whole batch", "sample_weight"});
  const Sequential model{Masking({.input_shape = {4, 2}}), LSTM(1, {.return_sequences = true})};
  model.compile({.loss = "dice"});
  expect_error<ConfigError>([&] { (void)model.fit(ramp({2, 4, 2}), ramp({2, 4, 1}), {.verbose = 0}); }, {"a mask"});
}

// ---- circle ---------------------------------------------------------------------------------------------------------

TEST(CircleLoss, LeavesRowsWithoutACompanionOut) {
  const Tensor rows = numbers_of({3, 2}, {0.6, 0.8, 0.8, 0.6, -1, 0});
  const std::vector<double> each = losses::Circle({.reduction = "none"})(numbers_of({3}, {4, 4, 7}), rows).to_vector();
  EXPECT_EQ(each.at(2), 0);
  EXPECT_EQ(value_of(losses::Circle(), numbers_of({3}, {4, 4, 7}), rows), (each[0] + each[1]) / 2);
}

// ---- ctc ------------------------------------------------------------------------------------------------------------

// The probability of labels, way by way.
double read_by_all_ways(const std::vector<double>& logits, std::size_t steps, std::size_t classes,
                        const std::vector<std::size_t>& labels) {
  double probability = 0;
  std::vector<std::size_t> way(steps, 0);
  while (true) {
    double product = 1;
    std::vector<std::size_t> read;
    for (std::size_t t = 0; t < steps; ++t) {
      double sum = 0;
      for (std::size_t k = 0; k < classes; ++k) sum += std::exp(logits[t * classes + k]);
      product *= std::exp(logits[t * classes + way[t]]) / sum;
      if (way[t] != 0 && (t == 0 || way[t] != way[t - 1])) read.push_back(way[t]);
    }
    if (read == labels) probability += product;
    std::size_t digit = 0;
    while (digit < steps && ++way[digit] == classes) way[digit++] = 0;
    if (digit == steps) return probability;
  }
}

TEST(CtcLoss, CountsAllWaysToReadTheLabels) {
  const Tensor logits = ramp({1, 5, 3}, 0.37);
  for (const std::vector<std::size_t>& labels :
       std::vector<std::vector<std::size_t>>{{1, 2}, {1, 1}, {2}, {}, {1, 2, 1}, {2, 2, 2}}) {
    std::vector<double> padded(4, 0);
    for (std::size_t i = 0; i < labels.size(); ++i) padded[i] = static_cast<double>(labels[i]);
    EXPECT_NEAR(value_of(losses::CTC(), numbers_of({1, 4}, padded), logits),
                -std::log(read_by_all_ways(logits.to_vector(), 5, 3, labels)), 1e-12);
  }
}

TEST(CtcLoss, LearnsToReadSequences) {
  set_random_seed(2);
  const Sequential model{LSTM(8, {.return_sequences = true, .input_shape = {6, 2}}), Dense(3)};
  model.compile({.optimizer = Adam({.learning_rate = 0.02}), .loss = "ctc"});
  const Tensor X = ramp({4, 6, 2}, 0.1), y = numbers_of({4, 3}, {1, 2, 0, 2, 0, 0, 1, 1, 2, 2, 1, 2});
  const History history = model.fit(X, y, {.epochs = 60, .verbose = 0});
  EXPECT_LT(history["loss"].back(), 0.5 * history["loss"].front());
  expect_error<ShapeError>(
      [&] {
        (void)model.fit(X, numbers_of({4, 1}, {1, 2, 3, 1}), {.verbose = 0});
      },
      {"label 3 in sample 2", "classes 0 to 2"});
  expect_error<ShapeError>(
      [&] {
        (void)model.fit(X, numbers_of({4, 2}, {1, 2, 0, 1, 1, 1, 1, 1}), {.verbose = 0});
      },
      {"label 0 in sample 1", "blank", "at the end"});
  expect_error<ShapeError>(
      [&] {
        (void)model.fit(X, numbers_of({4, 2, 1}, std::vector<double>(8, 1)), {.verbose = 0});
      },
      {"a sequence of class numbers"});
  expect_error<ShapeError>(
      [&] {
        (void)model.fit(X, y, {.verbose = 0, .sample_weight = Tensor({4, 6}, DType::float32)});
      },
      {"one value of a sample", "sample_weight"});
}

// ---- a class that does not count ------------------------------------------------------------------------------------

TEST(IgnoredClass, CountsAsRowsThatAreMasked) {
  const Tensor logits = ramp({2, 3, 4}, 0.2), with_holes = numbers_of({2, 3}, {-1, 2, 0, 3, -1, 1}),
               filled = numbers_of({2, 3}, {0, 2, 0, 3, 0, 1});
  const std::optional<Tensor> counts = numbers_of({2, 3}, {0, 1, 1, 1, 0, 1});
  const losses::SparseCategoricalCrossentropy ignoring({.from_logits = true, .ignore_class = -1});
  const losses::SparseCategoricalCrossentropy weighted({.from_logits = true, .reduction = "mean_with_sample_weight"});
  EXPECT_EQ(value_of(ignoring, with_holes, logits), value_of(weighted, filled, logits, counts));
  expect_derivatives(ignoring, with_holes, logits);
}

TEST(IgnoredClass, TrainsWithLabelsThatAreNoClass) {
  set_random_seed(1);
  const Sequential model{LSTM(4, {.return_sequences = true, .input_shape = {3, 2}}),
                         Dense(3, {.activation = "softmax"})};
  model.compile({.loss = losses::SparseCategoricalCrossentropy({.ignore_class = 255}), .metrics = {"accuracy"}});
  const Tensor y = numbers_of({2, 3}, {255, 1, 2, 0, 255, 255});
  EXPECT_TRUE(std::isfinite(model.fit(ramp({2, 3, 2}), y, {.epochs = 3, .verbose = 0})["loss"].back()));
  expect_error<ShapeError>(
      [&] {
        (void)model.fit(ramp({2, 3, 2}), numbers_of({2, 3}, {254, 1, 2, 0, 1, 1}), {.verbose = 0});
      },
      {"label 254"});
}

// ---- calls ----------------------------------------------------------------------------------------------------------

TEST(LossCall, ReducesAsItsReductionSays) {
  const Tensor truth = numbers_of({2, 2}, {0, 0, 0, 0}), prediction = numbers_of({2, 2}, {1, 3, 2, 4});
  const std::optional<Tensor> weights = numbers_of({2}, {1, 3});
  const auto call = [&](const char* reduction, const std::optional<Tensor>& w) {
    return losses::MeanSquaredError({.reduction = reduction})(truth, prediction, w);
  };
  EXPECT_EQ(call("sum_over_batch_size", {}).to_vector(), (std::vector<double>{7.5}));
  EXPECT_EQ(call("sum_over_batch_size", weights).to_vector(), (std::vector<double>{17.5}));
  EXPECT_EQ(call("sum", weights).to_vector(), (std::vector<double>{35}));
  EXPECT_EQ(call("mean_with_sample_weight", weights).to_vector(), (std::vector<double>{8.75}));
  EXPECT_EQ(call("none", weights).to_vector(), (std::vector<double>{5, 30}));
  EXPECT_EQ(call("sum", numbers_of({}, {2})).to_vector(), (std::vector<double>{30}));
  EXPECT_EQ(call("none", {}).shape(), Shape{2});
  EXPECT_EQ(call("none", {}).dtype(), DType::float64);
}

TEST(LossCall, TakesOneNumberASample) {
  EXPECT_EQ(value_of(Loss("mae"), numbers_of({3}, {1, 2, 3}), numbers_of({3}, {1, 3, 5})), 1);
  EXPECT_EQ(value_of(Loss("mae"), numbers_of({3, 1}, {1, 2, 3}), numbers_of({3}, {1, 3, 5})), 1);
}

TEST(LossCall, NamesWhatDoesNotFit) {
  const Loss mse("mse");
  const Tensor two = numbers_of({2, 1}, {1, 2});
  expect_error<ShapeError>(
      [&] {
        (void)mse(numbers_of({3, 1}, {1, 2, 3}), two);
      },
      {"as many labels", "(3, 1)", "(2, 1)"});
  expect_error<ShapeError>(
      [&] {
        (void)mse(numbers_of({2, 3}, std::vector<double>(6, 0)), two);
      },
      {"loss 'mean_squared"});
  expect_error<ShapeError>([&] { (void)mse(two, two, numbers_of({3}, {1, 2, 3})); }, {"sample_weight has shape (3,)"});
  expect_error<ConfigError>([] { (void)losses::Huber({.reduction = "average"}); }, {"'none'", "\"average\""});
}

TEST(Compile, RefusesALossThatIsNoNumber) {
  const Sequential model{Dense(1, {.input_shape = {1}})};
  expect_error<ConfigError>([&] { model.compile({.loss = losses::Poisson({.reduction = "none"})}); },
                            {"'poisson'", "'none'", "one number"});
}

}  // namespace
}  // namespace rondo
