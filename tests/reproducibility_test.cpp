// Bits are a function of the model, the data and the seed; never of the number of threads, the instruction set, or what
// else the process has done. Whole fits are compared by a fingerprint over weights, predictions and losses.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <rondo/rondo.hpp>

#include "core/dispatch.hpp"
#include "engine/thread_pool.hpp"
#include "support/in_child.hpp"
#include "support/instrumented.hpp"

namespace rondo {
namespace {

// FNV-1a over the bytes of numbers, in order.
class Fingerprint {
 public:
  void add(const Tensor& tensor) {
    core::with_elements(tensor, [this](auto elements) { add_elements(elements); });
  }
  void add(const std::vector<double>& numbers) { add_elements(std::span<const double>(numbers)); }
  std::uint64_t value() const { return hash_; }

 private:
  template <class T>
  void add_elements(std::span<const T> elements) {
    for (const std::byte b : std::as_bytes(elements)) {
      hash_ = (hash_ ^ static_cast<std::uint64_t>(b)) * 0x100000001b3u;
    }
  }
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

// A problem with everything that could tell threads and vectors apart: units on both sides of a vector, several epochs
// in shuffled order, and 37 samples in batches of 8, so that the last one has 5.
struct FingerprintedFit {
  DType dtype = DType::float32;
  Optimizer optimizer = "adam";
  std::uint64_t seed = 11;
  Tensor X = Tensor::zeros({37, 6, 3}, DType::float64), y = Tensor::zeros({37, 2}, DType::float64);

  FingerprintedFit() {
    const RandomStream random(3, Purpose::user);
    for (Index i = 0; i < 37; ++i) {
      for (Index t = 0; t < 6; ++t) {
        for (Index f = 0; f < 3; ++f) {
          const double v = random.normal(static_cast<std::uint64_t>((i * 6 + t) * 3 + f));
          X.set({i, t, f}, v);
          if (f < 2) y.set({i, f}, y(i, f) + v / 6);
        }
      }
    }
  }

  Sequential model() const {
    set_random_seed(seed);
    Sequential model{LSTM(17, {.return_sequences = true, .dtype = dtype, .input_shape = {6, 3}}),
                     GRU(18, {.return_sequences = true, .dtype = dtype}),
                     GRU(7, {.return_sequences = true, .reset_after = false, .dtype = dtype}),
                     LSTM(5, {.dtype = dtype}),
                     Dense(9, {.activation = "gelu", .dtype = dtype}),
                     Dense(2, {.dtype = dtype})};
    model.compile({.optimizer = optimizer, .loss = "mse", .metrics = {"mae"}});
    return model;
  }

  static FitOptions options(Index epochs = 4) { return {.batch_size = 8, .epochs = epochs, .verbose = 0}; }

  // Weights, predictions, evaluation, and the course of the loss.
  std::uint64_t fingerprint(const Sequential& trained, const History& history) const {
    Fingerprint print;
    for (const Tensor& w : trained.get_weights()) print.add(w);
    print.add(trained.predict(X, {.batch_size = 10, .verbose = 0}));
    print.add(history["loss"]);
    print.add(history["mae"]);
    print.add(std::vector<double>{trained.evaluate(X, y, {.verbose = 0}).loss()});
    return print.value();
  }

