// A stream gives, step by step, what predict gives for the sequence so far.
#include <algorithm>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <thread>

#include <rondo/compute.hpp>
#include <rondo/error.hpp>
#include <rondo/layers.hpp>
#include <rondo/model.hpp>
#include <rondo/random.hpp>

#include "support/expect_error.hpp"

namespace rondo {
namespace {

constexpr Index kSteps = 9;

Sequential stacked(Index units, DType dtype) {
  set_random_seed(3);
  Sequential model;
  model.add(LSTM(units, {.return_sequences = true, .dtype = dtype, .input_shape = {kSteps, 3}}));
  model.add(LSTM(5, {.dtype = dtype, .name = "second"}));
  model.add(Dense(2, {.activation = "tanh", .dtype = dtype, .name = "head"}));
  return model;
}

Tensor sequence(DType dtype) {
  const RandomStream random(5, Purpose::user);
  Tensor x = Tensor::zeros({1, kSteps, 3}, dtype);
  for (Index t = 0; t < kSteps; ++t) {
    for (Index f = 0; f < 3; ++f) x.set({0, t, f}, random.normal(static_cast<std::uint64_t>(3 * t + f)));
  }
  return x;
}

Tensor first_steps(const Tensor& x, Index steps) {
  std::vector<double> values = x.to_vector();
  values.resize(static_cast<std::size_t>(3 * steps));
  return Tensor({1, steps, 3}, values).cast(x.dtype());
}

template <class T>
std::vector<T> stream_over(Stream& stream, const Tensor& x) {
  std::vector<T> out, y(2);
  for (Index t = 0; t < kSteps; ++t) {
    stream.step(x.data<T>().subspan(static_cast<std::size_t>(3 * t), 3), y);
    out.insert(out.end(), y.begin(), y.end());
  }
  return out;
}

template <class T>
std::vector<T> predictions_so_far(const Sequential& model, const Tensor& x) {
  std::vector<T> out;
  for (Index t = 1; t <= kSteps; ++t) {
    const Tensor y = model.predict(first_steps(x, t), {.verbose = 0});
    out.insert(out.end(), y.data<T>().begin(), y.data<T>().end());
  }
  return out;
}

// f(target) with each instruction set of this processor in turn.
template <class F>
void on_every_target(F f) {
  const std::string best = simd_target();
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    f(target);
  }
  set_simd_target(best);
}

template <class T>
void expect_stream_equals_predictions(Index units) {
  on_every_target([&](const std::string& target) {
    const Sequential model = stacked(units, dtype_of<T>);
    Stream stream = model.stream();
    const Tensor x = sequence(dtype_of<T>);
    EXPECT_EQ(stream_over<T>(stream, x), predictions_so_far<T>(model, x)) << target << ", " << units << " units";
  });
}

// One, two, three and more whole panels of every width of vectors, half ones, quarters, and both.
TEST(Stream, GivesTheBitsOfTheSequenceSoFarOnEveryTarget) {
  for (const Index units : {1, 4, 6, 8, 12, 16, 17, 26, 32, 40, 48, 64}) {
    expect_stream_equals_predictions<float>(units);
    expect_stream_equals_predictions<double>(units);
  }
}

TEST(Stream, GivesTheBitsOfOtherCellsToo) {
  for (const Index units : {3, 8, 27, 48}) {
    on_every_target([&](const std::string& target) {
      set_random_seed(3);
      const Sequential model{LSTM(units, {.activation = "softsign",
                                          .recurrent_activation = "hard_sigmoid",
                                          .use_bias = false,
                                          .return_sequences = true,
                                          .input_shape = {kSteps, 3}}),
                             LSTM(5, {.recurrent_activation = "hard_sigmoid"}), Dense(2)};
      Stream stream = model.stream();
      const Tensor x = sequence(DType::float32);
      EXPECT_EQ(stream_over<float>(stream, x), predictions_so_far<float>(model, x)) << target << ", " << units;
    });
  }
}

TEST(Stream, StartsAnewAfterReset) {
  const Sequential model = stacked(6, DType::float32);
  Stream stream = model.stream();
  const Tensor x = sequence(DType::float32);
  const auto once = stream_over<float>(stream, x);
  EXPECT_NE(stream_over<float>(stream, x), once);  // it goes on from its state
  stream.reset();
  EXPECT_EQ(stream_over<float>(stream, x), once);
}

TEST(Stream, HandsItsStateToAnotherStream) {
  const Sequential model = stacked(6, DType::float32);
  Stream one = model.stream(), other = model.stream();
  const Tensor x = sequence(DType::float32);
  (void)stream_over<float>(one, x);
  const std::vector<Tensor> state = one.state();
  ASSERT_EQ(state.size(), 4u);  // h and c of two layers
  EXPECT_EQ(state[0].shape(), Shape{6});
  EXPECT_EQ(state[3].shape(), Shape{5});
  other.set_state(state);
  EXPECT_EQ(stream_over<float>(one, x), stream_over<float>(other, x));
}

TEST(Stream, HasZeroStateBeforeTheFirstStep) {
  Stream stream = stacked(6, DType::float32).stream();
  for (const Tensor& t : stream.state()) EXPECT_TRUE(t.identical(Tensor::zeros(t.shape(), DType::float32)));
}

TEST(Stream, ConvertsNumbersOfTheOtherPrecision) {
  Stream stream = stacked(6, DType::float32).stream();
  std::vector<double> x = {0.5, -1, 0.25}, y(2);
  std::vector<float> xf = {0.5f, -1, 0.25f}, yf(2);
  stream.step(x, y);
  stream.reset();
  stream.step(xf, yf);
  EXPECT_EQ(y[0], static_cast<double>(yf[0]));
}

TEST(Stream, RunsOnManyThreadsAtOnceWithOneModel) {
  const Sequential model = stacked(16, DType::float32);
  const Tensor x = sequence(DType::float32);
  Stream alone = model.stream();
  const auto expected = stream_over<float>(alone, x);
  std::vector<std::vector<float>> got(4);
  std::vector<std::thread> threads;
  for (auto& mine : got) {
    threads.emplace_back([&] {
      Stream stream = model.stream();
      mine = stream_over<float>(stream, x);
    });
  }
  for (std::thread& t : threads) t.join();
  for (const auto& mine : got) EXPECT_EQ(mine, expected);
}

TEST(Stream, SeesWeightsThatAreSetLater) {
  const Sequential model = stacked(4, DType::float32);
  Stream stream = model.stream();
  std::vector<float> x = {1, 1, 1}, before(2), after(2);
  stream.step(x, before);
  model.set_weight("head/bias", {3.0, 3.0});
  stream.reset();
  stream.step(x, after);
  EXPECT_NE(before, after);
}

// ---- bfloat16 weights ----------------------------------------------------------------------------------------------

const StreamOptions kBfloat16{.weights = "bfloat16"};

// To the nearest with eight significant bits, by arithmetic rather than by bits. (No weight of these tests is
// denormal.)
Tensor rounded_to_bfloat16(const Tensor& t) {
  Tensor out = t;
  for (float& v : out.data<float>()) {
    int exponent = 0;
    const float fraction = std::frexp(v, &exponent);
    v = std::ldexp(std::nearbyint(std::ldexp(fraction, 8)), exponent - 8);
  }
  return out;
}

TEST(StreamOfBfloat16, ReadsWeightsRoundedToTheNearestAndNothingElse) {
  for (const Index units : {1, 6, 8, 12, 17, 26, 48, 64}) {
    on_every_target([&](const std::string& target) {
      const Sequential model = stacked(units, DType::float32);
      model.set_weight("head/kernel", Tensor(Shape{5, 2}, std::vector<float>(10, 0.123f)));
      Stream stream = model.stream(kBfloat16);
      const Tensor x = sequence(DType::float32);
      const auto streamed = stream_over<float>(stream, x);
      for (const WeightInfo& weight : model.weights()) {
        if (weight.path.find("lstm_cell") == std::string::npos || weight.path.ends_with("bias")) continue;
        model.set_weight(weight.path, rounded_to_bfloat16(model.get_weight(weight.path)));
      }
      EXPECT_EQ(streamed, predictions_so_far<float>(model, x)) << target << ", " << units << " units";
    });
  }
}

TEST(StreamOfBfloat16, ServesOtherCellsToo) {
  set_random_seed(3);
  const Sequential model{LSTM(20, {.activation = "softsign", .input_shape = {kSteps, 3}}), Dense(2)};
  Stream exact = model.stream(), rounded = model.stream(kBfloat16);
  const Tensor x = sequence(DType::float32);
  const auto expected = stream_over<float>(exact, x), got = stream_over<float>(rounded, x);
  EXPECT_NE(got, expected);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 0.01);
}

