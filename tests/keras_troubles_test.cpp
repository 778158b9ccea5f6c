// What users of other readers of Keras's files met with, one test a trouble, against what real Keras computed. The
// files are those of tests/golden/models (index*.json) and of tests/golden/troubles.
//
// Not here, since Rondo lacks the layer or tool:
//   "Tokenizer and padding are needed beside the model": waits for Tokenizer, pad_sequences and Embedding.
#include <fstream>
#include <gtest/gtest.h>
#include <string>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/golden_reader.hpp"

namespace rondo {
namespace {

using golden::Json;
using test::expect_error;

const std::string kModels = std::string(RONDO_GOLDEN_DIR) + "/models/";
const std::string kTroubles = std::string(RONDO_GOLDEN_DIR) + "/troubles/";

Json case_of(const std::string& index, const std::string& id) {
  const Json all = Json::parse(std::ifstream(index));
  for (const Json& each : all.at("cases")) {
    if (each.at("id") == id) return each;
  }
  ADD_FAILURE() << id << " is not in " << index;
  return nullptr;
}

// A model of tests/golden/models predicts as recorded.
void expect_as_recorded(const std::string& id, const std::string& file, const std::string& index = "index.json") {
  SCOPED_TRACE(file);
  const Json given = case_of(kModels + index, id);
  const Model model = load_model(kModels + file);
  const std::vector<Tensor> got = model.predict_outputs(
      Inputs(golden::float_tensors(given.at("x"))), {.batch_size = given.at("batch_size").get<int>(), .verbose = 0});
  ASSERT_EQ(got.size(), given.at("predict").size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    golden::expect_close(got[i], golden::tensor(given.at("predict")[i]), 1e-5, id);
  }
}

// A model of tests/golden/troubles predicts as recorded in each of its calls, which must be so many.
void expect_trouble_is_none(const std::string& id, std::size_t calls) {
  const Json given = case_of(kTroubles + "troubles.json", id);
  const Model model = load_model(kTroubles + given.at("file").get<std::string>());
  ASSERT_EQ(given.at("calls").size(), calls);
  for (const Json& call : given.at("calls")) {
    const Tensor got = model.predict_outputs(Inputs(golden::float_tensors(call.at("x"))), {.verbose = 0}).front();
    golden::expect_close(got, golden::tensor(call.at("predict")), 1e-5, call.at("what").get<std::string>());
  }
}

Json config_of(const std::string& file) { return Json::parse(std::ifstream(kModels + file)); }

// 1: deeplearning4j 3972, 4295. Two layers on top of each other; all steps of a layer as the model's output.
TEST(KerasTroubles, ReturnSequencesIsKeptInStacks) {
  expect_as_recorded("stacked_lstm", "stacked_lstm.keras");
  expect_as_recorded("stacked_lstm", "stacked_lstm.h5");
  expect_as_recorded("eleven_lstm", "eleven_lstm.keras");
}

// 2: deeplearning4j 4445, 3519. The last step of the layer that goes backwards is the first in time.
TEST(KerasTroubles, TheLastStepOfABidirectionalIsThatOfEachDirection) {
  expect_trouble_is_none("bidirectional_last_step", 1);
  expect_as_recorded("bidirectional", "bidirectional.h5");
}

// 3: deeplearning4j 6084. Eight rows in batches of two, of which each goes on from the one before.
TEST(KerasTroubles, AStatefulModelIsRightInLaterBatchesToo) {
  const Json given = case_of(kModels + "index.json", "stateful");
  const Model model = load_model(kModels + "stateful.keras");
  const Tensor X = golden::float_tensors(given.at("x")).front(), expected = golden::tensor(given.at("predict")[0]);
  for (int pass = 0; pass < 2; ++pass) {
    model.reset_states();
    for (Index first = 0; first < X.shape()[0]; first += 2) {
      golden::expect_close(model.predict_on_batch(X.rows(first, first + 2)), expected.rows(first, first + 2), 1e-5,
                           "rows from " + std::to_string(first));
    }
  }
  expect_as_recorded("stateful_k2_0", "stateful_k2_0.h5", "index_k2_0.json");
}

// 4: deeplearning4j 8701. Rows of all lengths, also without one step that counts.
TEST(KerasTroubles, AMaskedModelThatWasTrainedAgreesWhereverThePaddingStands) {
  expect_trouble_is_none("masking_trained", 2);
  expect_as_recorded("masking_stack", "masking_stack.keras");
}

// 5: deeplearning4j 7248, 10039.
TEST(KerasTroubles, GruIsRead) {
  expect_as_recorded("gru_reset_after", "gru_reset_after.keras");
  expect_as_recorded("gru_reset_after_k2_12", "gru_reset_after_k2_12.h5", "index_k2_12.json");
  expect_as_recorded("gru_reset_after_k2_3", "gru_reset_after_k2_3.h5", "index_k2_3.json");
}

// 6: Tony607/Keras-Trigger-Word 15. A configuration without the key means what it meant when it was written.
TEST(KerasTroubles, ResetAfterIsThatOfTheFileOrItsVersion) {
  expect_as_recorded("gru_reset_before", "gru_reset_before.keras");
  const auto biases = [](const std::string& version) {
    const Model model =
        model_from_json(R"({"class_name": "Sequential", "keras_version": ")" + version + R"(", "config": {"layers": [
          {"class_name": "GRU", "config": {"units": 2, "batch_input_shape": [null, 3, 1]}}]}})");
    return model.get_weights().back().shape();
  };
  EXPECT_EQ(biases("2.2.4"), (Shape{6}));
  EXPECT_EQ(biases("2.3.1"), (Shape{6}));
  EXPECT_EQ(biases("2.12.0"), (Shape{2, 6}));
  EXPECT_EQ(biases("3.15.1"), (Shape{2, 6}));
}

