// Trainings that are sick, each in one way, and what the diagnosis says of them. (Healthy ones, of which it says
// nothing, are in healthy_trainings_test.cpp; the rules on bare numbers in src/training/diagnosis/.)
#include <cmath>
#include <gtest/gtest.h>
#include <optional>

#include <rondo/rondo.hpp>

#include "support/trained.hpp"

namespace rondo {
namespace {

using test::noise;
using test::Outcome;
using test::Problem;
using test::train;

// Windows of 8 steps of a sine, and what comes next.
Problem sines(double scale = 1, double shift = 0) {
  std::vector<double> series;
  for (int t = 0; t < 200; ++t) series.push_back(shift + scale * std::sin(0.3 * t));
  const LagFrame frame = lag_frame(series, {.lags = 8});
  return {as_timesteps(frame), frame.y};
}

// Each step is the one before and something that nobody can know.
Problem random_walk() {
  std::vector<double> series{0};
  for (Index t = 1; t < 1500; ++t) series.push_back(series.back() + 0.1 * noise(t));
  const LagFrame frame = lag_frame(series, {.lags = 4});
  return {as_timesteps(frame), frame.y};
}

// y has nothing to do with X.
Problem two_noises(Index samples) {
  Problem p{Tensor::zeros({samples, 4}), Tensor::zeros({samples, 1})};
  for (Index i = 0; i < samples; ++i) {
    for (Index k = 0; k < 4; ++k) p.X.set({i, k}, noise(5 * i + k));
    p.y.set({i, 0}, noise(5 * i + 4));
  }
  return p;
}

class DiagnosisOfFit : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(1);
  }

  // The one finding, which is of this kind and says these things.
  static void expect(const Diagnosis& diagnosis, FindingKind kind, std::initializer_list<const char*> words) {
    ASSERT_EQ(diagnosis.size(), 1U) << diagnosis;
    EXPECT_EQ(to_string(diagnosis[0].kind), to_string(kind));
    for (const char* word : words)
      EXPECT_NE(diagnosis.to_string().find(word), std::string::npos) << word << "\n" << diagnosis;
  }

