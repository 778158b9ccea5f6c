// "The 5 Step Life-Cycle for Long Short-Term Memory Models in Keras" (2017), row by row: what the tutorial shows works
// here, and reads almost the same. One test a row of docs and product promise; the tutorial's distribution of losses is
// in tutorial_distribution_test.cpp.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <regex>

#include <rondo/rondo.hpp>

#include "support/printed.hpp"

namespace rondo {
namespace {

using test::printed;

std::vector<std::string> layer_names(const Model& model) {
  std::vector<std::string> names;
  for (const Layer& layer : model.layers()) names.push_back(layer.name());
  return names;
}

// The tutorial's sequence 0.0, 0.1, ... 0.9 as pairs of a value and the next one.
struct Tenths {
  Tensor X, y;
  Tenths() {
    std::vector<double> sequence;
    for (int i = 0; i < 10; ++i) sequence.push_back(i / 10.0);
    const LagFrame frame = lag_frame(sequence, {.lags = 1});
    X = as_timesteps(frame);
    y = frame.y;
  }
};

// Three classes told apart by the size of two features.
struct ThreeClasses {
  Tensor X = Tensor::zeros({12, 4, 2}), one_hot = Tensor::zeros({12, 3}), numbers = Tensor::zeros({12, 1});
  ThreeClasses() {
    for (Index i = 0; i < 12; ++i) {
      const Index c = i % 3;
      for (Index t = 0; t < 4; ++t) {
        X.set({i, t, 0}, static_cast<double>(c - 1));
        X.set({i, t, 1}, c == 1 ? 1.0 : 0.1 * static_cast<double>(i));
      }
      one_hot.set({i, c}, 1);
      numbers.set({i, 0}, static_cast<double>(c));
    }
  }
};

class Tutorial : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(7);
  }
};

// ---- define -------------------------------------------------------------------------------------------------------

TEST_F(Tutorial, SequentialByAddAndByListAreTheSameModel) {
  Sequential by_add;
  by_add.add(LSTM(2, {.input_shape = {3, 1}}));
  by_add.add(Dense(1));
  EXPECT_EQ(layer_names(by_add), (std::vector<std::string>{"lstm", "dense"}));

  clear_session();
  set_random_seed(7);
  const Sequential by_list{LSTM(2, {.input_shape = {3, 1}}), Dense(1)};
  EXPECT_EQ(layer_names(by_list), layer_names(by_add));
  const Tensor X = Tensor{0.1, 0.2, 0.3}.reshape({1, 3, 1});
  // The list makes its layers before the model, `add` after it, so the starting weights differ; the function does not.
  by_list.set_weights(by_add.get_weights());
  EXPECT_TRUE(by_list.predict(X, {.verbose = 0}).identical(by_add.predict(X, {.verbose = 0})));
}

TEST_F(Tutorial, ActivationsMayStandAsLayersOfTheirOwn) {
  const Sequential separate{LSTM(5, {.input_shape = {2, 1}}), Dense(3), Activation("softmax")};
  const Sequential inside{LSTM(5, {.input_shape = {2, 1}}), Dense(3, {.activation = "softmax"})};
  inside.set_weights(separate.get_weights());
  const Tensor X = Tensor{0.5, -1.0}.reshape({1, 2, 1});
  EXPECT_TRUE(separate.predict(X, {.verbose = 0}).identical(inside.predict(X, {.verbose = 0})));
}

TEST_F(Tutorial, TheFirstLayerMayNameItsInputShape) {
  const Sequential model{LSTM(3, {.input_shape = {5, 2}}), Dense(1)};
  EXPECT_TRUE(model.built());
  EXPECT_EQ(model.count_params(), 4 * 3 * (2 + 3 + 1) + 4);
  EXPECT_EQ(model.compute_output_shape({Shape::kUnknown, 5, 2}), (Shape{Shape::kUnknown, 1}));
}

