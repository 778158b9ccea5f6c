// Numbers that are not finite, and the largest and smallest that are: what docs/not-finite.md promises of them.
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <limits>

#include <rondo/rondo.hpp>

#include "engine/thread_pool.hpp"
#include "support/expect_error.hpp"
#include "support/nan.hpp"

namespace rondo {
namespace {

using test::expect_error;

using test::kNaN;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double largest(DType dtype) {
  return dtype == DType::float32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
}
double denormal(DType dtype) {
  return dtype == DType::float32 ? std::numeric_limits<float>::denorm_min() : std::numeric_limits<double>::denorm_min();
}

constexpr std::array kDTypes = {DType::float32, DType::float64};

// Numbers of both signs, none of them large.
Tensor numbers(const Shape& shape, std::uint64_t seed = 1) {
  const RandomStream random(seed, Purpose::user);
  Tensor t = Tensor::zeros(shape, DType::float64);
  std::uint64_t i = 0;
  for (double& v : t.data<double>()) v = random.normal(i++);
  return t;
}

bool identical(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!a[i].identical(b[i])) return false;
  }
  return true;
}

bool finite(const std::vector<Tensor>& tensors) {
  for (const Tensor& t : tensors) {
    for (const double v : t.to_vector()) {
      if (!std::isfinite(v)) return false;
    }
  }
  return true;
}

// The same text for the same bits, but for the sign and the payload of NaN.
std::string bits(const Tensor& t) {
  std::string text;
  for (const double v : t.to_vector()) {
    char number[32];
    std::snprintf(number, sizeof number, "%a ", std::isnan(v) ? kNaN : v);
    text += number;
  }
  return text;
}

// Runs on every instruction set that there is here.
class OnEveryTarget : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    before_ = simd_target();
    set_simd_target(GetParam());
    set_random_seed(1);
  }
  void TearDown() override { set_simd_target(before_); }

 private:
  std::string before_;
};

const auto kTargetName = [](const auto& chosen) { return chosen.param; };

// ---- data -----------------------------------------------------------------------------------------------------------

Sequential sequence_model(DType dtype = DType::float32) {
  Sequential model{LSTM(5, {.dtype = dtype, .input_shape = {3, 2}}), Dense(2, {.dtype = dtype})};
  model.compile({.optimizer = "adam", .loss = "mse"});
  return model;
}

class NotFiniteData : public OnEveryTarget {};

TEST_P(NotFiniteData, EndFitBeforeTheirBatchWithTheirPlace) {
  for (const DType dtype : kDTypes) {
    for (const double value : {kNaN, kInfinity, -kInfinity}) {
      const Sequential model = sequence_model(dtype), until_then = sequence_model(dtype);
      until_then.set_weights(model.get_weights());
      Tensor X = numbers({9, 3, 2}), y = numbers({9, 2});
      X.set({7, 2, 1}, value);
      const std::string name = std::isnan(value) ? "NaN" : value > 0 ? "inf" : "-inf";
      const FitOptions options{.batch_size = 4, .epochs = 5, .verbose = 0, .shuffle = false};
      expect_error<NumericError>([&] { model.fit(X, y, options); },
                                 {"X is " + name, "sample 7, time step 2, feature 1", "epoch 1 of 5", "batch 2 of 3",
                                  "the weights are those before that batch", "drop or fill"});
      until_then.fit(X.rows(0, 4), y.rows(0, 4), {.verbose = 0});
      EXPECT_TRUE(identical(model.get_weights(), until_then.get_weights()));

      Tensor labels = y;
      labels.set({8, 1}, value);
      expect_error<NumericError>(
          [&] {
            model.fit(numbers({9, 3, 2}), labels, options);
          },
          {"y is " + name, "sample 8, output 1", "epoch 1 of 5", "batch 3 of 3"});
    }
  }
}

TEST_P(NotFiniteData, AreThoseTooLargeForTheModelsPrecisionToo) {
  for (const double value : {1e300, -1e39}) {
    Tensor X = numbers({3, 3, 2}), y = numbers({3, 2});
    X.set({2, 0, 1}, value);
    expect_error<NumericError>(
        [&] { sequence_model().fit(X, y, {.verbose = 0}); },
        {value > 0 ? "X is 1e+300" : "X is -1e+39", "sample 2, time step 0, feature 1", "beyond float32", "float64"});
    EXPECT_NO_THROW(sequence_model(DType::float64).predict(X, {.verbose = 0}));
  }
}

