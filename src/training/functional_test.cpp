// Models that are graphs, as a user writes them.
#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::ramp;

class Functional : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(11);
  }
};

// A sequence and some numbers beside it to one number.
Model two_inputs() {
  const Input series({5, 2}, {.name = "series"}), facts({3}, {.name = "facts"});
  const Symbol read = LSTM(4)(series);
  return Model({series, facts}, {Dense(1)(Concatenate()({read, facts}))});
}

TEST_F(Functional, ALineOfLayersIsTheSequentialModel) {
  const Input in({5, 2});
  const Model model(in, Dense(1)(LSTM(4)(in)));
  const Sequential line{LSTM(4, {.input_shape = {5, 2}}), Dense(1)};
  line.set_weights(model.get_weights());
  for (const Model& each : {model, static_cast<const Model&>(line)}) {
    each.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
    each.fit(ramp({7, 5, 2}), ramp({7, 1}), {.batch_size = 3, .epochs = 2, .verbose = 0, .shuffle = false});
  }
  const Tensor X = ramp({4, 5, 2}, 0.3);
  EXPECT_TRUE(model.predict(X, {.verbose = 0}).identical(line.predict(X, {.verbose = 0})));
  EXPECT_EQ(model.evaluate(X, ramp({4, 1}), {.verbose = 0}).loss(),
            line.evaluate(X, ramp({4, 1}), {.verbose = 0}).loss());
}

TEST_F(Functional, DataOfSeveralInputsComeInOrderOrByName) {
  const Model model = two_inputs();
  model.compile({.optimizer = "adam", .loss = "mse"});
  const Tensor series = ramp({6, 5, 2}), facts = ramp({6, 3}, 0.5), y = ramp({6, 1});
  const History history = model.fit(Inputs{series, facts}, y, {.batch_size = 4, .epochs = 30, .verbose = 0});
  EXPECT_LT(history["loss"].back(), history["loss"].front());
  const Tensor in_order = model.predict(Inputs{series, facts}, {.verbose = 0});
  const Tensor by_name = model.predict(Inputs{{"facts", facts}, {"series", series}}, {.verbose = 0});
  EXPECT_TRUE(in_order.identical(by_name));
  EXPECT_EQ(model.evaluate(Inputs{series, facts}, y, {.verbose = 0}).loss(),
            model.evaluate(Inputs{{"facts", facts}, {"series", series}}, y, {.verbose = 0}).loss());
}

TEST_F(Functional, ABeginningInTheMiddleHasTheDtypeOfTheLayersBeforeIt) {
  const Input inside({2}, {.dtype = DType::float64}), outside({2}, {.dtype = DType::float64});
  const Symbol middle = Model(inside, Dense(2, {.dtype = DType::float64})(inside))(outside);
  const Tensor x(Shape{1, 2}, std::vector<double>{1.0 / 3, 2.0 / 3});  // float32 has others
  EXPECT_TRUE(Model(middle, middle).predict(x, {.verbose = 0}).identical(x));
}

TEST_F(Functional, ValidationTakesSeveralInputsToo) {
  const Model model = two_inputs();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor series = ramp({8, 5, 2}), facts = ramp({8, 3}, 0.5), y = ramp({8, 1});
  const Inputs tail(std::vector<Tensor>{series.rows(6, 8), facts.rows(6, 8)});
  const auto trained = [&](const FitOptions& options) {
    const Model again = two_inputs();
    again.set_weights(model.get_weights());
    again.compile({.optimizer = "sgd", .loss = "mse"});
    return options.validation_data ? again.fit(Inputs{series.rows(0, 6), facts.rows(0, 6)}, y.rows(0, 6), options)
                                   : again.fit(Inputs{series, facts}, y, options);
  };
  const History split = trained({.epochs = 2, .verbose = 0, .validation_split = 0.25, .shuffle = false});
  const History given = trained({.epochs = 2, .verbose = 0, .validation_data = {tail, y.rows(6, 8)}, .shuffle = false});
  EXPECT_EQ(split["val_loss"], given["val_loss"]);
  EXPECT_EQ(split["loss"], given["loss"]);
}

