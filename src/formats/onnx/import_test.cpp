// import_onnx on files of others, and on what is none.
#include "formats/onnx/import.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <rondo/rondo.hpp>

#include "core/file_bytes.hpp"
#include "formats/onnx/graph_writer.hpp"
#include "support/expect_error.hpp"

namespace rondo::onnx {
namespace {

using test::expect_error;

Tensor read(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  std::vector<Index> shape;
  for (std::size_t at = 0; at < line.size();
       at = line.find(' ', at) == line.npos ? line.size() : line.find(' ', at) + 1) {
    shape.push_back(std::stol(line.substr(at)));
  }
  std::vector<double> numbers;
  while (std::getline(in, line)) numbers.push_back(std::stod(line));
  return Tensor(Shape(shape), numbers);
}

const std::string kFiles = std::string(RONDO_SOURCE_DIR) + "/tests/onnx/files/";

void expect_predicts(const std::string& name, const Tensor& x, const Tensor& y) {
  const Tensor got = import_onnx(kFiles + name + ".onnx").predict(x, {.verbose = 0});
  ASSERT_EQ(to_string(got.shape()), to_string(y.shape()));
  const std::vector<double> a = got.to_vector(), b = y.to_vector();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 2e-6) << name << ", " << i;
}

Tensor with_batch_in_front(const Tensor& x) {
  Tensor turned = Tensor::zeros({x.shape()[1], x.shape()[0], x.shape()[2]}, DType::float64);
  for (Index t = 0; t < x.shape()[0]; ++t) {
    for (Index b = 0; b < x.shape()[1]; ++b) {
      for (Index f = 0; f < x.shape()[2]; ++f) turned.set({b, t, f}, x(t, b, f));
    }
  }
  return turned;
}

TEST(ImportOnnx, ReadsWhatOthersWrite) {
  for (const char* name : {"pytorch_lstm", "tensorflow_lstm"}) {
    expect_predicts(name, read(kFiles + name + ".x"), read(kFiles + name + ".y"));
  }
  expect_predicts("pytorch_gru", with_batch_in_front(read(kFiles + "pytorch_gru.x")),
                  with_batch_in_front(read(kFiles + "pytorch_gru.y")));
}

TEST(ImportOnnx, LayersHaveTheNamesOfTheNodes) {
  const Model model = import_onnx(kFiles + "pytorch_lstm.onnx");
  std::vector<std::string> classes;
  for (const Layer& layer : model.layers()) classes.push_back(layer.class_name());
  EXPECT_EQ(classes, (Names{"InputLayer", "Bidirectional", "LSTM", "Dense"}));
  EXPECT_EQ(model.get_layer("_lstm_LSTM_1").class_name(), "LSTM");
}

// ---- what a graph means --------------------------------------------------------------------------------------------

// A graph of one node over x (batch, 3) or (time, batch, 3), and numbers W, R, B for it.
class Graph {
 public:
  explicit Graph(std::vector<Dimension> x = {{-1, "time"}, {-1, "batch"}, {3}}) : writer_(DType::float32) {
    writer_.set_scope("node");
    writer_.add_input({"x", ElementType::float32, std::move(x)});
  }

  std::string number(const std::string& name, const std::vector<Index>& dims) {
    return writer_.weight(name, dims, std::vector<double>(static_cast<std::size_t>(Shape(dims).elements()), 0.25));
  }
  // Weights of an LSTM of 2 units.
  Names lstm(Index directions = 1) {
    return {"x", number("W", {directions, 8, 3}), number("R", {directions, 8, 2}), number("B", {directions, 16})};
  }
  GraphWriter& writer() { return writer_; }
  Names add(const std::string& op, const Names& inputs, const Attributes& attributes = {}, std::size_t outputs = 1) {
    return writer_.add_layer(op, inputs, outputs, attributes);
  }
  std::vector<std::byte> bytes(const std::string& output) {
    writer_.add_output({"y", ElementType::float32, std::vector<Dimension>{}}, output);
    ModelProto model;
    model.opset = opset;
    model.graph = std::move(writer_.finish("graph"));
    return serialize(model);
  }

