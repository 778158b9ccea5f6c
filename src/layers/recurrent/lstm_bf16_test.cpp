// The policy mixed_bfloat16 of LSTM: against float32 with rounded numbers, by all routes, in every form of the layer.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "kernels/bf16.hpp"
#include "kernels/table.hpp"
#include "support/expect_error.hpp"
#include "support/instrumented.hpp"
#include "support/layer_probe.hpp"

namespace rondo {
namespace {

using kernels::Bf16Route;

// Puts route and instruction set back.
class Machine {
 public:
  ~Machine() {
    kernels::choose_bf16_route(Bf16Route::best);
    kernels::choose(before_);
  }

 private:
  std::string before_ = kernels::chosen().target;
};

// f(name) for each way that this machine has to multiply.
template <class F>
void for_each_way(F&& f) {
  const Machine machine;
  if (kernels::tables().front()->f32.lanes == 16) {
    kernels::choose(kernels::tables().front()->target);
    if (kernels::has_bf16_amx()) {
      kernels::choose_bf16_route(Bf16Route::amx);
      f(std::string("amx"));
    }
    if (kernels::has_bf16_dot()) {
      kernels::choose_bf16_route(Bf16Route::dot);
      f(std::string("dot"));
    }
  }
  kernels::choose_bf16_route(Bf16Route::conversion);
  for (const kernels::KernelTable* table : kernels::tables()) {
    kernels::choose(table->target);
    f(std::string(table->target));
  }
}

Tensor random(const Shape& shape, std::uint32_t stream, double scale = 1) {
  const RandomStream numbers(5, Purpose::user, stream);
  Tensor t = Tensor::zeros(shape, DType::float32);
  std::uint64_t i = 0;
  for (float& v : t.data<float>()) v = static_cast<float>(scale * numbers.normal(i++));
  return t;
}

// To bfloat16 and back.
Tensor rounded(Tensor t) {
  for (float& v : t.data<float>()) {
    const auto bits = std::bit_cast<std::uint32_t>(v);
    v = std::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u);
  }
  return t;
}

// The largest difference, relative to the largest element of `right`.
double distance(const Tensor& left, const Tensor& right) {
  EXPECT_EQ(left.shape(), right.shape());
  const std::vector<double> a = left.to_vector(), b = right.to_vector();
  double most = 0, largest = 1e-30;
  for (std::size_t i = 0; i < b.size(); ++i) {
    EXPECT_TRUE(std::isfinite(a[i]));
    most = std::max(most, std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(b[i]));
  }
  return most / largest;
}

void expect_near(const test::Probed& left, const test::Probed& right, double bound) {
  const auto compare = [&](const std::vector<Tensor>& a, const std::vector<Tensor>& b, const char* what) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_LE(distance(a[i], b[i]), bound) << what << ' ' << i;
  };
  compare(left.outputs, right.outputs, "output");
  compare(left.input_gradients, right.input_gradients, "input gradient");
  compare(left.state_gradients, right.state_gradients, "state gradient");
  compare(left.weight_gradients, right.weight_gradients, "weight gradient");
}

struct Case {
  Index units = 16, steps = 6, features = 8, rows = 7;
  LSTMOptions options = {};
  bool initial_state = false, mask = false;
  Index spare_rows = 0;

  std::string text() const {
    return std::to_string(units) + " units, " + std::to_string(steps) + " steps, " + std::to_string(features) +
           " features, " + std::to_string(rows) + " rows";
  }

  test::Probed run(const DTypePolicy& policy) const {
    LSTMOptions typed = options;
    typed.dtype = policy;
    set_random_seed(3);
    const LSTM layer(units, typed);
    test::ProbeArguments arguments{.inputs = {rounded(random({rows, steps, features}, 1))}};
    const double scale = 1 / std::sqrt(static_cast<double>(units + features));
    arguments.weights = {rounded(random({features, 4 * units}, 2, scale)),
                         rounded(random({units, 4 * units}, 3, scale)), random({4 * units}, 4)};
    if (initial_state) arguments.initial_state = {rounded(random({rows, units}, 5)), random({rows, units}, 6)};
    if (!options.use_bias) arguments.weights.pop_back();
    if (options.return_sequences) {
      arguments.cotangents = {random({rows, steps, units}, 7)};
    } else {
      arguments.cotangents = {random({rows, units}, 7)};
    }
    if (options.return_state) {
      arguments.cotangents.push_back(random({rows, units}, 8));
      arguments.cotangents.push_back(random({rows, units}, 9));
    }
    if (mask) {
      arguments.masks = {Tensor::zeros({rows, steps}, DType::float64)};
      for (Index b = 0; b < rows; ++b) {
        for (Index t = 0; t < steps; ++t) arguments.masks[0].set({b, t}, (b + 2 * t) % 3 == 0 ? 0 : 1);
      }
    }
    arguments.spare_rows = spare_rows;
    return test::probe(*layer.node(), arguments);
  }
};