TEST_F(Functional, SeveralOutputsArePredictedTogether) {
  const Input in({5, 2});
  const auto [y, h, c] = LSTM(4, {.return_sequences = true, .return_state = true})(in).unpack<3>();
  const Model model({in}, {y, h, Dense(2)(c)});
  const std::vector<Tensor> all = model.predict_outputs(ramp({3, 5, 2}), {.batch_size = 2, .verbose = 0});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].shape(), (Shape{3, 5, 4}));
  EXPECT_EQ(all[1].shape(), (Shape{3, 4}));
  EXPECT_EQ(all[2].shape(), (Shape{3, 2}));
  for (Index b = 0; b < 3; ++b) EXPECT_EQ(all[0](b, 4, 1), all[1](b, 1)) << "h is the last step";
  expect_error<ShapeError>(
      [&] {
        (void)model.predict(ramp({3, 5, 2}), {.verbose = 0});
      },
      {"3 outputs", "predict_outputs"});
}

TEST_F(Functional, AModelCanBeCutOutOfATrainedOne) {
  const Input source({4, 2}), target({3, 1});
  const LSTM encoder(5, {.return_state = true}), decoder(5, {.return_sequences = true});
  const Dense head(1);
  const auto [y, h, c] = encoder(source).unpack<3>();
  const Model whole({source, target}, {head(decoder(target, {.initial_state = {h, c}}))});
  whole.compile({.optimizer = "adam", .loss = "mse"});
  const Tensor X = ramp({6, 4, 2}), start = ramp({6, 3, 1});
  whole.fit(Inputs{X, start}, ramp({6, 3, 1}, 0.2), {.epochs = 5, .verbose = 0});

  const Model states({source}, {h, c});
  const Input h0({5}), c0({5});
  const Model rest({target, h0, c0}, {head(decoder(target, {.initial_state = {h0, c0}}))});
  const std::vector<Tensor> encoded = states.predict_outputs(X, {.verbose = 0});
  EXPECT_TRUE(rest.predict(Inputs{start, encoded[0], encoded[1]}, {.verbose = 0})
                  .identical(whole.predict(Inputs{X, start}, {.verbose = 0})));
  // From the middle of the graph on.
  const Model tail({target, h, c}, {head(decoder(target, {.initial_state = {h, c}}))});
  EXPECT_TRUE(tail.predict(Inputs{start, encoded[0], encoded[1]}, {.verbose = 0})
                  .identical(whole.predict(Inputs{X, start}, {.verbose = 0})));
}

TEST_F(Functional, ALayerCalledTwiceHasItsWeightsOnce) {
  const Input a({4, 2}), b({4, 2});
  const LSTM lstm(3);
  const Model model({a, b}, {Dense(1)(Add()({lstm(a), lstm(b)}))});
  EXPECT_EQ(model.weights().size(), 5u);
  EXPECT_EQ(model.weights()[0].path, "lstm/lstm_cell/kernel") << "as in Keras, without the model's name";
  EXPECT_EQ(model.count_params(), 4 * 3 * (2 + 3 + 1) + 3 + 1);
}

TEST_F(Functional, ASharedLayerTrainsAsTheOneItIs) {
  // (a + b) K is a K + b K.
  const Input a({3}, {.dtype = DType::float64}), b({3}, {.dtype = DType::float64});
  const DenseOptions options{.use_bias = false, .dtype = DType::float64};
  const Dense shared(2, options), once(2, options);
  const Model apart({a, b}, {Add({.dtype = DType::float64})({shared(a), shared(b)})});
  const Model together({a, b}, {once(Add({.dtype = DType::float64})({a, b}))});
  once.set_weights(shared.get_weights());
  for (const Model& model : {apart, together}) {
    model.compile({.optimizer = "adam", .loss = "mse"});
    model.fit(Inputs{ramp({6, 3}), ramp({6, 3}, 0.4)}, ramp({6, 2}),
              {.batch_size = 2, .epochs = 3, .verbose = 0, .shuffle = false});
  }
  EXPECT_TRUE(allclose(shared.get_weights()[0], once.get_weights()[0], {.rtol = 1e-12, .atol = 1e-12}));
}

TEST_F(Functional, LayersComeInKerasOrder) {
  const Input a({3}, {.name = "a"}), b({3}, {.name = "b"});
  const Symbol x = Dense(3, {.name = "early"})(a);
  const Symbol y = Dense(3, {.name = "late"})(x);
  const Model model({a, b}, {Add({.name = "sum"})({b, y})});
  std::vector<std::string> names;
  for (const Layer& layer : model.layers()) names.push_back(layer.name());
  EXPECT_EQ(names, (std::vector<std::string>{"a", "early", "b", "late", "sum"}));
  EXPECT_EQ(model.get_layer("early").count_params(), 12);
}