  std::uint64_t fit() const {
    const Sequential trained = model();
    const History history = trained.fit(X, y, options());
    return fingerprint(trained, history);
  }
};

// All problems that the tests walk: both dtypes, and optimizers of every kind.
std::vector<FingerprintedFit> problems() {
  std::vector<FingerprintedFit> all;
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const Optimizer& optimizer :
         {Optimizer(Adam()), Optimizer(SGD({.learning_rate = 0.05, .momentum = 0.5, .nesterov = true})),
          Optimizer(RMSprop({.momentum = 0.2, .centered = true}))}) {
      FingerprintedFit problem;
      problem.dtype = dtype;
      problem.optimizer = optimizer;
      all.push_back(problem);
    }
  }
  return all;
}

// The other rules, and what stands around a rule: a schedule, decay, means of gradients and of weights.
std::vector<FingerprintedFit> problems_of_further_optimizers() {
  std::vector<FingerprintedFit> all;
  for (const Optimizer& optimizer :
       {Optimizer(Adagrad()), Optimizer(Adadelta({.learning_rate = 1})), Optimizer(Adamax()), Optimizer(Nadam()),
        Optimizer(Lion()), Optimizer(Ftrl({.learning_rate = 0.1})),
        Optimizer(Ftrl({.learning_rate = 0.1, .learning_rate_power = -0.3})), Optimizer(Lamb()),
        Optimizer(Adafactor({.learning_rate = 0.1})), Optimizer(ScheduleFreeAdamW()),
        Optimizer(Muon({.clipnorm = 1.0, .use_ema = true})),
        Optimizer(AdamW({.learning_rate = ExponentialDecay(0.01, 5, 0.5),
        .exclude_from_weight_decay = {"bias"},
        .use_ema = true,
        .ema_overwrite_frequency = 3,
        .gradient_accumulation_steps = 2}))}) {
    FingerprintedFit problem;
    problem.optimizer = optimizer;
    all.push_back(problem);
  }
  return all;
}

class Reproducibility : public testing::Test {
 protected:
  void SetUp() override {
    engine::set_thread_threshold(0);  // these models are small: without this one thread would walk them
    set_num_threads(1);
  }
  void TearDown() override {
    engine::set_thread_threshold(4e6);
    set_num_threads(0);
    set_executor(nullptr);
    set_simd_target(target_);
  }

 private:
  std::string target_ = simd_target();
};

TEST_F(Reproducibility, TheNumberOfThreadsChangesNoBit) {
  for (const FingerprintedFit& problem : problems()) {
    set_num_threads(1);
    const std::uint64_t alone = problem.fit();
    for (const Index threads : {2, 3, 8}) {
      set_num_threads(threads);
      EXPECT_EQ(problem.fit(), alone) << threads << " threads, " << problem.optimizer.class_name() << ", "
                                      << to_string(problem.dtype);
    }
  }
}

TEST_F(Reproducibility, NeitherThreadsNorInstructionSetChangeABitOfFurtherOptimizers) {
  for (const FingerprintedFit& problem : problems_of_further_optimizers()) {
    set_num_threads(1);
    set_simd_target(simd_targets().front());
    const std::uint64_t alone = problem.fit();
    for (const std::string& target : simd_targets()) {
      set_simd_target(target);
      for (Index threads = test::all_or_some(1, 3); threads <= 3; ++threads) {
        set_num_threads(threads);
        EXPECT_EQ(problem.fit(), alone) << threads << " threads, " << target << ", " << problem.optimizer.class_name();
      }
    }
  }
}

// What host programs may bring: a loop on the caller's thread, and new threads for every call.
struct Backwards : ParallelExecutor {
  Index max_concurrency() const override { return 3; }
  void run(Index tasks, ParallelTask task) override {
    for (Index i = tasks; i-- > 0;) task(i);
  }
};

struct NewThreads : ParallelExecutor {
  Index max_concurrency() const override { return 2; }
  void run(Index tasks, ParallelTask task) override {
    std::vector<std::thread> threads;
    for (Index i = 1; i < tasks; ++i) threads.emplace_back(task, i);
    task(0);
    for (std::thread& t : threads) t.join();
  }
};

TEST_F(Reproducibility, TheHostsThreadsChangeNoBit) {
  for (const FingerprintedFit& problem : problems()) {
    set_num_threads(1);
    const std::uint64_t alone = problem.fit();
    for (const Index threads : {0, 2, 5}) {
      set_num_threads(threads);
      set_executor(std::make_shared<Backwards>());
      EXPECT_EQ(problem.fit(), alone) << "backwards, " << threads << " threads, " << to_string(problem.dtype);
      set_executor(std::make_shared<NewThreads>());
      EXPECT_EQ(problem.fit(), alone) << "new threads, " << threads << " threads, " << to_string(problem.dtype);
    }
    set_executor(nullptr);
  }
}

TEST_F(Reproducibility, ALongSequenceIsTheSameInAnyChunksOnAnyTeam) {
  // Long enough that both layers cut backward into chunks, of which each has barriers. Vectors of other widths and
  // recomputation cut elsewhere.
  const RandomStream random(4, Purpose::user);
  Tensor X = Tensor::zeros({4, 700, 1}), y = Tensor::zeros({4, 1});
  for (Index b = 0; b < 4; ++b) {
    for (Index t = 0; t < 700; ++t) X.set({b, t, 0}, random.normal(static_cast<std::uint64_t>(b * 700 + t)));
    y.set({b, 0}, X(b, 699, 0));
  }
  const auto fit = [&](bool recompute) {
    set_random_seed(2);
    const Sequential model{LSTM(5, {.return_sequences = true, .recompute = recompute, .input_shape = {700, 1}}),
                           LSTM(3, {.recompute = recompute}), Dense(1)};
    model.compile({.optimizer = "adam", .loss = "mse"});
    Fingerprint print;
    print.add(model.fit(X, y, {.batch_size = 4, .epochs = 2, .verbose = 0})["loss"]);
    for (const Tensor& w : model.get_weights()) print.add(w);
    return print.value();
  };
  const std::uint64_t expected = fit(false);
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    for (const bool recompute : {false, true}) {
      const std::string what = target + (recompute ? ", computing again" : "");
      set_num_threads(1);
      EXPECT_EQ(fit(recompute), expected) << what;
      set_num_threads(3);
      EXPECT_EQ(fit(recompute), expected) << "3 threads, " << what;
      set_executor(std::make_shared<Backwards>());
      EXPECT_EQ(fit(recompute), expected) << "3 tasks, " << what;
      set_executor(nullptr);
    }
  }
}