  static inline const CompileOptions kAdam{.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"};
};

TEST_F(DiagnosisOfFit, NamesBatchLayerAndCauseOfALossThatIsNotANumber) {
  const Sequential model{Dense(4, {.activation = "exponential", .name = "grower"}), Dense(1)};
  Problem p = sines(1000);
  p.X = p.X.reshape({-1, 8});
  const auto [history, diagnosis] =
      train(model, {.optimizer = "sgd", .loss = "mse"}, p,
            {.epochs = 3, .callbacks = {make_callback<TerminateOnNaN>()}, .shuffle = false});
  expect(diagnosis, FindingKind::not_finite, {"epoch 1 of 3, batch 1 of 6", "layer 'grower'"});
  EXPECT_EQ(diagnosis[0].epoch, 0);
}

TEST_F(DiagnosisOfFit, NamesTheFirstEpochWhoseValidationIsNotANumber) {
  Problem p = sines();
  Tensor hole = p.y;
  hole.set({3, 0}, std::nan(""));
  const auto [history, diagnosis] = train(Sequential{LSTM(4), Dense(1)}, kAdam, p,
                                          {.epochs = 5, .validation_data = {p.X, hole}, .validation_freq = 2});
  expect(diagnosis, FindingKind::not_finite, {"val_loss", "epoch 2"});
}

TEST_F(DiagnosisOfFit, FindsALayerThatTheLossDoesNotDependOn) {
  const Sequential model{LSTM(4, {.name = "cut_off"}), Dense(4, {.kernel_initializer = "zeros", .name = "zero"}),
                         Dense(1)};
  const Layer zero = model.get_layer("zero");
  model.build({Shape::kUnknown, 8, 1});
  zero.set_trainable(false);
  const auto [history, diagnosis] = train(model, kAdam, sines(), {.epochs = 20});
  ASSERT_FALSE(diagnosis.empty());
  EXPECT_EQ(diagnosis[0].kind, FindingKind::weights_not_moved) << diagnosis;
  EXPECT_EQ(diagnosis[0].layer, "cut_off");
  EXPECT_NE(diagnosis[0].text.find("in 120 steps"), std::string::npos) << diagnosis;
}

TEST_F(DiagnosisOfFit, FindsUpdatesThatAreLostInRounding) {
  const auto [history, diagnosis] =
      train(Sequential{Dense(1, {.use_bias = false, .name = "stuck"})},
            {.optimizer = SGD({.learning_rate = 1e-12}), .loss = "mse"}, two_noises(100), {.epochs = 20});
  ASSERT_TRUE(diagnosis.contains(FindingKind::weights_not_moved)) << diagnosis;
  EXPECT_NE(diagnosis[0].advice.find("larger learning rate"), std::string::npos) << diagnosis;
}

TEST_F(DiagnosisOfFit, SaysNothingOfALargeLayerOfWhichLittleMoves) {
  Problem p{Tensor::zeros({100, 4000}), Tensor::zeros({100, 1})};
  for (Index i = 0; i < 100; ++i) {
    p.X.set({i, 7}, noise(i));
    p.y.set({i, 0}, 2 * noise(i));
  }
  const auto [history, diagnosis] = train(Sequential{Dense(1, {.use_bias = false})}, kAdam, p, {.epochs = 100});
  EXPECT_TRUE(diagnosis.empty()) << diagnosis;
}

TEST_F(DiagnosisOfFit, SaysNothingOfWeightsThatAreFrozen) {
  const Sequential model{LSTM(8), Dense(1)};
  model.build({Shape::kUnknown, 8, 1});
  model.layers()[0].set_trainable(false);
  EXPECT_FALSE(train(model, kAdam, sines(), {.epochs = 60}).diagnosis.contains(FindingKind::weights_not_moved));
}

TEST_F(DiagnosisOfFit, FindsTargetsThatTheOutputCannotReach) {
  const auto [history, diagnosis] = train(Sequential{LSTM(8), Dense(1, {.activation = "sigmoid", .name = "end"})},
                                          kAdam, sines(100, 300), {.epochs = 10});
  expect(diagnosis, FindingKind::targets_out_of_range, {"from 200 to 400", "'end'", "sigmoid", "between 0 and 1"});
}

TEST_F(DiagnosisOfFit, FindsTargetsBelowARectifier) {
  const auto [history, diagnosis] =
      train(Sequential{LSTM(8), Dense(1, {.activation = "relu"})}, kAdam, sines(), {.epochs = 20});
  EXPECT_TRUE(diagnosis.contains(FindingKind::targets_out_of_range)) << diagnosis;
}

TEST_F(DiagnosisOfFit, FindsALayerOfDeadUnits) {
  // Behind it are layers that could use its buffer again.
  const Dense dead(16, {.activation = "relu", .bias_initializer = Constant(-100), .name = "dead"});
  const auto [history, diagnosis] =
      train(Sequential{dead, Dense(16), Dense(16), Dense(1)}, kAdam, two_noises(100), {.epochs = 20});
  expect(diagnosis, FindingKind::dead_units, {"16 of 16 units", "'dead'", "100 samples"});
}

TEST_F(DiagnosisOfFit, FindsARateThatMakesTheLossRise) {
  const auto [history, diagnosis] = train(
      Sequential{LSTM(8), Dense(1)}, {.optimizer = SGD({.learning_rate = 1}), .loss = "mse"}, sines(), {.epochs = 30});
  expect(diagnosis, FindingKind::learning_rate_too_large, {"the loss rose", "rate of 1;", "learning rate, 0.1"});
}

TEST_F(DiagnosisOfFit, FindsARateThatDrivesUnitsToTheirEnds) {
  const auto [history, diagnosis] =
      train(Sequential{LSTM(8), Dense(1, {.activation = "tanh"})},
            {.optimizer = Adam({.learning_rate = 3}), .loss = "mse"}, sines(), {.epochs = 30});
  expect(diagnosis, FindingKind::learning_rate_too_large, {"has stopped at", "mean of y", "learning rate, 0.3"});
}

TEST_F(DiagnosisOfFit, FindsARateThatIsTooSmall) {
  const auto [history, diagnosis] =
      train(Sequential{LSTM(8), Dense(1)}, {.optimizer = Adam({.learning_rate = 1e-6}), .loss = "mse"}, sines(),
            {.epochs = 30});
  expect(diagnosis, FindingKind::learning_rate_too_small, {"1e-06", "1e-05"});
}

TEST_F(DiagnosisOfFit, FindsPredictionsThatAreConstant) {
  // Of numbers as large as these, tanh and sigmoid are nearly 1.
  const Problem p = sines(50, 250);
  const auto [history, diagnosis] = train(Sequential{LSTM(8), Dense(1)}, kAdam, {p.X, sines().y}, {.epochs = 40});
  expect(diagnosis, FindingKind::constant_predictions, {"192 samples", "scale X and y"});
}

TEST_F(DiagnosisOfFit, FindsPredictionsThatAreTheLastInput) {
  const auto [history, diagnosis] =
      train(Sequential{Dense(1)}, {.optimizer = Adam({.learning_rate = 3e-3}), .loss = "mse"},
            {random_walk().X.reshape({-1, 4}), random_walk().y}, {.epochs = 60});
  expect(diagnosis, FindingKind::copied_input, {"last value of X"});
}

TEST_F(DiagnosisOfFit, FindsThatNothingIsLearned) {
  const auto [history, diagnosis] = train(Sequential{Dense(1)}, kAdam, two_noises(200), {.epochs = 60});
  expect(diagnosis, FindingKind::underfitting, {"has stopped falling", "of y's variance"});
}

TEST_F(DiagnosisOfFit, FindsATrainingThatEndedTooEarly) {
  const auto [history, diagnosis] =
      train(Sequential{LSTM(8), Dense(1)}, {.optimizer = Adam({.learning_rate = 1.3e-3}), .loss = "mse"}, sines(),
            {.epochs = 12});
  expect(diagnosis, FindingKind::underfitting, {"still falls", "more epochs"});
}

TEST_F(DiagnosisOfFit, FindsOverfitting) {
  Problem p = two_noises(60);
  for (Index i = 0; i < 60; ++i) p.y.set({i, 0}, p.X(i, 0) + p.y(i, 0));
  const auto [history, diagnosis] =
      train(Sequential{Dense(64, {.activation = "tanh"}), Dense(64, {.activation = "tanh"}), Dense(1)}, kAdam, p,
            {.epochs = 100, .validation_split = 0.4});
  expect(diagnosis, FindingKind::overfitting, {"val_loss was lowest in epoch", "EarlyStopping"});
  const Index epoch = diagnosis[0].epoch;
  EXPECT_LT(epoch, 60);
  EXPECT_EQ(history["val_loss"][static_cast<std::size_t>(epoch)],
            *std::min_element(history["val_loss"].begin(), history["val_loss"].end()));
}

// ---- what it costs and changes -------------------------------------------------------------------------------------

TEST_F(DiagnosisOfFit, IsPrintedAfterTheLastEpochAndByNobodyWhoWantsSilence) {
  const auto printed = [](int verbose) {
    const Sequential model{LSTM(8), Dense(1, {.activation = "sigmoid", .name = "end"})};
    model.compile(kAdam);
    const Problem p = sines(100, 300);
    testing::internal::CaptureStdout();
    model.fit(p.X, p.y, {.epochs = 10, .verbose = verbose});
    return testing::internal::GetCapturedStdout();
  };
  EXPECT_EQ(printed(0), "");
  for (const int verbose : {1, 2, 3}) {
    const std::string text = printed(verbose);
    const std::size_t note = text.find("note: y reaches from 200 to 400");
    ASSERT_NE(note, std::string::npos) << text;
    EXPECT_GT(note, text.rfind("loss: "));
    EXPECT_EQ(text.find('\n', note), text.size() - 1) << "one line, the last";
  }
}

TEST_F(DiagnosisOfFit, ChangesNothing) {
  const auto weights_after = [](bool asks) {
    clear_session();
    set_random_seed(5);
    const Sequential model{LSTM(6), Dropout(0.2), Dense(1)};
    model.compile(kAdam);
    for (int i = 0; i < 2; ++i) {
      const History history = model.fit(sines().X, sines().y, {.epochs = 10, .verbose = 0});
      if (asks) (void)history.diagnosis();
    }
    const Sequential next{Dense(3, {.input_shape = {2}})};  // its weights hang on the numbers of layers
    std::vector<std::vector<double>> all;
    for (const Tensor& weight : model.get_weights()) all.push_back(weight.to_vector());
    all.push_back(next.get_weights()[0].to_vector());
    EXPECT_EQ(next.name(), "sequential_1");
    return all;
  };
  EXPECT_EQ(weights_after(true), weights_after(false));
}

TEST_F(DiagnosisOfFit, OutlivesTheModelAndLeavesOutWhatOnlyTheModelCouldTell) {
  std::optional<History> history;
  {
    const Sequential model{LSTM(8), Dense(1, {.activation = "sigmoid"})};
    history = train(model, kAdam, sines(100, 300), {.epochs = 10}).history;
    EXPECT_EQ(history->diagnosis().size(), 1U);
    const History before = *history;
    model.fit(sines().X, sines().y, {.verbose = 0});
    EXPECT_TRUE(before.diagnosis().empty()) << "its weights are others: " << before.diagnosis();
  }
  EXPECT_TRUE(history->diagnosis().empty()) << history->diagnosis();
}

TEST_F(DiagnosisOfFit, SaysNothingOfAFewSteps) {
  const auto [history, diagnosis] =
      train(Sequential{LSTM(8), Dense(1, {.activation = "sigmoid"})}, kAdam, sines(100, 300), {.epochs = 1});
  EXPECT_TRUE(diagnosis.empty()) << diagnosis;
}

TEST(Diagnosis, IsPrintedAsLines) {
  const Diagnosis diagnosis(
      {{.kind = FindingKind::dead_units, .text = "4 of 4 units are 0", .advice = "try leaky_relu"},
       {.kind = FindingKind::overfitting, .text = "val_loss rose", .advice = "try Dropout"}});
  EXPECT_EQ(diagnosis.to_string(), "note: 4 of 4 units are 0; try leaky_relu\nnote: val_loss rose; try Dropout\n");
  EXPECT_TRUE(diagnosis.contains(FindingKind::overfitting));
  EXPECT_FALSE(diagnosis.contains(FindingKind::not_finite));
  EXPECT_EQ(to_string(FindingKind::overfitting), "overfitting");
  EXPECT_EQ(Diagnosis().to_string(), "");
}

}  // namespace
}  // namespace rondo