TEST_P(NotFiniteData, AreFoundWhereverTheyStand) {
  // Every place of samples and labels, as shuffled batches meet them; rows of one number and of many, compact or
  // padded.
  for (const Shape& sample : {Shape{3, 2}, Shape{4, 1}, Shape{1}, Shape{19}}) {
    const Index features = sample.elements();
    const Shape shape = sample.prepend(7);
    for (Index at = 0; at < 7 * features; ++at) {
      Sequential model = sample.rank() == 2 ? Sequential{LSTM(2, {.input_shape = sample}), Dense(1)}
                                            : Sequential{Dense(1, {.input_shape = sample})};
      model.compile({.optimizer = "sgd", .loss = "mae"});
      Tensor X = numbers(shape);
      X.data<double>()[static_cast<std::size_t>(at)] = kInfinity;
      expect_error<NumericError>(
          [&] {
            model.fit(X, numbers({7, 1}), {.batch_size = 3, .verbose = 0});
          },
          {"X is inf in sample " + std::to_string(at / features)});
      EXPECT_TRUE(finite(model.get_weights()));
    }
  }
}

TEST_P(NotFiniteData, ThatACallbackWritesAreNoticedInTheNextBatch) {
  Tensor X = numbers({6, 3, 2});
  const auto spoils =
      std::make_shared<LambdaCallback>(LambdaCallback::Functions{.on_train_batch_end = [&](Index batch, Logs&) {
        if (batch == 0) X.set({5, 0, 0}, kNaN);
      }});
  expect_error<NumericError>(
      [&] {
        sequence_model().fit(X, numbers({6, 2}),
                             {.batch_size = 2, .verbose = 0, .callbacks = {spoils}, .shuffle = false});
      },
      {"X is NaN", "sample 5", "batch 3 of 3"});
}

TEST_P(NotFiniteData, LargestAndDenormalNumbersAreData) {
  for (const DType dtype : kDTypes) {
    for (const double value : {largest(dtype), -largest(dtype), denormal(dtype), -denormal(dtype)}) {
      // Zero weights make zeros of them, and labels of zero no gradient.
      const Sequential model{Dense(1, {.kernel_initializer = "zeros", .dtype = dtype, .input_shape = {1}})};
      model.compile({.optimizer = "adam", .loss = "mse"});
      EXPECT_EQ(model.fit(Tensor{{value}}, Tensor{{0.0}}, {.verbose = 0})["loss"][0], 0);
      EXPECT_TRUE(finite(model.get_weights()));
    }
  }
}

TEST_P(NotFiniteData, ForValidationGiveALossThatIsNotANumberAndTrainingGoesOn) {
  const Sequential model = sequence_model(), undisturbed = sequence_model();
  undisturbed.set_weights(model.get_weights());
  Tensor bad = numbers({2, 3, 2});
  bad.set({1, 1, 1}, kNaN);
  const Tensor X = numbers({4, 3, 2}), y = numbers({4, 2}), bad_y = numbers({2, 2});
  const History history = model.fit(X, y, {.epochs = 3, .verbose = 0, .validation_data = {{bad, bad_y}}});
  EXPECT_TRUE(std::isnan(history["val_loss"][2]));
  EXPECT_EQ(history["loss"], undisturbed.fit(X, y, {.epochs = 3, .verbose = 0})["loss"]);
  EXPECT_TRUE(identical(model.get_weights(), undisturbed.get_weights()));
  EXPECT_TRUE(std::isnan(model.evaluate(bad, bad_y, {.verbose = 0}).loss()));
}

INSTANTIATE_TEST_SUITE_P(Targets, NotFiniteData, testing::ValuesIn(simd_targets()), kTargetName);

// ---- predictions ----------------------------------------------------------------------------------------------------

class NotFinitePredictions : public OnEveryTarget {};

TEST_P(NotFinitePredictions, NaNReachesTheOutputOfItsSampleAndNoOther) {
  for (const DType dtype : kDTypes) {
    for (const char* activation :
         {"linear",    "relu", "relu6",       "leaky_relu", "elu",         "selu",        "softplus",
          "softsign",  "silu", "gelu",        "tanh",       "sigmoid",     "exponential", "hard_sigmoid",
          "hard_tanh", "mish", "log_sigmoid", "softmax",    "log_softmax", "sparsemax"}) {
      const Sequential model{LSTM(7, {.return_sequences = true, .dtype = dtype, .input_shape = {4, 3}}),
                             Dense(5, {.activation = activation, .dtype = dtype})};
      const Tensor clean = numbers({6, 4, 3});
      Tensor X = clean;
      X.set({3, 2, 1}, kNaN);
      const Tensor expected = model.predict(clean, {.verbose = 0}), y = model.predict(X, {.verbose = 0});
      for (Index b = 0; b < 6; ++b) {
        for (Index t = 0; t < 4; ++t) {
          for (Index f = 0; f < 5; ++f) {
            const bool behind = b == 3 && t >= 2;
            EXPECT_TRUE(behind ? std::isnan(y(b, t, f)) : y(b, t, f) == expected(b, t, f))
                << activation << ", " << to_string(dtype) << ": " << b << ' ' << t << ' ' << f << " is " << y(b, t, f);
          }
        }
      }
    }
  }
}

