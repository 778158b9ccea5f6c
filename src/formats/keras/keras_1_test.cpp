// Files as Keras 1 wrote them: its options, and a kernel, a recurrent kernel and a bias for each gate.
#include <array>
#include <filesystem>
#include <gtest/gtest.h>
#include <list>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "core/atomic_file.hpp"
#include "formats/hdf5/writer.hpp"
#include "formats/keras/config.hpp"
#include "support/expect_error.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using keras::Json;
using test::expect_error;
using test::ramp;

class Keras1 : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  // Columns of a gate; of `order` is the place of the gate in Keras's kernels since Keras 2.
  static Tensor gate(const Tensor& weight, Index gates, Index place) {
    const Index units = weight.shape()[-1] / gates;
    const bool bias = weight.shape().rank() == 1;
    Tensor part = Tensor::zeros(weight.shape().with(-1, units), DType::float32);
    for (Index row = 0; row < (bias ? 1 : weight.shape()[0]); ++row) {
      for (Index u = 0; u < units; ++u) {
        const Index column = place * units + u;
        if (bias) {
          part.set({u}, weight(column));
        } else {
          part.set({row, u}, weight(row, column));
        }
      }
    }
    return part;
  }

  // Weights under their names, as one layer.
  void add_layer(hdf5::GroupWriter& weights, const std::string& layer, const std::vector<std::string>& names,
                 const std::vector<Tensor>& values) {
    hdf5::GroupWriter& group = weights.group(layer);
    group.attribute("weight_names", names);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Tensor& kept = kept_.emplace_back(values[i]);
      group.dataset(names[i], kept.shape(), kept.data<float>());
    }
  }

  // The gates of a layer in the order of Keras 1: a letter, and its place since Keras 2.
  static std::vector<Tensor> by_gates(const std::vector<Tensor>& weights,
                                      const std::vector<std::pair<std::string, Index>>& gates, const std::string& layer,
                                      std::vector<std::string>& names) {
    std::vector<Tensor> parts;
    for (const auto& [letter, place] : gates) {
      for (std::size_t i = 0; i < 3; ++i) {
        names.push_back(layer + std::array{"_W_", "_U_", "_b_"}[i] + letter);
        parts.push_back(gate(weights[i], static_cast<Index>(gates.size()), place));
      }
    }
    return parts;
  }

  void write(hdf5::Writer& file, const Json& layers) {
    file.root().attribute("keras_version", "1.2.2");
    file.root().attribute("model_config", Json{{"class_name", "Sequential"}, {"config", layers}}.dump());
    core::write_file(path_, {file.bytes()});
  }

  const std::string path_ =
      (std::filesystem::path(testing::TempDir()) / ("rondo_keras_1_" + std::to_string(getpid()) + ".h5")).string();
  std::list<Tensor> kept_;
};

const Json kLstm = {{"class_name", "LSTM"},
                    {"config",
                     {{"name", "lstm_1"},
                      {"trainable", true},
                      {"batch_input_shape", {nullptr, 4, 2}},
                      {"input_dtype", "float32"},
                      {"input_dim", 2},
                      {"input_length", nullptr},
                      {"output_dim", 3},
                      {"init", "glorot_uniform"},
                      {"inner_init", "orthogonal"},
                      {"forget_bias_init", "one"},
                      {"activation", "tanh"},
                      {"inner_activation", "hard_sigmoid"},
                      {"return_sequences", true},
                      {"go_backwards", false},
                      {"stateful", false},
                      {"unroll", false},
                      {"consume_less", "cpu"},
                      {"W_regularizer", {{"name", "L1L2Regularizer"}, {"l1", 0.0}, {"l2", 0.25}}},
                      {"U_regularizer", nullptr},
                      {"b_regularizer", nullptr},
                      {"dropout_W", 0.5},
                      {"dropout_U", 0.0}}}};

