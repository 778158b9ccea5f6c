// Model and Sequential beside fit: names, weights, shapes, predictions.
#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"

namespace rondo {
namespace {

Tensor zigzag(const Shape& shape) {
  std::vector<double> elements(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = 0.1 * static_cast<double>(i % 13) - 0.5;
  return Tensor(shape, std::move(elements));
}

class ModelTest : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(1);
  }
};

TEST_F(ModelTest, NamesCountPerClassAndPathsBeginWithTheModel) {
  const Sequential model{LSTM(2, {.return_sequences = true, .input_shape = {4, 3}}), LSTM(2), Dense(1)};
  EXPECT_EQ(model.name(), "sequential");
  std::vector<std::string> paths;
  for (const WeightInfo& w : model.weights()) paths.push_back(w.path);
  EXPECT_EQ(paths, (std::vector<std::string>{
                       "sequential/lstm/lstm_cell/kernel", "sequential/lstm/lstm_cell/recurrent_kernel",
                       "sequential/lstm/lstm_cell/bias", "sequential/lstm_1/lstm_cell/kernel",
                       "sequential/lstm_1/lstm_cell/recurrent_kernel", "sequential/lstm_1/lstm_cell/bias",
                       "sequential/dense/kernel", "sequential/dense/bias"}));
  EXPECT_EQ(Sequential().name(), "sequential_1");
  EXPECT_EQ(Sequential({.name = "mine"}).name(), "mine");
  EXPECT_THROW(Dense(1, {.name = "a/b"}), ConfigError);
}

TEST_F(ModelTest, LayersAreFoundByPositionAndName) {
  const Sequential model{LSTM(2, {.input_shape = {4, 3}}), Dense(1, {.name = "head"})};
  EXPECT_EQ(model.layers().size(), 2u);
  EXPECT_EQ(model.get_layer(0).name(), "lstm");
  EXPECT_EQ(model.get_layer(-1).name(), "head");
  EXPECT_EQ(model.get_layer("head").class_name(), "Dense");
  EXPECT_THROW((void)model.get_layer(2), ConfigError);
  EXPECT_THROW((void)model.get_layer("tail"), ConfigError);
}

TEST_F(ModelTest, LayersCanBeTakenOffAndPutOn) {
  Sequential model{LSTM(2, {.input_shape = {4, 3}}), Dense(1)};
  EXPECT_EQ(model.pop().name(), "dense");
  EXPECT_EQ(model.predict(zigzag({5, 4, 3}), {.verbose = 0}).shape(), (Shape{5, 2}));
  model.add(Dense(7));
  EXPECT_EQ(model.predict(zigzag({5, 4, 3}), {.verbose = 0}).shape(), (Shape{5, 7}));
  EXPECT_THROW((void)Sequential().pop(), StateError);
}

TEST_F(ModelTest, TheSameNameOrLayerTwiceIsRefused) {
  const Dense layer(3, {.name = "x"});
  Sequential model{layer};
  EXPECT_THROW(model.add(layer), ConfigError);
  EXPECT_THROW(model.add(Dense(3, {.name = "x"})), ConfigError);
  EXPECT_THROW(model.add(Input({3})), ConfigError) << "an Input comes first";
  EXPECT_EQ(model.layers().size(), 1u);
}

TEST_F(ModelTest, TwoModelsWithOneLayerShareItsWeights) {
  const Dense shared(2, {.input_shape = {3}});
  const Sequential one{shared}, two{shared, Activation("tanh")};
  one.set_weight("bias", Tensor{5.0, 6.0});
  EXPECT_EQ(two.get_weight("bias").to_vector(), (std::vector<double>{5, 6}));
}

TEST_F(ModelTest, CopiesOfAHandleAreTheSameModel) {
  Sequential model;
  const Sequential other = model;
  model.add(Dense(2, {.input_shape = {3}}));
  EXPECT_EQ(other.layers().size(), 1u);
}

TEST_F(ModelTest, OtherNumbersOfTimeStepsAreTaken) {
  const Sequential model{LSTM(2, {.input_shape = {5, 3}}), Dense(1)};
  EXPECT_EQ(model.predict(zigzag({2, 7, 3}), {.verbose = 0}).shape(), (Shape{2, 1}));
  EXPECT_EQ(model.predict(zigzag({2, 1, 3}), {.verbose = 0}).shape(), (Shape{2, 1}));
}

TEST_F(ModelTest, ALastAxisOfOneIsAddedOrDroppedAsInKeras) {
  const Sequential series{LSTM(2, {.input_shape = {5, 1}}), Dense(1)};
  const Tensor X = zigzag({3, 5});
  EXPECT_TRUE(series.predict(X, {.verbose = 0}).identical(series.predict(X.reshape({3, 5, 1}), {.verbose = 0})));
  const Sequential columns{Dense(1, {.input_shape = {5}})};
  EXPECT_TRUE(columns.predict(X, {.verbose = 0}).identical(columns.predict(X.reshape({3, 5, 1}), {.verbose = 0})));
}

TEST_F(ModelTest, PredictKeepsTheRankAndTakesNoSamplesToo) {
  const Sequential model{LSTM(2, {.return_sequences = true, .input_shape = {4, 3}}), Dense(6)};
  EXPECT_EQ(model.predict(zigzag({5, 4, 3}), {.verbose = 0}).shape(), (Shape{5, 4, 6}));
  EXPECT_EQ(model.predict(Tensor::zeros({0, 4, 3}), {.verbose = 0}).shape(), (Shape{0, 4, 6}));
}

TEST_F(ModelTest, PredictIntoWantsTheRightPlace) {
  const Sequential model{LSTM(2, {.input_shape = {4, 3}}), Dense(1)};
  const Tensor X = zigzag({5, 4, 3});
  Tensor out = Tensor::zeros({5, 1});
  model.predict_into(X, out, 2);
  EXPECT_TRUE(out.identical(model.predict(X, {.verbose = 0})));
  Tensor short_one = Tensor::zeros({4, 1}), other_type({5, 1}, DType::float64);
  EXPECT_THROW(model.predict_into(X, short_one), ShapeError);
  EXPECT_ANY_THROW(model.predict_into(X, other_type));
  EXPECT_THROW(model.predict_into(X, out, 0), ConfigError);
}

TEST_F(ModelTest, AFloat64ModelComputesInFloat64HoweverItIsCalled) {
  const Sequential model{LSTM(4, {.dtype = DType::float64, .input_shape = {5, 2}}),
                         Dense(3, {.dtype = DType::float64})};
  const Tensor X = zigzag({3, 5, 2});
  EXPECT_EQ(model.dtype(), DType::float64);
  const Tensor predicted = model.predict(X, {.verbose = 0});
  EXPECT_EQ(predicted.dtype(), DType::float64);
  EXPECT_TRUE(model(X)[0].identical(predicted)) << "called at once, as a layer";
}

// As soon as shapes are known: such a model can neither compute nor be saved.
TEST_F(ModelTest, LayersOfDifferentTypesAreRefusedWhenTheyAreBuilt) {
  Sequential model{LSTM(4, {.dtype = DType::float64, .input_shape = {5, 2}})};
  test::expect_error<ConfigError>([&] { model.add(Dense(3, {.name = "last"})); },
                                  {"one dtype", "LSTM", "float64", "'last'", "float32"});
  model.add(Dense(3, {.dtype = DType::float64}));
  EXPECT_EQ(model.predict(zigzag({3, 5, 2}), {.verbose = 0}).dtype(), DType::float64)
      << "what was refused is not there";
  const Sequential open{LSTM(4, {.dtype = DType::float64}), Dense(3)};
  EXPECT_THROW(open.build({Shape::kUnknown, 5, 2}), ConfigError);
  EXPECT_THROW((void)model_from_json(
                   R"({"class_name": "Sequential", "config": {"name": "m", "build_input_shape": [null, 1], "layers": [
        {"class_name": "InputLayer", "config": {"batch_shape": [null, 1]}},
        {"class_name": "Activation", "config": {"name": "a", "activation": "relu", "dtype": "float32"}},
        {"class_name": "Dense", "config": {"name": "d", "units": 1, "dtype": "float64"}}]}})"),
               ConfigError);
}

