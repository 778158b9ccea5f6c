// An optimizer at work on a model's blocks.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "engine/plan.hpp"
#include "training/optimizers/rule.hpp"

namespace rondo::training {

// An optimizer with its state for one compiled model.
class OptimizerState {
 public:
  explicit OptimizerState(const Optimizer& optimizer) : rule_(optimizer.impl().clone()) {}

  detail::OptimizerImpl& rule() { return *rule_; }
  const detail::OptimizerImpl& rule() const { return *rule_; }
  Index iterations() const { return iterations_; }
  // ConfigError unless the rate is finite and 0 or more.
  void set_learning_rate(double rate);

  // Makes the memory for a plan's blocks, where it is not there yet. Of a block, the ranges that its plan computes are
  // updated; all of it, once there was a plan with other ranges.
  void prepare(const engine::Plan& plan);

  // A step begins, updates and ends. It does not end, and does not count, where nothing was updated or all was
  // restored.
  void begin_step();
  // Updates the member's share of every block from the plan's gradients.
  void update(const engine::Plan& plan, const engine::Run& run, const engine::Member& member) const noexcept;
  // `safe`: the step was, and so were its gradients.
  void end_step(bool safe);

  // Whether everything that the update writes will be finite if the gradients are within the limit: foreseen for many
  // steps at a time, and again where the rate has changed or somebody else has written weights. A step without care
  // therefore reads nothing but its gradients.
  bool safe() const { return safe_steps_ > 0; }
  // Whether the member's share of the gradients, which stand in these ranges behind the first, is within that limit.
  bool gradients_within_limit(std::span<const Range> gradients, const engine::Run& run,
                              const engine::Member& member) const noexcept;
  // For the other steps: the weights and what is remembered of them, to go back to, and whether all of it is finite.
  using Copy = std::vector<std::vector<std::byte>>;
  Copy copy() const;
  void restore(const Copy& copy);
  bool finite() const noexcept;
  // What is remembered of a parameter, each array in its logical shape.
  std::vector<Tensor> remembered(const engine::Parameter& parameter) const;

  // Scalars and slots: what Keras counts as optimizer parameters.
  Index variables(Index trainable_elements) const { return 2 + rule_->slots() * trainable_elements; }
  // Whether a step has been prepared, so that Keras would count the variables.
  bool built() const { return !memory_.empty(); }

 private:
  // What the rule remembers of a block, and where the block is updated.
  struct Memory {
    std::shared_ptr<engine::ParameterBlock> block;
    Index count;  // of slots
    AlignedBytes slots;
    std::vector<Range> ranges;
  };
  auto memory_of(const engine::ParameterBlock* block) const noexcept {
    return std::find_if(memory_.begin(), memory_.end(), [&](const Memory& m) { return m.block.get() == block; });
  }
  template <class T>
  void update_range(const Memory& memory, const T* gradient, Range range) const noexcept;
  std::uint64_t versions() const noexcept;
  bool within(const Sizes& sizes) const noexcept;
  Index foreseen_steps() const noexcept;

  std::unique_ptr<detail::OptimizerImpl> rule_;
  std::vector<Memory> memory_;  // few: searching beats a map
  Index iterations_ = 0;
  Index safe_steps_ = 0;        // that may follow
  double rate_ = 0;             // when they were foreseen
  std::uint64_t versions_ = 0;  // of all blocks together, as the last step has left them
};

}  // namespace rondo::training
