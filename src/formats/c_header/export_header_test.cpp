// Headers are compiled and run here, as C99 and as C++, and must give what Stream gives.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/workshop.hpp"

namespace rondo {
namespace {

namespace fs = std::filesystem;
using test::Workshop;

// x in the range that models are trained on.
std::vector<float> numbers(std::size_t count, unsigned seed) {
  std::vector<float> x(count);
  const RandomStream random(seed, Purpose::user);
  for (std::size_t i = 0; i < count; ++i) x[i] = static_cast<float>(2 * random.uniform(i) - 1);
  return x;
}

// Weights that are not those of a model at rest: biases and statistics too.
void stir(const Model& model, unsigned seed) {
  for (const Layer& layer : model.layers()) {
    std::vector<Tensor> weights = layer.get_weights();
    const std::vector<WeightInfo> infos = layer.weights();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (infos[i].name.find("kernel") != std::string::npos) continue;
      const std::vector<float> noise = numbers(static_cast<std::size_t>(weights[i].size()), seed + 7);
      const bool positive = infos[i].name.find("variance") != std::string::npos;
      std::vector<double> values = weights[i].to_vector();
      for (std::size_t k = 0; k < values.size(); ++k) values[k] += positive ? 0.5 * std::abs(noise[k]) : 0.5 * noise[k];
      weights[i] = Tensor(weights[i].shape(), values);
    }
    if (!weights.empty()) layer.set_weights(weights);
  }
}

// Outputs of a stream, step by step.
std::vector<float> streamed(const Model& model, const std::vector<float>& x) {
  Stream stream = model.stream();
  const auto in = static_cast<std::size_t>(stream.features()), out = static_cast<std::size_t>(stream.outputs());
  std::vector<float> y(x.size() / in * out);
  for (std::size_t t = 0; t < x.size() / in; ++t) {
    stream.step(std::span(x).subspan(t * in, in), std::span(y).subspan(t * out, out));
  }
  return y;
}

// A program that walks each model over the numbers of <name>.x and writes <name>.y.
std::string walking_program(const std::vector<std::string>& names) {
  std::string text = "#include <stdio.h>\n", calls;
  for (const std::string& n : names) {
    text += "#include \"" + n + ".h\"\n";
    calls += "  if (" + n + "_self_test() != 0 || sizeof(" + n + "_state) != " + n + "_STATE_BYTES) { printf(\"" + n +
             ": self test %d, %d bytes\\n\", " + n + "_self_test(), (int)sizeof(" + n + "_state)); return 1; }\n" +
             "  {\n    static " + n + "_state state; float x[" + n + "_INPUTS], y[" + n + "_OUTPUTS];\n" +
             "    FILE *in = fopen(\"" + n + ".x\", \"rb\"), *out = fopen(\"" + n + ".y\", \"wb\");\n" +
             "    if (!in || !out) return 2;\n    " + n + "_init(&state);\n" +
             "    while (fread(x, sizeof x, 1, in) == 1) { " + n +
             "_step(&state, x, y); fwrite(y, sizeof y, 1, out); }\n    fclose(in); fclose(out);\n  }\n";
  }
  return text + "int main(void) {\n" + calls + "  return 0;\n}\n";
}

void expect_near(const std::string& name, const std::vector<float>& got, const std::vector<float>& expected,
                 double tolerance) {
  ASSERT_EQ(got.size(), expected.size()) << name;
  double most = 0, size = 1;
  for (std::size_t i = 0; i < got.size(); ++i) {
    most = std::max(most, static_cast<double>(std::abs(got[i] - expected[i])));
    size = std::max(size, static_cast<double>(std::abs(expected[i])));
    ASSERT_FALSE(std::isnan(got[i])) << name;
  }
  EXPECT_LE(most, tolerance * size) << name;
}

using Models = std::vector<std::pair<std::string, Sequential>>;

// Exports the models, compiles one program of all, and compares it with their streams.
void expect_streams(const Models& models, const std::string& language, const std::string& options, std::size_t steps) {
  const Workshop workshop;
  std::vector<std::string> names;
  std::map<std::string, std::vector<float>> expected;
  for (const auto& [name, model] : models) {
    stir(model, static_cast<unsigned>(names.size()));
    names.push_back(name);
    export_header(model, workshop.path(name + ".h"), {.name = name});
    const std::vector<float> x = numbers(steps * static_cast<std::size_t>(model.stream().features()), 3);
    workshop.write_numbers(name + ".x", x);
    expected[name] = streamed(model, x);
  }
  workshop.write("walk.c", walking_program(names));
  ASSERT_TRUE(workshop.compile(RONDO_COMPILER, language, options + " walk.c -o walk"));
  ASSERT_TRUE(workshop.run("./walk"));
  for (const std::string& name : names) expect_near(name, workshop.read_floats(name + ".y"), expected[name], 1e-6);
}

TEST(ExportHeader, GivesTheNumbersOfAStreamAtAllSizes) {
  set_random_seed(1);
  Models models;
  for (const int units : {1, 3, 8, 16, 17, 32, 33}) {
    const std::string n = std::to_string(units);
    models.emplace_back("lstm" + n, Sequential{LSTM(units, {.input_shape = {4, 2}}), Dense(1)});
    models.emplace_back("gru" + n, Sequential{GRU(units, {.input_shape = {4, units}}), Dense(9)});
    models.emplace_back("before" + n, Sequential{GRU(units, {.reset_after = false, .input_shape = {4, 3}}), Dense(2)});
  }
  expect_streams(models, "c", "-std=c99 -O1", 3000);
}

TEST(ExportHeader, TakesStacksAndWhatStandsBetweenLayers) {
  set_random_seed(2);
  Models models;
  models.emplace_back("stack", Sequential{LSTM(12, {.return_sequences = true, .input_shape = {6, 3}}), Dropout(0.5),
                                          LSTM(5, {.use_bias = false}), Dense(4, {.activation = "relu"}), Dense(2)});
  models.emplace_back("sequences",
                      Sequential{GRU(6, {.return_sequences = true, .input_shape = {6, 3}}),
                                 TimeDistributed(Dense(4, {.activation = "tanh"})), Activation("softmax")});
  models.emplace_back("first", Sequential{BatchNormalization({.input_shape = {6, 3}}), LSTM(7), BatchNormalization(),
                                          Dense(3), BatchNormalization()});
  models.emplace_back("between", Sequential{LSTM(7, {.return_sequences = true, .input_shape = {6, 3}}),
                                            BatchNormalization(), GRU(5), BatchNormalization({.scale = false}),
                                            BatchNormalization(), Activation("sigmoid"), BatchNormalization()});
  models.emplace_back("dense", Sequential{Dense(20, {.activation = "tanh", .input_shape = {5}}), Dense(1)});
  models.emplace_back("state", Sequential{LSTM(4, {.input_shape = {6, 2}})});
  models.emplace_back("nothing", Sequential{Dropout(0.5, {.input_shape = {6, 2}})});
  models.emplace_back("inside", Sequential{Sequential{LSTM(4, {.input_shape = {6, 2}}), Dense(3)}, Dense(2)});
  expect_streams(models, "c++", "-std=c++11 -O1", 3000);
}

TEST(ExportHeader, KnowsEveryActivation) {
  set_random_seed(3);
  Models models;
  for (const std::string& name : activation_names()) {
    models.emplace_back("dense_" + name, Sequential{Dense(8, {.activation = name, .input_shape = {3}})});
    if (name == "softmax" || name == "log_softmax" || name == "sparsemax" || name == "glu") continue;
    models.emplace_back("lstm_" + name, Sequential{LSTM(3, {.activation = "tanh",
                                                            .recurrent_activation = "sigmoid",
                                                            .return_sequences = true,
                                                            .input_shape = {3, 2}}),
                                                   Activation(name)});
  }
  models.emplace_back(
      "other",
      Sequential{LSTM(3, {.activation = "softsign", .recurrent_activation = "hard_sigmoid", .input_shape = {3, 2}})});
  expect_streams(models, "c", "-std=c99 -O1", 500);
}

TEST(ExportHeader, IsAFunctionalChainToo) {
  const Workshop workshop;
  set_random_seed(4);
  const Input in({5, 2});
  const Model model(in, Dense(2)(LSTM(6)(in)));
  export_header(model, workshop.path("chain.h"), {.name = "chain"});
  const std::vector<float> x = numbers(200, 1);
  workshop.write_numbers("chain.x", x);
  workshop.write("walk.c", walking_program({"chain"}));
  ASSERT_TRUE(workshop.compile(RONDO_COMPILER, "c", "-std=c99 -O1 walk.c -o walk"));
  ASSERT_TRUE(workshop.run("./walk"));
  expect_near("chain", workshop.read_floats("chain.y"), streamed(model, x), 1e-6);
}

TEST(ExportHeader, StandsInSeveralUnitsWithStatesOfTheirOwn) {
  const Workshop workshop;
  set_random_seed(5);
  export_header(Sequential{LSTM(5, {.input_shape = {3, 1}}), Dense(1)}, workshop.path("a.h"), {.name = "a"});
  workshop.write("other.c",
                 "#include \"a.h\"\nfloat other(a_state *s, float x);\n"
                 "float other(a_state *s, float x) { float y[1]; a_step(s, &x, y); return y[0]; }\n");
  workshop.write("main.c", R"(#include "a.h"
float other(a_state *s, float x);
int main(void) {
  a_state one, two, both[2];
  float x[4] = {0.5f, -1.0f, 0.25f, 2.0f}, y[1], z[2][4];
  a_init(&one);
  a_init(&two);
  for (int i = 0; i < 4; ++i) { a_step(&one, x + i, y); z[0][i] = y[0]; }
  for (int i = 0; i < 4; ++i) z[1][i] = other(&two, x[3 - i]);
  if (!(z[0][0] < z[1][3]) && !(z[0][0] > z[1][3])) return 1;  /* another past */
  a_init(&both[0]);
  a_reset(&one);
  both[1] = one;
  for (int i = 0; i < 4; ++i) {
    const float first = other(&both[0], x[i]), second = other(&both[1], x[3 - i]);
    if (first < z[0][i] || first > z[0][i]) return 2;
    if (second < z[1][i] || second > z[1][i]) return 3;
  }
  return a_self_test();
}
)");
  ASSERT_TRUE(workshop.compile(RONDO_COMPILER, "c", "-std=c99 -O0 -c other.c -o other.o"));
  ASSERT_TRUE(workshop.compile(RONDO_COMPILER, "c", "-std=c99 -O0 -c main.c -o main.o"));
  ASSERT_TRUE(workshop.run(RONDO_COMPILER " main.o other.o -lm -o main"));
  EXPECT_TRUE(workshop.run("./main"));
}

TEST(ExportHeader, CallsNothingButMathFunctions) {
  const Workshop workshop;
  const Sequential model{LSTM(20, {.input_shape = {3, 1}}), Dense(3, {.activation = "softmax"})};
  for (const std::string precision : {"float32", "int8"}) {
    export_header(model, workshop.path("m.h"),
                  {.name = "m", .precision = precision, .calibration = Tensor::zeros({1, 3, 1})});
    workshop.write("use.c",
                   "#include \"m.h\"\nvoid use(m_state *s, const float *x, float *y);\n"
                   "void use(m_state *s, const float *x, float *y) { m_init(s); m_step(s, x, y); }\n");
    ASSERT_TRUE(workshop.compile(RONDO_COMPILER, "c", "-std=c99 -O2 -c use.c -o use.o"));
    ASSERT_TRUE(workshop.run("nm -u use.o"));
    std::istringstream symbols(workshop.read("log"));
    for (std::string kind, symbol; symbols >> kind >> symbol;) {
      // What compilers make of loops, and of arrays on the stack where their system wants it.
      const std::vector<std::string> allowed = {"expf", "memcpy", "memset", "__stack_chk_fail",
                                                "_GLOBAL_OFFSET_TABLE_"};
      EXPECT_NE(std::find(allowed.begin(), allowed.end(), symbol), allowed.end()) << precision << ": " << symbol;
    }
  }
}

// Every name at file scope is the model's name, '_' and a word; of two such words none ends with '_' and the other, so
// that no two models have one in common.
TEST(ExportHeader, NamesBeginWithTheModelsName) {
  const Workshop workshop;
  export_header(Sequential{GRU(2, {.input_shape = {3, 1}}), Dense(1)}, workshop.path("m.h"), {.name = "some_model"});
  std::istringstream lines(workshop.read("m.h"));
  int names = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool declares = line.starts_with("static ") || line.starts_with("typedef ") || line.starts_with("#define ");
    if (!declares) continue;
    ++names;
    EXPECT_NE(line.find(" some_model_"), std::string::npos) << line;
  }
  EXPECT_GT(names, 15);
}

