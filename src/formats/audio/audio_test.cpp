#include <cmath>
#include <ctime>
#include <gtest/gtest.h>
#include <limits>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/instrumented.hpp"
#include "support/ramp.hpp"
#include "support/workshop.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::ramp;

void expect_near(const Tensor& a, const Tensor& b, double most) {
  ASSERT_EQ(a.shape(), b.shape());
  const std::vector<double> x = a.to_vector(), y = b.to_vector();
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(x[i], y[i], most) << i;
}

Tensor predict(const Model& model, const Tensor& x) { return model.predict(x, {.verbose = 0}); }

class AudioFiles : public testing::Test {
 protected:
  void SetUp() override { set_random_seed(1); }
  std::string path(const std::string& name) const { return workshop_.path(name); }

  const test::Workshop workshop_;
};

// A model with weights of its own everywhere, biases and statistics too.
template <class M>
const M& stirred(const M& model) {
  double seed = 0.1;
  for (const WeightInfo& info : model.weights()) {
    std::vector<double> numbers(static_cast<std::size_t>(info.shape.elements()));
    for (double& number : numbers)
      number = info.name == "moving_variance" ? 0.5 + std::abs(std::sin(seed += 1)) : std::sin(seed += 1) / 2;
    model.set_weight(info.path, Tensor(info.shape, numbers));
  }
  return model;
}

Sequential of_everything() {
  return stirred(Sequential{TimeDistributed(Dense(3, {.activation = "elu"}), {.input_shape = {6, 2}}),
                            LSTM(4, {.return_sequences = true}), BatchNormalization(), Dropout(0.5),
                            GRU(3, {.return_sequences = true}), BatchNormalization({.center = false, .scale = false}),
                            BatchNormalization({.center = false}), Activation("sigmoid"),
                            ActivityRegularization({.l2 = 0.1}), LSTM(2, {.use_bias = false}),
                            Dense(2, {.activation = "softmax"}), Dense(1, {.use_bias = false})});
}

// ---- RTNeural

TEST_F(AudioFiles, RtneuralReadsBackToTheBit) {
  const Sequential model = of_everything();
  export_rtneural(model, path("a.json"));
  const Sequential again = import_rtneural(path("a.json"));
  const Tensor x = ramp({3, 6, 2});
  EXPECT_EQ(again.layers().size(), 10U) << "Dropout and ActivityRegularization do nothing";
  EXPECT_TRUE(predict(again, x).identical(predict(model, x)));
  export_rtneural(again, path("b.json"));
  export_rtneural(import_rtneural(path("b.json")), path("c.json"));
  EXPECT_EQ(workshop_.read("b.json"), workshop_.read("c.json"));
}

TEST_F(AudioFiles, RtneuralHasKerassLayout) {
  Sequential model{LSTM(1, {.input_shape = {4, 2}}), Dense(1, {.activation = "tanh", .use_bias = false})};
  model.set_weights(
      {Tensor({{0.5, 1, 1.5, 2}, {2.5, 3, 3.5, 4}}), Tensor({{5, 6, 7, 8}}), Tensor({9, 10, 11, 12}), Tensor({{0.1}})});
  export_rtneural(model, path("a.json"));
  EXPECT_EQ(workshop_.read("a.json"),
            R"({"in_shape":[null,4,2],"layers":[)"
            R"({"type":"lstm","activation":"tanh","shape":[null,1],"weights":)"
            R"([[[0.5,1.0,1.5,2.0],[2.5,3.0,3.5,4.0]],[[5.0,6.0,7.0,8.0]],[9.0,10.0,11.0,12.0]]},)"
            R"({"type":"dense","activation":"tanh","shape":[null,1],"weights":[[[0.10000000149011612]],[0.0]]}]})");
}

