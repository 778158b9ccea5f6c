// Layers against overfitting, which act in training alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <rondo/dtype_policy.hpp>
#include <rondo/layer.hpp>
#include <rondo/regularizers.hpp>

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

struct ActivityRegularizationOptions {
  Real l1 = 0.0;
  Real l2 = 0.0;
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// Hands on its input as it is; l1 times the sum of sizes and l2 times the sum of squares of its numbers, divided by the
// size of the batch, are added to the loss (regularizers.hpp).
//
//   model.add(ActivityRegularization({.l1 = 0.01}));
class ActivityRegularization : public Layer {
 public:
  explicit ActivityRegularization(const ActivityRegularizationOptions& options = {});
};

}  // namespace rondo
