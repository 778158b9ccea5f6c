// Which graphs take sequences of any length.
#pragma once

#include <vector>

#include "support/plain/graph.hpp"

namespace rondo::test {

// Makes a graph take any number of steps where its sequences come in: inputs, also of models inside, then have 0 for
// them (support/graph_model.hpp). False, and a graph that is of no use any more, where it depends on their number, or
// has no sequences. Which outputs have so many steps is told in `outputs`.
bool take_any_time(plain::Graph& graph, std::vector<bool>& outputs);

}  // namespace rondo::test
