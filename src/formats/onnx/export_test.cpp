// export_onnx and import_onnx: what Rondo has written it reads again, and predicts the same.
#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <rondo/rondo.hpp>

#include "core/file_bytes.hpp"
#include "formats/onnx/messages.hpp"
#include "support/expect_error.hpp"
#include "support/telling_weights.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::set_telling_weights;
using test::telling_numbers;

const Shape kOpen = {Shape::kUnknown, 3};

// Of this process alone: tests run beside each other.
std::string path(const std::string& name) {
  return ::testing::TempDir() + "rondo_onnx_" + name + std::to_string(getpid()) + ".onnx";
}

double distance(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(to_string(a.shape()), to_string(b.shape()));
  const std::vector<double> x = a.to_vector(), y = b.to_vector();
  double most = 0;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) most = std::max(most, std::abs(x[i] - y[i]));
  return most;
}

// Inputs of these sample shapes; a time axis of unknown length is taken with several.
Model expect_same_again(const std::string& name, const Model& model, const std::vector<Shape>& samples) {
  set_telling_weights(model);
  export_onnx(model, path(name));
  Model again = import_onnx(path(name));
  std::filesystem::remove(path(name));
  for (const Index steps : {1, 4, 7}) {
    std::vector<Tensor> x;
    for (const Shape& s : samples) {
      x.push_back(telling_numbers((s[0] == Shape::kUnknown ? s.with(0, steps) : s).prepend(steps == 4 ? 5 : 2)));
    }
    const auto expected = model.predict_outputs(Inputs(x), {.verbose = 0}),
               got = again.predict_outputs(Inputs(x), {.verbose = 0});
    EXPECT_EQ(got.size(), expected.size()) << name;
    for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i) {
      EXPECT_LT(distance(got[i], expected[i]), 2e-6) << name << ", output " << i;
    }
  }
  return again;
}

std::vector<std::string> classes(const Model& model) {
  std::vector<std::string> names;
  for (const Layer& layer : model.layers()) names.push_back(layer.class_name());
  return names;
}

using Classes = std::vector<std::string>;

// What a file holds.
struct Written {
  explicit Written(const Model& model, const ExportOnnxOptions& options = {}) {
    export_onnx(model, path("written"), options);
    file.emplace(path("written"));
    proto = onnx::parse_model(file->bytes());
    std::filesystem::remove(path("written"));
  }
  std::vector<std::string> operators() const {
    std::vector<std::string> all;
    for (const onnx::NodeProto& node : proto.graph.nodes) all.push_back(node.op_type);
    return all;
  }
  static std::string text(const std::vector<onnx::ValueInfoProto>& values) {
    std::string all;
    for (const onnx::ValueInfoProto& value : values) {
      all += (all.empty() ? "" : "; ") + value.name;
      for (const onnx::Dimension& d : *value.shape)
        all += " " + (d.size >= 0 ? std::to_string(d.size) : d.name.empty() ? "?" : d.name);
    }
    return all;
  }
  std::optional<core::FileBytes> file;
  onnx::ModelProto proto;
};

// ---- what is written ------------------------------------------------------------------------------------------------

TEST(ExportOnnx, WritesTheOperatorsAndWhoMadeThem) {
  const Written written(
      Sequential{LSTM(4, {.name = "first", .input_shape = kOpen}), Dense(2, {.activation = "relu", .name = "second"})});
  EXPECT_EQ(written.operators(), (Classes{"Transpose", "LSTM", "Squeeze", "Gemm", "Relu"}));
  EXPECT_EQ(written.proto.graph.nodes[1].name, "first");
  EXPECT_EQ(written.proto.producer_name, "Rondo");
  EXPECT_FALSE(written.proto.producer_version.empty());
  EXPECT_EQ(written.proto.opset, 17);
  EXPECT_EQ(Written::text(written.proto.graph.inputs), "input batch time 3");
  EXPECT_EQ(Written::text(written.proto.graph.outputs), "second batch 2");
}