// 7: keras 4192, 7695. Padding behind and in front, all steps and the last one.
TEST(KerasTroubles, ABidirectionalUnderAMaskAgreesWhereverThePaddingStands) {
  expect_trouble_is_none("bidirectional_masked", 2);
}

// 8: keras 17173. Constants in a call are read by Keras 3.15.1; Rondo does not have them, and says so.
TEST(KerasTroubles, ConstantMasksAndInitialStatesAreRefusedByName) {
  expect_error<FileError>([] { (void)load_model(kTroubles + "constant_states.keras"); },
                          {"constant_states.keras", "'lstm", "initial_state", "constant", "input of the model"});
  expect_error<FileError>([] { (void)load_model(kTroubles + "constant_mask.keras"); },
                          {"constant_mask.keras", "'lstm", "mask", "constant", "input of the model"});
}

// 9: rstudio/keras3 312, hls4ml PR 1120.
TEST(KerasTroubles, InitialStatesComeFromTensors) {
  expect_trouble_is_none("states_from_tensors", 1);
  expect_as_recorded("encoder_decoder", "encoder_decoder.keras");
}

// 11: keras2cpp 1. A layer with weights, and a model inside.
TEST(KerasTroubles, TimeDistributedIsRead) {
  expect_as_recorded("time_distributed", "time_distributed.keras");
  expect_as_recorded("nested_model", "nested_model.keras");
}

// 12: moof2k/kerasify 10.
TEST(KerasTroubles, BidirectionalIsRead) {
  expect_as_recorded("bidirectional", "bidirectional.keras");
  expect_as_recorded("bidirectional_k2_0", "bidirectional_k2_0.h5", "index_k2_0.json");
}

// 13: tensorflow 39635. Keras 2 writes the key into every layer; true is another layout of the data, which is refused.
TEST(KerasTroubles, TimeMajorIsReadAsFalseAndRefusedAsTrue) {
  Json config = config_of("seed_k2_12.config.json");
  Json* lstm = nullptr;
  for (Json& layer : config.at("config").at("layers")) {
    if (layer.at("class_name") == "LSTM") lstm = &layer;
  }
  ASSERT_NE(lstm, nullptr);
  EXPECT_EQ(lstm->at("config").at("time_major"), false);
  const Model model = model_from_json(config.dump());
  EXPECT_TRUE(model.load_weights(kModels + "seed_k2_12_weights.h5").empty());
  const Json given = case_of(kModels + "index_k2_12.json", "seed_k2_12");
  golden::expect_close(model.predict(golden::float_tensors(given.at("x")).front(), {.verbose = 0}),
                       golden::tensor(given.at("predict")[0]), 1e-5, "time_major = false");

  lstm->at("config")["time_major"] = true;
  expect_error<ConfigError>([&] { model_from_json(config.dump()); }, {"LSTM", "time_major"});
  const Json inside = *lstm;
  *lstm = {{"class_name", "Bidirectional"}, {"config", {{"layer", inside}}}};
  expect_error<ConfigError>([&] { model_from_json(config.dump()); }, {"time_major"});
}

// 14: tensorflow 57015.
TEST(KerasTroubles, UnrolledLayersAreThoseThatAreNot) { expect_trouble_is_none("unrolled", 1); }

// 15: headerify-lstm-cpp 3.
TEST(KerasTroubles, FilesOfKeras2Point0To3Point15AreRead) {
  expect_as_recorded("seed_k2_0", "seed_k2_0.h5", "index_k2_0.json");
  expect_as_recorded("seed_k2_2", "seed_k2_2.h5", "index_k2_2.json");
  expect_as_recorded("seed_k2_3", "seed_k2_3.h5", "index_k2_3.json");
  for (const char* file : {"seed_k2_12.h5", "seed_k2_12.keras", "seed_k2_12_hdf5_inside.keras"}) {
    expect_as_recorded("seed_k2_12", file, "index_k2_12.json");
  }
  for (const char* file : {"seed_model.h5", "seed_model.keras"}) expect_as_recorded("seed_model", file);
}

}  // namespace
}  // namespace rondo