TEST_F(AudioFiles, RtneuralNamesWhatItDoesNotHave) {
  const auto refused = [&](const std::vector<Layer>& layers, const std::vector<std::string>& words) {
    Sequential model;
    model.add(Input({6, 2}));
    for (const Layer& layer : layers) model.add(layer);
    expect_error<ConfigError>([&] { export_rtneural(model, path("a.json")); }, words);
  };
  refused({LSTM(2, {.activation = "relu", .name = "odd"})}, {"LSTM 'odd'", "activation = \"relu\"", "\"tanh\""});
  refused({LSTM(2, {.recurrent_activation = "hard_sigmoid"})}, {"recurrent_activation", "hard_sigmoid"});
  refused({GRU(2, {.reset_after = false})}, {"reset_after = false"});
  refused({GRU(2, {.go_backwards = true})}, {"go_backwards = true"});
  refused({Dense(2, {.activation = "gelu", .name = "d"})}, {"Dense 'd'", "\"gelu\"", "'elu'"});
  refused({Activation("gelu")}, {"Activation", "RTNeural has"});
  refused({BatchNormalization({.axis = 1})}, {"axis = 1"});
  refused({Bidirectional(LSTM(2))}, {"Bidirectional", "is not in RTNeural"});
  refused({TimeDistributed(Activation("tanh"))}, {"TimeDistributed"});
  refused({Flatten()}, {"Flatten"});
  refused({custom_layer("Dense", {.forward = [](const ForwardPass&) {}, .backward = [](const BackwardPass&) {}})},
          {"a class of yours"});
  const Input in({6, 2});
  const Model graph(in, Add()({Dense(2)(in), in}));
  expect_error<ConfigError>([&] { export_rtneural(graph, path("a.json")); }, {"is no chain", "add"});
  expect_error<StateError>([&] { export_rtneural(Sequential{LSTM(2)}, path("a.json")); }, {});
  const Sequential model{Dense(1, {.name = "d", .input_shape = {2}})};
  model.set_weights({Tensor({{1.0}, {std::nan("")}}), Tensor({0})});
  expect_error<ConfigError>([&] { export_rtneural(model, path("a.json")); }, {"d/kernel", "not finite"});
}

// A file of this text, which must be refused soon.
template <class Read>
void expect_refused(const test::Workshop& workshop, const std::string& text, const Read& read,
                    const std::vector<std::string>& words) {
  workshop.write("bad", text);
  const std::clock_t start = std::clock();
  std::string message = "no error";
  try {
    read(workshop.path("bad"));
  } catch (const FileError& error) {
    message = error.what();
  }
  const double milliseconds = 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_LT(milliseconds, test::instrumented() ? 500 : 50) << message;
  EXPECT_LT(message.size(), 1000U);
  EXPECT_NE(message.find("bad'"), std::string::npos) << message;
  for (const std::string& word : words) EXPECT_NE(message.find(word), std::string::npos) << word << ": " << message;
}