TEST_P(NotFinitePredictions, AnInfiniteInputSaturatesTheGates) {
  // i = f = o = sigmoid(+-inf), the candidate tanh(+-inf): h = 1 tanh(1 * 1 + 1 * 0), or 0.
  for (const DType dtype : kDTypes) {
    const Sequential model{LSTM(1, {.kernel_initializer = "ones", .dtype = dtype, .input_shape = {1, 1}})};
    const Tensor y = model.predict(Tensor{{{kInfinity}}, {{-kInfinity}}}, {.verbose = 0});
    EXPECT_NEAR(y(0, 0), std::tanh(1.0), 1e-6);
    EXPECT_EQ(y(1, 0), 0);
    // Infinity times a weight of zero is no number, as IEEE 754 has it.
    const Sequential zeros{Dense(1, {.kernel_initializer = "zeros", .dtype = dtype, .input_shape = {1}})};
    EXPECT_TRUE(std::isnan(zeros.predict(Tensor{{kInfinity}}, {.verbose = 0})(0, 0)));
  }
}

TEST_P(NotFinitePredictions, NaNInAWeightReachesEveryOutputThatItsProductsReach) {
  for (const DType dtype : kDTypes) {
    const Sequential model = sequence_model(dtype);
    std::vector<Tensor> weights = model.get_weights();
    weights[3].set({2, 1}, kNaN);  // Dense's kernel, to its second output
    model.set_weights(weights);
    const Tensor y = model.predict(numbers({4, 3, 2}), {.verbose = 0});
    for (Index b = 0; b < 4; ++b) {
      EXPECT_TRUE(std::isfinite(y(b, 0)));
      EXPECT_TRUE(std::isnan(y(b, 1)));
    }
  }
}

TEST_P(NotFinitePredictions, AStreamsStateIsWhatWasSet) {
  const Sequential model{LSTM(2, {.input_shape = {1, 1}})};
  const std::vector<float> x{0.5F};
  std::vector<float> y(2);
  Stream stream = model.stream();
  stream.set_state({Tensor{0.0, 0.0}, Tensor{kNaN, 0.0}});
  stream.step(x, y);
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_TRUE(std::isfinite(y[1])) << "h of the other unit meets the NaN a step later";
  stream.step(x, y);
  EXPECT_TRUE(std::isnan(y[1]));
  stream.reset();
  stream.step(x, y);
  EXPECT_TRUE(std::isfinite(y[0]));
  stream.set_state({Tensor{0.0, 0.0}, Tensor{kInfinity, -kInfinity}});
  stream.step(x, y);
  EXPECT_TRUE(y[0] > 0 && y[0] <= 1 && y[1] < 0 && y[1] >= -1) << "tanh of an infinite cell state is +-1";
}

INSTANTIATE_TEST_SUITE_P(Targets, NotFinitePredictions, testing::ValuesIn(simd_targets()), kTargetName);

// ---- losses and metrics ---------------------------------------------------------------------------------------------

// Loss and metrics of predictions as they stand.
Evaluation compare(const Tensor& predictions, const Tensor& y, const Loss& loss, DType dtype,
                   const std::vector<Metric>& metrics = {}) {
  const Sequential model{Activation("linear", {.dtype = dtype, .input_shape = predictions.shape().from(1)})};
  model.compile({.loss = loss, .metrics = metrics});
  return model.evaluate(predictions, y, {.verbose = 0});
}

class NotFiniteLosses : public OnEveryTarget {};

// What a loss makes of a prediction.
struct Case {
  const char* name;
  Loss loss;
  double y;
  std::function<double(DType)> prediction;
  std::function<double(DType)> expected;
};

auto always(double value) {
  return [value](DType) { return value; };
}
auto minus(double (*f)(DType)) {
  return [f](DType dtype) { return -f(dtype); };
}