// Inputs and weights are bfloat16 numbers already, so what is left are the roundings of h and dz: 2^-9 each at the
// most, averaged over sums and carried through the steps (0.0053 where it was largest).
constexpr double kBound = 0.01;

void expect_close_to_float32(const Case& c) {
  SCOPED_TRACE(c.text());
  const test::Probed expected = c.run("float32");
  for_each_way([&](const std::string& way) {
    SCOPED_TRACE(way);
    expect_near(c.run("mixed_bfloat16"), expected, kBound);
  });
}

TEST(LstmBf16, IsCloseToFloat32AtSizesOnBothSidesOfAVectorAPairAndATile) {
  for (const Index units : {1, 2, 5, 16, 17, 26, 50, 64}) {
    for (const Index features : {1, 8, 19}) expect_close_to_float32({.units = units, .features = features});
  }
  for (const Index rows : {1, 5, 6, 13, 65}) expect_close_to_float32({.rows = rows});
  for (const Index steps : {1, 2, 3, 7}) expect_close_to_float32({.units = 17, .steps = steps, .features = 3});
}

TEST(LstmBf16, IsCloseToFloat32InEveryForm) {
  for (const bool sequences : {false, true}) {
    for (const bool initial : {false, true}) {
      for (const bool mask : {false, true}) {
        expect_close_to_float32(
            {.units = 21,
             .features = 5,
             .options = {.return_sequences = sequences, .return_state = true, .go_backwards = sequences != initial},
             .initial_state = initial,
             .mask = mask,
             .spare_rows = 2});
      }
    }
  }
  expect_close_to_float32({.units = 18, .options = {.activation = "softsign", .use_bias = false}});
}

TEST(LstmBf16, IsCloseToFloat32InChunksAndWithRecomputation) {
  // 32 rows of 128 units are more than a chunk; with tiny blocks fewer are.
  expect_close_to_float32({.units = test::all_or_some<Index>(128, 40), .steps = 21, .features = 9, .rows = 64});
  for (const bool initial : {false, true}) {
    expect_close_to_float32({.units = 17,
                             .steps = 23,
                             .rows = 70,
                             .options = {.return_sequences = initial, .recompute = true},
                             .initial_state = initial});
  }
}

TEST(LstmBf16, RecomputationChangesNoBit) {
  const Case c{.units = 17, .steps = 24, .features = 5, .rows = 70};
  Case again = c;
  again.options.recompute = true;
  const test::Probed kept = c.run("mixed_bfloat16"), computed = again.run("mixed_bfloat16");
  EXPECT_TRUE(kept.outputs[0].identical(computed.outputs[0]));
  EXPECT_TRUE(kept.input_gradients[0].identical(computed.input_gradients[0]));
}

TEST(LstmBf16, WaysAgreeUpToTheLastBitsOfSums) {
  for (const Index units : {17, 50, 64}) {
    const Case c{.units = units, .features = 7, .rows = 13};
    std::vector<test::Probed> all;
    for_each_way([&](const std::string&) { all.push_back(c.run("mixed_bfloat16")); });
    // A sum in another order may round an h or dz to the neighbour, 2^-8 away (here none did: 2e-5).
    for (const test::Probed& probed : all) expect_near(probed, all.front(), 0.004);
  }
}

TEST(LstmBf16, RoundsWeightsAndInputs) {
  const Case c{.units = 20, .steps = 3};
  LSTMOptions options{.dtype = "mixed_bfloat16"};
  const Tensor x = random({7, 3, 8}, 1), kernel = random({8, 80}, 2, 0.2), recurrent = random({20, 80}, 3, 0.2);
  const Tensor bias = random({80}, 4);
  const auto run = [&](const Tensor& input, const Tensor& w, const Tensor& u) {
    set_random_seed(3);
    const LSTM layer(20, options);
    return test::probe(*layer.node(), {.inputs = {input}, .weights = {w, u, bias}, .cotangents = {random({7, 20}, 5)}});
  };
  for_each_way([&](const std::string& way) {
    SCOPED_TRACE(way);
    const test::Probed raw = run(x, kernel, recurrent), first = run(rounded(x), rounded(kernel), rounded(recurrent));
    EXPECT_TRUE(raw.outputs[0].identical(first.outputs[0]));
    EXPECT_TRUE(raw.input_gradients[0].identical(first.input_gradients[0]));
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(raw.weight_gradients[i].identical(first.weight_gradients[i])) << i;
  });
}

TEST(LstmBf16, RoutesHaveNames) {
  EXPECT_EQ(kernels::bf16_route("Conversion"), Bf16Route::conversion);
  test::expect_error<ConfigError>([] { (void)kernels::bf16_route("amd"); }, {"RONDO_BF16", "'amd'", "'conversion'"});
  if (!kernels::has_bf16_amx()) {
    EXPECT_THROW((void)kernels::bf16_route("amx"), ConfigError);
  }
  if (!kernels::has_bf16_dot()) {
    EXPECT_THROW((void)kernels::bf16_route("dot"), ConfigError);
  }
}