#if defined(__x86_64__)
TEST_F(Reproducibility, AHostThatFlushesDenormalsChangesNoBit) {
  // A tiny input under a large weight, and a product that is tiny itself.
  const Sequential model{Dense(2, {.use_bias = false, .input_shape = {2}})};
  model.set_weights({Tensor{{1e20, 0.0}, {0.0, 1e-20}}});
  const Tensor x{{1e-40, 1e-20}, {1e-41, 1e-21}, {1e-42, 1e-22}};
  const Tensor expected = model.predict(x, {.verbose = 0});
  ASSERT_GT(expected(0, 0), 0);
  ASSERT_GT(expected(0, 1), 0);
  Stream stream = model.stream();
  std::vector<double> step(2);
  for (const Index threads : {1, 3}) {
    set_num_threads(threads);
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    const Tensor got = model.predict(x, {.verbose = 0});
    stream.step(std::vector<double>{1e-40, 1e-20}, step);
    _mm_setcsr(before);
    EXPECT_TRUE(got.identical(expected)) << threads << " threads";
    EXPECT_EQ(step, (std::vector<double>{expected(0, 0), expected(0, 1)}));
  }
}
#endif

TEST_F(Reproducibility, AForkedChildTrainsTheSameModelWhileTheParentTrains) {
  if (!test::children_may_start_threads()) GTEST_SKIP();
  const FingerprintedFit problem;
  set_num_threads(3);
  const std::uint64_t expected = problem.fit();
  const Sequential beside = problem.model(), inherited = problem.model();
  std::thread other([&] { beside.fit(problem.X, problem.y, FingerprintedFit::options(test::all_or_some(1000, 100))); });
  // Past its beginnings, where it allocates: a child may inherit the lock of AddressSanitizer's allocator, not
  // malloc's.
  std::this_thread::sleep_for(std::chrono::milliseconds(40));
  EXPECT_TRUE(test::succeeds_in_child([&] {
    const History history = inherited.fit(problem.X, problem.y, FingerprintedFit::options());
    return problem.fingerprint(inherited, history) == expected;
  }));
  other.join();
}

// How many are no numbers; all of these must have the same bits, those of numeric_limits.
template <class Numbers>
int standard_nans(const Numbers& numbers) {
  using T = typename Numbers::value_type;
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr T standard = std::numeric_limits<T>::quiet_NaN();
  int count = 0;
  for (const T v : numbers) {
    if (v == v) continue;
    ++count;
    EXPECT_EQ(std::bit_cast<Bits>(v), std::bit_cast<Bits>(standard));
  }
  return count;
}