TEST_F(Functional, ASummarySaysWhatIsConnectedToWhat) {
  const Input in({6}, {.name = "numbers"});
  const Symbol x = Dense(6, {.name = "wide"})(in);
  const Model model({in}, {Add({.name = "sum"})({in, x})}, {.name = "residual"});
  EXPECT_EQ(model.summary_text(),
            R"(Model: "residual"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)                  ┃ Output Shape              ┃         Param # ┃ Connected to               ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━┩
│ numbers (InputLayer)          │ (None, 6)                 │               0 │ -                          │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ wide (Dense)                  │ (None, 6)                 │              42 │ numbers[0][0]              │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ sum (Add)                     │ (None, 6)                 │               0 │ numbers[0][0], wide[0][0]  │
└───────────────────────────────┴───────────────────────────┴─────────────────┴────────────────────────────┘
 Total params: 42 (168.00 B)
 Trainable params: 42 (168.00 B)
 Non-trainable params: 0 (0.00 B)
)");
  const Model line(in, x, {.name = "line"});
  EXPECT_EQ(line.summary_text().find("Connected to"), std::string::npos);
  EXPECT_NE(line.summary_text().find("numbers (InputLayer)"), std::string::npos);
}

TEST_F(Functional, AStreamOfAGraphGoesAsTheSequence) {
  const Input in({6, 3});
  const Symbol x = LSTM(3, {.return_sequences = true})(in);
  const Symbol sum = Add()({in, x});
  const Model model(in, Dense(2)(Concatenate()({sum, x})));
  const Tensor X = ramp({1, 6, 3});
  const Tensor whole = model.predict(X, {.verbose = 0});
  Stream stream = model.stream();
  for (Index t = 0; t < 6; ++t) {
    const Tensor y = stream.step(Tensor{X(0, t, 0), X(0, t, 1), X(0, t, 2)});
    for (Index u = 0; u < 2; ++u) EXPECT_EQ(y(u), whole(0, t, u)) << t;
  }
  expect_error<ConfigError>([] { (void)two_inputs().stream(); }, {"2 inputs", "a stream is for"});
}

TEST_F(Functional, AnInnerModelThatGrowsIsSeenByTheOuterOne) {
  const Sequential inner{Dense(3, {.kernel_initializer = "ones", .input_shape = {2}})};
  const Input in({2});
  const Model outer(in, inner(in));
  const Tensor X{{1, 2}};
  EXPECT_EQ(outer.predict(X, {.verbose = 0})(0, 0), 3);
  inner.add(Dense(3, {.kernel_initializer = "ones"}));
  EXPECT_EQ(outer.predict(X, {.verbose = 0})(0, 0), 9);
}

// ---- mistakes -----------------------------------------------------------------------------------------------------

TEST_F(Functional, AnOutputThatHangsOnSomethingElseIsNamed) {
  const Input a({3}, {.name = "a"}), b({4}, {.name = "b"});
  const Symbol y = Concatenate()({a, b});
  expect_error<ConfigError>([&] { (void)Model({a}, {y}); }, {"not connected", "layer 'b' (InputLayer)", "(None, 4)"});
  expect_error<ConfigError>([&] { (void)Model({a, a}, {y}); }, {"the input 'a' was given twice"});
  expect_error<ConfigError>([&] { (void)Model(std::vector<Symbol>{}, {y}); }, {"at least one input"});
}

TEST_F(Functional, TwoLayersOfOneNameAreRefused) {
  const Input in({3});
  const Symbol x = Dense(3, {.name = "same"})(in);
  expect_error<ConfigError>([&] { (void)Model(in, Dense(3, {.name = "same"})(x)); }, {"the name 'same' is taken"});
}

TEST_F(Functional, MisfitsAreFoundWhenALayerIsCalled) {
  const Input a({5, 3}), b({4, 3});
  expect_error<ShapeError>([&] { (void)Add()({a, b}); }, {"cannot merge", "(None, 5, 3), (None, 4, 3)"});
  expect_error<ShapeError>([&] { (void)Concatenate()({a, b}); }, {"along axis -1", "(None, 4, 3)", "differ elsewhere"});
  expect_error<ShapeError>([&] { (void)LSTM(2)(LSTM(3, {.name = "first"})(a)); },
                           {"expects 3-D input", "The layer before it, 'first'", ".return_sequences = true"});
  expect_error<ShapeError>([&] { (void)Add()(a); }, {"two tensors or more"});
  expect_error<ConfigError>([&] { (void)Dense(2)(a, {.initial_state = {b}}); }, {"not recurrent", "initial_state"});
  expect_error<ShapeError>([&] { (void)Dense(2)({a, b}); }, {"takes one input, 2 were given"});
  const Symbols states = LSTM(4, {.return_state = true})(a);
  expect_error<ShapeError>([&] { (void)Dense(2)(states); }, {"has 3 outputs where 1 is wanted", ".unpack<3>()"});
  expect_error<ShapeError>([&] { (void)states.unpack<2>(); }, {"has 3 outputs where 2 are wanted"});
  expect_error<ShapeError>([&] { (void)states[3]; }, {"3 outputs, numbered from 0", "the number 3"});
  expect_error<ConfigError>([&] { (void)b(a); }, {"InputLayer", "cannot be called"});
}

