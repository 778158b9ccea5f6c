#include "graph/network.hpp"

#include <gtest/gtest.h>

#include <rondo/layers.hpp>

namespace rondo::graph {
namespace {

using Numbers = std::vector<Network::TensorNumber>;

TEST(Network, NumbersInputsThenTheOutputsOfEachCall) {
  const Input a({2}, {.name = "a"}), b({2}, {.name = "b"});
  const Dense shared(2, {.name = "shared"});
  const Symbol sum = Add({.name = "sum"})({shared(a), shared(b)});
  const Network network("model 'm'", {a, b}, {sum, a});
  ASSERT_EQ(network.calls().size(), 3U);
  EXPECT_EQ(network.calls()[0].inputs, (Numbers{0}));
  EXPECT_EQ(network.calls()[1].inputs, (Numbers{1}));
  EXPECT_EQ(network.calls()[2].inputs, (Numbers{2, 3}));
  EXPECT_EQ(network.outputs(), (Numbers{4, 0}));
}

TEST(Network, NamesTensorsByLayerAndCall) {
  const Input a({2}, {.name = "a"});
  const Dense twice(2, {.name = "twice"});
  const Network network("model 'm'", {a}, {twice(twice(a))});
  const auto names = network.tensor_names();
  ASSERT_EQ(names.size(), 3U);
  EXPECT_EQ(names[0].layer, "a");
  for (const std::size_t call : {0U, 1U}) {
    EXPECT_EQ(names[1 + call].layer, "twice");
    EXPECT_EQ(names[1 + call].call, call);
  }
}

TEST(Network, FindsTheCallThatMakesATensor) {
  const Input x({4, 2});
  const auto [y, h, c] = LSTM(3, {.return_state = true})(x).unpack<3>();
  const Network network("model 'm'", {x}, {Dense(1)(c)});
  EXPECT_EQ(network.maker(0), nullptr) << "an input";
  for (const std::size_t tensor : {1U, 2U, 3U}) EXPECT_EQ(network.maker(tensor), &network.calls()[0]);
  EXPECT_EQ(network.maker(4), &network.calls()[1]);
}

TEST(Network, InALineGrowsAndShrinksAtItsEnd) {
  Network line;
  EXPECT_EQ(line.output_shapes({{3}}), (std::vector<Shape>{{3}})) << "its input, as long as there is no layer";
  line.append(Dense(5).node());
  line.append(Dense(7).node());
  EXPECT_EQ(line.output_shapes({{3}}), (std::vector<Shape>{{7}}));
  line.pop();
  EXPECT_EQ(line.output_shapes({{3}}), (std::vector<Shape>{{5}}));
}

TEST(Network, KnowsWhatItsLayersDoWithTime) {
  Network line;
  line.append(Dense(2).node());
  EXPECT_TRUE(line.works_row_by_row());
  line.append(LSTM(2, {.return_sequences = true}).node());
  EXPECT_FALSE(line.works_row_by_row());
  EXPECT_EQ(line.first_to_mix_time({{4, 3}}), nullptr);
  line.append(Bidirectional(LSTM(2), {.name = "both"}).node());
  ASSERT_NE(line.first_to_mix_time({{4, 3}}), nullptr);
  EXPECT_EQ(line.first_to_mix_time({{4, 3}})->name(), "both");
}

}  // namespace
}  // namespace rondo::graph
