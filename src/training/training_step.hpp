// A training step: a list of phases, made once for a program and an optimizer, which a team walks for each batch.
//
//   passes     forward, losses and metrics, backward; as many stages as the layers need
//   gradients  of the weights, in tiles
//   penalties  of the weights, for the loss and the first shard's gradients
//   reduce     the shards' gradients into one; whether the data, the loss and the gradients are finite
//   accumulate the gradients of several steps, where the optimizer wants their mean
//   norms      of the gradients, and
//   clip       what is too large, where the optimizer has such a rule
//   update     of the weights, by the optimizer; in several stages where it looks at whole weights
//   constrain  the weights to where they may be
//   derive     copies of the weights that the next backward reads
//
// Each begins when all members have ended the one before. What a model has no use for is not in the list.
#pragma once

#include <atomic>
#include <vector>

#include "engine/thread_pool.hpp"
#include "training/clipping.hpp"
#include "training/optimizers/state.hpp"
#include "training/program.hpp"

namespace rondo::training {

class TrainingStep {
 public:
  // Of a model with these parameters. The optimizer has been prepared for the program's plan; both outlive the step.
  TrainingStep(const Program& program, OptimizerState& optimizer, const std::vector<engine::Parameter>& parameters);

  // What came of a batch.
  struct Result {
    double loss = 0;
    bool updated = false;
    bool finite_data = true;
  };
  // Where the data, the loss or a gradient is not finite, or the update might overflow, nothing is updated (and
  // not_finite.hpp says what comes then). What a user's code throws comes out, and nothing is updated either.
  Result take(engine::Workspace& workspace, const Samples& samples) const;
  // Makes the update of a step that has been left without, by one thread, unless it overflows: then `overflowed` is
  // called while the numbers are there to be seen, and all is as before.
  template <class F>
  void update_carefully(const engine::Workspace& workspace, const Samples& samples, F&& overflowed) const {
    const OptimizerState::Copy before = optimizer_.copy();
    const engine::Run run = workspace.run(samples.rows);
    update_alone(run, samples);
    if (optimizer_.finite()) return end(run, /*safe=*/false);
    overflowed();
    optimizer_.restore(before);
  }

 private:
  // A batch on its way through the phases.
  struct Work {
    engine::Run run;
    const Samples& samples;
    double loss = 0;
    std::atomic<bool> safe, finite_data{true};

    bool is_safe() const { return safe.load(std::memory_order_relaxed); }
  };
  using Function = void (TrainingStep::*)(Work& work, const engine::Member& member, Index stage) const noexcept;
  struct Phase {
    Function function;
    Range pieces;  // its stages, counted over all phases
  };

  void add(Function function, Index stages = 1);
  void passes(Work& work, const engine::Member& member, Index stage) const noexcept;
  void gradients(Work& work, const engine::Member& member, Index stage) const noexcept;
  void penalties(Work& work, const engine::Member& member, Index stage) const noexcept;
  void reduce(Work& work, const engine::Member& member, Index stage) const noexcept;
  void accumulate(Work& work, const engine::Member& member, Index stage) const noexcept;
  void norms(Work& work, const engine::Member& member, Index stage) const noexcept;
  void clip(Work& work, const engine::Member& member, Index stage) const noexcept;
  void update(Work& work, const engine::Member& member, Index stage) const noexcept;
  void constrain(Work& work, const engine::Member& member, Index stage) const noexcept;
  void derive(Work& work, const engine::Member& member, Index stage) const noexcept;

  Index pieces() const { return phases_.back().pieces.end; }
  void walk(Work& work, const engine::Member& member, Index piece) const noexcept;
  void update_alone(const engine::Run& run, const Samples& samples) const;
  // After an update: statistics, and what the optimizer counts.
  void end(const engine::Run& run, bool safe) const;

  const Program& program_;
  OptimizerState& optimizer_;
  Clipping clipping_;
  mutable std::vector<double> penalties_;  // of the step at work, one for each part of a weight
  std::vector<Phase> phases_;
  Range updating_;  // the pieces from the sums of gradients to the new weights
};

}  // namespace rondo::training