TEST_F(AudioFiles, RtneuralFilesThatAreNoneAreRefused) {
  const auto refused = [&](const std::string& text, const std::vector<std::string>& words) {
    expect_refused(
        workshop_, text, [](const std::string& file) { import_rtneural(file); }, words);
  };
  const auto with_layer = [](const std::string& layer) {
    return R"({"in_shape": [null, null, 1], "layers": [)" + layer + "]}";
  };
  const auto dense = [&](const std::string& shape, const std::string& weights) {
    return with_layer(R"({"type": "dense", "activation": "", "shape": )" + shape + R"(, "weights": )" + weights + "}");
  };
  refused("", {"JSON"});
  refused("[]", {"no object"});
  refused("{}", {"in_shape"});
  refused(std::string(100000, '['), {"nested"});
  refused(R"({"in_shape": [1, 2, 3, 4], "layers": []})", {"in_shape"});
  refused(R"({"in_shape": [null, 0], "layers": []})", {"features", "0"});
  refused(R"({"in_shape": [null, 1], "layers": []})", {"number of its layers"});
  refused(R"({"in_shape": [null, 1], "layers": {"a": 1}})", {"does not have"});
  refused(with_layer(R"({"type": "conv1d", "shape": [null, null, 1], "weights": []})"),
          {"layer 0", "\"conv1d\"", "not in Rondo"});
  refused(with_layer(R"({"type": "unknown", "shape": [null, null, 1], "weights": []})"), {"\"unknown\""});
  refused(with_layer(R"({"type": 1, "shape": [null, null, 1], "weights": []})"), {"string"});
  refused(dense("[null, null, 1e9]", "[]"), {"whole number"});
  refused(dense("[null, null, 1000001]", "[]"), {"1 to 1000000"});
  refused(dense("[null, null, 1000000]", "[[[1]], [1]]"), {"weight 0", "1 entries", "1000000"});
  refused(dense("7", "[]"), {"weights"});
  refused(dense("[null, null, 1]", "[[[1]]]"), {"1 weights", "2 are expected"});
  refused(dense("[null, null, 1]", "[[[1]], [[1]]]"), {"weight 1", "a number"});
  refused(dense("[null, null, 1]", "[[1], [1]]"), {"weight 0", "no entries"});
  refused(dense("[null, null, 1]", R"([[["1"]], [1]])"), {"a number"});
  refused(dense("[null, null, 1]", "[[[1e999]], [1]]"), {"JSON"});
  refused(with_layer(R"({"type": "lstm", "activation": "relu", "shape": [null, null, 1], "weights": []})"),
          {"relu", "tanh alone"});
  refused(with_layer(R"({"type": "activation", "activation": "snake", "shape": [null, null, 1], "weights": []})"),
          {"\"snake\""});
  refused(with_layer(R"({"type": "activation", "activation": "tanh", "shape": [null, null, 2], "weights": []})"),
          {"2 outputs", "1 inputs"});
  refused(
      R"({"in_shape": [null, 1], "layers": [{"type": "lstm", "shape": [null, 1], "weights": [[[1,1,1,1]], [[1,1,1,1]], [1,1,1,1]]}]})",
      {"lstm"});
  expect_error<FileError>([&] { import_rtneural(path("none.json")); }, {"none.json", "No such file"});
}

// ---- Neural Amp Modeler

// Expectations: the formulas of an LSTM, by hand. Weights in rows of the gates i, f, g, o.
TEST_F(AudioFiles, NamOfOneUnitIsWhatTheFormulasSay) {
  workshop_.write("a.nam", R"({"version": "0.5.2", "architecture": "LSTM",
    "config": {"input_size": 1, "hidden_size": 1, "num_layers": 1},
    "weights": [1, 0.25,  0.5, 0,  2, 0,  0, 1,  0, 1, 0, 0.5,  0.75, -0.5,  3, 0.125], "sample_rate": 44100})");
  const NamModel nam = import_nam(path("a.nam"));
  EXPECT_EQ(nam.sample_rate, 44100);
  EXPECT_EQ(nam.initial_state.at(0).to_vector(), std::vector<double>{0.75});
  EXPECT_EQ(nam.initial_state.at(1).to_vector(), std::vector<double>{-0.5});
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  const auto step = [&](double x, double& h, double& c) {
    const double i = sigmoid(x + 0.25 * h), f = sigmoid(0.5 * x + 1), g = std::tanh(2 * x), o = sigmoid(h + 0.5);
    c = f * c + i * g;
    h = o * std::tanh(c);
    return 3 * h + 0.125;
  };
  double h = 0, c = 0;
  const double first = step(0.5, h, c), second = step(-1, h, c);
  const Tensor y = predict(nam.model, Tensor({{{0.5}, {-1}}}));
  EXPECT_NEAR(y(0, 0, 0), first, 1e-6);
  EXPECT_NEAR(y(0, 1, 0), second, 1e-6);
  Stream stream = nam.model.stream();
  stream.set_state(nam.initial_state);
  h = 0.75;
  c = -0.5;
  EXPECT_NEAR(stream.step(Tensor({0.5}))(0), step(0.5, h, c), 1e-6);
}

