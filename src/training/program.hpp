// A program: a model's plan for one batch shape with, for training and evaluation, the head at its end.
#pragma once

#include <memory>
#include <optional>

#include "engine/plan.hpp"
#include "training/head.hpp"
#include "training/optimizers.hpp"

namespace rondo::training {

enum class Mode { predict, evaluate, train };

// The loss of a training step, and whether the weights have been updated.
struct Step {
  double loss = 0;
  bool updated = false;
};

struct Program {
  std::unique_ptr<const engine::Plan> plan;
  std::optional<Head> head;  // not for predict

  const engine::ValueInfo& input() const { return plan->info(plan->inputs().front()); }
  const engine::ValueInfo& output() const { return plan->info(plan->outputs().front()); }

  // Forward on the rows staged in the workspace.
  void predict(engine::Workspace& workspace, Index rows) const;
  // Forward, loss and metrics.
  void evaluate(engine::Workspace& workspace, Index rows) const;
  // One training step. Where the loss or a gradient is not finite, or the update might overflow, nothing is updated:
  // see not_finite.hpp for what comes then.
  Step train(engine::Workspace& workspace, Index rows, OptimizerState& optimizer) const;
};

}  // namespace rondo::training
