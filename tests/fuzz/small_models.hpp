// Bounds for programs that make models of any bytes.
#pragma once

#include "graph/loading.hpp"

namespace rondo::fuzz {

// While it lives, weights take no time to draw, and 64 KB at most: making a model is what is tried.
class SmallModels {
 private:
  graph::Loading loading_{graph::FirstWeights::from_file, std::size_t{1} << 16};
};

}  // namespace rondo::fuzz