TEST_F(Reproducibility, TheInstructionSetChangesNotEvenTheSignOfNotANumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  // What is no number comes in, or arises.
  const std::vector<double> values = {nan, -nan, infinity, -infinity, 1.0, 1e30};
  const Tensor X = Tensor(values).reshape({6, 1, 1});
  for (const char* activation : {"linear", "tanh", "gelu", "softsign", "selu", "mish", "tanh_shrink", "softmax"}) {
    for (const std::string& target : simd_targets()) {
      SCOPED_TRACE(std::string(activation) + " on " + target);
      set_simd_target(target);
      const Sequential model{Dense(2, {.kernel_initializer = "ones", .input_shape = {1, 1}}), LSTM(3), Dense(2),
                             Activation(activation)};
      model.compile({.loss = "mse", .metrics = {"mae"}});
      EXPECT_GE(standard_nans(model.predict(X, {.verbose = 0}).data<float>()), 4);
      for (const auto& [name, v] : model.evaluate(X, Tensor::zeros({6, 2}), {.verbose = 0}).values()) {
        EXPECT_EQ(standard_nans(std::vector<double>{v}), 1) << name;
      }
      Stream stream = model.stream();
      for (const double x : values) {
        std::vector<double> y(2);
        stream.step(std::vector<double>{x}, y);
        EXPECT_TRUE(y[0] != y[0] && y[1] != y[1]) << "of either sign";
      }
      for (const Tensor& state : stream.state()) EXPECT_EQ(standard_nans(state.data<float>()), 3);
    }
  }
}

TEST_F(Reproducibility, TheInstructionSetChangesNoBit) {
  for (const FingerprintedFit& problem : problems()) {
    set_simd_target(simd_targets().front());
    const std::uint64_t best = problem.fit();
    for (const std::string& target : simd_targets()) {
      set_simd_target(target);
      EXPECT_EQ(problem.fit(), best) << target << " and " << simd_targets().front() << ", "
                                     << problem.optimizer.class_name() << ", " << to_string(problem.dtype);
    }
  }
}

TEST_F(Reproducibility, ThreadsAndInstructionSetTogetherChangeNoBit) {
  const FingerprintedFit problem;
  const std::uint64_t best_alone = problem.fit();
  set_simd_target(simd_targets().back());
  set_num_threads(3);
  EXPECT_EQ(problem.fit(), best_alone) << simd_target() << " on 3 threads";
}

TEST_F(Reproducibility, EveryInstructionSetOfThisProcessorIsThere) {
  // The comparisons above would be empty with a single target.
  std::vector<std::string> expected;
#if defined(__GNUC__) && !defined(__clang__)
  expected.push_back("SCALAR");  // clang's fallback is EMU128
#endif
#if defined(__x86_64__)
  if (!test::instrumented()) expected.push_back("SSE4");  // see cmake/RondoTarget.cmake
  if (__builtin_cpu_supports("avx2")) expected.push_back("AVX2");
  if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")) expected.push_back("AVX3");
#endif
  const std::vector<std::string> targets = simd_targets();
  for (const std::string& name : expected) {
    EXPECT_NE(std::find(targets.begin(), targets.end(), name), targets.end()) << name;
  }
}

TEST_F(Reproducibility, TheSameSeedGivesTheSameBitsAndAnotherSeedOthers) {
  FingerprintedFit problem;
  const std::uint64_t first = problem.fit();
  EXPECT_EQ(problem.fit(), first);
  problem.seed = 12;
  EXPECT_NE(problem.fit(), first);
}

TEST_F(Reproducibility, TheSeedAlsoDecidesTheOrderOfTheSamples) {
  // Same weights, other seed: only the shuffling differs.
  FingerprintedFit problem;
  const Sequential one = problem.model();
  const History history = one.fit(problem.X, problem.y, FingerprintedFit::options());
  const std::vector<Tensor> start = problem.model().get_weights();
  problem.seed = 12;
  const Sequential other = problem.model();
  other.set_weights(start);
  EXPECT_NE(problem.fingerprint(other, other.fit(problem.X, problem.y, FingerprintedFit::options())),
            problem.fingerprint(one, history));
}

