// What versions of Keras wrote and meant otherwise than 3.15.1, as configurations (`keras_version` in them says whose),
// and that a model keeps it when Rondo saves it.
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

// (Not the ordered one of the library, whose code the program would then have from here, not optimised.)
using Config = nlohmann::json;
using test::expect_error;
using test::ramp;

Config layer(const char* class_name, Config config) {
  return {{"class_name", class_name}, {"config", std::move(config)}};
}

std::string text(const char* version, const std::vector<Config>& layers, const Config& compiled = nullptr) {
  Config model = {{"class_name", "Sequential"}, {"keras_version", version}, {"config", {{"layers", layers}}}};
  if (!compiled.is_null()) model["compile_config"] = compiled;
  return model.dump();
}

const Config kDense = layer("Dense", {{"batch_input_shape", {nullptr, 3}}, {"units", 1}});

// A Dense with an optimizer.
Model dense_with(const char* version, const char* optimizer, const Config& options) {
  return model_from_json(text(version, {kDense}, {{"optimizer", layer(optimizer, options)}, {"loss", "mse"}}));
}

Config compiled(const Model& model) { return Config::parse(model.to_json()).at("compile_config"); }
Config optimizer_of(const Model& model) { return compiled(model).at("optimizer"); }

// What a model is after it was saved and loaded.
Model through_file(const Model& model, const std::string& ending) {
  const std::string path =
      (std::filesystem::path(testing::TempDir()) / ("rondo_version_" + std::to_string(getpid()) + ending)).string();
  model.save(path);
  Model loaded = load_model(path);
  std::filesystem::remove(path);
  return loaded;
}

// ---- layers --------------------------------------------------------------------------------------------------------

TEST(KerasVersions, NormalIsTheTruncatedDistribution) {
  Config dense = kDense;
  dense["config"]["kernel_initializer"] =
      layer("VarianceScaling", {{"scale", 2.0}, {"mode", "fan_in"}, {"distribution", "normal"}, {"seed", 3}});
  const Model old = model_from_json(text("2.2.4", {dense}));
  const Sequential now{Dense(1, {.kernel_initializer = VarianceScaling({.scale = 2, .seed = 3}), .input_shape = {3}})};
  EXPECT_TRUE(old.get_weights()[0].identical(now.get_weights()[0]));
}

TEST(KerasVersions, BatchNormalizationHasItsAxisInAList) {
  const auto normalized = [](const Config& axis) {
    return model_from_json(
        text("2.12.0", {layer("BatchNormalization", {{"batch_input_shape", {nullptr, 4, 3}}, {"axis", axis}})}));
  };
  EXPECT_EQ(normalized(Config::array({2})).get_weights()[0].shape(), Shape({3}));
  EXPECT_EQ(normalized(Config::array({1})).get_weights()[0].shape(), Shape({4}));
  expect_error<ConfigError>([&] { normalized({1, 2}); }, {"BatchNormalization", "axis = [1,2]"});
}

TEST(KerasVersions, TheFirstLayerOfKeras1HasTheTypeOfTheData) {
  const Config masking = layer("Masking", {{"batch_input_shape", {nullptr, 4, 2}}, {"input_dtype", "float32"}});
  const Config dense = layer("Dense", {{"name", "d"}, {"output_dim", 1}, {"activation", "linear"}, {"bias", true}});
  EXPECT_EQ(model_from_json(text("1.2.2", {masking, dense})).predict(ramp({2, 4, 2}), {.verbose = 0}).shape(),
            Shape({2, 4, 1}));
  const Config input =
      layer("InputLayer",
            {{"batch_input_shape", {nullptr, 2}}, {"input_dtype", "float32"}, {"sparse", false}, {"name", "x"}});
  EXPECT_EQ(model_from_json(text("1.2.2", {input, dense})).predict(ramp({2, 2}), {.verbose = 0}).shape(),
            Shape({2, 1}));
}

TEST(KerasVersions, MaxNormOfKeras1HasAShorterName) {
  const Config dense = layer("Dense", {{"batch_input_shape", {nullptr, 3}},
                                       {"output_dim", 1},
                                       {"W_constraint", {{"name", "MaxNorm"}, {"m", 3}, {"axis", 0}}}});
  EXPECT_NE(model_from_json(text("1.2.2", {dense})).to_json().find(R"("max_value":3.0)"), std::string::npos);
}

