#include "graph/layer_node.hpp"

#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"

namespace rondo::graph {
namespace {

std::vector<std::string> paths(const Layer& layer) {
  std::vector<std::string> paths;
  for (const engine::Parameter& p : layer.node()->parameters()) paths.push_back(p.path);
  return paths;
}

TEST(LayerNode, NamesTheWeightsOfLayersInsideByTheWayToThem) {
  const Bidirectional layer(LSTM(2, {.name = "inside"}), {.name = "both", .input_shape = {4, 3}});
  layer.build({Shape::kUnknown, 4, 3});
  EXPECT_EQ(paths(layer).front(), "both/forward_inside/lstm_cell/kernel");
  EXPECT_EQ(paths(layer).size(), 6U);
}

TEST(LayerNode, HasTheWeightsOfALayerInsideOnce) {
  const Dense shared(2, {.name = "shared"});
  const Input x({2});
  const Model inner(x, shared(x)), outer(x, shared(inner(x)));
  EXPECT_EQ(outer.node()->parameters().size(), 2U);
  EXPECT_TRUE(outer.node()->contains(*shared.node()));
  EXPECT_TRUE(outer.node()->contains(*inner.node()));
  EXPECT_FALSE(inner.node()->contains(*outer.node()));
}

TEST(LayerNode, FreezesAndThawsWhatIsInside) {
  const Dense inside(2);
  const TimeDistributed outside(inside, {.input_shape = {3, 2}});
  outside.set_trainable(false);
  EXPECT_FALSE(inside.node()->trainable());
  outside.build({Shape::kUnknown, 3, 2});
  for (const engine::Parameter& p : outside.node()->parameters()) EXPECT_FALSE(p.block->trainable());
  outside.set_trainable(true);
  for (const engine::Parameter& p : outside.node()->parameters()) EXPECT_TRUE(p.block->trainable());
}

TEST(LayerNode, IsBuiltOnce) {
  const Dense layer(2);
  layer.build({Shape::kUnknown, 3});
  const Tensor before = layer.get_weights()[0];
  layer.node()->build({{3}});
  EXPECT_TRUE(layer.get_weights()[0].identical(before));
  EXPECT_EQ(layer.node()->parameters().size(), 2U);
}

TEST(LayerNode, SaysWhatTheLayerBeforeItDoesWhereThatIsTheCause) {
  const Layer before = LSTM(2, {.name = "before"}), after = LSTM(2);
  test::expect_error<ShapeError>([&] { (void)after.node()->output_shapes_behind(before.node().get(), {{2}}); },
                                 {"The layer before it, 'before'", "return_sequences"});
  EXPECT_EQ(after.node()->output_shapes_behind(before.node().get(), {{4, 2}}), (std::vector<Shape>{{2}}));
}

// "attribute name", of the layers inside.
std::vector<std::string> inside(const Layer& layer) {
  std::vector<std::string> texts;
  std::size_t child = 0;
  for (const auto& node : layer.node()->children()) {
    texts.push_back(layer.node()->child_attribute(child++) + " " + node->name());
  }
  return texts;
}

TEST(LayerNode, NamesWhatHoldsTheLayersInsideAsKerasDoes) {
  using Names = std::vector<std::string>;
  const LSTMCell a(2, {.name = "a"});
  const GRUCell b(2, {.name = "b"});
  const Dense dense(2, {.name = "dense"});
  EXPECT_EQ(inside(Bidirectional(LSTM(2, {.name = "lstm"}))),
            (Names{"forward_layer forward_lstm", "backward_layer backward_lstm"}));
  EXPECT_EQ(inside(TimeDistributed(dense)), Names{"layer dense"});
  EXPECT_EQ(inside(RNN(a)), Names{"cell a"});
  EXPECT_EQ(inside(StackedRNNCells({a, b})), (Names{"cells a", "cells b"}));
  EXPECT_EQ(inside(dense), Names{});
  const Sequential line({dense, Dense(3, {.name = "last"})}, {.name = "line"});
  EXPECT_EQ(inside(line), (Names{"layers dense", "layers last"}));
  const Input in({2}, {.name = "in"});
  EXPECT_EQ(inside(Model(in, line(in))), (Names{"layers in", "layers line"}));
}

}  // namespace
}  // namespace rondo::graph
