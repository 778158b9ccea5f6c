// Every public function on things that have no data, no weights, no rule to learn by: an Error or an answer, never a
// crash. The tables need no expected texts; that each call ends is what they show.
#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/instrumented.hpp"

namespace rondo {
namespace {

using test::expect_error;

constexpr Index kHuge = std::numeric_limits<Index>::max();
constexpr Index k2To60 = Index{1} << 60, k2To62 = Index{1} << 62;

// Runs calls that may throw an Error and nothing else. Returns how many threw.
int errors_of(const std::vector<std::pair<const char*, std::function<void()>>>& calls) {
  int errors = 0;
  for (const auto& [what, call] : calls) {
    SCOPED_TRACE(what);
    try {
      call();
    } catch (const Error& error) {
      ++errors;
      EXPECT_STRNE(error.what(), "");
    } catch (const std::exception& error) {
      ADD_FAILURE() << what << " throws what is no rondo::Error: " << error.what();
    }
  }
  return errors;
}

const Tensor kNothing, kRows = Tensor::zeros({4, 3, 2}), kAnswers = Tensor::zeros({4, 1});

// All that a model has, asked of one.
int errors_of_model(const Sequential& m) {
  Tensor out;
  return errors_of({
      {"compile", [&] { m.compile({}); }},
      {"fit", [&] { m.fit(kRows, kAnswers, {.verbose = 0}); }},
      {"fit of nothing", [&] { m.fit(kNothing, kNothing, {.verbose = 0}); }},
      {"evaluate", [&] { (void)m.evaluate(kRows, kAnswers, {.verbose = 0}); }},
      {"evaluate of nothing", [&] { (void)m.evaluate(kNothing, kNothing, {.verbose = 0}); }},
      {"predict", [&] { (void)m.predict(kRows, {.verbose = 0}); }},
      {"predict of nothing", [&] { (void)m.predict(kNothing, {.verbose = 0}); }},
      {"predict of a scalar", [&] { (void)m.predict(Tensor::zeros({}), {.verbose = 0}); }},
      {"predict_into", [&] { m.predict_into(kRows, out); }},
      {"predict_classes", [&] { (void)m.predict_classes(kRows, {.verbose = 0}); }},
      {"memory_required",
       [&] {
         (void)m.memory_required({4, 3, 2});
       }},
      {"memory_required of fit",
       [&] {
         (void)m.memory_required({4, 3, 2}, {.y = {4, 1}});
       }},
      {"memory_required of a scalar", [&] { (void)m.memory_required({}); }},
      {"stream", [&] { (void)m.stream(); }},
      {"summary_text", [&] { (void)m.summary_text(); }},
      {"summary_text, narrow", [&] { (void)m.summary_text({.line_length = -5}); }},
      {"layers", [&] { (void)m.layers(); }},
      {"get_layer", [&] { (void)m.get_layer(0); }},
      {"get_layer by name", [&] { (void)m.get_layer(""); }},
      {"learning_rate", [&] { (void)m.learning_rate(); }},
      {"set_learning_rate", [&] { m.set_learning_rate(0.1); }},
      {"stop_training", [&] { m.stop_training(); }},
      {"build",
       [&] {
         m.build({4, 3, 2});
       }},
      {"build of a scalar", [&] { m.build({}); }},
      {"build of one axis", [&] { m.build({4}); }},
      {"compute_output_shape",
       [&] {
         (void)m.compute_output_shape({4, 3, 2});
       }},
      {"weights", [&] { (void)m.weights(); }},
      {"get_weights", [&] { (void)m.get_weights(); }},
      {"set_weights", [&] { m.set_weights({kRows}); }},
      {"get_weight", [&] { (void)m.get_weight(""); }},
      {"set_weight", [&] { m.set_weight("kernel", kRows); }},
      {"count_params", [&] { (void)m.count_params(); }},
      {"get_config", [&] { (void)m.get_config(); }},
      {"dtype", [&] { (void)m.dtype(); }},
      {"trainable", [&] { m.set_trainable(m.trainable()); }},
      {"reset_states", [&] { m.reset_states(); }},
      {"call", [&] { (void)m(kRows); }},
      {"call with nothing", [&] { (void)m(std::vector<Tensor>{}); }},
      {"call with a scalar", [&] { (void)m(Tensor::zeros({})); }},
      {"call with two",
       [&] {
         (void)m({kRows, kRows});
       }},
      {"pop", [&] { (void)m.pop(); }},
  });
}

TEST(SillyCalls, OnModelsInEveryStateOfIncompleteness) {
  EXPECT_GT(errors_of_model(Sequential()), 20);
  EXPECT_GT(errors_of_model(Sequential{LSTM(3), Dense(1)}), 5);
  EXPECT_GT(errors_of_model(Sequential{LSTM(3, {.input_shape = {3, 2}}), Dense(1)}), 5);
  EXPECT_GT(errors_of_model(Sequential{Input({3, 2})}), 5);
  EXPECT_GT(errors_of_model(Sequential{Sequential()}), 5);
  EXPECT_GT(errors_of_model(Sequential{Sequential{Dense(1)}, LSTM(2)}), 5);
  Sequential compiled{LSTM(3), Dense(1)};
  compiled.compile({.loss = "mse"});
  EXPECT_GT(errors_of_model(compiled), 5);
  Sequential popped{LSTM(3, {.input_shape = {3, 2}}), Dense(1)};
  (void)popped.pop();
  (void)popped.pop();
  EXPECT_GT(errors_of_model(popped), 5);
}

TEST(SillyCalls, OnLayersAlone) {
  for (const Layer& layer : {Layer(LSTM(2)), Layer(Dense(2)), Layer(Activation("glu")), Layer(Input({3, 2})),
                             Layer(LSTM(2, {.return_state = true})), Layer(LSTM(2, {.stateful = true}))}) {
    SCOPED_TRACE(layer.class_name());
    EXPECT_GT(errors_of({
                  {"weights", [&] { (void)layer.weights(); }},
                  {"get_weights", [&] { (void)layer.get_weights(); }},
                  {"set_weights", [&] { layer.set_weights({}); }},
                  {"count_params", [&] { (void)layer.count_params(); }},
                  {"get_config", [&] { (void)layer.get_config(); }},
                  {"reset_states", [&] { layer.reset_states(); }},
                  {"build of a scalar", [&] { layer.build({}); }},
                  {"build of one axis", [&] { layer.build({4}); }},
                  {"build of eight axes",
                   [&] {
                     layer.build({1, 1, 1, 1, 1, 1, 1, 1});
                   }},
                  {"call with nothing", [&] { (void)layer(std::vector<Tensor>{}); }},
                  {"call with no elements", [&] { (void)layer(kNothing); }},
                  {"call with a scalar", [&] { (void)layer(Tensor::zeros({})); }},
                  {"call with one axis",
                   [&] {
                     (void)layer(Tensor{1.0, 2.0});
                   }},
                  {"call with three of different rows",
                   [&] {
                     (void)layer({kRows, kAnswers, Tensor::zeros({3, 1})});
                   }},
                  {"call with four",
                   [&] {
                     (void)layer({kRows, kRows, kRows, kRows});
                   }},
                  {"call", [&] { (void)layer(kRows); }},
                  {"reset_states again", [&] { layer.reset_states(); }},
              }),
              3);
  }
}

TEST(SillyCalls, WithCallbacksThatAreNot) {
  const Sequential model{Dense(1, {.input_shape = {3, 2}})};
  model.compile({.loss = "mse"});
  const Tensor y = Tensor::zeros({4, 3, 1});
  EXPECT_EQ(errors_of({
                {"fit", [&] { model.fit(kRows, y, {.verbose = 0, .callbacks = {nullptr}}); }},
                {"evaluate", [&] { (void)model.evaluate(kRows, y, {.verbose = 0, .callbacks = {nullptr}}); }},
                {"predict", [&] { (void)model.predict(kRows, {.verbose = 0, .callbacks = {nullptr}}); }},
            }),
            3);
  model.fit(kRows, y, {.verbose = 0, .callbacks = {std::make_shared<LambdaCallback>(LambdaCallback::Functions{})}});
}

// ---- absurd sizes -------------------------------------------------------------------------------------------------

TEST(AbsurdSizes, OfLayersAreErrorsThatNameThem) {
  const std::vector<std::string> parts = {"the weights of layer 'huge'", "were asked for"};
  for (const Index units : {k2To62, k2To60, kHuge, Index{1} << 40}) {
    expect_error<MemoryError>([&] { Sequential{LSTM(units, {.name = "huge", .input_shape = {1, 3}})}; }, parts);
    expect_error<MemoryError>([&] { LSTM(units, {.name = "huge"}).build({2, 1, 3}); }, parts);
  }
  expect_error<MemoryError>([&] { Sequential{Dense(k2To62, {.name = "huge", .input_shape = {3}})}; }, parts);
  expect_error<MemoryError>([&] { Sequential{Dense(3, {.name = "huge", .input_shape = {kHuge}})}; }, parts);
  expect_error<MemoryError>([&] { Sequential{LSTM(3, {.name = "huge", .input_shape = {1, kHuge}})}; }, parts);
  EXPECT_EQ(LSTM(k2To62).compute_output_shape({2, 1, 3}), (Shape{2, k2To62}));
}

TEST(AbsurdSizes, OfDataAreErrorsOfMemoryRequired) {
  const Sequential model{LSTM(30, {.input_shape = {Shape::kUnknown, 2}}), Dense(1)};
  model.compile({.loss = "mse"});
  expect_error<Error>([&] { (void)model.memory_required({k2To60, 5, 2}); }, {"(1152921504606846976, 5, 2)"});
  expect_error<Error>([&] { (void)model.memory_required({k2To60, k2To60, 2}); }, {"1152921504606846976"});
  expect_error<MemoryError>(
      [&] {
        (void)model.memory_required({1, k2To60 / 4, 2}, {.y = {1, 1}});
      },
      {"the workspace of a model for a batch of 1 rows", "EB"});
  const Index rows = k2To60 / 16;  // their data have a size, the workspace has none
  expect_error<MemoryError>(
      [&] {
        (void)model.memory_required({rows, 5, 2}, {.batch_size = rows, .y = {rows, 1}});
      },
      {"the workspace of a model for a batch of 72057594037927936 rows"});
  EXPECT_EQ(model.memory_required({40, 5, 2}, {.batch_size = kHuge}).workspace,
            model.memory_required({40, 5, 2}, {.batch_size = 40}).workspace);
}

TEST(AbsurdSizes, OfBatchesAreOneBatch) {
  const Sequential model{LSTM(4, {.input_shape = {3, 2}}), Dense(1)};
  model.compile({.loss = "mse"});
  testing::internal::CaptureStdout();
  model.fit(kRows, kAnswers, {.batch_size = kHuge});
  (void)model.evaluate(kRows, kAnswers, {.batch_size = kHuge});
  (void)model.predict(kRows, {.batch_size = kHuge});
  const std::string shown = testing::internal::GetCapturedStdout();
  EXPECT_NE(shown.find("1/1"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("0/0"), std::string::npos) << shown;
}

TEST(AbsurdSizes, OfLinesAndTeamsAreRefused) {
  const Sequential model{LSTM(4, {.input_shape = {3, 2}}), Dense(1)};
  for (const Index length : {kHuge, Index{1} << 40, Index{1001}, Index{0}, Index{-1}, -kHuge}) {
    expect_error<ConfigError>([&] { (void)model.summary_text({.line_length = length}); },
                              {"line_length is " + std::to_string(length), "1 to 1000"});
  }
  EXPECT_NE(model.summary_text({.line_length = 1000}).size(), 0u);
  expect_error<ConfigError>([] { set_num_threads(kHuge); }, {"9223372036854775807", "1 to 4096"});
}

// For a scope the system gives this process 4 GB and no more.
class LittleMemory {
 public:
  LittleMemory() {
    getrlimit(RLIMIT_AS, &before_);
    rlimit little = before_;
    little.rlim_cur = rlim_t{4} << 30;
    setrlimit(RLIMIT_AS, &little);
  }
  ~LittleMemory() { setrlimit(RLIMIT_AS, &before_); }
  LittleMemory(const LittleMemory&) = delete;
  LittleMemory& operator=(const LittleMemory&) = delete;

 private:
  rlimit before_{};
};

TEST(AbsurdSizes, ThatTheSystemRefusesAreErrorsThatSayHowMuchWasForWhat) {
  if (!test::memory_may_end()) return;
  const Index steps = Index{1} << 16;
  const Tensor X = Tensor::zeros({1, steps, 1}), y = Tensor::zeros({1, steps, 1});
  Sequential model{Dense(1 << 16, {.input_shape = {Shape::kUnknown, 1}}), Dense(1)};
  model.compile({.loss = "mse"});
  const std::vector<std::string> parts = {"the workspace of a model for a batch of 1 rows: ", "GB were asked for"};
  {
    const LittleMemory little;
    expect_error<MemoryError>([&] { (void)model.predict(X, {.verbose = 0}); }, parts);
    expect_error<MemoryError>([&] { (void)model.evaluate(X, y, {.verbose = 0}); }, parts);
    expect_error<MemoryError>([&] { model.fit(X, y, {.verbose = 0}); }, parts);
    expect_error<MemoryError>([&] { (void)Dense(1 << 16)(X); }, parts);
    expect_error<MemoryError>([] { LSTM(1 << 15).build({1, 1, 1}); }, {"the weights of layer", "GB were asked for"});
  }
  EXPECT_EQ(model.predict(Tensor::zeros({2, 3, 1}), {.verbose = 0}).shape(), (Shape{2, 3, 1})) << "it works on";
}

}  // namespace
}  // namespace rondo