TEST_F(Functional, MasksOfDifferentTimesAreNotAdded) {
  const Input few({2, 3}), many({5, 3});
  const Symbol pairs = TimeDistributed(RepeatVector(2))(Masking()(many));
  const Model model({few, many}, Add({.name = "sum"})({Masking()(few), pairs}));
  expect_error<ConfigError>(
      [&] {
        (void)model.predict(Inputs{ramp({1, 2, 3}), ramp({1, 5, 3})}, {.verbose = 0});
      },
      {"'sum'", "of 2 and of 5 time steps", "(None, 2, 3)", "(None, 5, 2, 3)"});
}

TEST_F(Functional, DataForTheWrongInputsAreRefused) {
  const Model model = two_inputs();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor series = ramp({6, 5, 2}), facts = ramp({6, 3}), y = ramp({6, 1});
  expect_error<ShapeError>([&] { model.fit(series, y, {.verbose = 0}); }, {"has 2 inputs", "Inputs{a, b, ...}"});
  expect_error<ShapeError>(
      [&] {
        (void)model.predict(Inputs{facts, series}, {.verbose = 0});
      },
      {"X['series']", "(None, 5, 2)", "(6, 3)"});
  expect_error<ShapeError>(
      [&] {
        model.fit(Inputs{series, facts.rows(0, 5)}, y, {.verbose = 0});
      },
      {"X['series'] has 6 samples", "X['facts'] has 5"});
  expect_error<ConfigError>(
      [&] {
        (void)model.predict(Inputs{{"series", series}, {"fact", facts}}, {.verbose = 0});
      },
      {"no input 'fact'", "Did you mean 'facts'"});
  expect_error<ConfigError>(
      [&] {
        (void)model.predict(Inputs{{"series", series}, {"series", facts}}, {.verbose = 0});
      },
      {"data for its input 'series' were given twice"});
}

TEST_F(Functional, FitChecksShapesBehindTheInputToo) {
  const Sequential model{Permute({2, 1}, {.input_shape = {5, 2}}), LSTM(3), Dense(1)};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  expect_error<ShapeError>(
      [&] {
        model.fit(ramp({4, 7, 2}), ramp({4, 1}), {.verbose = 0});
      },
      {"built for 5 features", "(None, 2, 7)"});
  expect_error<ShapeError>(
      [&] {
        (void)model.evaluate(ramp({4, 3, 2}), ramp({4, 1}), {.verbose = 0});
      },
      {"built for 5 features"});
  const Sequential inner{Dense(200, {.input_shape = {3}})};
  const Sequential outer{inner, Dense(1)};
  outer.compile({.optimizer = "sgd", .loss = "mse"});
  inner.pop();
  inner.add(Dense(3));
  expect_error<ShapeError>([&] { outer.fit(ramp({4, 3}), ramp({4, 1}), {.verbose = 0}); }, {"built for 200 features"});
  inner.pop();
  expect_error<StateError>([&] { outer.fit(ramp({4, 3}), ramp({4, 1}), {.verbose = 0}); }, {"has no layers"});
}

TEST_F(Functional, AStreamCannotBeginWithTheEndOfASequence) {
  const Input in({5, 2});
  const auto [y, h, c] = LSTM(4, {.return_sequences = true, .return_state = true})(in).unpack<3>();
  const Model model(in, LSTM(4, {.return_sequences = true, .name = "second"})(y, {.initial_state = {h, c}}));
  expect_error<ConfigError>([&] { (void)model.stream(); }, {"layer 'second' (LSTM)", "mixes time steps"});
}

TEST_F(Functional, AModelInsideThatIsReplacedByAnotherIsSeen) {
  const auto three = [](double bias) {
    return Dense(3, {.kernel_initializer = "zeros", .bias_initializer = Constant(bias), .input_shape = {3}});
  };
  const Sequential a{three(1), three(1), three(1)}, b{three(2)};
  const Sequential outer{three(0), a}, top{outer};
  const Tensor X = ramp({1, 3});
  EXPECT_EQ(top.predict(X, {.verbose = 0})(0, 0), 1);
  outer.pop();
  outer.add(b);
  EXPECT_EQ(top.predict(X, {.verbose = 0})(0, 0), 2);
}

