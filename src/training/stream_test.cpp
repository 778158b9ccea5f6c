// A stream gives, step by step, what predict gives for the sequence so far.
#include <gtest/gtest.h>
#include <thread>

#include <rondo/compute.hpp>
#include <rondo/error.hpp>
#include <rondo/layers.hpp>
#include <rondo/model.hpp>
#include <rondo/random.hpp>

namespace rondo {
namespace {

constexpr Index kSteps = 9;

Sequential stacked(Index units, DType dtype) {
  set_random_seed(3);
  Sequential model;
  model.add(LSTM(units, {.return_sequences = true, .dtype = dtype, .input_shape = {kSteps, 3}}));
  model.add(LSTM(5, {.dtype = dtype}));
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

template <class T>
void expect_stream_equals_predictions(Index units) {
  const std::string best = simd_target();
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    const Sequential model = stacked(units, dtype_of<T>);
    Stream stream = model.stream();
    const Tensor x = sequence(dtype_of<T>);
    EXPECT_EQ(stream_over<T>(stream, x), predictions_so_far<T>(model, x)) << target << ", " << units << " units";
  }
  set_simd_target(best);
}

TEST(Stream, GivesTheBitsOfTheSequenceSoFarOnEveryTarget) {
  for (const Index units : {1, 4, 8, 17, 64}) {
    expect_stream_equals_predictions<float>(units);
    expect_stream_equals_predictions<double>(units);
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

TEST(Stream, RefusesWhatCannotBeStreamed) {
  Sequential backwards;
  backwards.add(LSTM(2, {.go_backwards = true, .input_shape = {4, 1}}));
  EXPECT_THROW((void)backwards.stream(), ConfigError);
  const Sequential unbuilt{LSTM(2)};
  EXPECT_THROW((void)unbuilt.stream(), StateError);
  Stream stream = stacked(4, DType::float32).stream();
  EXPECT_THROW(stream.set_state({Tensor::zeros({4})}), ShapeError);
}

TEST(StreamDeathTest, EndsWithAMessageForWrongSizes) {
  Stream stream = stacked(4, DType::float32).stream();
  std::vector<float> x(2), y(2);
  EXPECT_DEATH(stream.step(x, y), "takes 3 numbers and gives 2");
}

}  // namespace
}  // namespace rondo