// Adam's memory is kept as the weights are, a tensor for each gate; Theano's variables had no names.
TEST_F(Keras1, TheOptimizerGoesOn) {
  Sequential model{LSTM(3, {.recurrent_activation = "hard_sigmoid_2", .return_sequences = true, .input_shape = {4, 2}}),
                   Dense(1)};
  model.compile({.optimizer = Adam({.learning_rate = 0.25}), .loss = "mse"});
  std::vector<OptimizerVariable> variables = model.optimizer_variables();
  std::vector<Tensor> state;
  for (const OptimizerVariable& variable : variables) {
    state.push_back(ramp(variable.value.shape(), 0.1 * static_cast<double>(state.size())).cast(DType::float32));
  }
  state[0] = Tensor(Shape{}, std::vector<double>{7});
  state[1] = Tensor(Shape{}, std::vector<double>{0.25});
  const std::vector<std::pair<std::string, Index>> gates = {{"i", 0}, {"c", 2}, {"f", 1}, {"o", 3}};
  std::vector<std::string> names;
  const auto in_parts = [&](const std::vector<Tensor>& weights) {
    std::vector<Tensor> parts = by_gates({weights.begin(), weights.begin() + 3}, gates, "lstm_1", names);
    parts.insert(parts.end(), weights.begin() + 3, weights.end());
    return parts;
  };

  hdf5::Writer file;
  hdf5::GroupWriter& weights = file.root().group("model_weights");
  weights.attribute("layer_names", std::vector<std::string>{"lstm_1", "dense_1"});
  const std::vector<Tensor> values = in_parts(model.get_weights());
  add_layer(weights, "lstm_1", names, {values.begin(), values.begin() + 12});
  add_layer(weights, "dense_1", {"dense_1_W", "dense_1_b"}, {values.begin() + 12, values.end()});
  std::vector<Tensor> kept{state[0].cast(DType::float32)};
  for (const std::size_t kind : {2U, 3U}) {  // momentum, then velocity
    std::vector<Tensor> of_kind;
    for (std::size_t i = kind; i < state.size(); i += 2) of_kind.push_back(state[i]);
    for (Tensor& part : in_parts(of_kind)) kept.push_back(std::move(part));
  }
  std::vector<std::string> params;
  for (std::size_t i = 0; i < kept.size(); ++i) params.push_back("param_" + std::to_string(i));
  add_layer(file.root(), "optimizer_weights", params, kept);
  file.root().attribute(
      "training_config",
      Json{{"optimizer_config",
            {{"class_name", "Adam"},
             {"config", {{"lr", 0.25}, {"beta_1", 0.9}, {"beta_2", 0.999}, {"epsilon", 1e-8}, {"decay", 0.0}}}}},
           {"loss", "mse"},
           {"metrics", Json::array()},
           {"sample_weight_mode", nullptr},
           {"loss_weights", nullptr}}
          .dump());
  const Json dense = {{"class_name", "Dense"},
                      {"config", {{"name", "dense_1"}, {"output_dim", 1}, {"activation", "linear"}, {"bias", true}}}};
  write(file, Json::array({kLstm, dense}));

  variables = load_model(path_).optimizer_variables();
  ASSERT_EQ(variables.size(), state.size());
  for (std::size_t i = 0; i < state.size(); ++i) {
    EXPECT_EQ(variables[i].value.to_vector(), state[i].to_vector()) << variables[i].name;
  }
}

