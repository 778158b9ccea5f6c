// What Rondo says to the mistakes that people make most. A text must say who complains and where, what came, what was
// expected, and how to mend it; and it must be the same text in a program whose language writes decimal commas.
//
// To read all of them aloud:  RONDO_SHOW_ERRORS=1 ctest -R ErrorTexts -V  (or run the test program with that variable).
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iostream>
#include <utility>

#include <rondo/rondo.hpp>

#include "support/other_locale.hpp"

namespace rondo {
namespace {

using Parts = std::vector<std::string>;

// Runs a mistake, shows its text where the reader asked for it, and checks its kind and its essential parts.
template <class Expected, class Mistake>
void expect_text(const char* mistake_in_words, Mistake mistake, const Parts& parts) {
  SCOPED_TRACE(mistake_in_words);
  std::string text;
  try {
    mistake();
  } catch (const Expected& error) {
    text = error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another kind of exception: " << error.what();
    return;
  }
  if (text.empty()) {
    ADD_FAILURE() << "nothing was thrown";
    return;
  }
  if (std::getenv("RONDO_SHOW_ERRORS") != nullptr) std::cerr << "\n* " << mistake_in_words << ":\n  " << text << '\n';
  for (const std::string& part : parts) {
    EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
  }
  // One line that begins with a word and ends without a stray blank or full stop, so that it can stand in a log.
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  EXPECT_NE(text.back(), ' ') << text;
}

class ErrorTexts : public testing::Test {
 protected:
  // Names such as "lstm" and "dense" begin anew in each test.
  void SetUp() override { clear_session(); }