TEST_F(Tutorial, WithoutInputShapeTheFirstDataTellIt) {
  const Sequential model{LSTM(3), Dense(1)};
  EXPECT_FALSE(model.built());
  EXPECT_THROW((void)model.get_weights(), StateError);
  EXPECT_NE(model.summary_text().find("0 (unbuilt)"), std::string::npos);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(Tensor::zeros({4, 5, 2}), Tensor::zeros({4, 1}), {.verbose = 0});
  EXPECT_TRUE(model.built());
  EXPECT_EQ(model.count_params(), 4 * 3 * (2 + 3 + 1) + 4);
  EXPECT_EQ(model.predict(Tensor::zeros({2, 5, 2}), {.verbose = 0}).shape(), (Shape{2, 1}));
}

TEST_F(Tutorial, AnInputLayerTellsTheShapeToo) {
  Sequential model;
  model.add(Input({5, 2}));
  model.add(LSTM(3));
  model.add(Dense(1));
  EXPECT_TRUE(model.built());
  EXPECT_EQ(layer_names(model), (std::vector<std::string>{"lstm", "dense"}));
}

TEST_F(Tutorial, LstmLayersStackWithReturnSequences) {
  Sequential model;
  model.add(LSTM(4, {.return_sequences = true, .input_shape = {5, 2}}));
  model.add(LSTM(3, {.return_sequences = true}));
  model.add(LSTM(2));
  model.add(Dense(1));
  EXPECT_EQ(model.get_layer("lstm").compute_output_shape({Shape::kUnknown, 5, 2}), (Shape{Shape::kUnknown, 5, 4}));
  EXPECT_EQ(model.predict(Tensor::zeros({6, 5, 2}), {.verbose = 0}).shape(), (Shape{6, 1}));
}

TEST_F(Tutorial, StackingWithoutReturnSequencesTeachesHowToMendIt) {
  Sequential model;
  model.add(LSTM(4, {.input_shape = {5, 2}}));
  try {
    model.add(LSTM(3));
    FAIL() << "nothing was thrown";
  } catch (const ShapeError& error) {
    EXPECT_NE(std::string(error.what()).find("return_sequences = true"), std::string::npos) << error.what();
  }
  // The layer that did not fit was not added.
  EXPECT_EQ(layer_names(model), (std::vector<std::string>{"lstm"}));
}

// ---- data ---------------------------------------------------------------------------------------------------------