TEST(KerasVersions, GruBeforeTensorFlow2HasNoResetAfter) {
  const auto resets_after = [](const char* version) {
    const Config gru = layer("GRU", {{"batch_input_shape", {nullptr, 4, 2}}, {"units", 3}, {"use_bias", false}});
    return Config::parse(
        model_from_json(text(version, {gru})).to_json())["config"]["layers"][1]["config"]["reset_after"];
  };
  EXPECT_EQ(resets_after("2.1.6-tf"), false);
  EXPECT_EQ(resets_after("2.2.4-tf"), true);
}

TEST(KerasVersions, OutputsInADictionaryAreNamed) {
  Config model = {{"class_name", "Functional"},
                  {"config",
                   {{"layers", {layer("InputLayer", {{"batch_shape", {nullptr, 3}}, {"name", "x"}})}},
                    {"input_layers", {{"x", 0, 0}}},
                    {"output_layers", {{"a", {"x", 0, 0}}}}}}};
  expect_error<ConfigError>([&] { model_from_json(model.dump()); }, {"outputs", "dictionary"});
}

// ---- masks ---------------------------------------------------------------------------------------------------------

// The first and the last of four steps are left out.
Tensor with_gaps() {
  Tensor x = ramp({5, 4, 2}, 0.1);
  for (Index row = 0; row < 5; ++row) {
    for (const Index step : {0, 3}) {
      for (Index feature = 0; feature < 2; ++feature) x.set({row, step, feature}, 0);
    }
  }
  return x;
}

Config at_sequences(const char* wrapper, const Config& inside) { return layer(wrapper, {{"layer", inside}}); }

// Masking, a layer that walks time, and an LSTM behind it.
Model masked(const char* version, const Config& walks) {
  const Config masking = layer("Masking", {{"batch_input_shape", {nullptr, 4, 2}}});
  return model_from_json(text(version, {masking, walks, layer("LSTM", {{"units", 2}})}));
}

// The same, where the last layer does not know of a mask.
Tensor without_mask_behind(const Model& model, const Tensor& x) {
  Sequential front;
  for (std::size_t i = 0; i < 2; ++i) front.add(model.layers()[i]);
  Sequential back;
  back.add(model.layers()[2]);
  return back.predict(front.predict(x, {.verbose = 0}), {.verbose = 0});
}

TEST(KerasVersions, From316OnMasksEndAtLayersThatWalkTime) {
  const Config lstm = layer("LSTM", {{"units", 3}, {"return_sequences", true}});
  const Config gru = layer("GRU", {{"units", 3}, {"return_sequences", true}});
  const Config cell = layer("LSTMCell", {{"units", 3}});
  const Tensor x = with_gaps();
  for (const Config& walks :
       {lstm, gru, layer("RNN", {{"cell", cell}, {"return_sequences", true}}), at_sequences("Bidirectional", gru),
        at_sequences("TimeDistributed", layer("Dense", {{"units", 3}}))}) {
    const Model before = masked("3.15.1", walks), since = masked("3.16.0", walks);
    before.set_weights(since.get_weights());
    const Tensor y = since.predict(x, {.verbose = 0});
    EXPECT_FALSE(y.identical(before.predict(x, {.verbose = 0}))) << walks;
    EXPECT_TRUE(y.identical(without_mask_behind(since, x))) << walks;
    // It stays so.
    EXPECT_TRUE(y.identical(through_file(since, ".keras").predict(x, {.verbose = 0}))) << walks;
    EXPECT_TRUE(y.identical(through_file(since, ".h5").predict(x, {.verbose = 0}))) << walks;
    for (const Model& again : {clone_model(since), model_from_json(since.to_json())}) {
      again.set_weights(since.get_weights());
      EXPECT_TRUE(y.identical(again.predict(x, {.verbose = 0}))) << walks;
    }
    EXPECT_EQ(Config::parse(before.to_json()).count("keras_version"), 0U);
  }
}