TEST_F(AudioFiles, NamReadsBackToTheBit) {
  const Sequential model = stirred(Sequential{LSTM(3, {.return_sequences = true, .input_shape = {Shape::kUnknown, 1}}),
                                              LSTM(3, {.return_sequences = true}), Dropout(0.2), Dense(1)});
  Stream stream = model.stream();
  for (const float x : {0.5F, -0.25F}) stream.step(Tensor({x}));
  export_nam(model, path("a.nam"), {.sample_rate = 48000, .initial_state = stream.state()});
  const NamModel nam = import_nam(path("a.nam"));
  const Tensor x = ramp({2, 5, 1});
  EXPECT_TRUE(predict(nam.model, x).identical(predict(model, x)));
  EXPECT_EQ(nam.sample_rate, 48000);
  const std::vector<Tensor> states = stream.state();
  ASSERT_EQ(nam.initial_state.size(), states.size());
  for (std::size_t i = 0; i < states.size(); ++i) EXPECT_TRUE(nam.initial_state[i].identical(states[i])) << i;
  export_nam(nam.model, path("b.nam"), {.sample_rate = nam.sample_rate, .initial_state = nam.initial_state});
  EXPECT_EQ(workshop_.read("a.nam"), workshop_.read("b.nam"));
  export_nam(model, path("c.nam"));
  const NamModel plain = import_nam(path("c.nam"));
  EXPECT_FALSE(plain.sample_rate);
  EXPECT_EQ(plain.initial_state.at(3).to_vector(), std::vector<double>(3, 0.0));
}

TEST_F(AudioFiles, NamNamesWhatItDoesNotHave) {
  const auto refused = [&](const Sequential& model, const std::vector<std::string>& words,
                           const NamOptions& options = {}) {
    expect_error<ConfigError>([&] { export_nam(model, path("a.nam"), options); }, words);
  };
  const Layer first = LSTM(2, {.return_sequences = true, .input_shape = {4, 1}});
  refused({first, LSTM(3), Dense(1)}, {"3 units", "2"});
  refused({first, GRU(2), Dense(1)}, {"GRU", "is no LSTM"});
  refused({first, Dense(2)}, {"no Dense(1)"});
  refused({first, Dense(1, {.activation = "tanh"})}, {"activation = \"tanh\""});
  refused({first, LSTM(1)}, {"no Dense(1)"});
  refused({first}, {"1 layers"});
  refused({LSTM(2, {.recurrent_activation = "relu", .input_shape = {4, 1}}), Dense(1)}, {"recurrent_activation"});
  refused({LSTM(2, {.input_shape = {4, 2}}), Dense(1)}, {"2 numbers a step"});
  const Sequential good{LSTM(2, {.input_shape = {4, 1}}), Dense(1)};
  refused(good, {"sample_rate is 0"}, {.sample_rate = 0});
  expect_error<ShapeError>(
      [&] {
        export_nam(good, path("a.nam"), {.initial_state = {Tensor({1, 2})}});
      },
      {"2 tensors", "(2,)"});
  const Tensor state({1, std::numeric_limits<double>::infinity()});
  expect_error<ShapeError>([&] { export_nam(good, path("a.nam"), {.initial_state = {state, state}}); }, {"finite"});
}