TEST(ExportOnnx, ATimeAxisIsOpenWhereTheLayersAllowIt) {
  const auto inputs = [](const Model& model) { return Written::text(Written(model).proto.graph.inputs); };
  EXPECT_EQ(inputs(Sequential{LSTM(4, {.input_shape = {30, 3}})}), "input batch time 3");
  EXPECT_EQ(inputs(Sequential{Flatten({.input_shape = {30, 3}}), Dense(2)}), "input batch 30 3");
  const Input a({5, 3}, {.name = "a"}), b({7, 2}, {.name = "b"});
  EXPECT_EQ(inputs(Model({a, b}, {LSTM(2)(a), Flatten()(b)})), "a batch a.time 3; b batch b.time 2");
}

TEST(ExportOnnx, StatesAreInputsAndOutputs) {
  const Written written(Sequential{LSTM(4, {.name = "a", .input_shape = kOpen}), Dense(2, {.name = "y"})},
                        {.states = true});
  EXPECT_EQ(Written::text(written.proto.graph.inputs), "input batch time 3; a.h0 batch 4; a.c0 batch 4");
  EXPECT_EQ(Written::text(written.proto.graph.outputs), "y batch 2; a.hn batch 4; a.cn batch 4");
  const Layer gru = GRU(2, {.name = "g"});
  const Input x(kOpen), y(kOpen);
  const Written twice(Model({x, y}, {gru(x), gru(y)}), {.states = true});
  EXPECT_NE(Written::text(twice.proto.graph.inputs).find("g.h0 batch 2; g.call2.h0 batch 2"), std::string::npos);
}

TEST(ExportOnnx, LengthsTakeThePlaceOfAMasking) {
  const Sequential model{Masking({.input_shape = kOpen}), LSTM(4, {.name = "y"})};
  const Written written(model, {.sequence_lengths = true});
  EXPECT_EQ(Written::text(written.proto.graph.inputs), "input batch time 3; lengths batch");
  for (const onnx::NodeProto& node : written.proto.graph.nodes) {
    if (node.op_type == "LSTM") {
      EXPECT_EQ(node.inputs.at(4), "lengths");
    }
  }
}

TEST(ExportOnnx, EqualModelsMakeEqualFiles) {
  const auto make = [] {
    clear_session();
    set_random_seed(3);
    return Sequential{LSTM(4, {.return_sequences = true, .input_shape = kOpen}), GRU(3),
                      Dense(2, {.activation = "gelu"})};
  };
  const Written one(make()), other(make());
  EXPECT_TRUE(std::ranges::equal(one.file->bytes(), other.file->bytes()));
}

TEST(ExportOnnx, WhatHasNoFormIsRefusedByName) {
  const auto refused = [](const Model& model, const std::vector<std::string>& parts,
                          const ExportOnnxOptions& options = {}) {
    expect_error<ConfigError>([&] { export_onnx(model, path("refused"), options); }, parts);
    EXPECT_FALSE(std::filesystem::exists(path("refused")));
  };
  refused(Sequential{Masking({.name = "m", .input_shape = kOpen}), LSTM(2)}, {"'m'", ".sequence_lengths = true"});
  refused(Sequential{LSTM(2, {.stateful = true, .name = "s", .input_shape = kOpen})},
          {"'s'", "stateful", ".states = true"});
  refused(Sequential{LSTM(2, {.activation = "gelu", .name = "l", .input_shape = kOpen})},
          {"'l'", "LSTM has no form", "activation \"gelu\""});
  CustomLayer own{.forward = [](const ForwardPass&) {}, .backward = [](const BackwardPass&) {}};
  refused(Sequential{custom_layer("Dense", own, {.input_shape = kOpen, .name = "mine"})}, {"'mine'", "no ONNX form"});
  const Input x({3}), h({3});
  const Symbol sum = Add()({Dense(3)(x), h});
  refused(Sequential{RNN(Model({x, h}, {sum, sum}, {.name = "cell"}), {.input_shape = kOpen})},
          {"'cell'", "as a cell"});
  refused(Sequential{Dense(2, {.input_shape = {3}})}, {".states is of no use"}, {.states = true});
  refused(Sequential{Dense(2, {.input_shape = {3}})}, {".sequence_lengths is of no use"}, {.sequence_lengths = true});
  const Input a(kOpen, {.name = "a"}), b(kOpen, {.name = "b"});
  refused(Model({a, b}, LSTM(2)(Add({.name = "sum"})({a, b}))), {"'sum'", "a.lengths"}, {.sequence_lengths = true});
  const Input c(kOpen);
  refused(Model(c, LSTM(2)(Concatenate({.axis = 1, .name = "long"})({c, c}))), {"'long'", "some at the end"},
          {.sequence_lengths = true});
  expect_error<StateError>([] { export_onnx(Sequential{Dense(2)}, path("refused")); }, {"no weights yet"});
}

