// A steady training step, predict_into and the evaluation loop take nothing from the heap, on one thread or two.
//
// This file replaces operator new, in all its forms, for the whole test program by one that counts. A sanitizer has an
// operator new of its own, whose checks would be lost by that; there its hooks count instead, and count malloc too.
#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>
#include <new>
#include <optional>

#include <rondo/rondo.hpp>

#include "engine/staging.hpp"
#include "engine/thread_pool.hpp"
#include "support/instrumented.hpp"
#include "training/epoch_means.hpp"
#include "training/model_node.hpp"
#include "training/training_step.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RONDO_COUNT_BY_HOOKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RONDO_COUNT_BY_HOOKS 1
#endif
#endif

namespace {

std::atomic<long> g_allocations{0};
std::atomic<std::size_t> g_bytes{0};           // that were ever asked for
std::atomic<std::size_t> g_bytes_of_large{0};  // likewise, in blocks of a megabyte or more

void count(std::size_t bytes) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  g_bytes.fetch_add(bytes, std::memory_order_relaxed);
  if (bytes >= std::size_t{1} << 20) g_bytes_of_large.fetch_add(bytes, std::memory_order_relaxed);
}

}  // namespace

#ifdef RONDO_COUNT_BY_HOOKS

extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t),
                                                         void (*)(const volatile void*));

namespace {
void on_malloc(const volatile void*, std::size_t size) { count(size); }
void on_free(const volatile void*) {}
const bool g_hooked = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) != 0;
}  // namespace

#else

namespace {

const bool g_hooked = true;

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  count(size);
  if (size == 0) size = 1;
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return std::malloc(size);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  if (void* p = allocate(size, alignment)) return p;
  throw std::bad_alloc();
}

constexpr std::size_t kDefault = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
std::size_t bytes(std::align_val_t a) { return static_cast<std::size_t>(a); }

}  // namespace

void* operator new(std::size_t n) { return allocate_or_throw(n, kDefault); }
void* operator new[](std::size_t n) { return allocate_or_throw(n, kDefault); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, kDefault); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, kDefault); }
void* operator new(std::size_t n, std::align_val_t a) { return allocate_or_throw(n, bytes(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return allocate_or_throw(n, bytes(a)); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return allocate(n, bytes(a)); }
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, bytes(a));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }

#endif

namespace rondo {
namespace {

// Allocations of all threads while an action runs.
template <class Action>
long allocations_of(Action action) {
  const long before = g_allocations.load();
  action();
  return g_allocations.load() - before;
}

// Bytes that all threads ask for while an action runs.
template <class Action>
std::size_t bytes_of(Action action) {
  const std::size_t before = g_bytes.load();
  action();
  return g_bytes.load() - before;
}

constexpr Index kBatch = 8, kTail = 5;

Tensor ramp(const Shape& shape, DType dtype = DType::float32) {
  std::vector<double> elements(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = 0.01 * static_cast<double>(i % 97);
  return Tensor(shape, std::move(elements)).cast(dtype);
}

Sequential compiled_model(DType dtype = DType::float32, bool stateful = false, bool gru = true) {
  set_random_seed(5);
  Sequential model{LSTM(17, {.kernel_regularizer = "l2",
                             .recurrent_regularizer = "orthogonal_regularizer",
                             .activity_regularizer = "l1",
                             .recurrent_constraint = "max_norm",
                             .return_sequences = true,
                             .stateful = stateful,
                             .dtype = dtype,
                             .input_shape = {6, 3}})};
  if (gru) {
    model.add(GRU(6, {.return_sequences = true, .stateful = stateful, .dropout = 0.2, .dtype = dtype}));
    model.add(GRU(7, {.return_sequences = true, .reset_after = false, .recurrent_dropout = 0.1, .dtype = dtype}));
  }
  model.add(LSTM(5, {.activation = "relu", .dropout = 0.1, .recurrent_dropout = 0.2, .dtype = dtype}));
  model.add(BatchNormalization({.dtype = dtype}));
  model.add(Dense(9, {.activation = "gelu", .dtype = dtype}));
  model.add(Dense(2, {.activation = "softmax", .dtype = dtype}));
  model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"accuracy", "mean_absolute_error"}});
  return model;
}

// A model's training program with a leased workspace: what fit walks batch by batch.
class Steps {
 public:
  explicit Steps(const Sequential& model)
      : node_(static_cast<training::ModelNode&>(*model.node())),
        program_(node_.program(training::Mode::train, {.capacity = kBatch, .samples = samples_, .truth = truth_})),
        workspace_(program_->plan->lease()),
        means_(node_, node_.compiled("this test")) {
    training::OptimizerState& optimizer = node_.compiled("this test").optimizer;
    optimizer.prepare(program_->plan->gradient_slots(), node_.parameters());
    step_.emplace(*program_, optimizer, node_.parameters());
  }