TEST(ExportHeader, SaysTheBytes) {
  const Workshop workshop;
  const Sequential model{LSTM(4, {.input_shape = {3, 2}}), Dense(1)};
  const ExportReport report = export_header(model, workshop.path("m.h"), {.name = "m"});
  EXPECT_EQ(report.state_bytes, 2 * 4 * sizeof(float));
  EXPECT_EQ(report.constant_bytes, sizeof(float) * (2 * 16 + 4 * 16 + 16 + 4));  // a lone bias stands in the code
  EXPECT_GE(report.stack_bytes, 16 * sizeof(float));
  EXPECT_NE(workshop.read("m.h").find("state: 32 bytes"), std::string::npos);
}

TEST(ExportHeader, NamesWhatItCannotWrite) {
  const Workshop workshop;
  const auto error = [&](const Model& model, const ExportHeaderOptions& options) -> std::string {
    try {
      export_header(model, workshop.path("m.h"), options);
    } catch (const Error& e) {
      EXPECT_FALSE(fs::exists(workshop.path("m.h")));
      return e.what();
    }
    return "no error";
  };
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos ? testing::AssertionSuccess() : testing::AssertionFailure() << text;
  };
  const Sequential model({LSTM(2, {.input_shape = {3, 1}})}, {.name = "fine"});
  EXPECT_TRUE(has(error(Sequential{LSTM(2)}, {}), "has no weights yet"));
  EXPECT_TRUE(has(error(Sequential{Masking({.name = "gaps", .input_shape = {3, 1}}), LSTM(2)}, {.name = "m"}),
                  "layer 'gaps' (Masking) has no C form; layers that have: 'Activation'"));
  EXPECT_TRUE(has(error(Sequential{Bidirectional(LSTM(2), {.input_shape = {3, 1}})}, {.name = "m"}), "cannot be"));
  EXPECT_TRUE(has(error(model, {.name = "my model"}), "'my model' cannot begin the names of a header"));
  for (const char* name : {"_m", "m_", "a__b", "1a"}) EXPECT_TRUE(has(error(model, {.name = name}), "give .name"));
  EXPECT_TRUE(has(error(model, {.precision = "int16"}), "not 'int16'. Did you mean 'int16x8'?"));
  EXPECT_TRUE(has(error(model, {.precision = "int8"}), "needs .calibration"));
  EXPECT_TRUE(has(error(model, {.calibration = Tensor::zeros({4, 3, 2})}), "got (4, 3, 2)"));
  EXPECT_TRUE(has(error(Sequential{Dense(2, {.activation = "log_softmax", .input_shape = {3}})},
                        {.name = "m", .precision = "int8", .calibration = Tensor::zeros({4, 3})}),
                  "has no form in integers"));
  CustomLayer own{.forward = [](const ForwardPass&) {}, .backward = [](const BackwardPass&) {}};
  const Sequential custom{custom_layer("Dense", own, {.each_step = true, .input_shape = {3, 1}, .name = "mine"})};
  EXPECT_TRUE(has(error(custom, {.name = "m"}), "layer 'mine' (Dense) has no C form"));
  const Input in({3, 2});
  const Model sum(in, Add()({LSTM(2)(in), GRU(2)(in)}));
  EXPECT_TRUE(has(error(sum, {.name = "m"}), "is no chain"));
  const Sequential broken{Dense(1, {.input_shape = {1}})};
  broken.layers()[0].set_weights({Tensor{{NAN}}, Tensor{0.0}});
  for (const char* precision : {"float32", "int16x8", "int8"}) {
    const Tensor calibration = precision == std::string("float32") ? Tensor{} : Tensor{{0.5}, {1.0}};
    for (const double value : {double{NAN}, double{INFINITY}, -double{INFINITY}}) {
      broken.layers()[0].set_weights({Tensor{{value}}, Tensor{0.0}});
      EXPECT_TRUE(has(error(broken, {.name = "m", .precision = precision, .calibration = calibration}),
                      "kernel is not finite"));
    }
    const Sequential large{Dense(1, {.activation = "exponential", .kernel_initializer = "ones", .input_shape = {1}})};
    large.layers()[0].set_weights({Tensor{{500}}, Tensor{0.0}});
    EXPECT_TRUE(
        has(error(large, {.name = "m", .precision = precision, .calibration = calibration}), "an output of the"));
  }
}

}  // namespace
}  // namespace rondo
