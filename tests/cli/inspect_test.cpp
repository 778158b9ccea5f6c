#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <rondo/rondo.hpp>

#include "cli/program.hpp"

namespace rondo {
namespace {

using Json = nlohmann::ordered_json;
using test::Cli;
using test::expect_failure;
using test::expect_success;
using test::golden_model;
using test::Ran;
using test::small_model;

Json inspected(const Cli& cli, const std::string& arguments, const std::string& input = "") {
  const Ran ran = cli.run("inspect --json " + arguments, input);
  expect_success(ran);
  return Json::parse(ran.out);
}

TEST(Inspect, TellsWhatIsInAModelOfRondos) {
  const Cli cli;
  small_model().save(cli.path("m.keras"));
  const Ran ran = cli.run("inspect m.keras");
  expect_success(ran);
  for (const char* part :
       {"m.keras, ", " bytes", "keras: an archive", "Keras 3.15.1", "set_keras_compat(\"3\")", "(None, 4, 2)",
        "(None, 1)", "Adam (learning rate 0.01), loss MeanSquaredError, metrics MeanAbsoluteError; 1 step made",
        "sha256:", "rondo verify compares", "lstm (LSTM)", "Total params"}) {
    EXPECT_NE(ran.out.find(part), std::string::npos) << part << " is not in\n" << ran.out;
  }
}

TEST(Inspect, JsonHasTheSame) {
  const Cli cli;
  const Model model = small_model();
  model.save(cli.path("m.h5"));
  const Json all = inspected(cli, "--weights m.h5");
  EXPECT_EQ(all.at("format"), "h5");
  EXPECT_EQ(all.at("keras_version"), "3.15.1");
  EXPECT_EQ(all.at("bytes"), std::filesystem::file_size(cli.path("m.h5")));
  EXPECT_EQ(all.at("verification"), true);
  EXPECT_EQ(all.at("weights_hash"), weights_hash(model));
  EXPECT_EQ(all.at("model").at("parameters"), model.count_params());
  EXPECT_EQ(all.at("model").at("trainable_parameters"), model.count_params());
  EXPECT_EQ(all.at("model").at("inputs"), Json::parse("[[null, 4, 2]]"));
  EXPECT_EQ(all.at("compiled").at("steps"), 1);
  EXPECT_EQ(all.at("compiled").at("optimizer").at("class_name"), "Adam");
  ASSERT_EQ(all.at("weights").size(), 5U);
  EXPECT_EQ(all.at("weights")[0].at("name"), "sequential/lstm/lstm_cell/kernel");
  EXPECT_EQ(all.at("weights")[0].at("shape"), Json::parse("[2, 12]"));
  EXPECT_EQ(all.at("weights")[0].at("dtype"), "float32");
}

TEST(Inspect, StatisticsOfWeightsAreThoseOfTheNumbers) {
  const Cli cli;
  Sequential model{Dense(1, {.input_shape = {3}})};
  model.set_weights({Tensor{{-2.5}, {0.5}, {8.0}}, Tensor{std::nan("")}});
  model.save(cli.path("m.keras"));
  const Json weights = inspected(cli, "--weights m.keras").at("weights");
  EXPECT_EQ(weights[0].at("min"), -2.5);
  EXPECT_EQ(weights[0].at("max"), 8.0);
  EXPECT_EQ(weights[0].at("mean"), 2.0);
  EXPECT_TRUE(weights[1].at("min").is_null() && weights[1].at("max").is_null() && weights[1].at("mean").is_null());
  const Ran text = cli.run("inspect --weights m.keras");
  EXPECT_NE(text.out.find("min -2.5"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("mean nan"), std::string::npos) << text.out;
}

TEST(Inspect, TheHashIsThatOfTheWeightsInWhateverForm) {
  const Cli cli;
  const Model model = small_model();
  model.save(cli.path("m.keras"));
  model.save(cli.path("m.h5"));
  model.save_weights(cli.path("m.weights.h5"));
  for (const char* file : {"m.keras", "m.h5", "m.weights.h5"}) {
    EXPECT_EQ(inspected(cli, file).at("weights_hash"), weights_hash(model)) << file;
  }
}

// The first bytes say what a file is, not its name.
TEST(Inspect, TellsTheVersionAndProfileOfFilesOfEachKeras) {
  const Cli cli;
  const auto expect = [&](const std::string& file, const char* format, const Json& version, const char* compat) {
    SCOPED_TRACE(file);
    const Json all = inspected(cli, golden_model(file));
    EXPECT_EQ(all.at("format"), format);
    EXPECT_EQ(all.at("keras_version"), version);
    EXPECT_EQ(all.at("keras_compat"), compat);
    EXPECT_EQ(all.at("verification"), false);
  };
  expect("seed_model.keras", "keras", "3.15.1", "3");
  expect("seed_k2_0.h5", "h5", "2.0.8", "2.0");
  expect("seed_k2_2.h5", "h5", "2.2.4", "2.0");
  expect("seed_k2_3.h5", "h5", "2.3.1", "2.3");
  expect("seed_k2_12.keras", "keras", "2.12.0", "2.4");
  expect("seed_k2_12_hdf5_inside.keras", "h5", "2.12.0", "2.4");
  expect("seed_model.weights.h5", "weights.h5", Json(), "3");
}

TEST(Inspect, ListsWeightsThatStandAlone) {
  const Cli cli;
  const Json all = inspected(cli, "--weights " + golden_model("seed_model.weights.h5"));
  EXPECT_EQ(all.at("parameters"), 491);
  ASSERT_EQ(all.at("weights").size(), 5U) << "what the optimizer remembers is no weight";
  EXPECT_EQ(all.at("weights")[2].at("name"), "layers/lstm/cell/vars/0");
  EXPECT_EQ(all.at("weights")[2].at("shape"), Json::parse("[1, 40]"));
  const Json old = inspected(cli, "--weights " + golden_model("seed_k2_0_weights.h5"));
  EXPECT_EQ(old.at("format"), "weights of Keras 2 in .h5");
  EXPECT_EQ(old.at("parameters"), 491);
  const Ran text = cli.run("inspect --weights " + golden_model("seed_model.weights.h5"));
  expect_success(text);
  EXPECT_NE(text.out.find("491 in 5 weights"), std::string::npos) << text.out;
}

TEST(Inspect, TellsOfModelsInFormatsOfOtherPrograms) {
  const Cli cli;
  const Model model = small_model();
  export_onnx(model, cli.path("m.onnx"));
  const Json all = inspected(cli, "--weights m.onnx");
  EXPECT_EQ(all.at("format"), "onnx");
  EXPECT_EQ(all.at("bytes"), std::filesystem::file_size(cli.path("m.onnx")));
  EXPECT_EQ(all.at("model").at("parameters"), model.count_params());
  EXPECT_EQ(all.at("weights").size(), 5U);
  const Ran text = cli.run("inspect m.onnx");
  expect_success(text);
  for (const char* part : {"m.onnx, ", "onnx: ONNX", "(None, 1)", "compiled with   no", "sha256:", "(LSTM)"}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << part << " is not in\n" << text.out;
  }
  cli.write("damaged.onnx", "no model");
  const Ran damaged = cli.run("inspect damaged.onnx");
  EXPECT_EQ(damaged.status, 4);
  EXPECT_NE(damaged.err.find("damaged.onnx"), std::string::npos) << damaged.err;
  expect_failure(cli.run("inspect none.onnx"), 1, {"none.onnx", "No such file"});
}

TEST(Inspect, SeveralOutputsWithoutMetricsHaveNone) {
  const Ran ran = Cli().run("inspect " + golden_model("functional_two_k2_2.h5"));
  expect_success(ran);
  EXPECT_NE(ran.out.find("loss MeanSquaredError, CategoricalCrossentropy, metrics none; 4 steps made"),
            std::string::npos)
      << ran.out;
}

TEST(Inspect, ReadsStandardInput) {
  const Cli cli;
  const Ran ran = cli.run("inspect - <" + golden_model("seed_model.keras"));
  expect_success(ran);
  EXPECT_NE(ran.out.find("standard input, "), std::string::npos) << ran.out;
  expect_failure(cli.run("inspect -", "no model"), 4, {"standard input: it is no model"});
}

TEST(Inspect, ALayerThatIsNotThereIsNamedBehindWhatIsKnown) {
  const Ran ran = Cli().run("inspect " + golden_model("uncompiled.keras"));
  EXPECT_EQ(ran.status, 4);
  EXPECT_NE(ran.err.find("GlobalAveragePooling1D"), std::string::npos) << ran.err;
  EXPECT_NE(ran.out.find("Keras 3.15.1"), std::string::npos) << ran.out;
}

TEST(Inspect, NamesOfAnyBytesComeOutAsJson) {
  const Cli cli;
  small_model().save(cli.path("bad\xFF.keras"));
  const Ran ran = cli.run("inspect --json bad\xFF.keras");
  expect_success(ran);
  EXPECT_NE(ran.out.find("\"file\": \"bad\xEF\xBF\xBD.keras\""), std::string::npos) << ran.out;
}

}  // namespace
}  // namespace rondo
