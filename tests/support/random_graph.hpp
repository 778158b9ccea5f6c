// A graph of layers, its data and how it learns, drawn from a seed: the same on every machine and with every compiler.
//
// A graph grows call by call, each on tensors that are there, so that shapes fit; the plain program computes each as it
// comes, so that shapes, masks and sizes of the numbers are known. Sizes are small.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/plain/graph.hpp"
#include "support/random_model.hpp"

namespace rondo::test {

struct RandomGraph {
  std::uint64_t seed = 0;
  plain::Graph graph;                  // with weights
  std::vector<plain::Tensor> x;        // all samples of each input
  std::vector<plain::Target> targets;  // of each output
  plain::OptimizerOptions optimizer;   // SGD
  std::size_t samples = 1, batch_size = 1, other_batch_size = 1;
  std::size_t shards = 1;  // of fit
  std::string dtype = "float64";
};

RandomGraph random_graph(std::uint64_t seed);

// A line for each input, call and output.
std::string to_string(const RandomGraph& g);

// How often each kind of layer, and each kind of what graphs have, is in it: {"LSTM": 2, "fan-out": 1, ...}.
std::map<std::string, int> census(const RandomGraph& g);

// Weights are copied, so that both can learn: layers that are one stay one.
plain::Graph copy_of(const plain::Graph& graph);

// Calls that lead to no output.
void leave_out_what_leads_nowhere(plain::Graph& graph);

}  // namespace rondo::test