TEST_F(Keras1, ModelsPredictAsTheSameModelOfToday) {
  Sequential model{LSTM(3, {.recurrent_activation = "hard_sigmoid_2", .return_sequences = true, .input_shape = {4, 2}}),
                   GRU(2, {.recurrent_activation = "hard_sigmoid_2", .reset_after = false}),
                   Dense(1, {.activation = "tanh"})};
  std::vector<Tensor> weights;
  for (const Tensor& weight : model.get_weights()) {
    weights.push_back(ramp(weight.shape(), -0.4 + 0.07 * static_cast<double>(weights.size())).cast(DType::float32));
  }
  model.set_weights(weights);

  hdf5::Writer file;
  hdf5::GroupWriter& group = file.root().group("model_weights");
  group.attribute("layer_names", std::vector<std::string>{"lstm_1", "dropout_1", "gru_1", "dense_1"});
  std::vector<std::string> lstm, gru;
  const auto of_lstm =
      by_gates({weights.begin(), weights.begin() + 3}, {{"i", 0}, {"c", 2}, {"f", 1}, {"o", 3}}, "lstm_1", lstm);
  const auto of_gru =
      by_gates({weights.begin() + 3, weights.begin() + 6}, {{"z", 0}, {"r", 1}, {"h", 2}}, "gru_1", gru);
  add_layer(group, "lstm_1", lstm, of_lstm);
  add_layer(group, "dropout_1", {}, {});
  add_layer(group, "gru_1", gru, of_gru);
  add_layer(group, "dense_1", {"dense_1_W", "dense_1_b"}, {weights[6], weights[7]});
  const Json layers = {
      kLstm,
      {{"class_name", "Dropout"}, {"config", {{"name", "dropout_1"}, {"trainable", true}, {"p", 0.25}}}},
      {{"class_name", "GRU"},
       {"config",
        {{"name", "gru_1"},
         {"output_dim", 2},
         {"init", "uniform"},
         {"inner_init", "orthogonal"},
         {"activation", "tanh"},
         {"inner_activation", "hard_sigmoid"},
         {"consume_less", "mem"}}}},
      {{"class_name", "Dense"},
       {"config",
        {{"name", "dense_1"},
         {"output_dim", 1},
         {"init", "zero"},
         {"activation", "tanh"},
         {"bias", true},
         {"W_constraint", nullptr},
         {"b_constraint", nullptr},
         {"activity_regularizer", nullptr},
         {"input_dim", nullptr}}}}};
  write(file, layers);

  const Model loaded = load_model(path_);
  const Tensor x = ramp({5, 4, 2}, -0.3);
  EXPECT_TRUE(loaded.predict(x, {.verbose = 0}).identical(model.predict(x, {.verbose = 0})));
  const Json config = Json::parse(loaded.layers()[0].get_config());
  EXPECT_EQ(config["dropout"], 0.5);
  EXPECT_EQ(config["unit_forget_bias"], true);
  EXPECT_EQ(config["kernel_regularizer"]["config"]["l2"], 0.25);
  EXPECT_EQ(Json::parse(loaded.layers()[1].get_config())["rate"], 0.25);
}

TEST_F(Keras1, PartsOfAWeightMustFit) {
  hdf5::Writer file;
  hdf5::GroupWriter& group = file.root().group("model_weights");
  group.attribute("layer_names", std::vector<std::string>{"lstm_1"});
  std::vector<std::string> names;
  for (int i = 0; i < 12; ++i) names.push_back("w" + std::to_string(i));
  add_layer(group, "lstm_1", names, std::vector<Tensor>(12, Tensor::zeros({2, 3}, DType::float32)));
  write(file, Json::array({kLstm}));
  expect_error<FileError>([&] { load_model(path_); }, {"lstm_1", "'w1'", "(2, 3)", "(3, 3)"});
}

TEST_F(Keras1, WhatHasNoCounterpartIsNamed) {
  const auto model_with = [](const char* option, const Json& value) {
    Json layer = kLstm;
    layer["config"][option] = value;
    return Json{{"class_name", "Sequential"}, {"config", Json::array({layer})}, {"keras_version", "1.2.2"}}.dump();
  };
  expect_error<ConfigError>([&] { model_from_json(model_with("forget_bias_init", "uniform")); }, {"forget_bias_init"});
  expect_error<ConfigError>([&] { model_from_json(model_with("inner_activation", "soft")); }, {"activation 'soft'"});
  const Json merge = {{"class_name", "Merge"}, {"config", {{"mode", "sum"}}}};
  expect_error<ConfigError>(
      [&] {
        model_from_json(Json{{"class_name", "Sequential"}, {"config", Json::array({merge})}}.dump());
      },
      {"Merge"});
}

}  // namespace
}  // namespace rondo
