// What is asked of a random graph. See random_graph_checks.cpp for each question in words.
#pragma once

#include <string>
#include <vector>

#include "support/random_graph.hpp"

namespace rondo::test {

// What was wrong, a text each; empty: nothing. `bits`: asks too whether threads, targets and batches change a bit,
// which takes most of the time.
std::vector<std::string> check_random_graph(const RandomGraph& g, bool bits);

// The same for the graph of a seed, as one text: how to do it again, what was wrong, the graph, and the smallest part
// of it that is wrong too. Empty: nothing was wrong. Bits are asked for by every fourth seed.
std::string check_graph_seed(std::uint64_t seed);

}  // namespace rondo::test