TEST_P(NotFiniteLosses, OfSingleNumbersAreAsTheirFormulasSay) {
  const Loss mse("mse"), mae("mae"), bce("bce"), logits = losses::BinaryCrossentropy({.from_logits = true});
  // -log of the smallest number that a clipped probability leaves: 1e-7, in float32 what 1 - 1e-7 is short of 1.
  const auto clipped = [](DType dtype) { return -std::log(dtype == DType::float32 ? 0x1p-23 : 1e-7); };
  const auto low = always(-std::log(1e-7)), none = always(0), nan = always(kNaN), inf = always(kInfinity);
  const std::vector<Case> cases = {
      {"mse of NaN", mse, 0, nan, nan},
      {"mse of inf", mse, 0, inf, inf},
      {"mse of -inf", mse, 0, always(-kInfinity), inf},
      {"mse of the largest", mse, 0, largest, inf},
      {"mse of minus the largest", mse, 0, minus(largest), inf},
      {"mse of a denormal", mse, 0, denormal, none},
      {"mae of NaN", mae, 0, nan, nan},
      {"mae of inf", mae, 0, inf, inf},
      {"mae of -inf", mae, 0, always(-kInfinity), inf},
      {"mae of the largest", mae, 0, largest, largest},
      {"mae of minus the largest", mae, 0, minus(largest), largest},
      {"mae of a denormal", mae, 0, denormal, denormal},
      {"bce of NaN", bce, 0, nan, nan},
      {"bce of inf for 0", bce, 0, inf, clipped},
      {"bce of -inf for 1", bce, 1, always(-kInfinity), low},
      {"bce of the largest for 0", bce, 0, largest, clipped},
      {"bce of minus the largest for 1", bce, 1, minus(largest), low},
      {"bce of 1 for 0", bce, 0, always(1), clipped},
      {"bce of 0 for 1", bce, 1, none, low},
      {"bce of a denormal for 1", bce, 1, denormal, low},
      {"logits of NaN", logits, 0, nan, nan},
      {"logits of inf for 0", logits, 0, inf, nan},
      {"logits of -inf for 0", logits, 0, always(-kInfinity), nan},
      {"logits of inf for 1", logits, 1, inf, nan},
      {"logits of -inf for 1", logits, 1, always(-kInfinity), inf},
      {"logits of the largest for 0", logits, 0, largest, largest},
      {"logits of the largest for 1", logits, 1, largest, none},
      {"logits of minus the largest for 0", logits, 0, minus(largest), none},
      {"logits of minus the largest for 1", logits, 1, minus(largest), largest},
      {"logits of a denormal", logits, 0, denormal, always(std::log(2.0))},
  };
  for (const Case& c : cases) {
    for (const DType dtype : kDTypes) {
      const double got = compare(Tensor{{c.prediction(dtype)}}, Tensor{{c.y}}, c.loss, dtype).loss();
      const double expected = c.expected(dtype);
      const auto where = std::string(c.name) + ", " + std::string(to_string(dtype));
      if (std::isfinite(expected)) {
        EXPECT_NEAR(got, expected, 1e-5 * std::abs(expected)) << where;
      } else {
        EXPECT_TRUE(std::isnan(expected) ? std::isnan(got) : got == expected) << where << ": " << got;
      }
    }
  }
}

TEST_P(NotFiniteLosses, OverClassesAreAsTheirFormulasSay) {
  using losses::CategoricalCrossentropy, losses::SparseCategoricalCrossentropy;
  for (const DType dtype : kDTypes) {
    // A row whose `at`-th number of three is v; the label is class 0.
    const auto loss = [&](bool from_logits, bool sparse, Index at, double v) {
      Tensor p{{0.5, 0.25, 0.25}};
      p.set({0, at}, v);
      if (sparse) return compare(p, Tensor{{0.0}}, SparseCategoricalCrossentropy({from_logits}), dtype).loss();
      return compare(p, Tensor{{1.0, 0.0, 0.0}}, CategoricalCrossentropy({.from_logits = from_logits}), dtype).loss();
    };
    const double most = largest(dtype);
    for (const bool sparse : {false, true}) {
      for (const Index at : {0, 2}) {
        for (const bool logits : {false, true}) {
          EXPECT_TRUE(std::isnan(loss(logits, sparse, at, kNaN)));
          EXPECT_TRUE(std::isnan(loss(logits, sparse, at, kInfinity))) << "inf / inf, or inf - inf";
        }
        EXPECT_TRUE(std::isnan(loss(false, sparse, at, -kInfinity)));
        EXPECT_TRUE(std::isfinite(loss(false, sparse, at, denormal(dtype))));
        EXPECT_TRUE(std::isfinite(loss(true, sparse, at, denormal(dtype))));
      }
      EXPECT_NEAR(loss(false, sparse, 0, most), 0, 2e-7) << "the only probability";
      EXPECT_NEAR(loss(false, sparse, 2, most), -std::log(1e-7), 1e-4) << "clipped";
      EXPECT_EQ(loss(true, sparse, 0, most), 0);
      EXPECT_EQ(loss(true, sparse, 2, most), most);
      EXPECT_EQ(loss(true, sparse, 0, -most), most);
      EXPECT_EQ(loss(true, sparse, 0, -kInfinity), kInfinity) << "the true class is impossible";
      EXPECT_TRUE(std::isfinite(loss(true, sparse, 2, -kInfinity))) << "a class that is ruled out";
    }
    const Tensor zeros{{0.0, 0.0, 0.0}}, none{{-kInfinity, -kInfinity, -kInfinity}}, y{{1.0, 0.0, 0.0}};
    EXPECT_TRUE(std::isnan(compare(zeros, y, CategoricalCrossentropy(), dtype).loss())) << "0 / 0";
    EXPECT_TRUE(std::isnan(compare(none, y, CategoricalCrossentropy({.from_logits = true}), dtype).loss()));
  }
}