TEST(KerasVersions, LayersOf316AndOfBeforeAreNotOneFile) {
  const Config lstm = layer("LSTM", {{"units", 3}, {"return_sequences", true}});
  const Model since = masked("3.16.0", lstm);
  Sequential mixed, without;
  for (std::size_t i = 0; i < 2; ++i) mixed.add(since.layers()[i]);
  without.add(Input({4, 2}));
  without.add(since.layers()[1]);
  for (Sequential* model : {&mixed, &without}) {
    model->add(LSTM(2));  // hands no mask on, as in each version
    EXPECT_NE(model->to_json().find("3.16.0"), std::string::npos);
    model->pop();
    model->add(LSTM(2, {.return_sequences = true}));
  }
  expect_error<ConfigError>([&] { (void)mixed.to_json(); }, {"masks", "3.16"});
  EXPECT_NO_THROW((void)without.to_json());  // there are none
}

TEST(KerasVersions, AProgramMayFollow316) {
  set_keras_compat("3.16");
  const Sequential since{Masking({.input_shape = {4, 2}}), LSTM(3, {.return_sequences = true}), LSTM(2)};
  set_keras_compat("3");
  const Tensor x = with_gaps();
  EXPECT_TRUE(since.predict(x, {.verbose = 0}).identical(without_mask_behind(since, x)));
}

// ---- what a model is compiled with ---------------------------------------------------------------------------------

TEST(KerasVersions, LossesOfTensorFlowNameTheirFunction) {
  const Config loss = layer("MeanSquaredError", {{"reduction", "auto"}, {"name", "m"}, {"fn", "mean_squared_error"}});
  const Model model =
      model_from_json(text("2.12.0", {kDense}, {{"optimizer", layer("SGD", Config::object())}, {"loss", loss}}));
  EXPECT_EQ(compiled(model)["loss"]["class_name"], "MeanSquaredError");
}

TEST(KerasVersions, TensorFlowsOptimizersUntil210AreThoseOfKeras2) {
  const Config nadam =
      optimizer_of(dense_with("2.8.0", "Nadam", {{"learning_rate", 0.25}, {"decay", 0.004}, {"beta_1", 0.9}}));
  EXPECT_EQ(nadam["config"]["learning_rate"], 0.25);
  EXPECT_EQ(nadam["rondo"]["schedule_decay"], 0.004);
  const auto is_outside = [](const char* optimizer, const Config& options) {
    return optimizer_of(dense_with("2.8.0", optimizer, options)).contains("rondo");
  };
  EXPECT_TRUE(is_outside("RMSprop", {{"decay", 0.0}, {"momentum", 0.0}}));
  EXPECT_FALSE(is_outside("RMSprop", {{"decay", 0.0}, {"momentum", 0.5}}));
  EXPECT_TRUE(is_outside("Adagrad", {{"decay", 0.0}}));
  EXPECT_TRUE(is_outside("Adagrad", {{"is_legacy_optimizer", true}}));
  // Those since are Keras 3's.
  EXPECT_FALSE(is_outside("RMSprop", {{"is_legacy_optimizer", false}, {"momentum", 0.0}}));
  EXPECT_FALSE(is_outside("Nadam", {{"is_legacy_optimizer", false}}));
}

TEST(KerasVersions, ClipnormWasForAllGradientsTogether) {
  const auto clips = [](const char* version) {
    const Config config = optimizer_of(dense_with(version, "SGD", {{"clipnorm", 1.0}}))["config"];
    return std::pair(config["clipnorm"], config["global_clipnorm"]);
  };
  for (const char* version : {"1.2.2", "2.0.8", "2.3.1"}) EXPECT_EQ(clips(version), std::pair(Config(), Config(1.0)));
  for (const char* version : {"2.2.4-tf", "2.12.0", "3.15.1"})
    EXPECT_EQ(clips(version), std::pair(Config(1.0), Config()));
}

