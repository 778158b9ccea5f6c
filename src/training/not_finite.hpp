// Numbers that are not finite, on their way into a model's weights: found, named, kept out.
#pragma once

#include <string>

#include "training/model_node.hpp"
#include "training/training_step.hpp"

namespace rondo::training {

// A batch at work, staged in a workspace of the program.
struct BatchAtWork {
  const Samples& samples;
  const Program& program;
  const engine::Workspace& workspace;
};

// What went wrong and why, in words; empty if nothing did.
struct Fault {
  std::string what, why;
  explicit operator bool() const { return !what.empty(); }
};

// Ends a step that has been left without an update: finds what is not finite, or makes the update after all.
// Afterwards the step has been taken without fault, or it has not been.
Fault finish_step(const ModelNode& node, const BatchAtWork& batch, const TrainingStep::Result& result,
                  const TrainingStep& step, const OptimizerState& optimizer);

}  // namespace rondo::training