TEST_F(ModelTest, FrozenLayersKeepTheirWeightsAndThawAgain) {
  const Sequential model{LSTM(3, {.input_shape = {4, 2}}), Dense(1)};
  const Tensor X = zigzag({6, 4, 2}), y = zigzag({6, 1});
  const auto moves = [&](const char* weight) {
    model.compile({.optimizer = "sgd", .loss = "mse"});
    const Tensor before = model.get_weight(weight);
    model.fit(X, y, {.verbose = 0});
    return !model.get_weight(weight).identical(before);
  };
  model.get_layer("lstm").set_trainable(false);
  EXPECT_FALSE(moves("lstm_cell/kernel"));
  EXPECT_TRUE(moves("dense/kernel"));
  model.set_trainable(false);
  EXPECT_FALSE(moves("dense/kernel"));
  model.set_trainable(true);
  EXPECT_TRUE(moves("lstm_cell/kernel")) << "thawing a model thaws its layers";
  EXPECT_TRUE(moves("dense/kernel"));
}

TEST_F(ModelTest, BuildTakesABatchShape) {
  const Sequential model{LSTM(3), Dense(1)};
  model.build({Shape::kUnknown, 5, 2});
  EXPECT_EQ(model.count_params(), 76);
  EXPECT_EQ(model.predict(zigzag({2, 5, 2}), {.verbose = 0}).shape(), (Shape{2, 1}));
}