TEST(KerasVersions, MetricsInAListAreForEachOutputOrOneOfEach) {
  const Input x({3});
  const Model model({x}, {Dense(1, {.name = "a"})(x), Dense(1, {.name = "b"})(x)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const auto metrics = [&](const char* version, const char* given) {
    Config config = Config::parse(model.to_json());
    config["keras_version"] = version;
    config["compile_config"]["metrics"] = Config::parse(given);
    std::string all;
    const Config read = compiled(model_from_json(config.dump()))["metrics"];
    for (const Config& of_output : read) {
      for (const Config& metric : of_output) all += metric["config"]["name"].get<std::string>() + " ";
      all += "/ ";
    }
    return all;
  };
  EXPECT_EQ(metrics("3.15.1", R"(["mae", "mse"])"), "mae / mse / ");
  EXPECT_EQ(metrics("3.15.1", R"([null, "mae"])"), "/ mae / ");
  EXPECT_EQ(metrics("3.15.1", R"([null, ["mae"]])"), "/ mae / ");
  EXPECT_EQ(metrics("3.15.1", R"([["mae", "mse"], ["mae"]])"), "mae mse / mae / ");
  EXPECT_EQ(metrics("2.12.0", R"(["mae", "mse"])"), "mae mse / mae mse / ");
  EXPECT_EQ(metrics("2.12.0", R"(["mae", ["mse"]])"), "mae / mse / ");
  EXPECT_EQ(metrics("2.12.0", R"(["mae"])"), "mae / mae / ");
  expect_error<ConfigError>([&] { metrics("3.15.1", R"(["mae"])"); }, {"metrics", "1 outputs", "'a', 'b'"});
}

// ---- what a file keeps ---------------------------------------------------------------------------------------------

// The weights after further epochs, of a model and of what was read from its file.
void expect_goes_on(const CompileOptions& options, const char* ending) {
  const Sequential model{Dense(2, {.input_shape = {3}}), Dense(1)};
  model.compile(options);
  const Tensor X = ramp({8, 3}), y = ramp({8, 1});
  model.fit(X, y, {.batch_size = 4, .epochs = 3, .verbose = 0, .shuffle = false});
  const Model loaded = through_file(model, ending);
  EXPECT_EQ(loaded.learning_rate(), model.learning_rate());
  for (const Model& each : {Model(model), loaded}) {
    each.fit(X, y, {.batch_size = 4, .epochs = 3, .verbose = 0, .shuffle = false});
  }
  for (std::size_t i = 0; i < model.get_weights().size(); ++i) {
    EXPECT_TRUE(loaded.get_weights()[i].identical(model.get_weights()[i])) << ending << " " << i;
  }
}

TEST(KerasVersions, OptionsThatKeras3DoesNotHaveStayWithAModel) {
  for (const char* ending : {".keras", ".h5"}) {
    expect_goes_on({.optimizer = SGD({.lr = 0.1, .decay = 0.5}), .loss = "mse"}, ending);
    expect_goes_on({.optimizer = AdamW({.weight_decay = 0.5, .exclude_from_weight_decay = {"bias"}}), .loss = "mse"},
                   ending);
    expect_goes_on({.optimizer = RMSprop({.epsilon = 0.5, .epsilon_outside_root = true}), .loss = "mse"}, ending);
    expect_goes_on({.optimizer = Nadam({.learning_rate = 0.1, .schedule_decay = 0.5}), .loss = "mse"}, ending);
    expect_goes_on({.optimizer = "sgd", .loss = "mse", .loss_weights = {0.25}}, ending);
  }
}

// Keras 3 refuses an optimizer's configuration with a key that it does not know.
TEST(KerasVersions, OptionsThatKeras3DoesNotHaveStandBesideTheConfiguration) {
  const Sequential model{Dense(1, {.input_shape = {3}})};
  model.compile({.optimizer = Nadam({.schedule_decay = 0.5, .exclude_from_weight_decay = {"bias"}}), .loss = "mse"});
  const Config optimizer = optimizer_of(model);
  EXPECT_FALSE(optimizer["config"].contains("schedule_decay"));
  EXPECT_FALSE(optimizer["config"].contains("exclude_from_weight_decay"));
  EXPECT_EQ(optimizer["rondo"], (Config{{"exclude_from_weight_decay", {"bias"}}, {"schedule_decay", 0.5}}));
}

}  // namespace
}  // namespace rondo