// Weights as the initializers leave them; the state after 50 steps of normal noise.
TEST(StreamOfBfloat16, StaysNearTheExactState) {
  for (const Index units : {8, 33, 128, 256}) {
    double worst = 0;
    for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
      set_random_seed(seed);
      const Sequential model{LSTM(units, {.input_shape = {50, 3}})};
      Stream exact = model.stream(), rounded = model.stream(kBfloat16);
      const RandomStream random(seed, Purpose::user);
      std::vector<float> x(3), y(static_cast<std::size_t>(units));
      for (std::uint64_t i = 0; i < 50; ++i) {
        for (std::uint64_t f = 0; f < 3; ++f) x[f] = static_cast<float>(random.normal(3 * i + f));
        exact.step(x, y);
        rounded.step(x, y);
      }
      const std::vector<Tensor> expected = exact.state(), got = rounded.state();
      for (std::size_t s = 0; s < 2; ++s) {
        for (Index u = 0; u < units; ++u) worst = std::max(worst, std::abs(got[s](u) - expected[s](u)));
      }
    }
    EXPECT_LT(worst, 2e-3) << units << " units";
    EXPECT_GT(worst, 1e-6) << units << " units";
    RecordProperty("worst_" + std::to_string(units), std::to_string(worst));
  }
}

