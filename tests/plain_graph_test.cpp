// The plain program's graphs (tests/support/plain/graph.hpp) are what Rondo's are compared with, so they are tested by
// what they cannot have in common with Rondo: their way back by differences of their loss.
#include <cmath>
#include <gtest/gtest.h>

#include "support/random_graph.hpp"

namespace rondo::test {
namespace {

using plain::GraphLayer;
using plain::Size;

// Without a trace in moving statistics.
double loss_of(const RandomGraph& g, const plain::Graph& graph) {
  plain::Pass training{.training = true};
  const std::vector<plain::Tensor> outputs = plain::walk(graph, g.x, training).outputs;
  for (GraphLayer* layer : plain::layers_of(graph)) {
    const auto before = training.statistics.find(layer);
    if (before != training.statistics.end()) std::ranges::copy(before->second, layer->weights.end() - 2);
  }
  double sum = 0;
  for (Size i = 0; i < outputs.size(); ++i) {
    sum += g.targets[i].weight * plain::loss_of_output(g.targets[i], outputs[i]).value;
  }
  return sum;
}

// The first number of each weight, and one that is drawn.
TEST(PlainGraphs, GradientsAreDifferencesOfTheLoss) {
  constexpr double kStep = 1e-5;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const RandomGraph g = random_graph(seed);
    const plain::Graph graph = copy_of(g.graph);
    plain::Optimizer none({.learning_rate = 0});
    const plain::Graph as_before = copy_of(graph);
    (void)plain::train(graph, g.x, g.targets, none);
    const std::vector<GraphLayer*> layers = plain::layers_of(graph), others = plain::layers_of(as_before);
    for (std::size_t i = 0; i < layers.size(); ++i) layers[i]->weights = others[i]->weights;  // moving statistics
    Dice dice(seed);
    for (GraphLayer* layer : plain::layers_of(graph)) {
      const Size statistics = layer->kind == "BatchNormalization" ? 2 : 0;
      for (Size i = 0; i + statistics < layer->weights.size(); ++i) {
        plain::Array& w = layer->weights[i];
        for (const Size k : {Size{0}, static_cast<Size>(dice.below(static_cast<Index>(w.size())))}) {
          const double at = w[k], gradient = layer->gradients[i][k];
          w[k] = at + kStep;
          const double above = loss_of(g, graph);
          w[k] = at - kStep;
          const double below = loss_of(g, graph);
          w[k] = at;
          const double difference = (above - below) / (2 * kStep);
          EXPECT_NEAR(gradient, difference, 1e-6 * std::max(1.0, std::abs(difference)))
              << layer->name << " weight " << i << " element " << k << "\n"
              << to_string(g);
        }
      }
    }
  }
}

TEST(PlainGraphs, ATensorThatIsReadTwiceGetsBothGradients) {
  const auto layer = std::make_shared<GraphLayer>();
  layer->kind = "Add";
  const plain::Graph graph{.inputs = {{2}}, .calls = {{layer, {0, 0}, 1, {{2}}}}, .outputs = {1, 0}};
  plain::Pass training{.training = true};
  const plain::Walked walked = plain::walk(graph, {{{3, 4}, 1, {2}}}, training);
  EXPECT_EQ(walked.outputs[0].values, (plain::Array{6, 8}));
  EXPECT_EQ(walked.backward({{1, 10}, {100, 1000}})[0], (plain::Array{102, 1020}));
}

}  // namespace
}  // namespace rondo::test