  // LSTM(4) on (None, 5, 2) with a Dense head, compiled.
  static Sequential forecaster(Index outputs = 1, const Loss& loss = "mse") {
    Sequential model{LSTM(4, {.input_shape = {5, 2}}), Dense(outputs)};
    model.compile({.optimizer = "adam", .loss = loss});
    return model;
  }
  static Tensor samples(Index n) { return Tensor::zeros({n, 5, 2}); }
  static Tensor labels(Index n, Index outputs = 1) { return Tensor::zeros({n, outputs}); }
  const test::OtherLocale locale_;
  static constexpr const char* kPath = "no/such/place/airline.csv";
};

// ---- shapes -------------------------------------------------------------------------------------------------------

TEST_F(ErrorTexts, TwoDimensionalInputIntoAnLstmNamesTheLayerAndBothWaysOut) {
  Sequential model{LSTM(4), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  expect_text<ShapeError>("2-D input into an LSTM whose shapes come with the data",
                          [&] {
                            model.fit(Tensor::zeros({9, 3}), labels(9));
                          },
                          {"layer 'lstm' (LSTM)", "3-D", "(batch, timesteps, features)", "2-D", "(None, 3)",
                           "as_timesteps(X)", "as_features(X)", "(batch, 3, 1)", "(batch, 1, 3)"});
}

TEST_F(ErrorTexts, TwoDimensionalInputIntoADeclaredModelShowsTheReshapeThatFits) {
  const Sequential model = forecaster();
  expect_text<ShapeError>(
      "2-D input into a model declared as (5, 2), with ten columns",
      [&] {
        model.fit(Tensor::zeros({9, 10}), labels(9));
      },
      {"'sequential'", "(None, 5, 2)", "(samples, timesteps, features)", "(9, 10)", "X.reshape({9, 5, 2})"});
  expect_text<ShapeError>("2-D input into a model declared as (5, 2), with three columns",
                          [&] {
                            (void)model.predict(Tensor::zeros({9, 3}));
                          },
                          {"(None, 5, 2)", "(9, 3)", "as_timesteps", "as_features"});
}

TEST_F(ErrorTexts, AMissingReturnSequencesIsNamedOnTheLayerThatLacksIt) {
  Sequential model{LSTM(4, {.input_shape = {5, 2}})};
  expect_text<ShapeError>("an LSTM behind an LSTM without return_sequences", [&] { model.add(LSTM(3)); },
                          {"layer 'lstm_1' (LSTM)", "(batch, timesteps, features)", "(None, 4)",
                           "The layer before it, 'lstm',", ".return_sequences = true"});

  Sequential deferred{LSTM(4, {.name = "first"}), LSTM(3, {.name = "second"}), Dense(1)};
  deferred.compile({.optimizer = "adam", .loss = "mse"});
  expect_text<ShapeError>("the same, found out at the first data", [&] { deferred.fit(samples(9), labels(9)); },
                          {"layer 'second' (LSTM)", "The layer before it, 'first',", ".return_sequences = true"});
}

TEST_F(ErrorTexts, AMissingReturnSequencesHintDoesNotSendTheReaderElsewhere) {
  // as_timesteps would be the fix for data, not for a layer's output.
  Sequential model{LSTM(4, {.input_shape = {5, 2}})};
  try {
    model.add(LSTM(3));
    FAIL() << "nothing was thrown";
  } catch (const ShapeError& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find("as_timesteps"), std::string::npos)
        << "the advice for data comes before the one that helps: " << text;
  }
}

TEST_F(ErrorTexts, AWrongLabelShapeNamesBothShapes) {
  expect_text<ShapeError>("labels with two columns for one output", [] { forecaster().fit(samples(9), labels(9, 2)); },
                          {"mean_squared_error", "(None, 2)", "(None, 1)", "labels"});
  expect_text<ShapeError>("class numbers for a softmax with a categorical loss",
                          [] { forecaster(3, "categorical_crossentropy").fit(samples(9), labels(9)); },
                          {"categorical_crossentropy", "(None, 1)", "(None, 3)", "sparse_categorical_crossentropy"});
  expect_text<ShapeError>("one-hot labels with a sparse loss",
                          [] { forecaster(3, "sparse_categorical_crossentropy").fit(samples(9), labels(9, 3)); },
                          {"sparse_categorical_crossentropy", "(None, 3)", "one-hot", "categorical_crossentropy"});
}

TEST_F(ErrorTexts, LabelsPerSampleForAnOutputPerStepPointToReturnSequences) {
  Sequential model{LSTM(4, {.return_sequences = true, .input_shape = {5, 2}}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  expect_text<ShapeError>("one label a sample for a model that answers at every step",
                          [&] { model.fit(samples(9), labels(9)); }, {"(None, 1)", "(None, 5, 1)", "return_sequences"});
}

TEST_F(ErrorTexts, WrongNumberOfFeaturesNamesTheAxis) {
  const Sequential model = forecaster();
  const Parts parts = {"'sequential'", "(None, 5, 2)", "(9, 5, 3)", "features", "3", "2"};
  expect_text<ShapeError>(
      "three features for two, in predict",
      [&] {
        (void)model.predict(Tensor::zeros({9, 5, 3}));
      },
      parts);
  expect_text<ShapeError>(
      "three features for two, in fit",
      [&] {
        model.fit(Tensor::zeros({9, 5, 3}), labels(9));
      },
      parts);
  const LSTM layer(4);
  layer.build({Shape::kUnknown, 5, 2});
  expect_text<ShapeError>("three features for two, on a layer called at once",
                          [&] {
                            (void)layer(Tensor::zeros({9, 5, 3}));
                          },
                          {"LSTM", "built for 2 features", "(None, 5, 3)", "3"});
}

TEST_F(ErrorTexts, DataOfDifferentLengthsNameBoth) {
  expect_text<ShapeError>("nine samples and eight labels", [] { forecaster().fit(samples(9), labels(8)); },
                          {"'sequential'", "X has 9 samples", "(9, 5, 2)", "y has 8", "(8, 1)"});
  expect_text<ShapeError>(
      "the same in the validation data",
      [] {
        forecaster().fit(samples(9), labels(9), {.verbose = 0, .validation_data = {{samples(4), labels(3)}}});
      },
      {"validation X has 4 samples", "y has 3"});
}

TEST_F(ErrorTexts, SetWeightsOfAWrongShapeNamesTheWeight) {
  const Sequential model = forecaster();
  std::vector<Tensor> weights = model.get_weights();
  weights[1] = Tensor::zeros({3, 16});
  expect_text<ShapeError>("set_weights with a recurrent kernel of a wrong shape", [&] { model.set_weights(weights); },
                          {"sequential/lstm/lstm_cell/recurrent_kernel", "(3, 16)", "(4, 16)"});
  weights.pop_back();
  expect_text<ShapeError>("set_weights with one tensor too few", [&] { model.set_weights(weights); },
                          {"'sequential'", "4", "5"});
  expect_text<ShapeError>("set_weight by name with a wrong shape",
                          [&] {
                            model.set_weight("dense/bias", Tensor{1.0, 2.0});
                          },
                          {"dense/bias", "(1,)", "(2,)"});
}

TEST_F(ErrorTexts, AnAmbiguousOrUnknownWeightNameShowsTheNamesThereAre) {
  const Sequential model = forecaster();
  expect_text<ConfigError>("a weight's name that two layers have", [&] { (void)model.get_weight("kernel"); },
                           {"2", "'kernel'", "sequential/lstm/lstm_cell/kernel", "sequential/dense/kernel"});
  expect_text<ConfigError>("a weight's name that no layer has", [&] { (void)model.get_weight("gamma"); },
                           {"'gamma'", "sequential/dense/bias"});
}

TEST_F(ErrorTexts, AStatefulModelNamesTheBatchSizeThatDoesNotDivide) {
  Sequential model{LSTM(4, {.stateful = true, .input_shape = {5, 2}}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  expect_text<ShapeError>("a stateful model fitted in batches that do not divide",
                          [&] { model.fit(samples(9), labels(9), {.batch_size = 4, .verbose = 0}); },
                          {"'sequential'", "stateful", "batch_size", "4", "9", "divide"});
  expect_text<ShapeError>("a stateful layer asked to go on with another number of rows",
                          [&] {
                            (void)model.predict(samples(4), {.verbose = 0});
                            (void)model.predict(samples(3), {.verbose = 0});
                          },
                          {"layer 'lstm' (LSTM)", "stateful", "4 rows", "3 rows", "reset_states()"});
}

TEST_F(ErrorTexts, AReshapeThatDoesNotFitNamesBothShapes) {
  expect_text<ShapeError>("a reshape of ten numbers into nine",
                          [] {
                            (void)Tensor::zeros({10}).reshape({3, 3});
                          },
                          {"(10,)", "(3, 3)"});
}

TEST_F(ErrorTexts, AStatefulModelRefusesToBeShuffled) {
  Sequential model{LSTM(4, {.stateful = true, .input_shape = {5, 2}}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  expect_text<ConfigError>("a stateful model fitted with .shuffle = true",
                           [&] { model.fit(samples(8), labels(8), {.batch_size = 4, .verbose = 0, .shuffle = true}); },
                           {"'sequential'", "stateful", "shuffle", "leave it out"});
}

TEST_F(ErrorTexts, AHintAboutTimeStepsComesOnlyWhereItHelps) {
  Sequential model{LSTM(3, {.input_shape = {5, 2}})};
  try {
    model.add(Activation("glu"));
    FAIL() << "nothing was thrown";
  } catch (const ShapeError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("even"), std::string::npos) << text;
    EXPECT_EQ(text.find("return_sequences"), std::string::npos) << "the width is odd with all steps too: " << text;
  }
  try {
    model.add(Dense(5, {.activation = "glu"}));
    FAIL() << "nothing was thrown";
  } catch (const ShapeError& error) {
    EXPECT_EQ(std::string(error.what()).find("return_sequences"), std::string::npos) << error.what();
  }
}

// ---- names --------------------------------------------------------------------------------------------------------

TEST_F(ErrorTexts, AnUnknownNameComesWithTheNearestKnownOne) {
  expect_text<ConfigError>("an optimizer called 'adan'",
                           [] { forecaster().compile({.optimizer = "adan", .loss = "mse"}); },
                           {"optimizer 'adan'", "Did you mean 'adam'?", "'rmsprop'", "'sgd'"});
  expect_text<ConfigError>("a loss called 'mean_square_error'",
                           [] { forecaster().compile({.optimizer = "adam", .loss = "mean_square_error"}); },
                           {"loss 'mean_square_error'", "Did you mean 'mean_squared_error'?", "'binary_crossentropy'"});
  expect_text<ConfigError>("a metric called 'acuracy'",
                           [] { forecaster().compile({.optimizer = "adam", .loss = "mse", .metrics = {"acuracy"}}); },
                           {"metric 'acuracy'", "Did you mean 'accuracy'?", "'mae'"});
  expect_text<ConfigError>("an activation called 'sigmod'", [] { (void)Dense(1, {.activation = "sigmod"}); },
                           {"activation 'sigmod'", "Did you mean 'sigmoid'?", "'tanh'"});
  expect_text<ConfigError>("an initializer called 'glorot_unifrom'",
                           [] { (void)Dense(1, {.kernel_initializer = "glorot_unifrom"}); },
                           {"initializer 'glorot_unifrom'", "Did you mean 'glorot_uniform'?", "'orthogonal'"});
  expect_text<ConfigError>("a name that is like nothing known",
                           [] { forecaster().compile({.optimizer = "lion_of_the_north", .loss = "mse"}); },
                           {"optimizer 'lion_of_the_north'", "'adam'", "'rmsprop'", "'sgd'"});
  const std::string missing = "is in Keras, but not in Rondo yet";
  expect_text<ConfigError>("an optimizer of Keras that has no use",
                           [] { forecaster().compile({.optimizer = "lossscaleoptimizer", .loss = "mse"}); },
                           {"optimizer 'lossscaleoptimizer'", "float16", "inner_optimizer"});
  expect_text<ConfigError>("a metric of Keras that is missing",
                           [] { forecaster().compile({.optimizer = "adam", .loss = "mse", .metrics = {"fmeasure"}}); },
                           {"metric 'fmeasure' " + missing, "'accuracy'"});
  expect_text<ConfigError>("an initializer of Keras that is missing",
                           [] { (void)Dense(1, {.kernel_initializer = "stft"}); },
                           {"initializer 'stft' " + missing, "'glorot_uniform'"});
  expect_text<ConfigError>("a metric given as the loss",
                           [] { forecaster().compile({.optimizer = "adam", .loss = "accuracy"}); },
                           {"loss 'accuracy'", "a metric"});
  expect_text<ConfigError>("a softmax inside an LSTM", [] { (void)LSTM(4, {.activation = "softmax"}); },
                           {"LSTM", "'softmax'", "elementwise", "'tanh'"});
}

TEST_F(ErrorTexts, HistoryAndLayersAndColumnsAreFoundByNameOrShowWhatThereIs) {
  const Sequential model = forecaster();
  const History history = model.fit(samples(4), labels(4), {.verbose = 0});
  expect_text<ConfigError>("a history series that was not recorded", [&] { (void)history["val_loss"]; },
                           {"'val_loss'", "'loss'"});
  Logs logs;
  logs.set("val_loss", 0.5);
  expect_text<ConfigError>("a value that the logs do not have", [&] { (void)logs["val_los"]; },
                           {"'val_los'", "Did you mean 'val_loss'?"});
  expect_text<ConfigError>("the same, read through a const reference", [&] { (void)std::as_const(logs)["val_los"]; },
                           {"'val_los'", "Did you mean 'val_loss'?"});
  expect_text<ConfigError>("the validation loss in logs of a fit without validation",
                           [&] {
                             model.fit(samples(4), labels(4),
                                       {.verbose = 0,
                                        .callbacks = {std::make_shared<LambdaCallback>(LambdaCallback::Functions{
                                            .on_epoch_end = [](Index, Logs& l) { (void)l["val_loss"]; }})}});
                           },
                           {"'val_loss'", "'loss'", "validation"});
  expect_text<ConfigError>("a layer that is not in the model", [&] { (void)model.get_layer("dens"); },
                           {"'sequential'", "'dens'", "Did you mean 'dense'?", "'lstm'"});
  expect_text<ConfigError>("a column that is not in the table",
                           [] { (void)parse_csv("Month,Passengers\nJan,1\n").numbers("passenger"); },
                           {"'passenger'", "Did you mean 'Passengers'?", "'Month'"});
}

// ---- the order of calls -------------------------------------------------------------------------------------------

TEST_F(ErrorTexts, WhatNeedsShapesBeforeTheyAreKnownSaysHowToMakeThemKnown) {
  const Sequential model{LSTM(4), Dense(1)};
  expect_text<StateError>(
      "memory_required before the shapes are known",
      [&] {
        (void)model.memory_required({2, 5, 2});
      },
      {"'sequential'", "shapes are not known", ".input_shape = {timesteps, features}", "fit", "build"});
  expect_text<StateError>("a stream before the shapes are known", [&] { (void)model.stream(); },
                          {"'sequential'", "no weights yet", ".input_shape", "build"});
  expect_text<StateError>("get_weights before the shapes are known", [&] { (void)model.get_weights(); },
                          {"'sequential'", "no weights yet", ".input_shape", "build"});
}

TEST_F(ErrorTexts, FitBeforeCompileShowsTheCallThatIsMissing) {
  const Sequential model{LSTM(4, {.input_shape = {5, 2}}), Dense(1)};
  expect_text<StateError>("fit before compile", [&] { model.fit(samples(9), labels(9)); },
                          {"'sequential'", "compile({.optimizer = ..., .loss = ...})", "before fit"});
  expect_text<StateError>("evaluate before compile", [&] { (void)model.evaluate(samples(9), labels(9)); },
                          {"'sequential'", "compile({.optimizer = ..., .loss = ...})", "before evaluate"});
  model.compile({.optimizer = "adam"});
  expect_text<StateError>("compile without a loss", [&] { model.fit(samples(9), labels(9)); },
                          {"'sequential'", "without a loss", "compile({.loss = \"mse\"})"});
}

// ---- options out of range -----------------------------------------------------------------------------------------

TEST_F(ErrorTexts, BatchSizeZeroSaysWhatItMayBe) {
  const Parts parts = {"'sequential'", "batch_size is 0", "1 or more", "32"};
  const Sequential model = forecaster();
  expect_text<ConfigError>(
      "batch_size 0 in fit", [&] { model.fit(samples(9), labels(9), {.batch_size = 0}); }, parts);
  expect_text<ConfigError>(
      "batch_size 0 in evaluate", [&] { (void)model.evaluate(samples(9), labels(9), {.batch_size = 0}); }, parts);
  expect_text<ConfigError>(
      "batch_size 0 in predict", [&] { (void)model.predict(samples(9), {.batch_size = 0}); }, parts);
}

TEST_F(ErrorTexts, OptionsOutOfRangeSayTheRange) {
  expect_text<ConfigError>("a validation_split that leaves nothing to train on",
                           [] { forecaster().fit(samples(9), labels(9), {.validation_split = 0.95}); },
                           {"validation_split", "0.95", "9 samples", "0 for training", "9 for validation"});
  expect_text<ConfigError>("a validation_split of 1",
                           [] { forecaster().fit(samples(9), labels(9), {.validation_split = 1}); },
                           {"validation_split", "below 1"});
  expect_text<ConfigError>("negative epochs", [] { forecaster().fit(samples(9), labels(9), {.epochs = -1}); },
                           {"epochs is -1", "0 or more"});
  expect_text<ConfigError>("a negative initial_epoch",
                           [] { forecaster().fit(samples(9), labels(9), {.verbose = 0, .initial_epoch = -5}); },
                           {"initial_epoch is -5", "0 or more"});
  expect_text<ConfigError>("verbose 4", [] { forecaster().fit(samples(9), labels(9), {.verbose = 4}); },
                           {"verbose is 4", "0 (silent)", "1 (bar)", "2 (one line an epoch)", "3 (a chart"});
  expect_text<ConfigError>("an LSTM of no units", [] { (void)LSTM(0); }, {"LSTM", "units is 0", "1 or more"});
  expect_text<ConfigError>("a negative learning rate", [] { (void)SGD({.learning_rate = -0.1}); },
                           {"SGD", "learning_rate", "-0.1", "0 or more"});
  expect_text<ConfigError>("a momentum above 1", [] { (void)SGD({.momentum = 3}); },
                           {"SGD", "momentum is 3", "between 0 and 1"});
}

TEST_F(ErrorTexts, FractionsAndRangesAreNumbersAsPeopleWriteThem) {
  expect_text<ConfigError>("a share of the rows above 1",
                           [] { (void)split_in_time(samples(9), labels(9), {.test_fraction = 1.5}); },
                           {"split_in_time", "between 0 and 1", "got 1.5"});
  expect_text<ConfigError>("a feature range that runs backwards",
                           [] {
                             (void)MinMaxScaler({.feature_range = {0.5, -0.25}});
                           },
                           {"MinMaxScaler", "from a smaller to a larger number", "{0.5, -0.25}"});
}

// ---- data ---------------------------------------------------------------------------------------------------------

TEST_F(ErrorTexts, ATextCellInANumberColumnIsFoundByLineAndColumn) {
  expect_text<FileError>("a text cell in a number column",
                         [] { (void)parse_csv("Month,Passengers\n1949-01,112\n1949-02,abc\n").numbers("Passengers"); },
                         {"line 3", "'Passengers'", "abc"});
  expect_text<FileError>("a decimal comma where a point is expected",
                         [] { (void)parse_csv("day;load\n1;3,5\n").numbers("load"); },
                         {"line 2", "'load'", "3,5", "decimal"});
}

TEST_F(ErrorTexts, AMissingFileIsNamedWithTheReason) {
  expect_text<FileError>("a missing file", [] { (void)read_csv(kPath); }, {kPath, "No such file"});
}

TEST_F(ErrorTexts, ASparseLabelOutOfRangeIsNamedWithTheClassesThereAre) {
  const Tensor y = {{0}, {1}, {3}, {2}};
  const Loss loss = losses::SparseCategoricalCrossentropy({.from_logits = true});
  expect_text<ShapeError>("the class number 3 among three classes",
                          [&] { forecaster(3, loss).fit(samples(4), y, {.verbose = 0}); },
                          {"'sequential'", "label 3", "sample 2", "0 to 2"});
  expect_text<ShapeError>("the class number 0.5",
                          [&] {
                            (void)forecaster(3, loss).evaluate(samples(2), Tensor{{0.5}, {1}}, {.verbose = 0});
                          },
                          {"label 0.5", "sample 0", "0 to 2"});
}

TEST_F(ErrorTexts, LabelsThatAreNoProbabilitiesAreNamedWithTheWayToRecodeThem) {
  const auto classifier = [](Index outputs, const char* activation, const char* loss) {
    Sequential model{LSTM(4, {.input_shape = {5, 2}}), Dense(outputs, {.activation = activation})};
    model.compile({.optimizer = "adam", .loss = loss});
    return model;
  };
  const FitOptions quiet{.verbose = 0};
  expect_text<ShapeError>(
      "labels -1 and +1 with binary crossentropy",
      [&] {
        classifier(1, "sigmoid", "bce").fit(samples(3), Tensor{{1}, {1}, {-1}}, quiet);
      },
      {"'sequential'", "label -1", "sample 2 of y", "between 0 and 1", "binary_crossentropy", "(y + 1) / 2"});
  expect_text<ShapeError>(
      "labels 1 and 2 with binary crossentropy, in evaluate",
      [&] {
        (void)classifier(1, "sigmoid", "bce").evaluate(samples(3), Tensor{{1}, {2}, {1}}, {.verbose = 0});
      },
      {"label 2", "sample 1", "y - 1"});
  expect_text<ShapeError>("labels 0 and 255 with binary crossentropy, in the validation data",
                          [&] {
                            classifier(1, "sigmoid", "bce")
                                .fit(samples(2), Tensor{{0}, {1}},
                                     {.verbose = 0, .validation_data = {{samples(2), Tensor{{0}, {255}}}}});
                          },
                          {"label 255", "sample 1 of the validation y", "y / 255"});
  expect_text<ShapeError>(
      "class numbers with binary crossentropy",
      [&] {
        classifier(1, "sigmoid", "bce").fit(samples(4), Tensor{{0}, {1}, {2}, {3}}, quiet);
      },
      {"label 2", "sample 2", "Dense(4, {.activation = \"softmax\"})", "sparse_categorical_crossentropy"});
  expect_text<ShapeError>("measurements with binary crossentropy",
                          [&] {
                            classifier(1, "sigmoid", "bce").fit(samples(3), Tensor{{0.5}, {12.25}, {3}}, quiet);
                          },
                          {"label 12.25", "sample 1", "\"mse\""});
  expect_text<ShapeError>(
      "rows of -1 and 1 with categorical crossentropy",
      [&] {
        classifier(2, "softmax", "categorical_crossentropy").fit(samples(2), Tensor{{1, -1}, {-1, 1}}, quiet);
      },
      {"label -1", "sample 0", "categorical_crossentropy", "(y + 1) / 2"});
}

TEST_F(ErrorTexts, WhatCannotLearnIsSaidBeforeItTrains) {
  const auto fit = [](Index outputs, const char* activation, const Loss& loss, const Tensor& y) {
    clear_session();
    Sequential model{LSTM(4, {.input_shape = {5, 2}}), Dense(outputs, {.activation = activation})};
    model.compile({.optimizer = "adam", .loss = loss});
    model.fit(samples(2), y, {.verbose = 0});
  };
  const Tensor one = {{0}, {1}}, two = {{0, 1}, {1, 0}};
  for (const char* loss : {"mse", "binary_crossentropy", "categorical_crossentropy"}) {
    expect_text<ConfigError>("softmax across a single unit", [&] { fit(1, "softmax", loss, one); },
                             {"'sequential'", "softmax", "one unit", "always 1", "sigmoid"});
  }
  expect_text<ConfigError>("categorical crossentropy of a single unit",
                           [&] { fit(1, "sigmoid", "categorical_crossentropy", one); },
                           {"'sequential'", "categorical_crossentropy", "one unit", "binary_crossentropy"});
  expect_text<ConfigError>("binary crossentropy without a sigmoid",
                           [&] { fit(1, "linear", "binary_crossentropy", one); },
                           {"'sequential'", "'linear'", "binary_crossentropy", ".activation = \"sigmoid\"",
                            "losses::BinaryCrossentropy({.from_logits = true})"});
  expect_text<ConfigError>("categorical crossentropy without a softmax",
                           [&] { fit(2, "linear", "categorical_crossentropy", two); },
                           {"'linear'", "categorical_crossentropy", ".activation = \"softmax\"",
                            "losses::CategoricalCrossentropy({.from_logits = true})"});
  expect_text<ConfigError>("sparse categorical crossentropy behind a tanh",
                           [&] { fit(2, "tanh", "sparse_categorical_crossentropy", one); },
                           {"'tanh'", "sparse_categorical_crossentropy", ".activation = \"softmax\""});
  expect_text<ConfigError>("binary crossentropy right behind an LSTM",
                           [] {
                             Sequential model{LSTM(1, {.input_shape = {5, 2}})};
                             model.compile({.optimizer = "adam", .loss = "bce"});
                             model.fit(samples(2), Tensor{{0}, {1}}, {.verbose = 0});
                           },
                           {"'tanh'", "Dense(1, {.activation = \"sigmoid\"})"});
}

TEST_F(ErrorTexts, ANanInTheDataIsNamedWithSampleEpochAndBatch) {
  Tensor X = samples(9);
  X.set({7, 2, 1}, std::nan(""));
  expect_text<NumericError>(
      "a NaN in X",
      [&] { forecaster().fit(X, labels(9), {.batch_size = 4, .epochs = 5, .verbose = 0, .shuffle = false}); },
      {"'sequential'", "X is NaN in sample 7, time step 2, feature 1", "epoch 1 of 5", "batch 2 of 3", "drop or fill"});
  Tensor y = labels(9);
  y.set({0, 0}, std::nan(""));
  expect_text<NumericError>("a NaN in y", [&] { forecaster().fit(samples(9), y, {.verbose = 0}); },
                            {"epoch 1 of 1", "batch 1 of 1", "y is NaN in sample 0"});
}

TEST_F(ErrorTexts, ALossThatRunsAwayAdvisesScalingOrALowerRate) {
  // Squares of 1e30 are infinite in float32.
  Sequential model{Dense(1, {.input_shape = {1}})};
  model.compile({.optimizer = SGD({.learning_rate = 1e20}), .loss = "mse"});
  expect_text<NumericError>("a loss that runs away",
                            [&] {
                              model.fit(Tensor{{1.0}, {2.0}}, Tensor{{1e10}, {-1e10}}, {.epochs = 50, .verbose = 0});
                            },
                            {"the loss became inf", "epoch 2 of 50", "too far from y", "lower the learning rate"});
}

}  // namespace
}  // namespace rondo
