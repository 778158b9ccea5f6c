// A model as layers one behind the other, for formats that know nothing else.
#pragma once

#include <string>
#include <vector>

#include <rondo/model.hpp>

namespace rondo::formats {

struct Link {
  Layer layer;
  Shape input, output;  // with the batch in front
};

// The layers, those of models inside too, without Inputs and what does nothing in inference (Dropout,
// ActivityRegularization). StateError before the model is built; ConfigError, beginning with `who`, where one takes or
// gives more than one tensor.
std::vector<Link> chain_of(const Model& model, const std::string& who);

}  // namespace rondo::formats