  Index opset = 17;

 private:
  GraphWriter writer_;
};

// Numbers of a node, which have no name of their own.
std::string constant(Graph& graph, std::vector<float> values) {
  return graph.writer().add("Constant", {}, {attribute("value_floats", std::move(values))});
}

std::vector<double> predicted(Graph& graph, const std::string& output, const Tensor& x) {
  const std::vector<std::byte> bytes = graph.bytes(output);
  return model_of(bytes).predict(x, {.verbose = 0}).to_vector();
}

void expect_refused(Graph& graph, const std::string& output, const std::vector<std::string>& parts) {
  const std::vector<std::byte> bytes = graph.bytes(output);
  expect_error<FileError>([&] { (void)model_of(bytes); }, parts);
}

TEST(ImportOnnx, NodesThatShareAMatrixAndNoBiasAreTwoLayers) {
  Graph graph({{-1, "batch"}, {2}});
  GraphWriter& w = graph.writer();
  const std::string matrix = w.weight("I", {2, 2}, {1, 0, 0, 1});
  const auto product = [&] { return w.add("MatMul", {"x", matrix}); };
  const std::string a = w.add("Add", {product(), constant(graph, {10, 20})});
  const std::string b = w.add("Add", {product(), constant(graph, {100, 200})});
  const std::string c = product();
  EXPECT_EQ(predicted(graph, w.add("Concat", {a, b, c}, {attribute("axis", Index{1})}), Tensor{{1, 2}}),
            (std::vector<double>{11, 22, 101, 202, 1, 2}));
}

// Without axes it drops all of size 1: (batch, 3, 1) becomes (batch, 3), whose last axis is another.
TEST(ImportOnnx, SqueezeWithoutAxesDropsThemAll) {
  const Tensor x = Tensor{1, 2, 3}.reshape({1, 3, 1});
  const auto behind = [&](const std::string& op, std::size_t times, const Attributes& attributes) {
    Graph graph({{-1, "batch"}, {3}, {1}});
    GraphWriter& w = graph.writer();
    const std::string squeezed = w.add("Squeeze", {w.add("MatMul", {"x", w.weight("I", {1, 1}, {1})})});
    return predicted(graph, w.add(op, Names(times, squeezed), attributes), x);
  };
  const std::vector<double> softmax = behind("Softmax", 1, {attribute("axis", Index{-1})});
  ASSERT_EQ(softmax.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const double sum = std::exp(1.0) + std::exp(2.0) + std::exp(3.0);
    EXPECT_NEAR(softmax[i], std::exp(static_cast<double>(i + 1)) / sum, 1e-6);
  }
  EXPECT_EQ(behind("Concat", 2, {attribute("axis", Index{-1})}), (std::vector<double>{1, 2, 3, 1, 2, 3}));
}

// The only number of a row, as PyTorch's squeeze leaves it: an axis that Rondo's tensor has and the graph's has not.
TEST(ImportOnnx, TheOnlyFeatureMayBeSqueezedAway) {
  const auto graph_of = [] { return Graph({{-1, "batch"}, {2}}); };
  const auto squeezed = [](Graph& graph, bool with_axes) {
    GraphWriter& w = graph.writer();
    Names operands{w.add("MatMul", {"x", w.weight("K", {2, 1}, {1, 1})})};
    if (with_axes) operands.push_back(w.integers({-1}));
    return w.add("Squeeze", operands);
  };
  const Tensor x{{1, 2}, {3, 4}};
  for (const bool with_axes : {false, true}) {
    Graph plain = graph_of(), summed = graph_of(), behind = graph_of(), soft = graph_of(), joined = graph_of();
    EXPECT_EQ(predicted(plain, squeezed(plain, with_axes), x), (std::vector<double>{3, 7}));
    const std::string y = squeezed(summed, with_axes);
    EXPECT_EQ(predicted(summed, summed.writer().add("Add", {y, y}), x), (std::vector<double>{6, 14}));
    EXPECT_EQ(predicted(behind, behind.writer().add("Relu", {squeezed(behind, with_axes)}), x),
              (std::vector<double>{3, 7}));
    // What works along the batch has no form.
    expect_refused(soft, soft.writer().add("Softmax", {squeezed(soft, with_axes)}, {attribute("axis", Index{-1})}),
                   {"(Softmax)"});
    const std::string z = squeezed(joined, with_axes);
    expect_refused(joined, joined.writer().add("Concat", {z, z}, {attribute("axis", Index{0})}), {"(Concat)"});
  }
}

// A sequence that is made backwards, turned, stays one.
TEST(ImportOnnx, ASequenceMadeBackwardsIsNotTurnedSilently) {
  Graph graph({{-1, "time"}, {-1, "batch"}, {3}});
  GraphWriter& w = graph.writer();
  const std::string y =
      graph.add("LSTM", graph.lstm(), {attribute("direction", "reverse"), attribute("hidden_size", Index{2})})[0];
  const std::string turned = w.add("Transpose", {y}, {attribute("perm", std::vector<Index>{2, 1, 3, 0})});
  expect_refused(graph, w.add("Reshape", {turned, w.integers({0, 1, -1})}), {"Reshape"});
}

TEST(ImportOnnx, DropoutInTrainingModeIsRefused) {
  const auto with_mode = [](Graph& graph, double mode) {
    GraphWriter& w = graph.writer();
    return w.add("Dropout", {"x", w.number(0.5), w.integer(static_cast<Index>(mode))});
  };
  Graph off({{-1, "batch"}, {2}}), on({{-1, "batch"}, {2}});
  EXPECT_EQ(predicted(off, with_mode(off, 0), Tensor{{1, 2}}), (std::vector<double>{1, 2}));
  expect_refused(on, with_mode(on, 1), {"(Dropout)", "training mode"});
}

// ---- what is not read -----------------------------------------------------------------------------------------------

TEST(ImportOnnx, FormsOfAnLstmThatRondoHasNotAreRefusedByName) {
  const auto refused = [](const Attributes& attributes, const Names& more, const std::vector<std::string>& parts) {
    Graph graph;
    Names inputs = graph.lstm();
    inputs.insert(inputs.end(), more.begin(), more.end());
    if (more.size() == 4) graph.number("P", {1, 6});
    if (!more.empty() && !more[0].empty()) graph.number("lengths", {2});
    expect_refused(graph, graph.add("LSTM", inputs, attributes, 2)[1], parts);
  };
  refused({}, {"", "", "", "node/P"}, {"node 'node' (LSTM)", "peepholes"});
  refused({}, {"node/lengths"}, {"node 'node' (LSTM)", "sequence_lens"});
  refused({attribute("clip", 1.0F)}, {}, {"clip"});
  refused({attribute("input_forget", Index{1})}, {}, {"input_forget"});
  refused({attribute("direction", "sideways")}, {}, {"'sideways'"});
  refused({attribute("hidden_size", Index{3})}, {}, {"hidden_size"});
  refused({attribute("activations", Names{"Sigmoid", "Tanh", "Relu"})}, {}, {"different activations"});
  refused({attribute("activations", Names{"Sigmoid", "ScaledTanh", "ScaledTanh"})}, {}, {"'ScaledTanh'"});
  refused({attribute("activations", Names{"Sigmoid"})}, {}, {"1 activations; it takes 3"});
  refused({attribute("speed", Index{3})}, {}, {"'speed'", "not read"});
}

TEST(ImportOnnx, OperatorsThatAreNotReadAreNamed) {
  Graph rnn, unknown, constant_state, wrong, parts;
  expect_refused(rnn, rnn.add("RNN", rnn.lstm())[0], {"node 'node' (RNN)", "SimpleRNN"});
  expect_refused(unknown, unknown.add("Conv", {"x"})[0], {"node 'node' (Conv)", "no operator that is read"});
  Names inputs = constant_state.lstm();
  inputs.insert(inputs.end(), {"", constant_state.number("h", {1, 1, 2}), constant_state.number("c", {1, 1, 2})});
  expect_refused(constant_state, constant_state.add("LSTM", inputs)[0], {"begins with a state other than zero"});
  Names weights = wrong.lstm();
  weights[2] = wrong.number("R2", {1, 8, 4});
  expect_refused(wrong, wrong.add("LSTM", weights)[0], {"weights W of shape (1, 8, 3); it takes (1, 16, 3)"});
  expect_refused(parts, parts.add("Gather", {"x", parts.writer().integer(1)})[0], {"(Gather)", "no layer for"});
}

TEST(ImportOnnx, SizesThatLeadNowhereAreRefused) {
  const std::vector<Dimension> steps = {{-1, "batch"}, {4}, {3}};
  const Index huge = Index{1} << 60;
  Graph empty(steps), parts(steps);
  expect_refused(empty, empty.add("MatMul", {"x", empty.writer().weight("K", {0, huge}, {})})[0], {"no matrix"});
  GraphWriter& w = parts.writer();
  expect_refused(parts, parts.add("Slice", {"x", w.integers({INT64_MAX}), w.integers({INT64_MIN}), w.integers({1})})[0],
                 {"(Slice)", "no layer for"});
  Graph repeated({{-1, "batch"}, {3}});
  const std::string one = repeated.writer().add("Unsqueeze", {"x", repeated.writer().integers({1})});
  expect_refused(repeated, repeated.add("Expand", {one, repeated.writer().integers({1, huge, 1})})[0],
                 {"an axis of size"});
}

TEST(ImportOnnx, AGraphMustHangTogether) {
  Graph missing, old;
  old.opset = 3;
  expect_refused(old, old.add("Relu", {"x"})[0], {"opset 3; 7 to"});
  expect_refused(missing, missing.add("Relu", {"z"})[0], {"reads 'z', which no node before it makes"});
}

TEST(ImportOnnx, SizesAreBelievedWhereTheNumbersAreThere) {
  // An LSTM of a hundred thousand units, whose file has a few bytes of them.
  ModelProto model;
  model.opset = 17;
  model.graph.inputs = {{"x", ElementType::float32, std::vector<Dimension>{{4}, {2}, {3}}}};
  model.graph.outputs = {{"y", ElementType::float32, std::vector<Dimension>{}}};
  const Index many = 100'000;
  for (const auto& [name, dims] :
       {std::pair<std::string, std::vector<Index>>{"W", {1, 4 * many, 3}}, {"R", {1, 4 * many, many}}}) {
    TensorProto tensor;
    tensor.name = name;
    tensor.dims = dims;
    tensor.type = ElementType::float32;
    model.graph.initializers.push_back(tensor);
  }
  NodeProto node;
  node.op_type = "LSTM";
  node.inputs = {"x", "W", "R"};
  node.outputs = {"", "y"};
  model.graph.nodes.push_back(node);
  const std::vector<std::byte> bytes = serialize(model);
  expect_error<FileError>([&] { (void)model_of(bytes); }, {"more than the file can hold"});
}

TEST(ImportOnnx, NoChangeOfAByteDoesHarm) {
  const core::FileBytes file(kFiles + "pytorch_gru.onnx");
  std::vector<std::byte> bytes(file.bytes().begin(), file.bytes().end());
  std::size_t read = 0;
  const auto try_it = [&](std::span<const std::byte> changed) {
    try {
      read += model_of(changed).count_params() > 0 ? 1 : 0;
    } catch (const Error&) {
    }
  };
  std::minstd_rand random(5);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::byte before = bytes[i];
    for (const std::byte value : {std::byte{0xff}, std::byte{0}, static_cast<std::byte>(random())}) {
      bytes[i] = value;
      try_it(bytes);
    }
    bytes[i] = before;
    try_it(std::span(bytes).first(i));
  }
  EXPECT_GT(read, 0U);
}

}  // namespace
}  // namespace rondo::onnx