TEST_F(Functional, AModelWhoseShapesComeWithTheDataMayFlattenThem) {
  const Sequential model{Flatten(), Dense(1)};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(ramp({8, 5, 2}), ramp({8, 1}), {.verbose = 0});
  EXPECT_NE(model.summary_text().find("(None, 10)"), std::string::npos);
  model.add(Dense(2));
  EXPECT_EQ(model.predict(ramp({3, 5, 2}), {.verbose = 0}).shape(), (Shape{3, 2}));
  expect_error<ConfigError>([&] { (void)model.stream(); }, {"mixes time steps"});
}

TEST_F(Functional, WhatAnOutputIsIsAskedOfItsOwnLayer) {
  const Input x({4}), z({4});
  const Model two({x}, {Dense(3)(x), Dense(1, {.activation = "sigmoid"})(x)});
  const auto [p, q] = two(z).unpack<2>();
  const Model model(z, q);
  model.compile({.optimizer = "sgd", .loss = "binary_crossentropy"});
  EXPECT_GT(model.fit(ramp({4, 4}), Tensor{0, 1, 1, 0}, {.verbose = 0})["loss"][0], 0);
}

TEST_F(Functional, EveryLayerOfAGraphHasItsWeights) {
  Index total = 0;
  const Model model = two_inputs();
  for (const Layer& layer : model.layers()) total += layer.count_params();
  EXPECT_EQ(total, model.count_params());
}

TEST_F(Functional, BracesMayStandOnOneSide) {
  const Input a({3}), b({3});
  const Symbol sum = Add()({a, b});
  EXPECT_EQ(Model({a, b}, Dense(1)(sum)).layers().size(), 4u);
  const Symbol x = Dense(2)(a), y = Dense(2)(x);
  EXPECT_EQ(Model(a, {x, y}).predict_outputs(ramp({2, 3}), {.verbose = 0}).size(), 2u);
}

TEST_F(Functional, ALayerCalledTwiceInARowIsShownWithItsInputs) {
  const Input in({3}, {.name = "in"});
  const Dense dense(3, {.name = "twice"});
  EXPECT_NE(Model(in, dense(dense(in))).summary_text().find("in[0][0], twice[0][0]"), std::string::npos);
}

TEST_F(Functional, ALongChainOfCallsEndsWithoutAStackOfDestructors) {
  const Input in({1});
  const Add add;
  Symbol x = in;
  for (int i = 0; i < 200'000; ++i) x = add({x, x});
  x = in;
}

TEST_F(Functional, ATrainedModelIsGoneOnFrom) {
  const Sequential line{LSTM(4, {.input_shape = {5, 2}}), Dense(3)};
  const Tensor X = ramp({4, 5, 2});
  const Model longer(line.inputs(), Activation("softmax")(line.outputs()[0]));
  EXPECT_TRUE(longer.predict(X, {.verbose = 0}).identical(Activation("softmax")(line.predict(X, {.verbose = 0}))[0]));
  longer.compile({.optimizer = "sgd", .loss = "mse"});
  longer.fit(X, ramp({4, 3}, 0.2), {.verbose = 0});
  EXPECT_TRUE(longer.get_weights()[0].identical(line.get_weights()[0]));

  const Model two = two_inputs();
  const Model doubled(two.inputs(), Add()({two.outputs()[0], two.outputs()[0]}));
  const Inputs data{ramp({3, 5, 2}), ramp({3, 3})};
  EXPECT_TRUE(doubled.predict(data, {.verbose = 0}).identical(two.predict(data, {.verbose = 0}) * 2.0));
  expect_error<StateError>([] { (void)Sequential{Dense(2)}.inputs(); }, {"has no weights yet"});
}

// Two quantities of one sequence: how much, and which of three.
Model two_outputs() {
  const Input in({4, 2});
  const Symbol read = LSTM(5)(in);
  return Model({in}, {Dense(1, {.name = "much"})(read), Dense(3, {.activation = "softmax", .name = "which"})(read)});
}
const Tensor kX = ramp({6, 4, 2}), kMuch = ramp({6, 1}, 0.3), kWhich = Tensor{0, 1, 2, 2, 1, 0};

TEST_F(Functional, SeveralOutputsHaveALossAndMetricsEach) {
  const Model model = two_outputs();
  model.compile({.optimizer = "adam",
                 .loss = {"mse", "sparse_categorical_crossentropy"},
                 .loss_weights = {2.0, 0.5},
                 .metrics = {{"which", {"accuracy"}}, {"much", {"mae", "mse"}}}});
  const History history = model.fit(kX, Outputs{kMuch, kWhich}, {.epochs = 3, .verbose = 0});
  EXPECT_EQ(history.names(),
            (std::vector<std::string>{"loss", "much_loss", "much_mae", "much_mse", "which_accuracy", "which_loss"}));
  EXPECT_NEAR(history["loss"][1], 2 * history["much_loss"][1] + 0.5 * history["which_loss"][1], 1e-6);
  EXPECT_NEAR(history["much_loss"][2], history["much_mse"][2], 1e-7);

  const Evaluation all = model.evaluate(kX, Outputs{kMuch, kWhich}, {.verbose = 0});
  std::vector<std::string> names;
  for (const auto& [name, value] : all.values()) names.push_back(name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"loss", "much_loss", "which_loss", "much_mae", "much_mse", "which_accuracy"}));
}

