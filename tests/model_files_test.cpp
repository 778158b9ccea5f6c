// Real files of Keras 2.0.8 to 3.15.1 (tests/golden/models) are loaded, predict as recorded and go on learning as
// recorded; malformed ones are refused. Files that need a layer which Rondo does not have are refused by its name.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <set>

#include <rondo/rondo.hpp>

#include "support/golden_reader.hpp"

namespace rondo {
namespace {

using golden::Json;

const std::string kFolder = std::string(RONDO_GOLDEN_DIR) + "/models/";

Json read_json(const std::string& name) { return Json::parse(std::ifstream(kFolder + name)); }

struct KerasFile {
  Json model, file;  // the case, and one of its files
};
void PrintTo(const KerasFile& given, std::ostream* out) { *out << given.file.at("file"); }

std::vector<KerasFile> files_of(const std::set<std::string>& formats) {
  std::vector<KerasFile> all;
  for (const char* index :
       {"index.json", "index_k2_12.json", "index_k2_3.json", "index_k2_2.json", "index_k2_0.json"}) {
    const Json read = read_json(index);
    for (const Json& model : read.at("cases")) {
      for (const Json& file : model.at("files")) {
        if (formats.contains(file.at("format").get<std::string>())) all.push_back({model, file});
      }
    }
  }
  return all;
}

// A layer that a file needs and Rondo does not have; empty where it has all.
std::string missing_layer(const std::string& id) {
  for (const auto& [part, layer] : {std::pair{"embedding_mask", "Embedding"},
                                    {"conv_norm", "Conv1D"},
                                    {"conv_bn", "Conv1D"},
                                    {"layernorm", "LayerNormalization"},
                                    {"uncompiled", "GlobalAveragePooling1D"}}) {
    if (id.starts_with(part)) return layer;
  }
  return "";
}

// What GoogleTest takes as a name.
std::string as_name(const std::string& file) {
  std::string name;
  for (const char c : file) name += c == '.' ? std::string("_dot_") : std::string(1, c);
  return name;
}
std::string name_of_file(const testing::TestParamInfo<KerasFile>& p) { return as_name(p.param.file.at("file")); }
std::string name_of_bad(const testing::TestParamInfo<Json>& p) { return as_name(p.param.at("file")); }
std::string name_of_ending(const testing::TestParamInfo<const char*>& p) { return as_name(p.param); }

void expect_predicts(const Model& model, const Json& given, const Json& expected, double tolerance) {
  model.reset_states();
  const std::vector<Tensor> got = model.predict_outputs(
      Inputs(golden::float_tensors(given.at("x"))), {.batch_size = given.at("batch_size").get<int>(), .verbose = 0});
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    golden::expect_close(got[i], golden::tensor(expected[i]), tolerance, "output " + std::to_string(i));
  }
}

void expect_evaluates(const Model& model, const Json& given) {
  model.reset_states();
  const Evaluation got =
      model.evaluate(Inputs(golden::float_tensors(given.at("x"))), Outputs(golden::float_tensors(given.at("y"))),
                     {.batch_size = given.at("batch_size").get<int>(), .verbose = 0});
  for (const auto& [name, value] : given.at("evaluate").items()) {
    EXPECT_NEAR(got[name], value.get<double>(), 1e-5 * std::max(1.0, std::abs(value.get<double>()))) << name;
  }
}

// Three steps on the first samples, each with the recorded loss and metrics, then a prediction.
void expect_goes_on(const Model& model, const Json& given, const Json& recorded) {
  model.reset_states();
  const Index samples = recorded.at("samples").get<Index>();
  std::vector<Tensor> x = golden::float_tensors(given.at("x")), y = golden::float_tensors(given.at("y"));
  for (std::vector<Tensor>* all : {&x, &y}) {
    for (Tensor& tensor : *all) tensor = tensor.rows(0, samples);
  }
  for (const Json& log : recorded.at("logs")) {
    const Evaluation got = model.train_on_batch(Inputs(x), Outputs(y));
    for (const auto& [name, value] : log.items()) {
      EXPECT_NEAR(got[name], value.get<double>(), 1e-4 * std::max(1.0, std::abs(value.get<double>()))) << name;
    }
  }
  expect_predicts(model, given, recorded.at("predict_after"), 1e-4);
}

class WholeModels : public testing::TestWithParam<KerasFile> {};

TEST_P(WholeModels, PredictAndGoOnAsRecorded) {
  const auto& [given, file] = GetParam();
  const std::string path = kFolder + file.at("file").get<std::string>(), missing = missing_layer(given.at("id"));
  if (!missing.empty()) {
    try {
      (void)load_model(path);
      FAIL() << "was loaded";
    } catch (const FileError& error) {
      EXPECT_NE(std::string(error.what()).find(missing), std::string::npos) << error.what();
    }
    return;
  }
  const Model model = load_model(path);
  expect_predicts(model, given, given.at("predict"), 1e-5);
  if (given.contains("evaluate")) expect_evaluates(model, given);
  if (file.contains("continue")) expect_goes_on(model, given, file.at("continue"));
}

INSTANTIATE_TEST_SUITE_P(Keras, WholeModels, testing::ValuesIn(files_of({"keras", "h5", "keras_hdf5"})), name_of_file);

// ---- weights alone -------------------------------------------------------------------------------------------------

class WeightFiles : public testing::TestWithParam<KerasFile> {};

TEST_P(WeightFiles, FillAModelOfTheSameArchitecture) {
  const auto& [given, file] = GetParam();
  const Json& architecture = file.at("architecture");
  const Model model = model_from_json(architecture.is_string() ? read_json(architecture.get<std::string>()).dump()
                                                               : architecture.dump());
  EXPECT_TRUE(model.load_weights(kFolder + file.at("file").get<std::string>()).empty());
  expect_predicts(model, given, given.at("predict"), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Keras, WeightFiles, testing::ValuesIn(files_of({"weights", "weights3"})), name_of_file);

// ---- malformed files -----------------------------------------------------------------------------------------------

class BadFiles : public testing::TestWithParam<Json> {};

Model seed_model() { return model_from_json(read_json("seed_model.config.json").dump()); }

TEST_P(BadFiles, AreRefusedOrLoadAsTheyMay) {
  const Json& one = GetParam();
  const std::string name = one.at("file"), path = kFolder + "bad/" + name, expected = one.at("expect");
  SCOPED_TRACE(one.at("why").get<std::string>());
  const bool must_load = expected.starts_with("loads") && expected.find(" or ") == std::string::npos;
  const auto begin = std::chrono::steady_clock::now();
  try {
    if (name.ends_with(".weights.h5")) {
      (void)seed_model().load_weights(path);
    } else {
      (void)load_model(path);
    }
    EXPECT_NE(expected, "error") << "was loaded";
  } catch (const FileError& error) {
    EXPECT_FALSE(must_load) << error.what();
    EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(seconds.count(), 0.5);  // 50 ms on a machine that does nothing else
}

std::vector<Json> bad_files() {
  const Json index = read_json("bad/index.json");
  return {index.at("cases").begin(), index.at("cases").end()};
}

INSTANTIATE_TEST_SUITE_P(Keras, BadFiles, testing::ValuesIn(bad_files()), name_of_bad);

// ---- what is saved is loaded ---------------------------------------------------------------------------------------

class SavedModels : public testing::TestWithParam<const char*> {
 protected:
  std::string path() const {
    return (std::filesystem::path(testing::TempDir()) / ("rondo_saved_" + std::to_string(getpid()) + GetParam()))
        .string();
  }
  void TearDown() override { std::filesystem::remove(path()); }
};

TEST_P(SavedModels, AreEqualToTheBitAndGoOnLearningAsIfNeverInterrupted) {
  set_random_seed(26);
  Sequential model{Bidirectional(LSTM(3, {.return_sequences = true}), {.input_shape = {4, 2}}), BatchNormalization(),
                   GRU(3), Dense(2, {.activation = "softmax"})};
  model.compile({.optimizer = Adam({.learning_rate = 0.01, .use_ema = true}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
  Tensor X = Tensor::zeros({12, 4, 2}, DType::float32), y = Tensor::zeros({12, 1}, DType::float32);
  for (Index i = 0; i < X.size(); ++i) X.data<float>()[static_cast<std::size_t>(i)] = static_cast<float>(i % 7) * 0.1F;
  for (Index i = 0; i < 12; ++i) y.set(std::array<Index, 2>{i, 0}, static_cast<double>(i % 2));
  const FitOptions options{.batch_size = 4, .epochs = 2, .verbose = 0, .shuffle = false};
  model.fit(X, y, options);
  model.save(path());
  const Model again = load_model(path());
  EXPECT_TRUE(again.predict(X, {.verbose = 0}).identical(model.predict(X, {.verbose = 0})));
  model.fit(X, y, options);
  again.fit(X, y, options);
  EXPECT_TRUE(again.predict(X, {.verbose = 0}).identical(model.predict(X, {.verbose = 0})));
}

INSTANTIATE_TEST_SUITE_P(Formats, SavedModels, testing::Values(".keras", ".h5"), name_of_ending);

}  // namespace
}  // namespace rondo
