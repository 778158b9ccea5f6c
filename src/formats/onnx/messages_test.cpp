#include "formats/onnx/messages.hpp"

#include <gtest/gtest.h>

#include <rondo/error.hpp>

#include "formats/onnx/graph_writer.hpp"
#include "formats/onnx/tensors.hpp"
#include "formats/protobuf/writer.hpp"
#include "support/expect_error.hpp"

namespace rondo::onnx {
namespace {

using test::expect_error;

ModelProto small_model(GraphWriter& writer) {
  writer.set_scope("dense");
  writer.add_input({"x", ElementType::float32, std::vector<Dimension>{{-1, "batch"}, {3}}});
  const std::string y = writer
                            .add_layer("Gemm", {"x", writer.weight("kernel", {3, 2}, {1, 2, 3, 4, 5, 6})}, 1,
                                       {attribute("alpha", 1.0F), attribute("transB", Index{0}),
                                        attribute("mode", "plain"), attribute("axes", std::vector<Index>{1, -1}),
                                        attribute("names", std::vector<std::string>{"a", "b"}),
                                        attribute("numbers", std::vector<float>{0.5F})})
                            .front();
  writer.add_output({"y", ElementType::float32, std::vector<Dimension>{{-1, "batch"}, {2}}}, y);
  ModelProto model;
  model.ir_version = 8;
  model.opset = 17;
  model.producer_name = "Rondo";
  model.graph = writer.finish("small");
  return model;
}

TEST(OnnxMessages, AreReadAsTheyAreWritten) {
  GraphWriter writer(DType::float32);
  const std::vector<std::byte> bytes = serialize(small_model(writer));
  const ModelProto again = parse_model(bytes);
  EXPECT_EQ(again.ir_version, 8);
  EXPECT_EQ(again.opset, 17);
  EXPECT_EQ(again.producer_name, "Rondo");
  ASSERT_EQ(again.graph.nodes.size(), 1U);
  const NodeProto& node = again.graph.nodes[0];
  EXPECT_EQ(node.name, "dense");
  EXPECT_EQ(node.inputs, (Names{"x", "dense/kernel"}));
  EXPECT_EQ(node.outputs, Names{"y"});
  ASSERT_EQ(node.attributes.size(), 6U);
  EXPECT_EQ(node.attributes[0].f, 1.0F);
  EXPECT_EQ(node.attributes[2].s, "plain");
  EXPECT_EQ(node.attributes[3].ints, (std::vector<Index>{1, -1}));
  EXPECT_EQ(node.attributes[4].strings, (Names{"a", "b"}));
  EXPECT_EQ(node.attributes[5].floats, std::vector<float>{0.5F});
  ASSERT_EQ(again.graph.initializers.size(), 1U);
  EXPECT_EQ(numbers_of(again.graph.initializers[0]), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  ASSERT_EQ(again.graph.inputs[0].shape->size(), 2U);
  EXPECT_EQ((*again.graph.inputs[0].shape)[0].name, "batch");
  EXPECT_EQ((*again.graph.inputs[0].shape)[1].size, 3);
}

TEST(OnnxMessages, WhatChangesTheMeaningIsRefusedByName) {
  const auto refused = [](const protobuf::Message& model, const std::vector<std::string>& parts) {
    expect_error<FileError>([&] { (void)parse_model(model.bytes()); }, parts);
  };
  protobuf::Message empty, functions, tensor, graph, model, sparse, sparse_model;
  refused(empty, {"it has no graph"});
  functions.text(25, "");
  refused(functions, {"functions of its own"});
  tensor.text(8, "W");
  tensor.text(13, "location");
  graph.message(5, tensor);
  model.message(7, graph);
  refused(model, {"'W'", "external data"});
  sparse.text(15, "");
  sparse_model.message(7, sparse);
  refused(sparse_model, {"sparse tensors"});
}

TEST(OnnxMessages, GraphsInsideGraphsAreNotGoneInto) {
  protobuf::Message inner;
  for (int depth = 0; depth < 1000; ++depth) {
    protobuf::Message attribute, node, graph;
    attribute.message(6, inner);
    node.message(5, attribute);
    graph.message(1, node);
    inner = graph;
  }
  protobuf::Message model;
  model.message(7, inner);
  EXPECT_EQ(parse_model(model.bytes()).graph.nodes.size(), 1U);
}

TEST(OnnxMessages, NumbersOfThingsAreBounded) {
  protobuf::Message graph, model;
  for (int i = 0; i < 30'000; ++i) graph.text(1, "");
  model.message(7, graph);
  expect_error<FileError>([&] { (void)parse_model(model.bytes()); }, {"more than 20000"});
}

TensorProto tensor_of(ElementType type, std::vector<Index> dims) {
  TensorProto t;
  t.name = "W";
  t.type = type;
  t.dims = std::move(dims);
  return t;
}

TEST(OnnxTensors, HaveTheirNumbersRawOrTyped) {
  TensorProto typed = tensor_of(ElementType::float64, {2});
  typed.doubles = {1.5, -2};
  EXPECT_EQ(numbers_of(typed), (std::vector<double>{1.5, -2}));
  const std::byte raw[] = {std::byte{0xfe}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff},
                           std::byte{0xff}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}};
  TensorProto whole = tensor_of(ElementType::int64, {1});
  whole.raw = raw;
  EXPECT_EQ(integers_of(whole), std::vector<Index>{-2});
  TensorProto small = tensor_of(ElementType::int32, {2});
  small.raw = raw;
  EXPECT_EQ(integers_of(small), (std::vector<Index>{-2, -1}));
}

TEST(OnnxTensors, ASizeIsBelievedWhereTheNumbersAreThere) {
  const auto refused = [](const TensorProto& t, const std::string& why) {
    expect_error<FileError>([&] { (void)numbers_of(t); }, {"the tensor 'W'", why});
  };
  refused(tensor_of(ElementType::float32, {1'000'000, 1'000'000}), "the file holds 0");
  refused(tensor_of(ElementType::float32, {INT64_MAX, INT64_MAX, 4}), "the file holds 0");
  refused(tensor_of(ElementType::float32, {-1, 2}), "an axis of size -1");
  refused(tensor_of(ElementType::float32, std::vector<Index>(9, 1)), "has 9 axes");
  refused(tensor_of(static_cast<ElementType>(10), {1}), "float16");
  refused(tensor_of(static_cast<ElementType>(99), {1}), "type 99");
}

}  // namespace
}  // namespace rondo::onnx