TEST_F(Functional, LabelsLossesAndWeightsComeByNameToo) {
  const auto trained = [](bool by_name) {
    clear_session();
    set_random_seed(3);
    const Model model = two_outputs();
    CompileOptions options{.optimizer = "sgd"};
    if (by_name) {
      options.loss = {{"which", "sparse_categorical_crossentropy"}, {"much", "mae"}};
      options.loss_weights = {{"which", 0.25}};
    } else {
      options.loss = {"mae", "sparse_categorical_crossentropy"};
      options.loss_weights = {1.0, 0.25};
    }
    model.compile(options);
    const Outputs named{{"which", kWhich}, {"much", kMuch}}, ordered{kMuch, kWhich};
    model.fit(kX, by_name ? named : ordered, {.batch_size = 4, .epochs = 2, .verbose = 0});
    return model.predict_outputs(kX, {.verbose = 0});
  };
  const std::vector<Tensor> by_name = trained(true), in_order = trained(false);
  EXPECT_TRUE(by_name[0].identical(in_order[0]));
  EXPECT_TRUE(by_name[1].identical(in_order[1]));
}

TEST_F(Functional, AnOutputOfWeightZeroLearnsNothing) {
  const Model model = two_outputs();
  model.compile({.optimizer = "sgd", .loss = {"mse", "sparse_categorical_crossentropy"}, .loss_weights = {1.0, 0.0}});
  const Tensor before = model.get_layer("which").get_weights()[0];
  model.fit(kX, Outputs{kMuch, kWhich}, {.epochs = 2, .verbose = 0});
  EXPECT_TRUE(model.get_layer("which").get_weights()[0].identical(before));
}

TEST_F(Functional, OneLossIsForAllOutputsAndMasksHoldForEachByItself) {
  const Input in({4, 2});
  const Symbol masked = Masking()(in);
  const Model model({in},
                    {LSTM(2, {.return_sequences = true, .name = "steps"})(masked), LSTM(2, {.name = "last"})(masked)});
  model.compile({.optimizer = "sgd", .loss = "mse", .loss_weights = {{"steps", 1}, {"last", 1}}});
  Tensor X = kX;
  for (std::size_t i = 4; i < 8; ++i) X.data<double>()[i] = 0;  // half of the first sample
  const Outputs y{Tensor::zeros({6, 4, 2}), Tensor::zeros({6, 2})};
  const Evaluation loss = model.evaluate(X, y, {.verbose = 0});
  double counted = 0, last = 0;
  const std::vector<Tensor> out = model.predict_outputs(X, {.verbose = 0});
  for (std::size_t i = 0; i < 48; ++i) {
    const double v = out[0].to_vector()[i];
    counted += i >= 4 && i < 8 ? 0 : v * v / 2;
  }
  for (const double v : out[1].to_vector()) last += v * v / 2;
  EXPECT_NEAR(loss["steps_loss"], counted / 22, 1e-7);
  EXPECT_NEAR(loss["last_loss"], last / 6, 1e-7);
}