TEST_P(NotFiniteLosses, SoftmaxOfLargeNumbersIsFiniteAndOfInfiniteOnesIsNot) {
  for (const DType dtype : kDTypes) {
    const Sequential model{Activation("softmax", {.dtype = dtype, .input_shape = {2}})};
    const double most = largest(dtype);
    const Tensor y = model.predict(
        Tensor{{most, 0.0}, {-most, most}, {most, most}, {-kInfinity, 0.0}, {kInfinity, 0.0}, {-kInfinity, -kInfinity}},
        {.verbose = 0});
    EXPECT_EQ(bits(y.rows(0, 4)), bits(Tensor{{1.0, 0.0}, {0.0, 1.0}, {0.5, 0.5}, {0.0, 1.0}}));
    EXPECT_TRUE(std::isnan(y(4, 0)) && std::isnan(y(5, 0)) && std::isnan(y(5, 1)));
  }
}

TEST_P(NotFiniteLosses, MetricsOfThemFollow) {
  const std::vector<Metric> all = {"mse", "mae", "rmse", "binary_accuracy"};
  for (const DType dtype : kDTypes) {
    const Evaluation nan = compare(Tensor{{kNaN}, {0.0}}, Tensor{{0.0}, {0.0}}, "mse", dtype, all);
    for (const char* name : {"mse", "mae", "rmse"}) EXPECT_TRUE(std::isnan(nan[name])) << name;
    EXPECT_EQ(nan["binary_accuracy"], 1) << "NaN does not exceed the threshold, as in Keras";
    const Evaluation inf = compare(Tensor{{-kInfinity}, {kInfinity}}, Tensor{{0.0}, {1.0}}, "mse", dtype, all);
    for (const char* name : {"mse", "mae", "rmse"}) EXPECT_EQ(inf[name], kInfinity) << name;
    EXPECT_EQ(inf["binary_accuracy"], 1);
    const Evaluation large = compare(Tensor{{largest(dtype)}}, Tensor{{0.0}}, "mae", dtype, {"mae", "mse", "rmse"});
    EXPECT_EQ(large["mae"], largest(dtype));
    EXPECT_EQ(large["rmse"], kInfinity) << "its square is";
  }
}

TEST_P(NotFiniteLosses, ForTheLargestOfARowNaNCountsAsLargestAsInNumPy) {
  const Tensor p{{0.5, kNaN, 0.7}, {kNaN, kNaN, 9.0}, {0.1, 0.2, kNaN}, {-kInfinity, -kInfinity, -kInfinity}};
  for (const DType dtype : kDTypes) {
    const Evaluation sparse =
        compare(p, Tensor{{1.0}, {0.0}, {2.0}, {0.0}}, "sparse_categorical_crossentropy", dtype, {"accuracy"});
    EXPECT_EQ(sparse["accuracy"], 1);
    const Tensor y{{0.0, 1.0, 0.0}, {1.0, 0.0, 0.0}, {0.0, 0.0, 1.0}, {1.0, 0.0, 0.0}};
    EXPECT_EQ(compare(p, y, "categorical_crossentropy", dtype, {"accuracy"})["accuracy"], 1);
  }
}

