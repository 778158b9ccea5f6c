// Models of somebody who means harm: each is an error that says what is wrong, in under 50 ms and 64 MB, and nothing of
// it is run, fetched or written. What is inside of HDF5 is attacked in src/formats/hdf5/attacks_test.cpp, the records
// of zip archives in src/formats/zip/zip_test.cpp; here are the models that they make up.
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

#include <rondo/rondo.hpp>

#include "formats/hdf5/writer.hpp"
#include "formats/keras/model_file.hpp"
#include "formats/zip/records.hpp"
#include "formats/zip/zip.hpp"
#include "support/expect_error.hpp"
#include "support/harm.hpp"
#include "support/hdf5_parts.hpp"
#include "support/zip_parts.hpp"

namespace rondo {
namespace {

using nlohmann::ordered_json;
using Json = ordered_json;
using test::Harm;
using test::ZipEntry;

namespace fs = std::filesystem;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

// A model's parts, as it is saved.
struct FileParts {
  Json metadata, config;
  std::string weights;

  std::vector<ZipEntry> entries() const {
    return {{.name = "metadata.json", .content = metadata.dump()},
            {.name = "config.json", .content = config.dump()},
            {.name = "model.weights.h5", .content = weights}};
  }
  std::string archive() const { return test::zip_of(entries()); }
  // A whole .h5 with this configuration, and without weights: it is wrong before that.
  std::string hdf5() const {
    Json model = config, training = config.value("compile_config", Json());
    model.erase("compile_config");
    hdf5::Writer file;
    file.root().attribute("keras_version", "2.12.0");
    file.root().attribute("model_config", model.dump());
    if (training.is_object()) file.root().attribute("training_config", training.dump());
    file.root().group("model_weights").attribute("layer_names", std::vector<std::string>{});
    const std::vector<std::byte> bytes = file.bytes();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

FileParts parts_of(const Model& model) {
  const std::string path =
      (fs::path(testing::TempDir()) / ("rondo_attack_" + std::to_string(getpid()) + ".keras")).string();
  model.save(path);
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  fs::remove(path);
  const zip::Reader reader(bytes_of(bytes), path);
  std::vector<std::byte> memory;
  const auto read = [&](const char* name) { return zip::text(reader.read(name, 1 << 20, memory)); };
  return {Json::parse(read("metadata.json")), Json::parse(read("config.json")), read("model.weights.h5")};
}

const FileParts& line_parts() {
  static const FileParts parts = [] {
    Sequential model{LSTM(2, {.return_sequences = true, .input_shape = {3, 1}}), TimeDistributed(Dense(1)), Flatten()};
    model.compile({.optimizer = Adam(), .loss = "mse", .metrics = {"mae"}});
    return parts_of(model);
  }();
  return parts;
}

const FileParts& graph_parts() {
  static const FileParts parts = [] {
    const Symbol x = Input({3, 1}, {.name = "x"}), h = Input({2}, {.name = "h"}), c = Input({2}, {.name = "c"});
    const Symbol y = LSTM(2)({x, h, c});
    Model model({x, h, c}, {Dense(1, {.name = "y"})(y), Concatenate()({y, h})});
    model.compile({.optimizer = SGD(), .loss = Losses{"mse", "mae"}});
    return parts_of(model);
  }();
  return parts;
}

std::string refusal(const std::string& file, const Harm& most = {}) {
  return test::refusal([&] { (void)keras::load_model(bytes_of(file), "bad.keras"); }, most);
}

void expect_refused(const std::string& file, const std::vector<std::string>& parts, const Harm& most = {}) {
  test::expect_parts(refusal(file, most), parts);
  EXPECT_NE(refusal(file, most), "no error");
}

// In an archive and in a whole .h5, with the model's second layer in the place of another.
void expect_layer_refused(const Json& layer, const std::vector<std::string>& parts) {
  FileParts bad = line_parts();
  bad.config["config"]["layers"].push_back(layer);
  expect_refused(bad.archive(), parts);
  expect_refused(bad.hdf5(), parts);
}

// ---- code ----------------------------------------------------------------------------------------------------------

constexpr const char* kCode = "4wEAAAAAAAAAAAAAAAEAAAADAAAAQwAAAHMOAAAAZAFkAmwAbQF9AQABAHwBUwA=";

Json lambda(const Json& function) {
  return {{"module", "keras.layers"},
          {"class_name", "Lambda"},
          {"config", {{"name", "lambda"}, {"function", function}, {"arguments", Json::object()}}}};
}
Json keras3_function() {
  return {{"class_name", "__lambda__"}, {"config", {{"code", kCode}, {"defaults", nullptr}, {"closure", nullptr}}}};
}

// Keras CVE-2024-3660, CVE-2026-12481, and the legacy way in, CVE-2025-9905.
TEST(ModelAttacks, CodeInALambdaIsRefusedByName) {
  expect_layer_refused(lambda(keras3_function()), {"bad.keras", "Lambda"});
  expect_layer_refused(lambda(Json::array({kCode, nullptr, nullptr})), {"Lambda"});
  expect_layer_refused({{"class_name", "TimeDistributed"}, {"config", {{"layer", lambda(keras3_function())}}}},
                       {"Lambda"});
}

TEST(ModelAttacks, CodeInThePlaceOfANameIsRefused) {
  for (const char* key : {"activation", "recurrent_activation", "kernel_initializer", "kernel_regularizer",
                          "kernel_constraint", "activity_regularizer"}) {
    expect_layer_refused({{"class_name", "LSTM"}, {"config", {{"units", 1}, {key, keras3_function()}}}},
                         {"__lambda__"});
  }
  for (const char* key : {"optimizer", "loss", "metrics"}) {
    FileParts bad = line_parts();
    bad.config["compile_config"][key] = keras3_function();
    expect_refused(bad.archive(), {"__lambda__", ".compile = false"});
    EXPECT_NO_THROW((void)keras::load_model(bytes_of(bad.archive()), "bad.keras", {.compile = false}));
  }
}

// Keras CVE-2025-1550 and CVE-2025-8747: any module, class or function, to be imported and called.
TEST(ModelAttacks, ModulesAndFunctionsOfAnyNameAreRefused) {
  for (const auto& [module, name] : {std::pair{"os", "system"},
                                     {"subprocess", "Popen"},
                                     {"keras.src.utils", "get_file"},
                                     {"keras.models", "load_model"},
                                     {"builtins", "eval"}}) {
    expect_layer_refused({{"module", module}, {"class_name", name}, {"config", {{"args", {"id"}}}}}, {name});
    expect_layer_refused({{"module", module}, {"class_name", "function"}, {"config", name}, {"registered_name", name}},
                         {"function"});
    expect_layer_refused(
        {{"class_name", "Dense"},
         {"config",
          {{"units", 1}, {"activation", {{"module", module}, {"class_name", "function"}, {"config", name}}}}}},
        {module == std::string("os") || module == std::string("subprocess") ? module : name});
  }
}

// keras a7316d5128: a class that goes by the name of Keras's and is another.
TEST(ModelAttacks, ClassesOfSomebodysOwnAreNotTakenForKerass) {
  expect_layer_refused({{"module", "evil"}, {"class_name", "Dense"}, {"config", {{"units", 1}}}}, {"Dense", "evil"});
  expect_layer_refused({{"module", "keras.layers"},
                        {"class_name", "Dense"},
                        {"config", {{"units", 1}}},
                        {"registered_name", "evil>Dense"}},
                       {"Dense", "evil>Dense"});
  FileParts bad = line_parts();
  bad.config["compile_config"]["optimizer"]["registered_name"] = "evil>Adam";
  expect_refused(bad.archive(), {"evil>Adam", ".compile = false"});
}

// Keras CVE-2025-9906.
TEST(ModelAttacks, AConfigurationCannotSwitchSafetyOff) {
  for (const Json& off : {Json(false), Json(nullptr)}) {
    Json layer = lambda(keras3_function());
    layer["safe_mode"] = layer["config"]["safe_mode"] = off;
    FileParts bad = line_parts();
    bad.config["safe_mode"] = bad.config["config"]["safe_mode"] = bad.metadata["safe_mode"] = off;
    bad.config["config"]["layers"].push_back(layer);
    expect_refused(bad.archive(), {"Lambda"});
    expect_refused(bad.hdf5(), {"Lambda"});
  }
  expect_layer_refused({{"module", "keras.config"},
                        {"class_name", "function"},
                        {"config", "enable_unsafe_deserialization"},
                        {"registered_name", "enable_unsafe_deserialization"}},
                       {"function"});
}

// Keras CVE-2025-49655, CVE-2026-1462.
TEST(ModelAttacks, PicklesAndSavedModelsInsideAreRefusedByName) {
  expect_layer_refused(
      {{"class_name", "TorchModuleWrapper"}, {"config", {{"module", "gASVKAAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOU"}}}},
      {"TorchModuleWrapper"});
  expect_layer_refused({{"class_name", "TFSMLayer"}, {"config", {{"filepath", "/tmp/saved_model"}}}}, {"TFSMLayer"});
  expect_refused(std::string("\x80\x04\x95", 3) + "cposix\nsystem\n", {"neither a .keras archive nor HDF5"});
}

// Keras CVE-2025-12058: what would be read or fetched while a model is loaded.
TEST(ModelAttacks, PathsAndAddressesAreNotFollowed) {
  for (const char* layer : {"StringLookup", "IntegerLookup", "TextVectorization"}) {
    for (const char* from : {"/etc/passwd", "http://127.0.0.1:9/vocabulary.txt", "assets/vocabulary.txt"}) {
      expect_layer_refused({{"class_name", layer}, {"config", {{"vocabulary", from}}}}, {layer});
    }
  }
}

// ---- archives ------------------------------------------------------------------------------------------------------

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) all.push_back(entry.path());
  std::ranges::sort(all);
  return all;
}

// Keras CVE-2025-12060, CVE-2025-12638: entries that climb out, links. Nothing is unpacked.
TEST(ModelAttacks, EntriesThatClimbOutWriteNothing) {
  const fs::path folder = fs::path(testing::TempDir()) / ("rondo_climb_" + std::to_string(getpid()));
  fs::create_directories(folder / "inside");
  std::vector<ZipEntry> entries = line_parts().entries();
  for (const std::string& name :
       {std::string("../evil"), "../../" + folder.string() + "/evil", (folder / "evil").string(),
        std::string("assets/../../evil"), std::string("..\\evil")}) {
    entries.push_back({.name = name, .content = "evil"});
  }
  constexpr std::uint32_t kLink = 0120777U << 16;
  entries.push_back({.name = "assets", .content = "/etc", .attributes = kLink});
  entries.push_back({.name = "assets/passwd", .content = "evil"});
  std::ofstream(folder / "inside" / "model.keras", std::ios::binary) << test::zip_of(entries);
  const std::vector<fs::path> before = files_in(folder);
  EXPECT_TRUE(load_model((folder / "inside" / "model.keras").string()).built());
  EXPECT_EQ(files_in(folder), before);
  fs::remove_all(folder);
}

TEST(ModelAttacks, AnEntryThatIsALinkIsItsText) {
  std::vector<ZipEntry> entries = line_parts().entries();
  entries[1] = {.name = "config.json", .content = "/etc/passwd", .attributes = 0120777U << 16};
  expect_refused(test::zip_of(entries), {"config.json is no JSON"});
}

// keras e5d9412b85, 696b1ad565.
TEST(ModelAttacks, ZipBombsAreRefusedBeforeTheyAreUnpacked) {
  const auto with = [](std::size_t entry, const std::string& content) {
    std::vector<ZipEntry> entries = line_parts().entries();
    entries[entry].content = content;
    entries[entry].deflated = true;
    return test::zip_of(entries);
  };
  expect_refused(with(0, std::string(200'000, ' ')), {"metadata.json", "200000 bytes", "at most"});
  expect_refused(with(1, std::string(9 << 20, ' ')), {"config.json", "bytes", "at most"});
  expect_refused(with(2, std::string(std::size_t{40} << 20, '\0')), {"model.weights.h5", "bytes", "at most"});
  // In an archive inside it.
  expect_refused(with(2, with(2, std::string(std::size_t{40} << 20, '\0'))), {"model.weights.h5", "no HDF5 file"});
  // It says less than it holds.
  std::vector<ZipEntry> entries = line_parts().entries();
  entries[1] = {.name = "config.json", .content = std::string(9 << 20, ' '), .deflated = true, .wrong_size = 100};
  expect_refused(test::zip_of(entries), {"config.json", "damaged"});
}

TEST(ModelAttacks, ManyEntriesTakeNoTime) {
  std::vector<ZipEntry> entries;
  for (int i = 0; i < 65'000; ++i) entries.push_back({.name = std::to_string(i), .content = {}});
  expect_refused(test::zip_of(entries), {"no entry 'config.json'"}, {.milliseconds = 300});
}

// ---- HDF5 inside ---------------------------------------------------------------------------------------------------

// The parts of a model of one Dense layer whose kernel is the data set with these messages behind its type.
FileParts dense_with(const std::function<std::uint64_t(test::Hdf5Parts&)>& kernel) {
  Sequential model{Dense(3, {.use_bias = false, .input_shape = {1}})};
  FileParts parts = parts_of(model);
  test::Hdf5Parts hdf5;
  const auto group = [&](const char* name, std::uint64_t address) {
    return hdf5.add(test::header(test::link(name, address)));
  };
  const std::uint64_t root = group("layers", group("dense", group("vars", kernel(hdf5))));
  const std::vector<std::byte> bytes = hdf5.file(root);
  parts.weights.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return parts;
}

TEST(ModelAttacks, WeightsInOtherFilesAreRefusedByName) {
  using hdf5::Encoder, hdf5::MessageType;
  using test::contiguous, test::external_link, test::float32, test::header, test::Hdf5Parts, test::link, test::message,
      test::operator+, test::soft_link, test::space;
  const Encoder list = message(MessageType::external_files, test::numbers({{1, 1}, {0, 3}, {1, 2}, {1, 2}, {96, 8}}));
  // Keras CVE-2026-1669, d2dbae54c8, 23370f16b0.
  expect_refused(
      dense_with([&](Hdf5Parts& hdf5) {
        return hdf5.add(header(link("0", hdf5.add(header(float32() + space({1, 3}) + contiguous(96, 12) + list)))));
      }).archive(),
      {"external storage"});
  expect_refused(dense_with([&](Hdf5Parts& hdf5) { return hdf5.add(header(external_link("0"))); }).archive(),
                 {"external link"});
  expect_refused(dense_with([&](Hdf5Parts& hdf5) { return hdf5.add(header(soft_link("0", "/layers"))); }).archive(),
                 {"soft link"});
  // keras 460ec47e5d.
  const Encoder virtual_layout = message(MessageType::layout, test::numbers({{4, 1}, {3, 1}, {96, 8}, {1, 4}}));
  expect_refused(dense_with([&](Hdf5Parts& hdf5) {
                   return hdf5.add(header(link("0", hdf5.add(header(float32() + space({1, 3}) + virtual_layout)))));
                 }).archive(),
                 {"virtual data set"});
}

// Keras CVE-2026-0897: what is declared is compared with what the configuration says and the file holds.
TEST(ModelAttacks, ShapesFarBeyondTheFileTakeNoMemory) {
  using namespace test;
  const auto kernel_of = [](std::uint64_t columns) {
    return dense_with([=](Hdf5Parts& hdf5) {
      return hdf5.add(header(
          link("0", hdf5.add(header(float32() + space({1, columns}) + contiguous(96, std::uint64_t{4} << 40))))));
    });
  };
  expect_refused(kernel_of(std::uint64_t{1} << 40).archive(), {"(1, 1099511627776)", "expected is (1, 3)"});
  for (const Index units : {Index{1} << 30, Index{1} << 40, Index{1} << 62, Index{INT64_MAX}}) {
    FileParts bad = kernel_of(static_cast<std::uint64_t>(units));
    bad.config["config"]["layers"][1]["config"]["units"] = units;
    EXPECT_NE(refusal(bad.archive()), "no error") << units;
  }
}

// ---- configurations ------------------------------------------------------------------------------------------------

// keras 341ab04b1b. Each value of a configuration, and each part of it, becomes one of other types: that is an error or
// loads.
void check_types(const FileParts& good) {
  const std::vector<Json> all = {Json::array({1, "a"}),
                                 nullptr,
                                 -3,
                                 "text",
                                 true,
                                 1e300,
                                 Json::array(),
                                 Json::object(),
                                 {{"class_name", "Dense"}, {"config", nullptr}}};
  const std::size_t count = test::all_or_some(all.size(), std::size_t{3});
  std::set<std::string> places;
  const Json flat = good.config.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    for (std::string at = pointer; !at.empty(); at.resize(at.rfind('/'))) places.insert(at);
  }
  for (const std::string& place : places) {
    for (std::size_t i = 0; i < count; ++i) {
      FileParts bad = good;
      bad.config[Json::json_pointer(place)] = all[i];
      (void)refusal(bad.archive());
      if (testing::Test::HasFailure()) FAIL() << place << " = " << all[i];
    }
  }
}

TEST(ModelAttacks, ValuesOfAnotherTypeAreErrorsOrLoad) {
  check_types(line_parts());
  check_types(graph_parts());
}

TEST(ModelAttacks, MetadataOfAnotherTypeIsAnError) {
  for (const Json& version : {Json(5), Json(nullptr), Json::array(), Json::object()}) {
    FileParts bad = line_parts();
    bad.metadata["keras_version"] = version;
    expect_refused(bad.archive(), {"bad.keras"});
    Json json = line_parts().config;
    json["keras_version"] = version;
    EXPECT_THROW((void)model_from_json(json.dump()), ConfigError);
  }
}

Json layer(const std::string& class_name, const Json& config) {
  return {{"class_name", class_name}, {"config", config}};
}
Json line_of(Json layers) { return layer("Sequential", {{"layers", std::move(layers)}}); }
Json input(const Json& shape) { return layer("InputLayer", {{"batch_shape", shape}}); }

void expect_config_refused(const Json& config, const std::vector<std::string>& parts, const Harm& most = {}) {
  FileParts bad = line_parts();
  bad.config = config;
  expect_refused(bad.archive(), parts, most);
  const std::string text = config.dump();
  const auto of_text = [&] {
    try {
      (void)model_from_json(text);
    } catch (const Error& error) {
      throw FileError(error.what());  // what refusal() expects
    }
  };
  test::expect_parts(test::refusal(of_text, most), parts);
}

// A model with two calls of a model with two calls of a model ...: a few kilobytes ask for billions of layers.
TEST(ModelAttacks, ModelsInsideModelsCannotGrowWithoutBounds) {
  const auto tensor = [](const std::string& layer, int call) {
    return Json{{"class_name", "__keras_tensor__"}, {"config", {{"keras_history", {layer, call, 0}}}}};
  };
  Json inside = layer("Activation", {{"activation", "relu"}});
  for (int depth = 0; depth < 25; ++depth) {
    Json entry = input({nullptr, 2});
    entry["config"]["name"] = "x";
    entry["inbound_nodes"] = Json::array();
    inside["config"]["name"] = "f";
    inside["inbound_nodes"] = {{{"args", {tensor("x", 0)}}, {"kwargs", Json::object()}},
                               {{"args", {tensor("f", 0)}}, {"kwargs", Json::object()}}};
    inside = layer("Functional",
                   {{"layers", {entry, inside}}, {"input_layers", {{"x", 0, 0}}}, {"output_layers", {{"f", 1, 0}}}});
  }
  expect_config_refused(inside, {"its layers are too many"}, {.milliseconds = 300});
}

TEST(ModelAttacks, ManyLayersTakeTimeInProportion) {
  constexpr int kLayers = 20'000;
  Json layers = Json::array({input({nullptr, 2})});
  for (int i = 0; i < kLayers; ++i) layers.push_back(layer("Activation", {{"activation", "relu"}}));
  FileParts many = line_parts();
  many.config = line_of(layers);
  const auto load = [&] { (void)keras::load_model(bytes_of(many.archive()), "many.keras"); };
  EXPECT_EQ(test::refusal(load, {.milliseconds = 3000, .megabytes = 200}), "no error");

  // A graph whose layers are listed from the last to the first.
  Json list = Json::array();
  for (int i = kLayers; i > 0; --i) {
    Json one = layer("Activation", {{"activation", "relu"}, {"name", "l" + std::to_string(i)}});
    const std::string before = i > 1 ? "l" + std::to_string(i - 1) : "x";
    one["inbound_nodes"] = {
        {{"args", {{{"class_name", "__keras_tensor__"}, {"config", {{"keras_history", {before, 0, 0}}}}}}},
         {"kwargs", Json::object()}}};
    list.push_back(std::move(one));
  }
  Json entry = input({nullptr, 2});
  entry["config"]["name"] = "x";
  entry["inbound_nodes"] = Json::array();
  list.push_back(std::move(entry));
  many.config = layer("Functional", {{"layers", std::move(list)},
                                     {"input_layers", {{"x", 0, 0}}},
                                     {"output_layers", {{"l" + std::to_string(kLayers), 0, 0}}}});
  EXPECT_EQ(test::refusal(load, {.milliseconds = 5000, .megabytes = 300}), "no error");
}

TEST(ModelAttacks, UnitsWithoutBoundsTakeNoMemory) {
  for (const Index units : {Index{1'000'000'000}, Index{1} << 40, Index{1} << 62}) {
    for (const char* kind : {"Dense", "LSTM", "GRU"}) {
      expect_config_refused(line_of({input({nullptr, 2, 100}), layer(kind, {{"units", units}})}), {kind, "weights"});
    }
    expect_config_refused(line_of({input({nullptr, units}), layer("Dense", {{"units", 100}})}), {"Dense", "weights"});
  }
  expect_config_refused(
      line_of({input({nullptr, 2, 100}), layer("Bidirectional", {{"layer", layer("GRU", {{"units", INT64_MAX}})}})}),
      {"the features that", "Bidirectional"});
  // Each is small, all of them are not.
  Json layers = Json::array({input({nullptr, 500})});
  for (int i = 0; i < 200; ++i) layers.push_back(layer("Dense", {{"units", 500}}));
  FileParts bad = line_parts();
  bad.config = line_of(layers);
  expect_refused(bad.archive(), {"more than the file can hold"});
  expect_config_refused(line_of({input({nullptr, INT64_MAX}), layer("RepeatVector", {{"n", INT64_MAX}}),
                                 layer("Flatten", Json::object())}),
                        {"shape"});
}

TEST(ModelAttacks, SizesThatCannotBeAddedAreErrors) {
  FileParts bad = graph_parts();
  Json& layers = bad.config["config"]["layers"];
  for (Json& each : layers) {
    if (each["class_name"] == "InputLayer") each["config"]["batch_shape"] = {nullptr, INT64_MAX};
  }
  Json joined = layers.back();
  for (const Json& each : layers) {
    if (each["class_name"] == "Concatenate") joined = each;
  }
  joined["inbound_nodes"] = {{{"args",
                               {{{{"class_name", "__keras_tensor__"}, {"config", {{"keras_history", {"h", 0, 0}}}}},
                                 {{"class_name", "__keras_tensor__"}, {"config", {{"keras_history", {"c", 0, 0}}}}}}}},
                              {"kwargs", Json::object()}}};
  Json kept = Json::array();
  for (const Json& each : layers) {
    if (each["class_name"] == "InputLayer") kept.push_back(each);
  }
  kept.push_back(joined);
  layers = kept;
  const std::string name = joined["config"]["name"];
  bad.config["config"]["output_layers"] = {{name, 0, 0}};
  expect_refused(bad.archive(), {"Concatenate", "sizes run from 0"});
}

// JSON whose objects take time with the square of their size, and texts without end.
TEST(ModelAttacks, JsonIsBounded) {
  const auto with_config = [](const std::string& text) {
    std::vector<ZipEntry> entries = line_parts().entries();
    entries[1].content = text;
    return test::zip_of(entries);
  };
  std::string objects = R"({"class_name": "Sequential", "config": {"layers": [{})", keys = R"({"a": 0)";
  for (int i = 0; i < 300'000; ++i) objects += ",{}";
  for (int i = 0; i < 100'000; ++i) keys += ",\"" + std::to_string(i) + "\": 0";
  expect_refused(with_config(objects + "]}}"), {"bad.keras"}, {.milliseconds = 1000, .megabytes = 100});
  expect_refused(with_config(keys + "}"), {"config.json", "more than 256 values"});
  std::string values = "[0";
  for (int i = 0; i < 1'000'001; ++i) values += ",0";
  expect_refused(with_config("{\"a\": " + values + "]}"), {"config.json", "more than 1000000 values"},
                 {.milliseconds = 200});
  expect_refused(with_config("{\"a\": " + std::string(500'000, '[')), {"config.json", "nested more than 100 deep"});
  const std::string open = R"({"a": {"a": )";
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += open;
  expect_refused(with_config(deep), {"config.json", "nested more than 100 deep"});
  expect_refused(with_config("[1]"), {"no object"});
  expect_refused(with_config("{\"a\": 1e999}"), {"config.json"});
  expect_refused(with_config("{\"a\": \"\xff\"}"), {"config.json is no JSON"});
  expect_refused(with_config("nu\nll"), {"config.json is no JSON"});
}

// What an error says of a name, an option or a class is short, and it takes no time to find what is like it.
TEST(ModelAttacks, TextsWithoutEndStayOutOfMessages) {
  const std::string text = std::string(1'000'000, 'x') + "\n";
  const Harm most{.milliseconds = 100};  // they have a megabyte
  expect_config_refused(line_of({input({nullptr, 2}), layer(text, {{"units", 1}})}), {"xxx"}, most);
  expect_config_refused(line_of({input({nullptr, 2}), layer("Dense", {{"units", 1}, {text, 1}})}), {"Dense"}, most);
  expect_config_refused(line_of({input({nullptr, 2}), layer("Dense", {{"units", 0}, {"name", text}})}), {"Dense"},
                        most);
  expect_config_refused(line_of({input({nullptr, 2}), layer("Dense", {{"units", 1}, {"activation", text}})}), {"xxx"},
                        most);
  expect_config_refused(line_of({input({nullptr, 2}), layer("Dense", {{"units", text}})}), {"Dense"}, most);
}

TEST(ModelAttacks, OptionsWithoutEndTakeNoTime) {
  Json config = {{"units", 1}};
  for (int i = 0; i < 250; ++i) config["optionofnobody" + std::to_string(i)] = false;
  Json layers = Json::array({input({nullptr, 2})});
  for (int i = 0; i < 40; ++i) layers.push_back(layer("Dense", config));
  FileParts bad = line_parts();
  bad.config = line_of(layers);
  EXPECT_NE(refusal(bad.archive(), {.milliseconds = 500}), "no error");  // there are no weights for them
}

// A few bytes ask for as many units as a small file's limit allows: the place of each is found without a search.
TEST(ModelAttacks, WideLayersTakeTimeInProportion) {
  FileParts bad = line_parts();
  bad.config = line_of({input({nullptr, 1}), layer("Dense", {{"units", 1'000'000}})});
  expect_refused(bad.archive(), {"there is no group 'layers/dense/vars'"}, {.milliseconds = 300});
}

// ---- whole models in HDF5 ------------------------------------------------------------------------------------------

// Names of layers and weights that are read from the same bytes, again and again.
TEST(ModelAttacks, NamesOnTheSameBytesAreRefused) {
  hdf5::Writer file;
  Json config = line_parts().config;
  config.erase("compile_config");
  file.root().attribute("model_config", config.dump());
  hdf5::GroupWriter& weights = file.root().group("model_weights");
  const std::vector<std::string> names(60'000, "a");
  for (int i = 0; i < 20; ++i) weights.attribute("layer_names" + std::to_string(i), names);
  weights.group("a").attribute("weight_names", names);
  const std::vector<std::byte> bytes = file.bytes();
  expect_refused({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, {"bad.keras"},
                 {.milliseconds = 2000, .megabytes = 200});
}

}  // namespace
}  // namespace rondo
