// Numbers that are not finite, on their way into a model's weights: found, named, kept out.
#pragma once

#include <span>
#include <string>

#include "training/data.hpp"
#include "training/model_node.hpp"

namespace rondo::training {

// A batch at work: samples order[first], ..., order[first + rows - 1] of the data, staged in a workspace of the
// program.
struct Batch {
  const Data& data;
  std::span<const Index> order;
  Index first = 0;
  Index rows = 0;
  const Program& program;
  const engine::Workspace& workspace;
};

// What went wrong and why, in words; empty if nothing did.
struct Fault {
  std::string what, why;
  explicit operator bool() const { return !what.empty(); }
};

// The first number of a batch of X or y that is not finite in the model's dtype.
Fault fault_of_data(const Batch& batch);

// Ends a step that Program::train has left without an update: finds what is not finite, or makes the update after all,
// with a copy to go back to if it overflows. Afterwards the step has been taken without fault, or it has not been.
Fault finish_step(const ModelNode& node, const Batch& batch, double loss, OptimizerState& optimizer);

}  // namespace rondo::training