// ---- models --------------------------------------------------------------------------------------------------------

struct Problem {
  Tensor X = random({37, 7, 3}, 11), y = Tensor::zeros({37, 1}, DType::float32);
  Problem() {
    for (Index i = 0; i < 37; ++i) y.set({i, 0}, X(i, 6, 0) * 0.5 + X(i, 5, 1) * 0.3 - X(i, 3, 2) * 0.2);
  }
  Sequential model(const DTypePolicy& policy) const {
    set_random_seed(9);
    Sequential model{LSTM(33, {.return_sequences = true, .dtype = policy, .input_shape = {7, 3}}),
                     LSTM(18, {.dtype = policy}), Dense(1)};
    model.compile({.optimizer = "adam", .loss = "mse"});
    return model;
  }
  std::vector<double> losses(const Sequential& model, Index epochs) const {
    return model.fit(X, y, {.batch_size = 8, .epochs = epochs, .verbose = 0})["loss"];
  }
};

// With the best instruction set alone: the others are compared above, and a hundred epochs of scalar code take minutes
// under sanitizers.
TEST(LstmBf16, TrainsToNearlyTheLossOfFloat32) {
  const Machine machine;
  const Problem problem;
  const std::vector<double> plain = problem.losses(problem.model("float32"), 100);
  const double reached = plain.back();
  ASSERT_LT(reached, plain.front() / 50);
  for (const Bf16Route route : {Bf16Route::amx, Bf16Route::dot, Bf16Route::conversion}) {
    kernels::choose_bf16_route(route);
    const Sequential model = problem.model("mixed_bfloat16");
    EXPECT_LT(problem.losses(model, 100).back(), 1.1 * reached);
    EXPECT_LT(model.evaluate(problem.X, problem.y, {.verbose = 0}).loss(), 1.1 * reached);
  }
}

TEST(LstmBf16, ThreadsAndBatchesChangeNoBit) {
  const Index before = num_threads();
  const Problem problem;
  for_each_way([&](const std::string& way) {
    SCOPED_TRACE(way);
    std::vector<std::vector<Tensor>> weights;
    for (const Index threads : {1, 2, 3}) {
      set_num_threads(threads);
      set_random_seed(9);
      // Large enough for a step to be shared.
      Sequential model{LSTM(96, {.dtype = "mixed_bfloat16", .input_shape = {7, 3}}), Dense(1)};
      model.compile({.optimizer = "adam", .loss = "mse"});
      model.fit(problem.X, problem.y, {.batch_size = 37, .epochs = test::all_or_some(3, 1), .verbose = 0});
      weights.push_back(model.get_weights());
      weights.back().push_back(model.predict(problem.X, {.batch_size = 10 + threads, .verbose = 0}));
    }
    for (const auto& other : weights) {
      for (std::size_t i = 0; i < other.size(); ++i) EXPECT_TRUE(other[i].identical(weights[0][i])) << i;
    }
  });
  set_num_threads(before);
}

TEST(LstmBf16, PredictionsFollowTheWeights) {
  const Problem problem;
  const Sequential model = problem.model("mixed_bfloat16");
  const Tensor first = model.predict(problem.X, {.verbose = 0});
  problem.losses(model, 1);
  const Tensor trained = model.predict(problem.X, {.verbose = 0});
  EXPECT_FALSE(first.identical(trained));
  std::vector<Tensor> weights = model.get_weights();
  const Sequential other = problem.model("mixed_bfloat16");
  EXPECT_TRUE(other.predict(problem.X, {.verbose = 0}).identical(first));
  other.set_weights(weights);
  EXPECT_TRUE(other.predict(problem.X, {.verbose = 0}).identical(trained));
}

TEST(LstmBf16, StreamsInFloat32) {
  const Problem problem;
  Stream mixed = problem.model("mixed_bfloat16").stream(), plain = problem.model("float32").stream();
  const std::vector<float> x{0.1f, -0.3f, 0.7f};
  std::vector<float> a(1), b(1);
  for (int i = 0; i < 3; ++i) {
    mixed.step(std::span<const float>(x), std::span<float>(a));
    plain.step(std::span<const float>(x), std::span<float>(b));
    EXPECT_EQ(a, b);
  }
}

TEST(LstmBf16, ANaNIsNotHidden) {
  Case c{.units = 5, .steps = 3, .features = 3};
  for_each_way([&](const std::string& way) {
    SCOPED_TRACE(way);
    Tensor x = random({4, 3, 3}, 1);
    x.set({2, 1, 1}, std::bit_cast<float>(0x7FFFFFFFu));  // rounded like a number it would be -0
    const LSTM layer(5, {.dtype = "mixed_bfloat16"});
    const Tensor y = test::probe(*layer.node(), {.inputs = {x}}).outputs[0];
    for (Index b = 0; b < 4; ++b) EXPECT_EQ(std::isnan(y(b, 0)), b == 2) << b;
  });
}

}  // namespace
}  // namespace rondo