TEST_F(ModelTest, EvaluateNeedsNoFit) {
  const Sequential model{Dense(1, {.kernel_initializer = "zeros", .input_shape = {2}})};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_EQ(model.evaluate(Tensor{{1, 2}, {3, 4}}, Tensor{1, 3}, {.verbose = 0}).loss(), 5);
}

TEST_F(ModelTest, LabelsOfAnotherShapeAreRefusedAfterGoodOnesToo) {
  const Sequential model{Dense(1, {.input_shape = {2}})};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor X{{1, 2}, {3, 4}};
  (void)model.evaluate(X, Tensor{{1}, {3}}, {.verbose = 0});
  EXPECT_THROW((void)model.evaluate(X, Tensor{{1, 2}, {3, 4}}, {.verbose = 0}), ShapeError);
  model.fit(X, Tensor{{1}, {3}}, {.verbose = 0});
  EXPECT_THROW(model.fit(X, Tensor{{1, 2}, {3, 4}}, {.verbose = 0}), ShapeError);
}

TEST_F(ModelTest, AModelMayBeALayerOfAModel) {
  const Sequential inner{LSTM(3, {.return_sequences = true}), Dense(2)};
  const Sequential outer{inner, LSTM(2), Dense(1)};
  const Tensor X = zigzag({4, 5, 2}), y = zigzag({4, 1});
  outer.compile({.optimizer = "adam", .loss = "mse"});
  const History history = outer.fit(X, y, {.epochs = 20, .verbose = 0});
  EXPECT_LT(history["loss"].back(), history["loss"].front());
  EXPECT_EQ(outer.weights()[0].path.rfind(outer.name() + "/" + inner.name() + "/", 0), 0u) << outer.weights()[0].path;
}

TEST(Compile, KeepsLossAndMetricsThatAreNotGivenAnew) {
  const Sequential model{Dense(1, {.kernel_initializer = "ones", .input_shape = {1}})};
  model.compile({.optimizer = SGD({.learning_rate = 0.5}), .loss = "mae", .metrics = {"mse"}});
  model.compile({.optimizer = "adam"});
  EXPECT_EQ(model.learning_rate(), 0.001) << "the optimizer is the new one";
  const Evaluation kept = model.evaluate(Tensor{{1.0}}, Tensor{{4.0}}, {.verbose = 0});
  EXPECT_EQ(kept.loss(), 3);
  EXPECT_EQ(kept["mse"], 9);
  model.compile({.optimizer = "adam", .loss = "mse"});
  EXPECT_EQ(model.evaluate(Tensor{{1.0}}, Tensor{{4.0}}, {.verbose = 0}).loss(), 9);
}

TEST(Predict, BuildsAModelWhoseShapesComeWithTheData) {
  const Tensor X = Tensor{0.1, 0.2, 0.3, 0.4, 0.5, 0.6}.reshape({2, 3, 1});
  const auto build = [] {
    clear_session();
    set_random_seed(5);
    return Sequential{LSTM(4), Dense(2)};
  };
  const Sequential by_predict = build(), by_build = build();
  const Tensor predicted = by_predict.predict(X, {.verbose = 0});
  by_build.build({Shape::kUnknown, 3, 1});
  EXPECT_TRUE(predicted.identical(by_build.predict(X, {.verbose = 0}))) << "the same initial weights, from the seed";
  EXPECT_TRUE(predicted.identical(by_predict.predict(X, {.verbose = 0}))) << "built once";

  const Sequential into = build();
  Tensor out({2, 2}, DType::float32);
  into.predict_into(X, out);
  EXPECT_TRUE(out.identical(predicted));
  EXPECT_THROW((void)build().predict(Tensor{{0.1}, {0.2}}, {.verbose = 0}), ShapeError) << "2-D data for an LSTM";
}

}  // namespace
}  // namespace rondo
