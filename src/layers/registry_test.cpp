// Layers from their configurations.
#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

#include <rondo/rondo.hpp>

#include "layers/nodes.hpp"
#include "support/expect_error.hpp"

namespace rondo {
namespace {

using graph::Json;
using test::expect_error;

// One of each class, with no option as it is by default.
std::vector<Layer> layers_with_options() {
  const LSTMOptions lstm{.activation = "relu",
                         .recurrent_activation = "hard_sigmoid",
                         .use_bias = false,
                         .kernel_initializer = RandomNormal({.mean = 1, .stddev = 2, .seed = 3}),
                         .recurrent_initializer = Orthogonal({.gain = 0.5, .seed = 4}),
                         .bias_initializer = Constant(0.25),
                         .unit_forget_bias = false,
                         .return_sequences = true,
                         .return_state = true,
                         .go_backwards = true,
                         .stateful = true,
                         .recompute = true,
                         .zero_output_for_mask = true,
                         .dropout = 0.1,
                         .recurrent_dropout = 0.2,
                         .seed = 7,
                         .trainable = false,
                         .dtype = DType::float64,
                         .name = "an_lstm"};
  const GRUOptions gru{.activation = "relu",
                       .recurrent_activation = "hard_sigmoid",
                       .use_bias = false,
                       .kernel_initializer = RandomUniform({.minval = -1, .maxval = 2, .seed = 3}),
                       .recurrent_initializer = GlorotUniform({.seed = 5}),
                       .bias_initializer = "ones",
                       .return_sequences = true,
                       .return_state = true,
                       .go_backwards = true,
                       .stateful = true,
                       .recompute = true,
                       .reset_after = false,
                       .zero_output_for_mask = true,
                       .dropout = 0.1,
                       .recurrent_dropout = 0.2,
                       .seed = 7,
                       .trainable = false};
  const LSTMCell lstm_cell(2, {.activation = "relu", .unit_forget_bias = false, .dropout = 0.5, .seed = 8});
  const GRUCell gru_cell(3, {.use_bias = false, .reset_after = false, .recurrent_dropout = 0.5, .trainable = false});
  const Input in({3}), other({3});
  const Dense shared(3);
  return {
      LSTM(3, lstm),
      GRU(3, gru),
      lstm_cell,
      gru_cell,
      StackedRNNCells({lstm_cell, gru_cell}, {.trainable = false}),
      RNN(lstm_cell, {.return_sequences = true,
                      .return_state = true,
                      .go_backwards = true,
                      .stateful = true,
                      .zero_output_for_mask = true,
                      .trainable = false}),
      Dense(4, {.activation = "softmax",
                .use_bias = false,
                .kernel_initializer = "random_normal",
                .bias_initializer = "ones",
                .trainable = false,
                .dtype = "float64",
                .name = "a_dense"}),
      Activation("gelu"),
      Dropout(0.25, {.noise_shape = {Shape::kUnknown, 1, 2}, .seed = 5}),
      BatchNormalization({.axis = 1,
                          .momentum = 0.5,
                          .epsilon = 1e-5,
                          .center = false,
                          .scale = false,
                          .beta_initializer = "ones",
                          .gamma_initializer = "zeros",
                          .moving_mean_initializer = Constant(2),
                          .moving_variance_initializer = Constant(3),
                          .trainable = false}),
      Masking({.mask_value = -1}),
      Flatten({.dtype = "float64"}),
      Reshape({-1, 2}),
      Permute({2, 1}),
      RepeatVector(3),
      Add({.name = "a_sum"}),
      Concatenate({.axis = 1}),
      TimeDistributed(Dense(2), {.trainable = false}),
      Bidirectional(GRU(2, {.return_sequences = true}),
                    {.merge_mode = "none",
                     .backward_layer = GRU(3, {.return_sequences = true, .go_backwards = true}),
                     .trainable = false}),
      Input({Shape::kUnknown, 2}, {.dtype = "float64"}),
      Sequential({LSTM(3, {.input_shape = {4, 2}}), Dense(1)}, {.name = "a_line"}),
      Model({in, other}, {shared(in), shared(other)}, {.name = "a_graph"}),
  };
}

TEST(LayerRegistry, ReadsWhatEachOfItsLayersWrites) {
  std::set<std::string> seen;
  for (const Layer& layer : layers_with_options()) {
    const Json config = Json::parse(layer.get_config());
    const auto again = layers::layer_from_config(layer.class_name(), config);
    EXPECT_EQ(again->config().dump(), layer.get_config());
    seen.insert(layer.class_name());
  }
  try {
    (void)layers::layer_from_config("Nothing", Json::object());
    ADD_FAILURE();
  } catch (const ConfigError& error) {  // it lists all classes
    const std::string known = error.what();
    EXPECT_EQ(static_cast<std::size_t>(std::count(known.begin(), known.end(), '\'')), 2 * (seen.size() + 1)) << known;
    for (const std::string& name : seen) EXPECT_NE(known.find("'" + name + "'"), std::string::npos) << name;
  }
}

TEST(LayerRegistry, CopiesEachLayerWithTheSameOptions) {
  for (const Layer& layer : layers_with_options()) {
    const auto copy = layer.node()->copy();
    EXPECT_EQ(copy->config().dump(), layer.get_config());
    EXPECT_EQ(copy->class_name(), layer.class_name());
    EXPECT_EQ(layer.node()->copy({.name = "another"})->name(), "another");
  }
}

TEST(LayerRegistry, CopiesOfModelsShareLayersAsTheModelsDo) {
  const Input in({3}), other({3});
  const Dense shared(3);
  const Model model({in, other}, {shared(in), shared(other)});
  const auto copy = model.node()->copy();
  EXPECT_EQ(copy->parameters().size(), 2U);
  EXPECT_NE(copy->parameters()[0].block, model.node()->parameters()[0].block);
}

TEST(LayerRegistry, RefusesWhatNobodyKnowsInEachLayer) {
  for (const Layer& layer : layers_with_options()) {
    Json config = Json::parse(layer.get_config());
    config["trianable_"] = 3;
    expect_error<ConfigError>([&] { (void)layers::layer_from_config(layer.class_name(), config); },
                              {layer.class_name() + ": the option trianable_ = 3 is not known"});
  }
}

TEST(LayerRegistry, RefusesWhatRondoDoesNotHaveByItsName) {
  const auto refused = [](const char* class_name, Json config, const char* key, const Json& value) {
    config[key] = value;
    expect_error<ConfigError>(
        [&] { (void)layers::layer_from_config(class_name, config); },
        {std::string(class_name) + ": the option " + key + " = " + value.dump(), "is not supported; leave it out"});
  };
  const Json l2 = {{"class_name", "L2"}}, units = {{"units", 2}};
  for (const char* key : {"kernel_regularizer", "bias_constraint", "activity_regularizer", "quantization_config"}) {
    refused("Dense", units, key, l2);
  }
  for (const char* class_name : {"LSTM", "GRU", "LSTMCell", "GRUCell"}) {
    for (const char* key : {"recurrent_regularizer", "activity_regularizer", "recurrent_constraint"}) {
      refused(class_name, units, key, l2);
    }
  }
  refused("RNN", {{"cell", to_config(LSTMCell(2).node())}}, "activity_regularizer", l2);
  refused("Flatten", Json::object(), "data_format", "channels_first");
}

TEST(LayerRegistry, ReadsAnInputOfKeras2) {
  const auto input = layers::layer_from_config(
      "InputLayer", {{"batch_input_shape", {nullptr, 5, 2}}, {"sparse", false}, {"ragged", false}});
  EXPECT_EQ(input->declared_input(), (Shape{5, 2}));
}

TEST(LayerRegistry, NamesMistakesInside) {
  const Json wrong = {{"class_name", "Dense"}, {"config", {{"units", 2}, {"activaton", "relu"}}}};
  expect_error<ConfigError>(
      [&] {
        (void)layers::layer_from_config("TimeDistributed", {{"layer", wrong}});
      },
      {"Dense: the option activaton", "Did you mean 'activation'?"});
  for (const Json& none : {Json(), Json(5)}) {
    expect_error<ConfigError>(
        [&] {
          (void)layers::layer_from_config("TimeDistributed", {{"layer", none}});
        },
        {"TimeDistributed: its configuration cannot be read", "the option layer"});
  }
  expect_error<ConfigError>([] { (void)layers::layer_from_config("TimeDistributed", Json::object()); },
                            {"the option 'layer' is missing"});
}

}  // namespace
}  // namespace rondo