// ---- there and back -------------------------------------------------------------------------------------------------

TEST(OnnxThereAndBack, HoldsForRecurrentLayers) {
  EXPECT_EQ(classes(expect_same_again("lstm", Sequential{LSTM(4, {.input_shape = kOpen})}, {kOpen})),
            (Classes{"InputLayer", "LSTM"}));
  expect_same_again(
      "sequences",
      Sequential{LSTM(4, {.return_sequences = true, .input_shape = kOpen}), GRU(3, {.return_sequences = true})},
      {kOpen});
  expect_same_again("reset_before", Sequential{GRU(4, {.reset_after = false, .input_shape = kOpen})}, {kOpen});
  expect_same_again("no_bias",
                    Sequential{LSTM(4, {.use_bias = false, .return_sequences = true, .input_shape = kOpen}),
                               GRU(3, {.use_bias = false})},
                    {kOpen});
  expect_same_again("backwards",
                    Sequential{LSTM(4, {.return_sequences = true, .go_backwards = true, .input_shape = kOpen}),
                               GRU(2, {.go_backwards = true})},
                    {kOpen});
  expect_same_again("cells", Sequential{RNN(StackedRNNCells({LSTMCell(4), GRUCell(3)}), {.input_shape = kOpen})},
                    {kOpen});
  for (const char* name : {"linear", "relu", "hard_sigmoid", "hard_sigmoid_2", "sparse_sigmoid", "elu", "leaky_relu",
                           "softplus", "softsign"}) {
    expect_same_again(name,
                      Sequential{LSTM(4, {.activation = name,
                                          .recurrent_activation = "hard_sigmoid",
                                          .return_sequences = true,
                                          .input_shape = kOpen}),
                                 GRU(3, {.activation = "elu", .recurrent_activation = name})},
                      {kOpen});
  }
}

TEST(OnnxThereAndBack, HoldsForStatesAndDecoders) {
  const Input in(kOpen), decoder(kOpen);
  const auto [y, h, c] = LSTM(4, {.return_sequences = true, .return_state = true})(in).unpack<3>();
  const Symbol decoded = LSTM(4)(decoder, {.initial_state = {h, c}});
  expect_same_again("decoder", Model({in, decoder}, {Dense(2)(decoded), y, c}), {kOpen, kOpen});
  const Input x(kOpen);
  const auto [gru_y, gru_h] = GRU(4, {.return_state = true})(x).unpack<2>();
  expect_same_again("gru_state", Model(x, {gru_y, gru_h}), {kOpen});
  const Sequential stateful{LSTM(4, {.stateful = true, .input_shape = kOpen})};
  export_onnx(stateful, path("states"), {.states = true});
  const Model stepped = import_onnx(path("states"));
  EXPECT_EQ(stepped.inputs().size(), 3U);
  EXPECT_EQ(stepped.outputs().size(), 3U);
  std::filesystem::remove(path("states"));
}

TEST(OnnxThereAndBack, BothDirectionsAreABidirectional) {
  const Model again = expect_same_again(
      "bidirectional",
      Sequential{Bidirectional(LSTM(4, {.return_sequences = true}), {.input_shape = kOpen}), Bidirectional(GRU(3))},
      {kOpen});
  EXPECT_EQ(classes(again), (Classes{"InputLayer", "Bidirectional", "Bidirectional"}));
  const Input in(kOpen);
  const auto out =
      Bidirectional(LSTM(3, {.return_sequences = true, .return_state = true}), {.merge_mode = "none"})(in).unpack<6>();
  expect_same_again("none", Model(in, std::vector<Symbol>(out.begin(), out.end())), {kOpen});
}