  void one(Index rows) {
    const double loss = step_->take(workspace_, {.X = X_list_, .y = y_list_, .rows = rows}).loss;
    means_.add(*program_, workspace_.run(rows), loss);
  }

 private:
  std::vector<Shape> samples_{Shape{6, 3}}, truth_{Shape{2}};
  training::ModelNode& node_;
  std::shared_ptr<const training::Program> program_;
  engine::Workspace workspace_;
  std::optional<training::TrainingStep> step_;
  training::EpochMeans means_;
  Tensor X_ = ramp({kBatch, 6, 3}), y_ = ramp({kBatch, 2});
  const Tensor* const X_list_[1] = {&X_};
  const Tensor* const y_list_[1] = {&y_};
};

class Allocations : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(g_hooked) << "allocations cannot be counted in this build";
    set_num_threads(GetParam());
    engine::set_thread_threshold(0);
  }
  void TearDown() override {
    set_num_threads(0);
    engine::set_thread_threshold(4e6);
  }
};

// A pointer that the compiler must believe to be used: it may leave out a new and delete that nobody sees.
template <class T>
T* used(T* p) {
  static T* volatile seen;
  seen = p;
  return seen;
}

TEST_P(Allocations, AreCountedInEveryForm) {
  struct alignas(128) Wide {
    char bytes[128];
  };
  EXPECT_EQ(allocations_of([] { delete used(new int(1)); }), 1);
  EXPECT_EQ(allocations_of([] { delete[] used(new char[100]); }), 1);
  EXPECT_EQ(allocations_of([] { delete used(new Wide); }), 1);
  EXPECT_EQ(allocations_of([] { delete[] used(new Wide[3]); }), 1);
  EXPECT_EQ(allocations_of([] { delete used(new (std::nothrow) int(1)); }), 1);
  EXPECT_EQ(allocations_of([] { delete used(new (std::nothrow) Wide); }), 1);
  EXPECT_EQ(allocations_of([] { (void)used(std::vector<double>(9).data()); }), 1);
  EXPECT_EQ(allocations_of([] {}), 0);
}

TEST_P(Allocations, ASteadyTrainingStepTakesNone) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const bool stateful : {false, true}) {
      const Sequential model = compiled_model(dtype, stateful);
      Steps steps(model);
      steps.one(kBatch);  // starts the threads and fixes the state's rows
      EXPECT_EQ(allocations_of([&] {
                  for (int i = 0; i < 20; ++i) {
                    steps.one(kBatch);
                    if (!stateful) steps.one(kTail);
                  }
                }),
                0)
          << to_string(dtype) << (stateful ? ", stateful" : "");
    }
  }
}

TEST_P(Allocations, MetricsOfAllKindsTakeNone) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Sequential model = compiled_model(dtype);
    model.compile({.optimizer = "adam",
                   .loss = "mse",
                   .metrics = {"auc", "hinge", "f1_score", "r2_score", "binary_io_u", "pearson_correlation",
                               metrics::Precision({.thresholds = {0.25, 0.5}, .top_k = 1})}});
    Steps steps(model);
    steps.one(kBatch);
    EXPECT_EQ(allocations_of([&] {
                steps.one(kTail);
                steps.one(kBatch);
              }),
              0);
  }
}

TEST_P(Allocations, AStepOfAnyOptimizerTakesNone) {
  for (const Optimizer& optimizer :
       {Optimizer(Adagrad()), Optimizer(Adadelta()), Optimizer(Adamax()), Optimizer(Nadam()), Optimizer(Lion()),
        Optimizer(Ftrl()), Optimizer(Lamb()), Optimizer(Adafactor()), Optimizer(Muon()), Optimizer(ScheduleFreeAdamW()),
        Optimizer(AdamW({.learning_rate = CosineDecay(0, 100, {.warmup_target = 0.01, .warmup_steps = 10}),
        .exclude_from_weight_decay = {"bias"},
        .global_clipnorm = 1.0,
        .use_ema = true,
        .ema_overwrite_frequency = 3,
        .gradient_accumulation_steps = 2}))}) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Sequential model = compiled_model(dtype);
      model.compile({.optimizer = optimizer});
      Steps steps(model);
      steps.one(kBatch);
      EXPECT_EQ(allocations_of([&] {
                  for (int i = 0; i < 20; ++i) steps.one(i % 2 == 0 ? kBatch : kTail);
                }),
                0)
          << optimizer.class_name() << ", " << to_string(dtype);
    }
  }
}

