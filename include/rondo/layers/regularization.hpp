// Layers that act in training alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <rondo/dtype_policy.hpp>
#include <rondo/layer.hpp>

namespace rondo {

struct DropoutOptions {
  Shape noise_shape = {};                  // with the batch in front; 1: one draw for the whole axis
  std::optional<std::uint64_t> seed = {};  // default: the random seed when the layer is made
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// In training a part `rate` of the numbers becomes zero, drawn anew in each step, and the others are multiplied by
// 1 / (1 - rate); elsewhere nothing happens (Srivastava et al. 2014). What is drawn is a function of the seed, the
// layer, the training step and the place in the batch, so fits can be repeated to the bit, on any number of threads.
//
//   model.add(Dropout(0.2));
class Dropout : public Layer {
 public:
  explicit Dropout(Real rate, const DropoutOptions& options = {});
};

}  // namespace rondo