TEST(OnnxThereAndBack, HoldsForLayersWithoutTime) {
  expect_same_again(
      "dense", Sequential{Dense(4, {.activation = "relu", .input_shape = {3}}), Dense(2, {.use_bias = false})}, {{3}});
  expect_same_again(
      "steps", Sequential{Dense(4, {.activation = "softmax", .input_shape = kOpen}), Dense(2, {.use_bias = false})},
      {kOpen});
  expect_same_again("normalization", Sequential{BatchNormalization({.input_shape = {4}})}, {{4}});
  expect_same_again("normalized_steps",
                    Sequential{BatchNormalization({.center = false, .input_shape = kOpen}), LSTM(2)}, {kOpen});
  expect_same_again("normalized_axis", Sequential{BatchNormalization({.axis = 1, .input_shape = {4, 3}})}, {{4, 3}});
  expect_same_again(
      "reshaping", Sequential{Dense(6, {.input_shape = {4, 3}}), Reshape({6, -1}), Flatten(), RepeatVector(3), LSTM(2)},
      {{4, 3}});
  expect_same_again("nothing", Sequential{Dropout(0.5, {.input_shape = {3}}), ActivityRegularization({.l2 = 0.1})},
                    {{3}});
  expect_same_again("permute", Sequential{Permute({2, 1}, {.input_shape = {4, 3}}), LSTM(2)}, {{4, 3}});
}

TEST(OnnxThereAndBack, HoldsForEveryActivation) {
  for (const std::string& name : activation_names()) {
    if (name == "sparsemax") continue;
    const Model again = expect_same_again(name, Sequential{Dense(4, {.activation = name, .input_shape = {3}})}, {{3}});
    EXPECT_EQ(classes(again).back(), name == "linear" ? "Dense" : "Activation") << name;
  }
  const Sequential model{Activation("sparsemax", {.input_shape = {3}})};
  export_onnx(model, path("sparsemax"));
  expect_error<FileError>([] { (void)import_onnx(path("sparsemax")); }, {"sparsemax", "TopK"});
  std::filesystem::remove(path("sparsemax"));
}

TEST(OnnxThereAndBack, HoldsForGraphs) {
  const Input a(kOpen), b({3});
  const Symbol sequence = LSTM(3, {.return_sequences = true})(a);
  const Symbol sum = Add()({sequence, a, b});
  expect_same_again("graph", Model({a, b}, {Concatenate()({sum, sequence}), Concatenate({.axis = 1})({a, sum})}),
                    {kOpen, {3}});
  const Input first(kOpen), second(kOpen);
  const Sequential inner{LSTM(3, {.return_sequences = true, .input_shape = kOpen}), Dense(2)};
  const Layer shared = GRU(2);
  const Model again = expect_same_again("shared", Model({first, second}, {shared(inner(first)), shared(inner(second))}),
                                        {kOpen, kOpen});
  EXPECT_EQ(std::ranges::count(classes(again), "GRU"), 1);
  const Input twice(kOpen);
  const Symbol once = Dense(2)(twice);
  expect_same_again("twice", Model(twice, {once, once, twice}), {kOpen});
}

TEST(OnnxThereAndBack, DoublesStayDoubles) {
  const Sequential model{LSTM(4, {.dtype = "float64", .input_shape = kOpen}), Dense(2, {.dtype = "float64"})};
  EXPECT_EQ(expect_same_again("doubles", model, {kOpen}).dtype(), DType::float64);
}

TEST(OnnxThereAndBack, WhatComesBackCanBeTrained) {
  const Model again = expect_same_again("trained", Sequential{LSTM(4, {.input_shape = kOpen}), Dense(1)}, {kOpen});
  again.compile({.optimizer = "adam", .loss = "mse"});
  const Tensor x = telling_numbers({8, 5, 3}), y = telling_numbers({8, 1});
  const History history = again.fit(x, y, {.epochs = 20, .verbose = 0});
  EXPECT_LT(history["loss"].back(), history["loss"].front());
}

}  // namespace
}  // namespace rondo