TEST_P(Allocations, AStepOnTheHostsThreadsTakesNone) {
  struct Host : ParallelExecutor {
    Index max_concurrency() const override { return 1; }
    void run(Index tasks, ParallelTask task) override {
      for (Index i = 0; i < tasks; ++i) task(i);
    }
  };
  set_executor(std::make_shared<Host>());
  const Sequential model = compiled_model();
  Steps steps(model);
  steps.one(kBatch);
  EXPECT_EQ(allocations_of([&] { steps.one(kBatch); }), 0);
  set_executor(nullptr);
}

// A long sequence, whose activations are what a fit needs memory for.
Sequential long_model(Index steps, bool recompute) {
  Sequential model{LSTM(64, {.recompute = recompute, .input_shape = {steps, 1}}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  return model;
}

TEST_P(Allocations, AFitAndAPredictionTakeTheMemoryThatWasTold) {
  constexpr std::size_t kBookkeeping = 64 << 10;  // plans, logs, the order of samples
  const Index kSteps = test::all_or_some(20'000, 2'000);
  const Tensor X = ramp({8, kSteps, 1}), y = ramp({8, 1});
  for (const bool recompute : {false, true}) {
    const Sequential model = long_model(kSteps, recompute);
    const MemoryRequired told = model.memory_required(X.shape(), {.batch_size = 8, .y = y.shape()});
    const std::size_t taken = bytes_of([&] { model.fit(X, y, {.batch_size = 8, .epochs = 1, .verbose = 0}); });
    EXPECT_GE(taken, told.workspace + told.optimizer) << recompute;
    EXPECT_LE(taken, told.workspace + told.optimizer + kBookkeeping) << recompute;

    const MemoryRequired to_predict = model.memory_required(X.shape(), {.batch_size = 8});
    const std::size_t for_prediction = bytes_of([&] { (void)model.predict(X, {.batch_size = 8, .verbose = 0}); });
    EXPECT_GE(for_prediction, to_predict.workspace);
    EXPECT_LE(for_prediction, to_predict.workspace + kBookkeeping);
    EXPECT_EQ(to_predict.optimizer, 0u);
  }
}

TEST_P(Allocations, ToldMemoryOfLongSequencesIsWithinBounds) {
  const Shape X{8, 100'000, 1}, y{8, 1};
  const std::size_t data = static_cast<std::size_t>(X.elements()) * sizeof(float);
  const auto fit = [&](bool recompute) {
    return long_model(X[1], recompute).memory_required(X, {.batch_size = 8, .y = y}).total();
  };
  EXPECT_LT(fit(true), 100'000'000u);
  EXPECT_GT(fit(false), 10 * fit(true));
  // A prediction keeps no activations: the batch, a step's state, the weights.
  EXPECT_LT(long_model(X[1], false).memory_required(X, {.batch_size = 8}).total(), data + 200'000);
}

TEST_P(Allocations, AFitsBatchesTakeNoneAndItsEpochsOnlyWhatTheHistoryGrows) {
  const Tensor X = ramp({2 * kBatch + kTail, 6, 3}), y = ramp({2 * kBatch + kTail, 2});
  const Sequential model = compiled_model();
  const auto fit = [&](Index epochs) {
    return allocations_of([&] { model.fit(X, y, {.batch_size = kBatch, .epochs = epochs, .verbose = 0}); });
  };
  const auto names = static_cast<long>(model.fit(X, y, {.epochs = 2, .verbose = 0}).names().size());
  (void)fit(2);
  // The history's series double their memory: from 5 to 105 epochs five times each, of the names and the epochs.
  const long few = fit(5), many = fit(105);
  EXPECT_LE(many - few, 5 * (names + 1)) << "five epochs took " << few << ", a hundred more " << many - few;
}

TEST_P(Allocations, ABatchOfAFitWithCallbacksTakesNone) {
  struct Sampler : Callback {
    long begin = 0, inside = 0;
    Index epoch = 0;
    void on_epoch_begin(Index e) override { epoch = e; }
    void on_train_batch_begin(Index) override { begin = g_allocations.load(); }
    void on_train_batch_end(Index, Logs&) override {
      if (epoch > 0) inside += g_allocations.load() - begin;
    }
  };
  const Tensor X = ramp({2 * kBatch + kTail, 6, 3}), y = ramp({2 * kBatch + kTail, 2});
  const auto sampler = std::make_shared<Sampler>();
  compiled_model().fit(X, y, {.batch_size = kBatch, .epochs = 4, .verbose = 0, .callbacks = {sampler}});
  EXPECT_EQ(sampler->inside, 0);
}

TEST_P(Allocations, PredictIntoTakesNoneOnceItHasSeenTheBatch) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Sequential model = compiled_model(dtype);
    for (const DType given : {DType::float32, DType::float64}) {
      const Tensor X = ramp({2 * kBatch + kTail, 6, 3}, given), single = ramp({1, 6, 3}, given);
      Tensor out({2 * kBatch + kTail, 2}, dtype), one({1, 2}, dtype);
      model.predict_into(X, out, kBatch);
      model.predict_into(single, one);
      EXPECT_EQ(allocations_of([&] {
                  for (int i = 0; i < 10; ++i) {
                    model.predict_into(X, out, kBatch);
                    model.predict_into(single, one);
                  }
                }),
                0)
          << to_string(dtype) << " model, " << to_string(given) << " data";
    }
  }
}

TEST_P(Allocations, PredictAndEvaluateTakeAsManyForManyBatchesAsForFew) {
  const Sequential model = compiled_model();
  const Tensor few_X = ramp({kBatch + kTail, 6, 3}), few_y = ramp({kBatch + kTail, 2});
  const Tensor many_X = ramp({40 * kBatch + kTail, 6, 3}), many_y = ramp({40 * kBatch + kTail, 2});
  const auto predict = [&](const Tensor& X) {
    return allocations_of([&] { (void)model.predict(X, {.batch_size = kBatch, .verbose = 0}); });
  };
  const auto evaluate = [&](const Tensor& X, const Tensor& y) {
    return allocations_of([&] { (void)model.evaluate(X, y, {.batch_size = kBatch, .verbose = 0}); });
  };
  (void)predict(few_X);
  (void)evaluate(few_X, few_y);
  EXPECT_EQ(predict(many_X), predict(few_X));
  EXPECT_EQ(evaluate(many_X, many_y), evaluate(few_X, few_y));
}

TEST_P(Allocations, AStreamTakesNoneFromItsFirstStepOn) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    Stream stream = compiled_model(dtype).stream();
    std::vector<float> x(3, 0.5f), y(2);
    std::vector<double> wide_x(3, 0.5), wide_y(2);
    EXPECT_EQ(allocations_of([&] {
                for (int i = 0; i < 100; ++i) {
                  stream.step(x, y);
                  stream.step(wide_x, wide_y);
                }
                stream.reset();
                stream.step(x, y);
              }),
              0)
        << to_string(dtype);
  }
}