TEST_P(NotFiniteLosses, AClassNumberThatIsNoneHitsNothing) {
  // A loss that takes any labels beside a metric of class numbers.
  for (const DType dtype : kDTypes) {
    for (const double label : {kNaN, kInfinity, -kInfinity, 1e30, -1.0, 0.5}) {
      const Evaluation e = compare(Tensor{{0.3}}, Tensor{{label}}, "mse", dtype, {"sparse_categorical_accuracy"});
      EXPECT_EQ(e["sparse_categorical_accuracy"], 0) << label;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, NotFiniteLosses, testing::ValuesIn(simd_targets()), kTargetName);

// ---- steps that would end in numbers that are not finite
// -------------------------------------------------------------

// y = w x + b from w = weight, b = 0.
Sequential line(const Optimizer& optimizer, const Loss& loss, DType dtype = DType::float32, double weight = 0) {
  Sequential model{Dense(1, {.dtype = dtype, .name = "dense", .input_shape = {1}})};
  model.compile({.optimizer = optimizer, .loss = loss});
  model.set_weights({Tensor{{weight}}, Tensor{0.0}});
  return model;
}

std::vector<Optimizer> optimizers() {
  return {SGD(),
          SGD({.momentum = 0.9}),
          SGD({.momentum = 1, .nesterov = true}),
          RMSprop(),
          RMSprop({.momentum = 0.9}),
          RMSprop({.centered = true}),
          RMSprop({.momentum = 1, .epsilon = 0, .centered = true}),
          Adam(),
          Adam({.epsilon = 0}),
          Adam({.amsgrad = true})};
}

// Data that end a step of `line` in a number that is not finite, though each of them is finite.
struct Spoiler {
  const char* name;
  std::vector<std::string> message;  // parts of it
  Tensor X, y;
};

std::vector<Spoiler> spoilers(DType dtype) {
  const bool narrow = dtype == DType::float32;
  const double square = narrow ? 1e15 : 1e150, factor = narrow ? 1e25 : 1e160;
  return {
      {"an infinite loss", {"the loss became inf"}, {{1.0}}, {{narrow ? 1e20 : 1e160}}},
      {"an infinite gradient",
       {"the gradient of '", "dense/kernel' became -inf", "while the loss is", "scale the data"},
       {{factor}},
       {{square}}},
  };
}

class NotFiniteSteps : public testing::TestWithParam<std::tuple<std::string, Index>> {
 protected:
  void SetUp() override {
    before_ = {simd_target(), num_threads()};
    set_simd_target(std::get<0>(GetParam()));
    set_num_threads(std::get<1>(GetParam()));
    engine::set_thread_threshold(0);
    set_random_seed(1);
  }
  void TearDown() override {
    set_simd_target(before_.first);
    set_num_threads(before_.second);
    engine::set_thread_threshold(4e6);
  }

 private:
  std::pair<std::string, Index> before_;
};

const Tensor kGoodX = {{1.0}, {0.5}, {-1.0}}, kGoodY = {{2.0}, {1.5}, {-0.5}};

// A model and one just like it, but for the steps that the test lets the first fail.
struct Twins {
  Sequential model, twin;
  explicit Twins(const std::function<Sequential()>& make) : model(make()), twin(make()) {}
  void fit_good(Index epochs) {
    for (const Sequential& m : {model, twin}) m.fit(kGoodX, kGoodY, {.epochs = epochs, .verbose = 0});
  }
  // Also in what the optimizer remembers, which shows in the steps to come.
  void expect_same(const std::string& where) {
    EXPECT_TRUE(identical(model.get_weights(), twin.get_weights())) << where;
    fit_good(3);
    EXPECT_TRUE(identical(model.get_weights(), twin.get_weights())) << where << ", afterwards";
    EXPECT_TRUE(finite(model.get_weights())) << where;
  }
};

TEST_P(NotFiniteSteps, AreNotTakenAndLeaveNoTrace) {
  for (const DType dtype : kDTypes) {
    for (const Optimizer& optimizer : optimizers()) {
      for (const Spoiler& spoiler : spoilers(dtype)) {
        Twins twins([&] { return line(optimizer, "mse", dtype); });
        const std::string where =
            std::string(spoiler.name) + ", " + optimizer.class_name() + ", " + std::string(to_string(dtype));
        for (const Index epochs : {0, 3}) {
          twins.fit_good(epochs);
          // From the weights of 0, where the loss is known.
          std::vector<std::string> parts = epochs == 0 ? spoiler.message : std::vector<std::string>{};
          parts.insert(parts.end(), {"epoch 1 of 2", "batch 1 of 1", "the weights are those before that batch"});
          expect_error<NumericError>([&] { twins.model.fit(spoiler.X, spoiler.y, {.epochs = 2, .verbose = 0}); },
                                     parts);
          twins.expect_same(where);
        }
      }
    }
  }
}

TEST_P(NotFiniteSteps, IncludeUpdatesThatOverflow) {
  for (const DType dtype : kDTypes) {
    // The gradient is -2 size: its square overflows, where an optimizer takes it.
    const double size = dtype == DType::float32 ? 1e25 : 1e200;
    for (const Optimizer& optimizer : optimizers()) {
      if (optimizer.class_name() == "SGD") continue;
      Twins twins([&] { return line(optimizer, "mae", dtype); });
      twins.fit_good(2);
      expect_error<NumericError>(
          [&] { twins.model.fit(Tensor{{size}}, Tensor{{1.0}}, {.verbose = 0}); },
          {optimizer.class_name() == "Adam" ? "what Adam remembers of" : "dense/kernel' would become", "epoch 1 of 1"});
      twins.expect_same(optimizer.class_name());
    }
    for (const Optimizer& optimizer : optimizers()) {
      Twins twins([&] { return line(optimizer, "mae", dtype); });
      twins.fit_good(2);
      const double rate = twins.model.learning_rate();
      twins.model.set_learning_rate(dtype == DType::float32 ? 3e38 : 1.7e308);
      expect_error<NumericError>([&] { twins.model.fit(Tensor{{1e15}}, Tensor{{1.0}}, {.epochs = 40, .verbose = 0}); },
                                 {"would become", "dense/", "learning rate", "of 40"});
      EXPECT_TRUE(finite(twins.model.get_weights())) << optimizer.class_name();
      twins.model.set_learning_rate(rate);
    }
  }
}

TEST_P(NotFiniteSteps, OfALargeModelAreSeenWhicheverThreadMeetsThem) {
  // One gradient of many overflows: that of the unit whose input is large.
  for (const Index at : {0, 17, 63}) {
    Sequential model{Dense(40, {.kernel_initializer = "zeros", .name = "first", .input_shape = {64}}),
                     Dense(3, {.kernel_initializer = Constant(100)})};
    model.compile({.optimizer = "adam", .loss = "mae"});
    const std::vector<Tensor> before = model.get_weights();
    Tensor X = Tensor::zeros({8, 64}), y = Tensor::zeros({8, 3});
    X.set({3, at}, 3e38);
    y.set({3, 0}, 1);
    expect_error<NumericError>([&] { model.fit(X, y, {.verbose = 0}); },
                               {"the gradient of '", "first/kernel' became -inf"});
    EXPECT_TRUE(identical(model.get_weights(), before)) << at;
  }
}

TEST_P(NotFiniteSteps, WithAGradientThatIsNoNumberAreNotTaken) {
  // The rectifier is at rest, so the output is 0 and the loss finite; what comes back through the large weight is
  // infinite, and meets a slope of 0.
  Sequential model{
      Dense(1, {.activation = "relu", .kernel_initializer = Constant(-1), .name = "first", .input_shape = {1}}),
      Dense(1, {.kernel_initializer = Constant(3e38)})};
  model.compile({.optimizer = "adam", .loss = "mse"});
  const std::vector<Tensor> before = model.get_weights();
  expect_error<NumericError>([&] { model.fit(Tensor{{1.0}}, Tensor{{1e15}}, {.verbose = 0}); },
                             {"first/kernel' became NaN"});
  EXPECT_TRUE(identical(model.get_weights(), before));
}

TEST_P(NotFiniteSteps, ThatAreLargeButFiniteAreTaken) {
  // Gradients of -1e30: w = 0 + rate 1e30, to the bit, whichever way the update goes.
  const Sequential sgd = line(SGD({.learning_rate = 0x1p-100}), "mae");
  sgd.fit(Tensor{{0x1p100}}, Tensor{{1.0}}, {.verbose = 0});
  EXPECT_EQ(sgd.get_weights()[0](0, 0), 1);
  const Sequential wide = line(SGD({.learning_rate = 0x1p-900}), "mae", DType::float64);
  wide.fit(Tensor{{0x1p900}}, Tensor{{1.0}}, {.verbose = 0});
  EXPECT_EQ(wide.get_weights()[0](0, 0), 1);
  // Adam's first step has the size of the rate, however large the gradient is.
  const Sequential adam = line(Adam(), "mae");
  adam.fit(Tensor{{1e15}}, Tensor{{1.0}}, {.verbose = 0});
  EXPECT_NEAR(adam.get_weights()[0](0, 0), 0.001, 1e-6);
}

TEST_P(NotFiniteSteps, FromWeightsThatAreNotFiniteNameTheWeight) {
  for (const DType dtype : kDTypes) {
    for (const double value : {kNaN, kInfinity}) {
      const Sequential model = line("adam", "mse", dtype, value);
      expect_error<NumericError>(
          [&] { model.fit(kGoodX, kGoodY, {.verbose = 0}); },
          {"the loss became", "the weight '", "dense/kernel' is ", std::isnan(value) ? "NaN" : "inf", "set_weights"});
    }
    // A callback may have put it there, in the middle of a fit.
    const Sequential model = line("adam", "mse", dtype);
    const auto spoils = std::make_shared<LambdaCallback>(LambdaCallback::Functions{.on_epoch_end = [&](Index, Logs&) {
      model.set_weights({Tensor{{1.0}}, Tensor{kNaN}});
    }});
    expect_error<NumericError>([&] { model.fit(kGoodX, kGoodY, {.epochs = 3, .verbose = 0, .callbacks = {spoils}}); },
                               {"epoch 2 of 3", "dense/bias' is NaN"});
  }
}

TEST_P(NotFiniteSteps, FromTheLargestWeightsEndBeforeTheyOverflow) {
  for (const DType dtype : kDTypes) {
    const double most = largest(dtype);
    // The output is 0, and the gradient (of mae: -1) pushes the bias, which is at the end of the numbers, up by the
    // rate.
    const Sequential model = line(SGD({.learning_rate = dtype == DType::float32 ? 0x1p120 : 0x1p1010}), "mae", dtype);
    model.set_weights({Tensor{{-most}}, Tensor(Shape{1}, std::vector<double>{most})});
    const std::vector<Tensor> before = model.get_weights();
    expect_error<NumericError>([&] { model.fit(Tensor{{1.0}}, Tensor{{1.0}}, {.epochs = 2, .verbose = 0}); },
                               {"dense/bias' would become inf", "epoch 1 of 2"});
    EXPECT_TRUE(identical(model.get_weights(), before));
  }
}

TEST_P(NotFiniteSteps, GoOnAfterwardsAsIfTheyHadNotBeen) {
  // A fit that a caller catches and repeats without the batch: epochs, batches and orders count on.
  for (const Optimizer& optimizer : optimizers()) {
    Twins twins([&] { return line(optimizer, "mse"); });
    twins.fit_good(1);
    Tensor X = kGoodX;
    X.set({2, 0}, 1e30);
    EXPECT_THROW(twins.model.fit(X, kGoodY, {.batch_size = 1, .verbose = 0, .shuffle = false}), NumericError);
    twins.twin.fit(X.rows(0, 2), kGoodY.rows(0, 2), {.batch_size = 1, .verbose = 0, .shuffle = false});
    twins.expect_same(optimizer.class_name());
  }
}

INSTANTIATE_TEST_SUITE_P(TargetsAndThreads, NotFiniteSteps,
                         testing::Combine(testing::ValuesIn(simd_targets()), testing::Values(1, 2)),
                         [](const auto& chosen) {
                           return std::get<0>(chosen.param) + "_" + std::to_string(std::get<1>(chosen.param));
                         });

TEST(NotFinite, AStatefulModelIsToldToForgetItsState) {
  Sequential model{LSTM(2, {.stateful = true, .input_shape = {1, 1}}), Dense(1)};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  expect_error<NumericError>([&] { model.fit(Tensor{{{1.0}}}, Tensor{{1e30}}, {.verbose = 0}); },
                             {"the loss became inf", "reset_states()"});
}

// ---- every target says the same
// --------------------------------------------------------------------------------------

TEST(NotFinite, EveryTargetGivesTheSameBits) {
  const std::string before = simd_target();
  std::string first;
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    std::string all;
    for (const DType dtype : kDTypes) {
      for (const double v : {kNaN, kInfinity, -kInfinity, largest(dtype), -largest(dtype), denormal(dtype)}) {
        set_random_seed(3);
        const Sequential model{LSTM(9, {.return_sequences = true, .dtype = dtype, .input_shape = {3, 2}}),
                               LSTM(3, {.activation = "relu", .dtype = dtype}),
                               Dense(4, {.activation = "softmax", .dtype = dtype})};
        Tensor X = numbers({5, 3, 2});
        X.set({2, 1, 0}, v);
        all += bits(model.predict(X, {.verbose = 0}));
        std::vector<Tensor> weights = model.get_weights();
        weights[1].set({3, 5}, v);
        model.set_weights(weights);
        all += bits(model.predict(numbers({5, 3, 2}), {.verbose = 0}));
        for (const char* loss : {"mse", "mae", "bce", "categorical_crossentropy"}) {
          Tensor p = numbers({2, 3}), y = Tensor{{1.0, 0.0, 0.0}, {0.0, 0.0, 1.0}};
          p.set({0, 1}, v);
          const Evaluation e = compare(p, y, loss, dtype, {"mse", "mae", "rmse", "accuracy", "bce"});
          for (const auto& [name, value] : e.values()) all += bits(Tensor{value});
        }
      }
    }
    if (first.empty()) first = all;
    EXPECT_EQ(all, first) << target;
  }
  set_simd_target(before);
}

// ---- optimizers -----------------------------------------------------------------------------------------------------

TEST(NotFinite, CenteredRmspropStaysFiniteWhenTheGradientsHaveOneSize) {
  // The mean of g^2 less the square of the mean of g is zero then, and by rounding less.
  for (const DType dtype : kDTypes) {
    const Sequential model = line(RMSprop({.learning_rate = 1e-4, .centered = true}), "mae", dtype);
    for (const double size : {2.0, 2.0 / 3, 30.0, 10.0, 100.0, 100.0 / 3}) {
      const History history = model.fit(Tensor{{size}}, Tensor{{1e6}}, {.epochs = 400, .verbose = 0});
      EXPECT_TRUE(std::isfinite(history["loss"].back()) && finite(model.get_weights())) << size;
    }
  }
}

TEST(NotFinite, WithoutEpsilonAWeightWithoutGradientStays) {
  // 0 / 0 would be NaN. The second input is always zero.
  for (const DType dtype : kDTypes) {
    for (const Optimizer& optimizer :
         {Optimizer(Adam({.epsilon = 0})), Optimizer(Adam({.epsilon = 0, .amsgrad = true})),
          Optimizer(RMSprop({.epsilon = 0})), Optimizer(RMSprop({.momentum = 0.5, .epsilon = 0}))}) {
      Sequential model{LSTM(3, {.dtype = dtype, .input_shape = {1, 2}}), Dense(1, {.dtype = dtype})};
      model.compile({.optimizer = optimizer, .loss = "mse"});
      const Tensor before = model.get_weights()[0];
      model.fit(Tensor{{{1.0, 0.0}}}, Tensor{{1.0}}, {.epochs = 9, .verbose = 0});
      const Tensor after = model.get_weights()[0];
      EXPECT_TRUE(finite(model.get_weights())) << optimizer.class_name();
      EXPECT_NE(after(0, 0), before(0, 0));
      EXPECT_EQ(after(1, 0), before(1, 0));
    }
  }
}

TEST(NotFinite, ARateOfADenormalNumberMovesNothingAndHarmsNothing) {
  for (const DType dtype : kDTypes) {
    for (const Optimizer& optimizer : optimizers()) {
      const Sequential model = line(optimizer, "mse", dtype, 0.5);
      model.set_learning_rate(std::numeric_limits<double>::denorm_min());
      model.fit(kGoodX, kGoodY, {.epochs = 5, .verbose = 0});
      EXPECT_EQ(model.get_weights()[0](0, 0), 0.5) << optimizer.class_name();
    }
  }
}

}  // namespace
}  // namespace rondo