// In fit its loss is that of evaluate, its weights go where differences of that say, its statistics stay.
TEST_F(Functional, ACallThatIsNotAsInTrainingIsAsInPredict) {
  const Sequential inner{BatchNormalization({.dtype = DType::float64}), Dropout(0.5, {.dtype = DType::float64}),
                         LSTM(3, {.dropout = 0.3, .recurrent_dropout = 0.2, .dtype = DType::float64})};
  const Input in({4, 2}, {.dtype = DType::float64});
  const Model model({in}, {Dense(1, {.dtype = DType::float64})(inner(in, {.training = false}))});
  model.compile({.optimizer = SGD({.learning_rate = 1}), .loss = "mse"});
  const Tensor X = ramp({5, 4, 2}), y = ramp({5, 1}, 0.4);
  const auto loss = [&] { return model.evaluate(X, y, {.verbose = 0}).loss(); };

  const std::vector<Tensor> before = model.get_weights();
  const double at_first = loss();
  EXPECT_EQ(model.fit(X, y, {.verbose = 0})["loss"][0], at_first);
  const std::vector<Tensor> after = model.get_weights();
  const std::vector<WeightInfo> infos = model.weights();
  for (std::size_t w = 0; w < before.size(); ++w) {
    if (!infos[w].trainable) {
      EXPECT_TRUE(after[w].identical(before[w])) << infos[w].path;
      continue;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(before[w].size()); ++i) {
      const auto loss_with = [&](double change) {
        std::vector<Tensor> moved = before;
        moved[w].data<double>()[i] += change;
        model.set_weights(moved);
        return loss();
      };
      const double slope = (loss_with(1e-5) - loss_with(-1e-5)) / 2e-5;
      EXPECT_NEAR(before[w].data<double>()[i] - after[w].data<double>()[i], slope, 1e-8) << infos[w].path << ' ' << i;
    }
  }
}

TEST_F(Functional, ALayerMayBeCalledBothWays) {
  const Dropout half(0.5);
  const Input in({8});
  const Tensor X = ramp({4, 8}, 1);
  const auto loss_in_fit = [&](const Symbol& output) {
    const Model model({in}, {output});
    model.compile({.optimizer = "sgd", .loss = "mse"});
    return model.fit(X, X, {.verbose = 0})["loss"][0];
  };
  EXPECT_EQ(loss_in_fit(half(in, {.training = false})), 0);
  EXPECT_GT(loss_in_fit(half(in)), 0);
}

TEST_F(Functional, ACallWithTrainingSetIsRefused) {
  const Input in({8});
  expect_error<ConfigError>([&] { (void)Dropout(0.5)(in, {.training = true}); }, {"'dropout", "training = true"});
}

TEST_F(Functional, WhatDoesNotFitTheOutputsIsRefused) {
  const Model model = two_outputs();
  expect_error<ConfigError>(
      [&] {
        model.compile({.loss = {"mse", "mse", "mae"}});
      },
      {"2 outputs", ".loss was given for 3", "one for all"});
  expect_error<ConfigError>(
      [&] {
        model.compile({.loss = {{"much", "mse"}, {"wich", "mae"}}});
      },
      {"no output 'wich'", "Did you mean 'which'"});
  expect_error<ConfigError>([&] { model.compile({.loss = {{"much", "mse"}}}); }, {"no loss for the output 'which'"});
  expect_error<ConfigError>([&] { model.compile({.loss = "mse", .loss_weights = {1}}); }, {".loss_weights", "for 1"});
  expect_error<ConfigError>([&] { model.compile({.loss = "mse", .metrics = {"mae"}}); },
                            {".metrics", "for 1", "names"});
  model.compile({.optimizer = "sgd", .loss = {"mse", "sparse_categorical_crossentropy"}});
  expect_error<ShapeError>([&] { model.fit(kX, kMuch, {.verbose = 0}); },
                           {"2 outputs", "labels for 1", "Outputs{a, b, ...}"});
  expect_error<ShapeError>(
      [&] {
        model.fit(kX, Outputs{kWhich, kMuch}, {.verbose = 0});
      },
      {"sample 0 of y['which']", "no class number"});
  expect_error<ShapeError>([&] { model.fit(kX, Outputs{kMuch, ramp({5})}, {.verbose = 0}); }, {"y['which'] has 5"});
  expect_error<ConfigError>(
      [&] {
        model.fit(kX, Outputs{{"much", kMuch}, {"what", kWhich}}, {.verbose = 0});
      },
      {"no output 'what'"});
}