TEST_F(AudioFiles, NamFilesThatAreNoneAreRefused) {
  const auto refused = [&](const std::string& text, const std::vector<std::string>& words) {
    expect_refused(
        workshop_, text, [](const std::string& file) { import_nam(file); }, words);
  };
  const auto file = [](const std::string& version, const std::string& architecture, const std::string& config,
                       const std::string& weights) {
    return "{\"version\": \"" + version + "\", \"architecture\": \"" + architecture + "\", \"config\": " + config +
           ", \"weights\": " + weights + "}";
  };
  const auto lstm = [&](const std::string& config, const std::string& weights = "[]") {
    return file("0.5.4", "LSTM", "{" + config + "}", weights);
  };
  refused("{}", {"version"});
  refused(file("0.4.0", "LSTM", "{}", "[]"), {"\"0.4.0\"", "0.5 to 0.7"});
  refused(file("0.8.0", "LSTM", "{}", "[]"), {"\"0.8.0\""});
  refused(file("1.5.0", "LSTM", "{}", "[]"), {"\"1.5.0\""});
  refused(file("0.5.4", "WaveNet", "{}", "[]"), {"\"WaveNet\"", "LSTM alone"});
  refused(lstm(""), {"input_size"});
  refused(lstm(R"("input_size": 1, "hidden_size": 1)"), {"num_layers"});
  refused(lstm(R"("input_size": 1, "hidden_size": 1.5, "num_layers": 1)"), {"hidden_size", "1.5"});
  refused(lstm(R"("input_size": 1, "hidden_size": 1, "num_layers": 1001)"), {"num_layers", "1 to 1000"});
  refused(lstm(R"("input_size": 1, "hidden_size": 1000000, "num_layers": 1000)"), {"0 weights", "7996006005000001"});
  refused(lstm(R"("input_size": 1, "hidden_size": 1, "num_layers": 1)", "[1, 2]"), {"2 weights", "makes 16"});
  refused(lstm(R"("input_size": 1, "hidden_size": 1, "num_layers": 1)", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,null]"),
          {"null"});
  refused(lstm(R"("input_size": 1, "hidden_size": 1, "num_layers": 1, "bidirectional": true)"), {"\"bidirectional\""});
}

// ---- what others compute

#ifdef RONDO_NUMPY
std::string program() { return RONDO_NUMPY " '" RONDO_SOURCE_DIR "/tests/audio/models.py' "; }

TEST_F(AudioFiles, FilesOfOthersComeOutAsTheyCompute) {
  ASSERT_TRUE(workshop_.run(program() + "write"));
  const NamedTensors rtneural = read_npz(path("rtneural.npz")), amp = read_npz(path("amp.npz"));
  expect_near(predict(import_rtneural(path("rtneural.json")), rtneural["x"]), rtneural["y"].cast(DType::float32), 1e-5);
  const NamModel nam = import_nam(path("amp.nam"));
  EXPECT_EQ(nam.sample_rate, 48000);
  expect_near(predict(nam.model, amp["x"]), amp["from_zeros"].cast(DType::float32), 1e-5);
  for (Index row = 0; row < amp["x"].shape()[0]; ++row) {
    Stream stream = nam.model.stream();
    stream.set_state(nam.initial_state);
    for (Index t = 0; t < amp["x"].shape()[1]; ++t) {
      EXPECT_NEAR(stream.step(Tensor({amp["x"](row, t, 0)}))(0), amp["y"](row, t, 0), 1e-5);
    }
  }
}

TEST_F(AudioFiles, OthersComputeTheSameFromWhatIsWritten) {
  const auto expect_same = [&](const char* kind, const Model& model, const Tensor& x) {
    write_npy(path("x.npy"), x);
    write_npy(path("y.npy"), predict(model, x));
    EXPECT_TRUE(workshop_.run(program() + kind + " file x.npy y.npy"));
  };
  const Sequential everything = of_everything();
  export_rtneural(everything, path("file"));
  expect_same("rtneural", everything, ramp({3, 6, 2}));
  const Sequential amp = stirred(Sequential{LSTM(5, {.return_sequences = true, .input_shape = {8, 1}}),
                                            LSTM(5, {.use_bias = false, .return_sequences = true}), Dense(1)});
  export_nam(amp, path("file"));
  expect_same("nam", amp, ramp({2, 8, 1}));
}
#endif

}  // namespace
}  // namespace rondo