TEST_F(Reproducibility, WhatTheModelDidBeforeTheFitChangesNoBit) {
  const FingerprintedFit problem;
  const std::uint64_t fresh = problem.fit();

  const Sequential model = problem.model();
  const std::vector<Tensor> start = model.get_weights();
  // Plans of more shapes than the cache keeps, a training that is taken back, and a second compile.
  for (const Index batch : {1, 2, 3, 4, 5, 6, 7, 8, 9, 37}) {
    (void)model.predict(problem.X, {.batch_size = batch, .verbose = 0});
    (void)model.evaluate(problem.X, problem.y, {.batch_size = batch, .verbose = 0});
  }
  model.fit(problem.X, problem.y, {.batch_size = 8, .epochs = 0, .verbose = 0});
  model.set_weights(start);
  model.compile({.optimizer = problem.optimizer, .loss = "mse", .metrics = {"mae"}});
  EXPECT_EQ(problem.fingerprint(model, model.fit(problem.X, problem.y, FingerprintedFit::options())), fresh);
}

TEST_F(Reproducibility, PlansAndWorkspacesMayBeUsedAgain) {
  // The second fit of the same model walks the plan and the arena of the first; a copy begins with new ones.
  const FingerprintedFit problem;
  const Sequential used = problem.model(), unused = problem.model();
  FitOptions in_order = FingerprintedFit::options();
  in_order.shuffle = false;  // shuffling goes on from fit to fit
  used.fit(problem.X, problem.y, in_order);
  unused.set_weights(used.get_weights());
  used.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse", .metrics = {"mae"}});
  unused.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse", .metrics = {"mae"}});
  used.predict(problem.X, {.verbose = 0});
  const History again = used.fit(problem.X, problem.y, in_order), first = unused.fit(problem.X, problem.y, in_order);
  EXPECT_EQ(problem.fingerprint(used, again), problem.fingerprint(unused, first));
}

TEST_F(Reproducibility, AFitInTwoCallsIsTheFitInOne) {
  for (const FingerprintedFit& problem : problems()) {
    const Sequential whole = problem.model();
    const History all = whole.fit(problem.X, problem.y, FingerprintedFit::options(5));
    const Sequential pieces = problem.model();
    pieces.fit(problem.X, problem.y, FingerprintedFit::options(2));
    FitOptions rest = FingerprintedFit::options(5);
    rest.initial_epoch = 2;
    const History tail = pieces.fit(problem.X, problem.y, rest);
    ASSERT_EQ(tail["loss"].size(), 3u);
    EXPECT_EQ(tail["loss"].back(), all["loss"].back());
    for (std::size_t i = 0; i < whole.get_weights().size(); ++i) {
      EXPECT_TRUE(pieces.get_weights()[i].identical(whole.get_weights()[i])) << whole.weights()[i].path;
    }
  }
}

TEST_F(Reproducibility, TwoModelsTrainedAtOnceAreThoseTrainedOneAfterTheOther) {
  FingerprintedFit one, two;
  two.dtype = DType::float64;
  set_num_threads(2);  // one of them gets the team, the other walks alone, and they may change places
  const std::uint64_t one_after = one.fit(), other_after = two.fit();

  for (int repeat = 0; repeat < 5; ++repeat) {
    const Sequential first = one.model(), second = two.model();
    const auto train = [](const FingerprintedFit& problem, const Sequential& model, History& history) {
      history = model.fit(problem.X, problem.y, FingerprintedFit::options());
    };
    // The order of samples is keyed by the seed in force, so both use the same one.
    History histories[2];
    std::thread beside(train, std::cref(one), std::cref(first), std::ref(histories[0]));
    train(two, second, histories[1]);
    beside.join();
    EXPECT_EQ(one.fingerprint(first, histories[0]), one_after);
    EXPECT_EQ(two.fingerprint(second, histories[1]), other_after);
  }
}

TEST_F(Reproducibility, PredictionsDependNeitherOnTheBatchSizeNorOnOtherCallers) {
  const FingerprintedFit problem;
  const Sequential model = problem.model();
  const Tensor expected = model.predict(problem.X, {.verbose = 0});
  for (const Index batch : {1, 2, 5, 8, 36, 37, 100}) {
    EXPECT_TRUE(model.predict(problem.X, {.batch_size = batch, .verbose = 0}).identical(expected)) << batch;
  }
  set_num_threads(2);
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> callers;
  for (std::size_t c = 0; c < wrong.size(); ++c) {
    callers.emplace_back([&, c] {
      for (int i = 0; i < 20; ++i) {
        const Index batch = static_cast<Index>(c) + 4;
        wrong[c] += model.predict(problem.X, {.batch_size = batch, .verbose = 0}).identical(expected) ? 0 : 1;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace rondo