TEST_F(Functional, ANameThatSaysTooLittleOrTooMuchIsRefused) {
  const Dense shared(1, {.name = "d"});
  const Input a({3}), b({3});
  const Model model({a, b}, {shared(a), shared(b)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Inputs X{ramp({4, 3}), ramp({4, 3}, 0.5)};
  const Tensor y0 = ramp({4, 1}), y1 = ramp({4, 1}, 0.5);
  expect_error<ConfigError>(
      [&] {
        (void)model.evaluate(X, Outputs{{"d", y0}, {"d", y1}}, {.verbose = 0});
      },
      {"several outputs of the name 'd'", "in their order"});
  const Model two = two_outputs();
  expect_error<ConfigError>(
      [&] {
        two.compile({.loss = {{"much", "mse"}, {"which", "mse"}, {"much", "mae"}}});
      },
      {".loss was given twice", "'much'"});
  expect_error<ConfigError>(
      [&] {
        two.compile({.loss = "mse", .loss_weights = {{"much", 1}, {"much", 2}}});
      },
      {".loss_weights was given twice"});
  const Sequential empty;
  empty.add(Dense(2, {.input_shape = {3}}));
  (void)empty.pop();
  expect_error<StateError>([&] { (void)empty.inputs(); }, {"has no layers"});
}

TEST_F(Functional, SamplesWeighAsTheirWeightsSay) {
  const Sequential model{LSTM(3, {.return_sequences = true, .input_shape = {4, 2}}), Dense(1)};
  model.compile({.optimizer = "sgd", .loss = "mse", .metrics = {"mae"}, .weighted_metrics = {"mae"}});
  const Tensor y = ramp({6, 4, 1}, 0.5);
  const Tensor rows = Tensor{{1}, {0}, {0}, {0}, {0}, {2}};
  const auto parts = [&](Index i) { return model.evaluate(kX.rows(i, i + 1), y.rows(i, i + 1), {.verbose = 0}); };
  const Evaluation weighted = model.evaluate(kX, y, {.verbose = 0, .sample_weight = rows});
  EXPECT_NEAR(weighted.loss(), (parts(0).loss() + 2 * parts(5).loss()) / 6, 1e-7);
  EXPECT_NEAR(weighted["weighted_mae"], (parts(0)["mae"] + 2 * parts(5)["mae"]) / 3, 1e-7);
  EXPECT_NEAR(weighted["mae"], model.evaluate(kX, y, {.verbose = 0})["mae"], 1e-7);
  // One weight for all steps of a sample is that weight at each.
  Tensor steps = Tensor::zeros({6, 4}, DType::float64);
  for (std::size_t t = 0; t < 4; ++t) steps.data<double>()[t] = 1, steps.data<double>()[20 + t] = 2;
  EXPECT_EQ(model.evaluate(kX, y, {.verbose = 0, .sample_weight = steps}).loss(), weighted.loss());

  for (const Tensor& bad : {ramp({6}), ramp({6, 3}), ramp({5, 1})}) {
    expect_error<ShapeError>([&] { model.fit(kX, y, {.verbose = 0, .sample_weight = bad}); },
                             {"sample_weight", "(6, 4)", "(6, 1)"});
  }
  Tensor nan = rows;
  nan.data<double>()[1] = std::numeric_limits<double>::quiet_NaN();
  expect_error<NumericError>([&] { model.fit(kX, y, {.verbose = 0, .sample_weight = nan}); },
                             {"sample_weight is NaN in sample 1"});
}

// Each part is looked at once, and named as what it is used for.
TEST_F(Functional, ABadLabelIsSaidToBeWhereItIs) {
  const Sequential model{Dense(1, {.activation = "sigmoid", .input_shape = {3}})};
  model.compile({.optimizer = "sgd", .loss = "binary_crossentropy"});
  const auto message = [&](std::size_t bad) {
    std::vector<double> y(6, 1);
    y[bad] = 2;
    try {
      model.fit(ramp({6, 3}), Tensor(y), {.verbose = 0, .validation_split = 0.5});
    } catch (const ShapeError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message(1).find("in sample 1 of y is"), std::string::npos) << message(1);
  EXPECT_NE(message(4).find("in sample 4 of the validation y is"), std::string::npos) << message(4);
}

TEST_F(Functional, ValidationHasWeightsOfItsOwn) {
  const Sequential model{Dense(1, {.input_shape = {3}})};
  model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
  const Tensor X = ramp({6, 3}), y = ramp({6, 1}, 0.4), w{1, 2, 0, 0, 3, 1};
  const History split = model.fit(X, y, {.verbose = 0, .validation_split = 0.5, .sample_weight = w});
  EXPECT_EQ(split["val_loss"][0],
            model.evaluate(X.rows(3, 6), y.rows(3, 6), {.verbose = 0, .sample_weight = w.rows(3, 6)}).loss());
  const History data = model.fit(X, y, {.verbose = 0, .validation_data = {X, y, w}});
  EXPECT_EQ(data["val_loss"][0], model.evaluate(X, y, {.verbose = 0, .sample_weight = w}).loss());
}

}  // namespace
}  // namespace rondo