TEST_P(Allocations, AStreamWithRoundedWeightsTakesNoneAlsoWhenTheyChange) {
  const Sequential model = compiled_model(DType::float32, /*stateful=*/false, /*gru=*/false);
  Stream stream = model.stream({.weights = "bfloat16"});
  std::vector<float> x(3, 0.5f), y(2);
  EXPECT_EQ(allocations_of([&] {
              for (int i = 0; i < 100; ++i) stream.step(x, y);
            }),
            0);
  model.set_weights(model.get_weights());
  EXPECT_EQ(allocations_of([&] { stream.step(x, y); }), 0);
}

// Sequences of 200 lengths, the longest first; `lengths` of them.
struct ManyLengths : DataSource {
  explicit ManyLengths(Index lengths) {
    for (Index i = 0; i < lengths; ++i) {
      const Index steps = 200 - i * 73 % 200;
      all.push_back({ramp({kRows, steps, 1}), ramp({kRows, 1})});
    }
  }
  Index batches() const override { return static_cast<Index>(all.size()); }
  Batch batch(Index number) override { return all[static_cast<std::size_t>(number)]; }

  static constexpr Index kRows = 64;
  std::vector<Batch> all;
};

TEST_P(Allocations, SequencesOfManyLengthsTakeTheRoomOfTheLongest) {
  const auto bytes = [](Index lengths) {
    ManyLengths source(lengths);
    Sequential model{Input({Shape::kUnknown, 1}), LSTM(16), Dense(1)};
    model.compile({.loss = "mse"});
    model.build({ManyLengths::kRows, 200, 1});
    const std::size_t before = g_bytes_of_large.load();
    model.fit(source, {.verbose = 0, .shuffle = false});
    return g_bytes_of_large.load() - before;
  };
  const std::size_t one = bytes(1), all = bytes(200);
  EXPECT_GT(one, std::size_t{4} << 20);
  EXPECT_EQ(all, one);
}

INSTANTIATE_TEST_SUITE_P(Threads, Allocations, testing::Values(1, 2), testing::PrintToStringParamName());

}  // namespace
}  // namespace rondo