TEST_F(Tutorial, ColumnsBecomeTimeSteps) {
  const Tensor data = {{1, 2, 3}, {4, 5, 6}};
  const Tensor X = as_timesteps(data);
  EXPECT_EQ(X.shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(X(1, 2, 0), 6);
  EXPECT_TRUE(X.identical(data.reshape({data.shape()[0], data.shape()[1], 1})));
  EXPECT_TRUE(X.identical(data.reshape({2, -1, 1})));
}

TEST_F(Tutorial, ColumnsBecomeFeatures) {
  const Tensor data = {{1, 2, 3}, {4, 5, 6}};
  const Tensor X = as_features(data);
  EXPECT_EQ(X.shape(), (Shape{2, 1, 3}));
  EXPECT_EQ(X(1, 0, 2), 6);
  EXPECT_TRUE(X.identical(data.reshape({data.shape()[0], 1, data.shape()[1]})));
}

TEST_F(Tutorial, ALagFrameIsShiftConcatAndDropnaInOne) {
  const Tensor sequence = {0.0, 0.1, 0.2, 0.3};
  const LagFrame frame = lag_frame(sequence, {.lags = 1});
  EXPECT_EQ(frame.X.to_vector(), (std::vector<double>{0.0, 0.1, 0.2}));
  EXPECT_EQ(frame.y.to_vector(), (std::vector<double>{0.1, 0.2, 0.3}));
  EXPECT_EQ(frame.X.shape(), (Shape{3, 1}));
  // The pieces, as the tutorial does it with pandas: the shifted column begins with a missing value.
  const std::vector<double> shifted = shift(sequence, 1).to_vector();
  EXPECT_TRUE(std::isnan(shifted[0]));
  EXPECT_EQ(shifted[1], 0.0);
  EXPECT_EQ(shifted[3], 0.2);
}

// ---- compile ------------------------------------------------------------------------------------------------------

TEST_F(Tutorial, CompileTakesNames) {
  const Sequential model{LSTM(2, {.input_shape = {1, 1}}), Dense(1)};
  const Tenths tenths;
  for (const char* optimizer : {"sgd", "adam", "rmsprop"}) {
    for (const char* loss : {"mean_squared_error", "mse", "mean_absolute_error"}) {
      model.compile({.optimizer = optimizer, .loss = loss, .metrics = {"accuracy"}});
      EXPECT_GT(model.fit(tenths.X, tenths.y, {.verbose = 0})["loss"].back(), 0) << optimizer << ' ' << loss;
    }
  }
}

TEST_F(Tutorial, CompileTakesObjectsWithTheTutorialsRateAndMomentum) {
  const Sequential model{Dense(1, {.use_bias = false, .kernel_initializer = Constant(1.0), .input_shape = {1}})};
  const Tensor X = {{1.0}}, y = {{0.0}};
  model.compile({.optimizer = SGD({.lr = 0.1, .momentum = 0.3}), .loss = "mse"});
  EXPECT_DOUBLE_EQ(model.learning_rate(), 0.1);
  // w = 1: gradient 2, velocity -0.2, w = 0.8; gradient 1.6, velocity 0.3 * -0.2 - 0.16 = -0.22, w = 0.58.
  model.fit(X, y, {.verbose = 0});
  EXPECT_NEAR(model.get_weights()[0](0, 0), 0.8, 1e-6);
  model.fit(X, y, {.verbose = 0});
  EXPECT_NEAR(model.get_weights()[0](0, 0), 0.58, 1e-6);

  model.set_weights({Tensor{{1.0}}});
  model.compile({.optimizer = SGD({.learning_rate = 0.1, .momentum = 0.3}), .loss = losses::MeanSquaredError()});
  model.fit(X, y, {.epochs = 2, .verbose = 0});
  EXPECT_NEAR(model.get_weights()[0](0, 0), 0.58, 1e-6) << "lr is another name of learning_rate";
}

TEST_F(Tutorial, OutputsAreLinearSigmoidOrSoftmax) {
  const ThreeClasses data;
  const Sequential regression{LSTM(4, {.input_shape = {4, 2}}), Dense(1)};
  regression.compile({.optimizer = "adam", .loss = "mean_squared_error"});
  EXPECT_GT(regression.fit(data.X, data.numbers, {.verbose = 0})["loss"][0], 0);

  const Sequential binary{LSTM(4, {.input_shape = {4, 2}}), Dense(1), Activation("sigmoid")};
  binary.compile({.optimizer = "adam", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  const Tensor is_zero = data.one_hot.reshape({12, 3}).reshape({12, 3});
  Tensor labels = Tensor::zeros({12, 1});
  for (Index i = 0; i < 12; ++i) labels.set({i, 0}, is_zero(i, 0));
  binary.fit(data.X, labels, {.verbose = 0});
  for (const double p : binary.predict(data.X, {.verbose = 0}).to_vector()) EXPECT_TRUE(p > 0 && p < 1) << p;

  const Sequential classes{LSTM(4, {.input_shape = {4, 2}}), Dense(3, {.activation = "softmax"})};
  classes.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  classes.fit(data.X, data.one_hot, {.verbose = 0});
  const Tensor p = classes.predict(data.X, {.verbose = 0});
  for (Index i = 0; i < 12; ++i) EXPECT_NEAR(p(i, 0) + p(i, 1) + p(i, 2), 1, 1e-6);
}

// ---- fit ----------------------------------------------------------------------------------------------------------

TEST_F(Tutorial, FitReturnsAHistoryOfLossAndMetricsPerEpoch) {
  const ThreeClasses data;
  const Sequential model{LSTM(8, {.input_shape = {4, 2}}), Dense(3, {.activation = "softmax"})};
  model.compile(
      {.optimizer = Adam({.learning_rate = 0.05}), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  const History history = model.fit(data.X, data.one_hot, {.batch_size = 4, .epochs = 40, .verbose = 0});
  EXPECT_EQ(history.names(), (std::vector<std::string>{"accuracy", "loss"}));
  ASSERT_EQ(history["loss"].size(), 40u);
  ASSERT_EQ(history["acc"].size(), 40u) << "the tutorial's Keras called it acc";
  EXPECT_EQ(history.epochs().front(), 0);
  EXPECT_EQ(history.epochs().back(), 39);
  EXPECT_LT(history["loss"].back(), history["loss"].front());
  EXPECT_EQ(history["accuracy"].back(), 1);
}

TEST_F(Tutorial, VerboseZeroIsSilent) {
  const Tenths tenths;
  const Sequential model{LSTM(2, {.input_shape = {1, 1}}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  EXPECT_EQ(printed([&] {
              model.fit(tenths.X, tenths.y, {.epochs = 3, .verbose = 0});
              (void)model.evaluate(tenths.X, tenths.y, {.verbose = 0});
              (void)model.predict(tenths.X, {.verbose = 0});
            }),
            "");
}

TEST_F(Tutorial, VerboseOneIsAFinishedBarWithoutControlCharactersWhereThereIsNoTerminal) {
  const Tenths tenths;
  const Sequential model{LSTM(2, {.input_shape = {1, 1}}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"accuracy"}});
  const std::string fit = printed([&] { model.fit(tenths.X, tenths.y, {.batch_size = 3, .epochs = 2}); });
  const std::string bar = "(━){20}", rate = "\\d+s \\d+(us|ms|s)/step", value = "\\d\\.\\d{4}(e[+-]\\d\\d)?";
  const std::string line = "3/3 " + bar + " " + rate + " - accuracy: " + value + " - loss: " + value + "\n";
  EXPECT_TRUE(std::regex_match(fit, std::regex("Epoch 1/2\n" + line + "Epoch 2/2\n" + line))) << fit;

  const std::string evaluate = printed([&] { (void)model.evaluate(tenths.X, tenths.y, {.batch_size = 3}); });
  EXPECT_TRUE(std::regex_match(evaluate, std::regex(line))) << evaluate;
  const std::string predict = printed([&] { (void)model.predict(tenths.X, {.batch_size = 4}); });
  EXPECT_TRUE(std::regex_match(predict, std::regex("3/3 " + bar + " " + rate + "\n"))) << predict;
}

TEST_F(Tutorial, VerboseTwoIsOneLineAnEpoch) {
  const Tenths tenths;
  const Sequential model{LSTM(2, {.input_shape = {1, 1}}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  const std::string value = "\\d\\.\\d{4}(e[+-]\\d\\d)?";
  const std::string line = "3/3 - \\d+s - \\d+(us|ms|s)/step - loss: " + value;
  const std::string fit = printed([&] { model.fit(tenths.X, tenths.y, {.batch_size = 3, .epochs = 2, .verbose = 2}); });
  EXPECT_TRUE(std::regex_match(fit, std::regex("Epoch 1/2\n" + line + "\nEpoch 2/2\n" + line + "\n"))) << fit;

  const std::string validated =
      printed([&] { model.fit(tenths.X, tenths.y, {.batch_size = 2, .verbose = 2, .validation_split = 0.33}); });
  // One epoch has no header, as in Keras.
  EXPECT_TRUE(std::regex_match(validated, std::regex(line + " - val_loss: " + value + "\n"))) << validated;
}

// ---- evaluate and predict -------------------------------------------------------------------------------------------

TEST_F(Tutorial, EvaluateReturnsTheLossAndTheMetricsInTheOrderOfCompile) {
  const ThreeClasses data;
  const Sequential model{LSTM(4, {.input_shape = {4, 2}}), Dense(3, {.activation = "softmax"})};
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"mse", "accuracy"}});
  const Evaluation result = model.evaluate(data.X, data.one_hot, {.verbose = 0});
  ASSERT_EQ(result.values().size(), 3u);
  EXPECT_EQ(result.values()[0].first, "loss");
  EXPECT_EQ(result.values()[1].first, "mse");
  EXPECT_EQ(result.values()[2].first, "accuracy");
  EXPECT_EQ(result.loss(), result["loss"]);
  EXPECT_EQ(result["acc"], result["accuracy"]);

  const Tensor p = model.predict(data.X, {.verbose = 0});
  double mse = 0;
  for (Index i = 0; i < 12; ++i) {
    for (Index c = 0; c < 3; ++c) mse += std::pow(p(i, c) - data.one_hot(i, c), 2) / 36;
  }
  EXPECT_NEAR(result["mse"], mse, 1e-6);
}

TEST_F(Tutorial, ClassesComeFromPredictClassesOrFromArgmax) {
  const ThreeClasses data;
  const Sequential model{LSTM(8, {.input_shape = {4, 2}}), Dense(3, {.activation = "softmax"})};
  model.compile({.optimizer = Adam({.learning_rate = 0.05}), .loss = "sparse_categorical_crossentropy"});
  model.fit(data.X, data.numbers, {.batch_size = 4, .epochs = 40, .verbose = 0});
  const std::vector<Index> classes = model.predict_classes(data.X, {.verbose = 0});
  EXPECT_EQ(classes, argmax(model.predict(data.X, {.verbose = 0})));
  EXPECT_EQ(classes, argmax(data.one_hot));

  const Sequential binary{Dense(1, {.activation = "sigmoid", .kernel_initializer = "ones", .input_shape = {1}})};
  EXPECT_EQ(binary.predict_classes(Tensor{{-2.0}, {0.1}, {0.0}, {3.0}}, {.verbose = 0}),
            (std::vector<Index>{0, 1, 0, 1}))
      << "a single output is class 1 above one half";
}

// ---- the worked example -------------------------------------------------------------------------------------------

TEST_F(Tutorial, TheWorkedExampleLearnsTheSequenceOfTenths) {
  const Tenths tenths;
  EXPECT_EQ(tenths.X.shape(), (Shape{9, 1, 1}));
  EXPECT_EQ(tenths.y.shape(), (Shape{9, 1}));
  // 1. Define
  Sequential model;
  model.add(LSTM(10, {.input_shape = {1, 1}}));
  model.add(Dense(1));
  // 2. Compile
  model.compile({.optimizer = "adam", .loss = "mean_squared_error"});
  // 3. Fit
  const History history =
      model.fit(tenths.X, tenths.y, {.batch_size = tenths.X.shape()[0], .epochs = 1000, .verbose = 0});
  ASSERT_EQ(history["loss"].size(), 1000u);
  EXPECT_LT(history["loss"].back(), history["loss"].front() / 100);
  // 4. Evaluate
  EXPECT_LT(model.evaluate(tenths.X, tenths.y, {.verbose = 0}).loss(), 1e-3);
  // 5. Predict: rounded to one decimal, the predictions are the truth
  const Tensor predictions = model.predict(tenths.X, {.verbose = 0});
  EXPECT_EQ(predictions.shape(), (Shape{9, 1}));
  for (Index i = 0; i < 9; ++i) {
    EXPECT_EQ(std::lround(10 * predictions(i, 0)), std::lround(10 * tenths.y(i, 0))) << predictions(i, 0);
  }
}

}  // namespace
}  // namespace rondo
