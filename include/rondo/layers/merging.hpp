// Layers of several tensors, for graphs (symbol.hpp).
#pragma once

#include <optional>
#include <string>

#include <rondo/dtype_policy.hpp>
#include <rondo/layer.hpp>

namespace rondo {

struct AddOptions {
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
};

// The sum of two tensors or more, in their order: Add()({a, b}). Axes of 1 stretch to those of the others, and a tensor
// of fewer axes gets them behind the batch. The sum has a mask if all have one: a step counts if it does in one of
// them.
class Add : public Layer {
 public:
  explicit Add(const AddOptions& options = {});
};

struct ConcatenateOptions {
  Dim axis = -1;  // with the batch in front: 1 is time in (batch, timesteps, features); negative from the end
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
};

// Two tensors or more, one behind the other along an axis, in which alone they may differ: Concatenate()({a, b}). Masks
// are joined along time; along the features a step counts if it does in one of the tensors.
class Concatenate : public Layer {
 public:
  explicit Concatenate(const ConcatenateOptions& options = {});
};

}  // namespace rondo
