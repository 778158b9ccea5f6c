// Bits do not depend on how the caller's thread rounds, or whether it flushes denormal numbers to zero: whatever Rondo
// computes, it computes by the standard's rules.
#include <cfenv>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <rondo/rondo.hpp>

namespace rondo {
namespace {

using Results = std::map<std::string, std::vector<Tensor>>;

// Numbers with many digits, ordinary or tiny.
Tensor numbers(const Shape& shape, double scale, std::uint64_t first = 0) {
  Tensor t = Tensor::zeros(shape, DType::float64).reshape({shape.elements()});
  const RandomStream random(17, Purpose::user);
  for (Index i = 0; i < t.size(); ++i) t.set({i}, scale * random.normal(first + static_cast<std::uint64_t>(i)));
  return t.reshape(shape);
}

// Every public function that computes numbers which outlive it.
Results everything(const Tensor& X, const Tensor& y, const Tensor& kernel, const std::vector<Tensor>& states) {
  Results results;
  const auto keep = [&](const std::string& what, const std::vector<Tensor>& tensors) { results[what] = tensors; };
  keep("random numbers", {numbers({20}, 1.0)});
  set_random_seed(5);
  const LSTM lstm(5, {.kernel_initializer = RandomNormal({.mean = 0.01, .stddev = 0.3}), .return_state = true});
  keep("a layer's output", lstm(X));
  keep("initial weights", lstm.get_weights());
  keep("an initializer",
       {RandomUniform({.minval = -0.1, .maxval = 0.3})({3, 4}, DType::float32, RandomStream(3, Purpose::user))});

  Sequential model{LSTM(5, {.input_shape = {4, 3}}), Dense(2, {.activation = "gelu"})};
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse", .metrics = {"mae", "rmse"}});
  const History history = model.fit(X, y, {.batch_size = 3, .epochs = 3, .verbose = 0, .validation_split = 0.3});
  for (const std::string& name : history.names()) keep("the history's " + name, {history[name]});
  keep("trained weights", model.get_weights());
  for (const auto& [name, value] : model.evaluate(X, y, {.batch_size = 3, .verbose = 0}).values()) {
    keep("the evaluation's " + name, {Tensor{value}});
  }
  keep("predictions", {model.predict(X, {.batch_size = 4, .verbose = 0})});
  Tensor out = Tensor::zeros({X.shape()[0], 2});
  model.predict_into(X, out);
  keep("predictions into", {out});

  model.set_weight("lstm_cell/kernel", kernel);
  model.set_weights(model.get_weights());
  keep("weights that were set", model.get_weights());
  Stream stream = model.stream();
  stream.set_state(states);
  keep("a stream's state", stream.state());
  std::vector<double> x = X.rows(0, 1).to_vector(), step(2);
  x.resize(3);
  stream.step(x, step);
  keep("a stream's step", {step});
  return results;
}

class FloatEnvironment : public testing::TestWithParam<double> {
 protected:
  void SetUp() override { clear_session(); }

  // The same numbers after `set`, which changes the environment; afterwards it is as before.
  void same_after(const std::string& what, const std::function<void()>& set) {
    SCOPED_TRACE(what);
    const Tensor X = numbers({10, 4, 3}, GetParam()), y = numbers({10, 2}, GetParam(), 1000);
    const Tensor kernel = numbers({3, 20}, 0.1);
    const std::vector<Tensor> states = {numbers({5}, GetParam()), numbers({5}, GetParam(), 7)};
    clear_session();
    const Results expected = everything(X, y, kernel, states);
    clear_session();
    std::fenv_t before;
    std::fegetenv(&before);
    set();
    const Results got = everything(X, y, kernel, states);
    std::fesetenv(&before);
    for (const auto& [name, tensors] : expected) {
      for (std::size_t i = 0; i < tensors.size(); ++i) EXPECT_TRUE(got.at(name)[i].identical(tensors[i])) << name;
    }
  }
};

TEST_P(FloatEnvironment, RoundingChangesNoBit) {
  same_after("upward", [] { std::fesetround(FE_UPWARD); });
  same_after("downward", [] { std::fesetround(FE_DOWNWARD); });
  same_after("toward zero", [] { std::fesetround(FE_TOWARDZERO); });
}

#if defined(__x86_64__)
TEST_P(FloatEnvironment, FlushingDenormalsChangesNoBit) {
  same_after("flush to zero, denormals are zero", [] { _mm_setcsr(_mm_getcsr() | 0x8040); });
}
#endif

INSTANTIATE_TEST_SUITE_P(Scale, FloatEnvironment, testing::Values(1.0, 1e-39));

}  // namespace
}  // namespace rondo
