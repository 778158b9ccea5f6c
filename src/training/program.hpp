// A program: a model's plan for one batch shape with, for training and evaluation, a head at each output.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <rondo/tensor.hpp>

#include "engine/plan.hpp"
#include "training/constraints.hpp"
#include "training/head.hpp"
#include "training/penalties.hpp"

namespace rondo::training {

enum class Mode { predict, evaluate, train };

// A batch: the samples order[first], order[first + 1], ... of the tensors, or first, first + 1, ... without an order.
// The members of a team copy them into the workspace, each its rows.
struct Samples {
  std::span<const Tensor* const> X = {};               // one for each input
  std::span<const Tensor* const> y = {};               // one for each output; none for predict
  std::span<const Tensor* const> sample_weights = {};  // likewise, where the program takes them
  std::span<const Index> order = {};
  Index first = 0;
  Index rows = 0;
  bool staged = false;  // they are in the workspace already
};

struct Program {
  std::unique_ptr<const engine::Plan> plan;
  std::vector<const Head*> heads;      // of the plan, one an output; none for predict
  Penalties penalties;                 // of the weights; none for predict
  Constraints constraints;             // likewise, of those that learn
  std::vector<Range> gradient_ranges;  // of the weights: where they stand, in elements from the first gradient

  const engine::ValueInfo& input(std::size_t i = 0) const { return plan->info(plan->inputs()[i]); }
  const engine::ValueInfo& output(std::size_t i = 0) const { return plan->info(plan->outputs()[i]); }

  // What a user's code throws inside a walk comes out of these two.
  //
  // Forward; sample i becomes row i of each row-major `out`, which holds elements of the plan's dtype.
  void predict(engine::Workspace& workspace, const Samples& samples, std::span<std::byte* const> out) const;
  // Forward, losses and metrics.
  void evaluate(engine::Workspace& workspace, const Samples& samples) const;
  // What the layers' activities add to the loss, after a walk.
  double activity_penalty(const engine::Run& run) const noexcept;
  // That and the sum of all outputs' losses, each with its weight.
  double loss_of_walk(const engine::Run& run) const noexcept;
  // That and the penalties of the weights.
  double loss(const engine::Run& run) const noexcept { return loss_of_walk(run) + penalties.sum(); }
  // Copies batch rows, unless that is done. Whether all numbers are finite.
  bool stage_samples(const engine::Run& run, const Samples& samples, Range rows) const noexcept;
};

}  // namespace rondo::training
