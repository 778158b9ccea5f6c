#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <rondo/rondo.hpp>

#include "cli/program.hpp"

namespace rondo {
namespace {

using test::Cli;
using test::expect_failure;
using test::expect_success;
using test::golden_model;
using test::Ran;
using test::small_model;

TEST(Convert, AnOldModelBecomesOneOfKeras3WithTheSameWeights) {
  const Cli cli;
  const Ran ran = cli.run("convert " + golden_model("seed_k2_0.h5") + " new.keras");
  expect_success(ran);
  EXPECT_EQ(ran.out, "");
  const Model old = load_model(golden_model("seed_k2_0.h5")), now = load_model(cli.path("new.keras"));
  EXPECT_EQ(weights_hash(old), weights_hash(now));
  EXPECT_EQ(inspect_file(cli.path("new.keras")).keras_compat, "3");
  EXPECT_EQ(now.optimizer_variables().front().value(), old.optimizer_variables().front().value());
}

TEST(Convert, WritesEachFormat) {
  const Cli cli;
  const Model model = small_model();
  model.save(cli.path("m.keras"));
  for (const std::string& out :
       std::vector<std::string>{"out.h5", "out.keras", "out.weights.h5", "out.json", "out.h"}) {
    expect_success(cli.run("convert m.keras " + out));
    EXPECT_GT(std::filesystem::file_size(cli.path(out)), 100U) << out;
  }
  EXPECT_EQ(cli.read("out.keras"), cli.read("m.keras")) << "equal models make equal files";
  EXPECT_EQ(weights_hash(read_weights(cli.path("out.weights.h5"))), weights_hash(model));
  EXPECT_EQ(model_from_json(cli.read("out.json")).count_params(), model.count_params());
  EXPECT_NE(cli.read("out.h").find("sequential_step"), std::string::npos);
}

TEST(Convert, GoesToOtherProgramsFormatsAndBack) {
  const Cli cli;
  const Sequential model{LSTM(3, {.return_sequences = true, .input_shape = {8, 1}}), Dense(1)};
  model.save(cli.path("m.keras"));
  const Tensor x = Tensor({0.1, -0.2, 0.3, 0.5, -0.7, 0.9, -1.0, 0.4}).reshape({1, 8, 1});
  for (const std::string ending : {"onnx", "rtneural.json", "nam"}) {
    expect_success(cli.run("convert m.keras out." + ending));
    expect_success(cli.run("convert out." + ending + " back.keras"));
    const Tensor back = load_model(cli.path("back.keras")).predict(x, {.verbose = 0});
    EXPECT_TRUE(allclose(back, model.predict(x, {.verbose = 0}), {.rtol = 0, .atol = 1e-6})) << ending;
  }
  Sequential{GRU(3, {.input_shape = {8, 1}}), Dense(1)}.save(cli.path("gru.keras"));
  expect_failure(cli.run("convert gru.keras out.nam"), 4, {"GRU"});
  std::filesystem::remove(cli.path("out.onnx"));
  std::filesystem::copy(cli.path("m.keras"), cli.path("out.onnx"));
  expect_failure(cli.run("convert out.onnx new.keras"), 4, {"out.onnx"});
}

TEST(Convert, ReplacesTheFileItself) {
  const Cli cli;
  small_model().save(cli.path("m.keras"));
  const std::string before = cli.read("m.keras");
  expect_success(cli.run("convert m.keras m.keras"));
  EXPECT_EQ(cli.read("m.keras"), before);
}

TEST(Convert, GoesThroughPipes) {
  const Cli cli;
  const Model model = small_model();
  model.save(cli.path("m.keras"));
  expect_success(cli.run("convert - - --to h5 <m.keras"));
  std::filesystem::copy(cli.path("stdout"), cli.path("piped.h5"));
  EXPECT_EQ(weights_hash(load_model(cli.path("piped.h5"))), weights_hash(model));
}

TEST(Convert, StandardOutputNeedsAFormat) {
  const Cli cli;
  small_model().save(cli.path("m.keras"));
  expect_failure(cli.run("convert m.keras -"), 2, {"--to", ".keras", ".weights.h5"});
  expect_failure(cli.run("convert m.keras - --to kears"), 2, {"no format 'kears'", "Did you mean 'keras'?"});
  expect_failure(cli.run("convert m.keras x.h5 --to keras"), 2, {"--to is for standard output"});
}

TEST(Convert, AnEndThatIsNoFormatListsTheFormats) {
  const Cli cli;
  small_model().save(cli.path("m.keras"));
  expect_failure(cli.run("convert m.keras m.onyx"), 2, {"'m.onyx'", ".keras", ".h5", ".json", ".h "});
}

TEST(Convert, OptionsOfCHeadersAreForCHeaders) {
  const Cli cli;
  small_model().save(cli.path("m.keras"));
  const Ran ran = cli.run("convert m.keras m.h --name pump");
  expect_success(ran);
  EXPECT_NE(ran.out.find("pump: float32, a state of "), std::string::npos) << ran.out;
  EXPECT_NE(cli.read("m.h").find("pump_step"), std::string::npos);
  expect_failure(cli.run("convert m.keras m.h5 --name pump"), 2, {"--name", "C headers"});
  for (const char* name : {"1st", "_x", "x_", "x__y"}) {
    expect_failure(cli.run(std::string("convert m.keras m.h --name ") + name), 2, {"--name", name});
  }
  Sequential unnamed({LSTM(2, {.input_shape = {3, 1}})}, {.name = "my model"});
  unnamed.save(cli.path("unnamed.keras"));
  expect_failure(cli.run("convert unnamed.keras m.h"), 4, {"'my model'", "give --name"});
  expect_failure(cli.run("convert m.keras m.h --precision int4"), 2, {"--precision"});
  expect_failure(cli.run("convert m.keras m.h --precision int8"), 2, {"--calibration"});
}

TEST(Convert, IntegersAreCalibratedByAFileOfNumbers) {
  const Cli cli;
  small_model().save(cli.path("m.keras"));
  std::string csv;
  for (int row = 0; row < 20; ++row) csv += "0.1,-0.2,0.3,0.4,-0.5,0.6,0.7,-0." + std::to_string(row % 10) + "\n";
  cli.write("x.csv", csv);
  const Ran ran = cli.run("convert m.keras m.h --precision int8 --calibration x.csv");
  expect_success(ran);
  EXPECT_NE(ran.out.find("error on the calibration"), std::string::npos) << ran.out;
  std::ranges::replace(csv, ',', ';');
  std::ranges::replace(csv, '.', ',');
  cli.write("comma.csv", csv);
  const Ran other = cli.run("convert m.keras m2.h --name m --precision int8 --calibration comma.csv --decimal ,");
  EXPECT_EQ(other.out.substr(other.out.find(':')), ran.out.substr(ran.out.find(':')));
  expect_failure(cli.run("convert m.keras m.h --decimal ,"), 2, {"--decimal", "--calibration in CSV"});
  expect_failure(cli.run("convert m.keras m.h5 --decimal ,"), 2, {"options of CSV", "C headers"});
  cli.write("gap.csv", "0.1,-0.2,0.3,0.4,,0.6,0.7,0.8\n");
  expect_failure(cli.run("convert m.keras m.h --precision int8 --calibration gap.csv"), 3, {"gap.csv", "missing"});
  cli.write("few.csv", "1,2\n");
  expect_failure(cli.run("convert m.keras m.h --precision int8 --calibration few.csv"), 3,
                 {"few.csv", "8 numbers a row"});
  expect_failure(cli.run("convert m.keras m.h --precision int8 --calibration none.csv"), 1, {"none.csv"});
}

TEST(Convert, StatesAndLengthsAreInputsOfOnnx) {
  const Cli cli;
  const Sequential model{Masking({.input_shape = {-1, 2}}), LSTM(3, {.name = "l"}), Dense(1)};
  model.save(cli.path("m.keras"));
  expect_failure(cli.run("convert m.keras m.onnx"), 4, {"Masking", "With --sequence-lengths an input"});
  expect_success(cli.run("convert m.keras m.onnx --sequence-lengths --states"));
  for (const char* input : {"lengths", "l.h0", "l.c0"}) {
    EXPECT_NE(cli.read("m.onnx").find(input), std::string::npos) << input;
  }
  const Sequential stateful{LSTM(3, {.stateful = true, .input_shape = {4, 2}})};
  stateful.save(cli.path("s.keras"));
  expect_failure(cli.run("convert s.keras s.onnx"), 4, {"stateful", "With --states states"});
  expect_failure(cli.run("convert m.keras m.h5 --states"), 2, {"--states", ".onnx"});
}

TEST(Convert, WhatHasNoFormInAFormatIsNamed) {
  const Cli cli;
  expect_failure(cli.run("convert " + golden_model("bidirectional.keras") + " b.h"), 4, {"bidirectional"});
  EXPECT_FALSE(std::filesystem::exists(cli.path("b.h")));
}

TEST(Convert, LeavesOutWhatAModelWasCompiledWith) {
  const Cli cli;
  small_model().save(cli.path("m.keras"));
  expect_success(cli.run("convert m.keras bare.keras --no-compile"));
  EXPECT_THROW((void)load_model(cli.path("bare.keras")).optimizer_variables(), StateError);
}

TEST(Convert, WeightsAloneNeedAnArchitecture) {
  const Cli cli;
  const std::string weights = golden_model("seed_k2_12_weights.h5");
  expect_failure(cli.run("convert " + weights + " m.keras"), 4, {"weights alone", "--architecture"});
  expect_success(cli.run("convert " + weights + " m.keras --architecture " + golden_model("seed_k2_12.config.json")));
  EXPECT_EQ(weights_hash(load_model(cli.path("m.keras"))), weights_hash(load_model(golden_model("seed_k2_12.h5"))));
  cli.write("bad.json", "{\"class_name\": \"Sequential\"");
  expect_failure(cli.run("convert " + weights + " m.keras --architecture bad.json"), 4, {"'bad.json'", "JSON"});
  expect_failure(cli.run("convert " + weights + " m.keras --architecture none.json"), 1, {"none.json"});
}

TEST(Convert, AFolderThatIsNotThereIsAnError) {
  const Cli cli;
  small_model().save(cli.path("m.keras"));
  expect_failure(cli.run("convert m.keras none/m.keras"), 1, {"none/m.keras"});
}

TEST(Convert, ALambdaIsRefusedByItsName) {
  const Cli cli;
  cli.write("lambda.json",
            R"({"class_name": "Sequential", "config": {"name": "s", "layers": [
              {"class_name": "InputLayer", "config": {"batch_shape": [null, 2]}},
              {"class_name": "Lambda", "config": {"name": "l", "function": "lambda x: x"}}]}})");
  small_model().save_weights(cli.path("w.weights.h5"));
  expect_failure(cli.run("convert w.weights.h5 m.keras --architecture lambda.json"), 4, {"Lambda"});
}

}  // namespace
}  // namespace rondo