TEST(StreamOfBfloat16, SeesWeightsThatAreSetLater) {
  const Sequential model = stacked(4, DType::float32);
  Stream stream = model.stream(kBfloat16);
  std::vector<float> x = {1, 1, 1}, before(2), after(2), fresh(2);
  stream.step(x, before);
  model.set_weight("second/lstm_cell/kernel", Tensor(Shape{4, 20}, std::vector<float>(80, 0.3f)));
  stream.reset();
  stream.step(x, after);
  model.stream(kBfloat16).step(x, fresh);
  EXPECT_NE(before, after);
  EXPECT_EQ(after, fresh);
}

TEST(StreamOfBfloat16, KeepsNotANumberAndInfinity) {
  const Sequential model{LSTM(1, {.use_bias = false, .input_shape = {1, 1}})};
  const float nan = std::bit_cast<float>(0x7FFFFFFFu);  // rounded like a number it would be -0
  model.set_weights({Tensor(Shape{1, 4}, std::vector<float>{nan, 0, 0, 0}), Tensor::zeros({1, 4})});
  std::vector<float> x = {1}, y(1);
  model.stream(kBfloat16).step(x, y);
  EXPECT_TRUE(std::isnan(y[0]));
}

TEST(StreamOfBfloat16, RefusesWhatItCannotRound) {
  const Sequential model = stacked(4, DType::float32);
  test::expect_error<ConfigError>([&] { (void)model.stream({.weights = "int8"}); }, {"'int8'", "'bfloat16'"});
  test::expect_error<ConfigError>([] { (void)stacked(4, DType::float64).stream(kBfloat16); }, {"float64", "bfloat16"});
  const Sequential dense{Dense(2, {.input_shape = {3}})};
  test::expect_error<ConfigError>([&] { (void)dense.stream(kBfloat16); }, {"bfloat16", "LSTM"});
}

TEST(Stream, TakesAllOfAStepThatHasSeveralAxes) {
  set_random_seed(4);
  const Sequential model{Dense(5, {.activation = "tanh", .input_shape = {4, 3, 2}}), Activation("softmax")};
  Stream stream = model.stream();
  EXPECT_EQ(stream.features(), 6);
  EXPECT_EQ(stream.outputs(), 15);
  Tensor x = Tensor::zeros({1, 4, 3, 2}).reshape({24});
  const RandomStream random(5, Purpose::user);
  for (Index i = 0; i < 24; ++i) x.set({i}, random.normal(static_cast<std::uint64_t>(i)));
  const Tensor expected = model.predict(x.reshape({1, 4, 3, 2}), {.verbose = 0}).reshape({4, 15});
  for (Index t = 0; t < 4; ++t) {
    std::vector<float> y(15);
    stream.step(x.data<float>().subspan(static_cast<std::size_t>(6 * t), 6), y);
    EXPECT_TRUE(Tensor(y).identical(expected.rows(t, t + 1).reshape({15}))) << "step " << t;
  }
}

// ---- misuse --------------------------------------------------------------------------------------------------------

TEST(Stream, RefusesWhatCannotBeStreamed) {
  Sequential backwards;
  backwards.add(LSTM(2, {.go_backwards = true, .input_shape = {4, 1}}));
  EXPECT_THROW((void)backwards.stream(), ConfigError);
  const Sequential unbuilt{LSTM(2)};
  EXPECT_THROW((void)unbuilt.stream(), StateError);
  Stream stream = stacked(4, DType::float32).stream();
  EXPECT_THROW(stream.set_state({Tensor::zeros({4})}), ShapeError);
}

TEST(Stream, TakesATensorOrSaysWhichShapeItNeeds) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Sequential model{LSTM(3, {.dtype = dtype, .input_shape = {4, 2}}), Dense(2, {.dtype = dtype})};
    Stream checked = model.stream(), plain = model.stream();
    for (int step = 0; step < 3; ++step) {
      const std::vector<double> x = {0.1 * step, 0.5};
      std::vector<double> expected(2);
      plain.step(std::span<const double>(x), std::span<double>(expected));
      const Tensor y = checked.step(Tensor(x));
      EXPECT_EQ(y.shape(), (Shape{2}));
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_EQ(y.to_vector(), expected);
      EXPECT_THROW((void)checked.step(Tensor{1.0, 2.0, 3.0}), ShapeError) << "and the state stays";
    }
  }
}

static_assert(noexcept(std::declval<Stream&>().step(std::span<const float>(), std::span<float>())));

TEST(StreamDeathTest, EndsWithAMessageForWrongSizes) {
  Stream stream = stacked(4, DType::float32).stream();
  std::vector<float> x(2), y(2);
  EXPECT_DEATH(stream.step(x, y), "takes 3 numbers and gives 2");
}

}  // namespace
}  // namespace rondo
