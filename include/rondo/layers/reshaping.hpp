// Numbers in another order or shape: without weights. Time steps and features change places, so masks end here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rondo/dtype_policy.hpp>
#include <rondo/layer.hpp>

namespace rondo {

struct FlattenOptions {
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// All numbers of a sample in a row: (batch, a, b) to (batch, a b).
class Flatten : public Layer {
 public:
  explicit Flatten(const FlattenOptions& options = {});
};

struct ReshapeOptions {
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// The numbers of a sample, in their order, in another shape, given without the batch axis; one size may be -1, what is
// left. ShapeError where the numbers do not fill it.
class Reshape : public Layer {
 public:
  explicit Reshape(const Shape& target_shape, const ReshapeOptions& options = {});
};

struct PermuteOptions {
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// The axes of a sample in another order, counted from 1: Permute({2, 1}) exchanges time and features.
class Permute : public Layer {
 public:
  explicit Permute(std::vector<Index> dims, const PermuteOptions& options = {});
};

struct RepeatVectorOptions {
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
  Shape input_shape = {};
};

// The same numbers at each of n time steps: (batch, features) to (batch, n, features). Takes no memory for them.
class RepeatVector : public Layer {
 public:
  explicit RepeatVector(Dim n, const RepeatVectorOptions& options = {});
};

}  // namespace rondo
