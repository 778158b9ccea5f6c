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
                         .kernel_regularizer = L2(0.5),
                         .recurrent_regularizer = OrthogonalRegularizer({.factor = 0.5, .mode = "columns"}),
                         .bias_regularizer = L1(0.5),
                         .activity_regularizer = L1L2({.l1 = 0.5, .l2 = 0.25}),
                         .kernel_constraint = MaxNorm({.max_value = 3, .axis = 1}),
                         .recurrent_constraint = UnitNorm({.axis = 1}),
                         .bias_constraint = "non_neg",
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
                       .kernel_regularizer = "l1",
                       .recurrent_regularizer = "l2",
                       .bias_regularizer = "l1l2",
                       .activity_regularizer = "l2",
                       .kernel_constraint = "max_norm",
                       .recurrent_constraint = "unit_norm",
                       .bias_constraint = MinMaxNorm({.min_value = 0.5, .max_value = 2, .rate = 0.5, .axis = -1}),
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
  const LSTMCell lstm_cell(2, {.activation = "relu",
                               .unit_forget_bias = false,
                               .kernel_regularizer = "l1",
                               .recurrent_regularizer = "l2",
                               .bias_regularizer = "l1l2",
                               .kernel_constraint = "max_norm",
                               .recurrent_constraint = "unit_norm",
                               .bias_constraint = "non_neg",
                               .dropout = 0.5,
                               .seed = 8});
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
                .kernel_regularizer = "l1",
                .bias_regularizer = "l2",
                .activity_regularizer = "l1",
                .kernel_constraint = "max_norm",
                .bias_constraint = "non_neg",
                .trainable = false,
                .dtype = "float64",
                .name = "a_dense"}),
      Activation("gelu"),
      ActivityRegularization({.l1 = 0.5, .l2 = 0.25}),
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
                          .beta_regularizer = "l1",
                          .gamma_regularizer = "l2",
                          .beta_constraint = "non_neg",
                          .gamma_constraint = "unit_norm",
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
  refused("Dense", units, "quantization_config", l2);
  for (const char* class_name : {"LSTMCell", "GRUCell"}) refused(class_name, units, "activity_regularizer", l2);
  refused("RNN", {{"cell", to_config(LSTMCell(2).node())}}, "activity_regularizer", l2);
  refused("Flatten", Json::object(), "data_format", "channels_first");
}

// As base layers of Keras do: written first, and only where there is one.
TEST(LayerRegistry, WritesAnActivityRegularizerWhereKerasDoes) {
  const auto keys = [](const Layer& layer) {
    const Json config = Json::parse(layer.get_config());
    std::vector<std::string> in_order;
    for (const auto& [key, value] : config.items()) in_order.push_back(key);
    return in_order;
  };
  EXPECT_EQ(keys(Dense(2, {.activity_regularizer = "l2"}))[3], "activity_regularizer");
  EXPECT_EQ(keys(LSTM(2, {.activity_regularizer = "l2"}))[3], "activity_regularizer");
  const auto of_dense = keys(Dense(2)), of_lstm = keys(LSTM(2));
  EXPECT_EQ(std::count(of_dense.begin(), of_dense.end(), "activity_regularizer"), 0);
  EXPECT_EQ(std::find(of_lstm.begin(), of_lstm.end(), "activity_regularizer")[-1], "bias_regularizer");
}

TEST(LayerRegistry, NamesMistakesInRegularizersAndConstraints) {
  const auto refused = [](const char* key, const Json& value, const std::vector<std::string>& texts) {
    expect_error<ConfigError>([&] { (void)layers::layer_from_config("Dense", {{"units", 2}, {key, value}}); }, texts);
  };
  refused("kernel_regularizer", "l3", {"regularizer 'l3' is not known"});
  refused("kernel_regularizer", {{"class_name", "L22"}}, {"regularizer 'L22'", "Did you mean 'l2'?"});
  refused("kernel_constraint", {{"class_name", "MaxNorn"}}, {"constraint 'MaxNorn'", "Did you mean 'max_norm'?"});
  refused("bias_constraint", 3, {"constraint 3", "give a name"});
}

TEST(LayerRegistry, ReadsAnInputOfKeras2) {
  const auto input = layers::layer_from_config(
      "InputLayer", {{"batch_input_shape", {nullptr, 5, 2}}, {"sparse", false}, {"ragged", false}});
  EXPECT_EQ(input->declared_input(), (Shape{5, 2}));
}

TEST(LayerRegistry, KeepsTheBatchSizeOfAnInput) {
  const Json four = {4, 5, 2}, any = {nullptr, 5, 2};
  for (const Json& shape : {four, any}) {
    const auto input = layers::layer_from_config("InputLayer", {{"batch_shape", shape}});
    EXPECT_EQ(input->config()["batch_shape"], shape);
    EXPECT_EQ(input->copy()->config()["batch_shape"], shape);
  }
  const Sequential model{Input({5, 2}, {.batch_size = 4}), LSTM(3, {.stateful = true})};
  for (const Model& m : {Model(model), clone_model(model), model_from_json(model.to_json())}) {
    const Json config = Json::parse(m.to_json());
    EXPECT_EQ(config["config"]["layers"][0]["config"]["batch_shape"], four);
  }
  expect_error<ConfigError>([] { Input({5, 2}, {.batch_size = 0}); }, {"batch_size", "1 or more", "not 0"});
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
