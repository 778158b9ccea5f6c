// An optimizer at work on a model's blocks.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "engine/plan.hpp"
#include "training/optimizers/rule.hpp"

namespace rondo::training {

// What can be foreseen: from numbers up to `start`, and with gradients up to `gradient`, every optimizer of ordinary
// options can take so many steps before anything passes `last`, a quarter of the largest number.
struct Foresight {
  Index steps;
  double gradient;
  Sizes start;
  double last;
};
// The widest first.
std::span<const Foresight> foresights(DType dtype);

// An optimizer with its state for one compiled model.
class OptimizerState {
 public:
  explicit OptimizerState(const Optimizer& optimizer) : rule_(optimizer.impl().clone()) {}

  detail::OptimizerImpl& rule() { return *rule_; }
  const detail::OptimizerImpl& rule() const { return *rule_; }
  // Steps that have updated, as Keras counts, and all.
  Index iterations() const { return steps_ / rule_->accumulated_steps; }
  Index steps() const { return steps_; }
  // That of the next step.
  double learning_rate() const;
  // ConfigError unless the rate is finite and 0 or more, and for an optimizer whose rate is a schedule.
  void set_learning_rate(double rate);

  // Makes the memory for the blocks of a plan, where it is not there yet. Of a block, the ranges that its plan computes
  // are updated; all of it, once there was a plan with other ranges. The parameters that stand in them have to be given
  // where needs_parameters().
  void prepare(const std::vector<engine::GradientSlot>& gradients, const std::vector<engine::Parameter>& parameters);
  bool needs_parameters() const { return rule_->clipping || rule_->stages() > 0 || !rule_->decay.excluded.empty(); }
  // What will be remembered of such a block.
  std::size_t bytes(const engine::ParameterBlock& block) const { return arrays() * block.bytes(); }

  // A step begins, updates and ends. It does not end, and does not count, where nothing was updated or all was
  // restored.
  void begin_step();
  // With accumulation: adds the member's share of the gradients to those of the steps before. In a step that updates,
  // their mean then stands in the gradients' place.
  bool accumulates() const { return rule_->accumulated_steps > 1; }
  void accumulate(std::span<const engine::GradientSlot> gradients, const engine::Run& run,
                  const engine::Member& member) const noexcept;
  // Whether the step at work updates weights.
  bool updates() const { return updates_; }
  // Updates the member's share from the gradients, in so many stages with all members waiting in between.
  Index update_stages() const;
  void update(std::span<const engine::GradientSlot> gradients, const engine::Run& run, const engine::Member& member,
              Index stage) const noexcept;
  // `safe`: the step was, and so were its gradients.
  void end_step(bool safe);
  // At the end of a training: the running means become the weights, where there are any.
  void finish_training();
  // The running means and the weights change places, until the next time. ConfigError for an optimizer without them.
  void swap_averages();
  // To the mean that ScheduleFreeAdamW has of the weights, or back to them. ConfigError for any other optimizer.
  void swap_to_mean(bool mean);

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

  // Makes the memory for the blocks of these parameters, where it is not there yet.
  void build(const std::vector<engine::Parameter>& learned);
  // What is remembered of a parameter, each array in its logical shape.
  std::vector<Remembered> remembered(const engine::Parameter& parameter) const;
  // The same values, of their shapes and any dtype, from elsewhere; resume comes behind it.
  void remember(const engine::Parameter& parameter, std::span<const Tensor> values);
  // Goes on behind so many steps.
  void resume(Index steps);

  // Scalars and what is remembered of these parameters: what Keras counts as optimizer parameters.
  Index variables(const std::vector<engine::Parameter>& parameters) const;
  // Whether a step has been prepared, so that Keras would count the variables.
  bool built() const { return !memory_.empty(); }

 private:
  struct Decaying {
    Range range;
    double rate;  // times the learning rate
  };
  struct PerParameter {
    engine::PackedMap map;
    std::unique_ptr<ParameterRule> rule;
  };
  // What is remembered of a block, and where it is updated.
  struct Memory {
    std::shared_ptr<engine::ParameterBlock> block;
    AlignedBytes arrays;  // the rule's slots; then running means, then sums of gradients, where there are any
    std::vector<Range> ranges;
    std::vector<Decaying> decaying = {};        // in ascending order
    std::vector<PerParameter> parameters = {};  // of rules that look at whole ones

    std::byte* array(std::size_t i) const { return arrays.data() + i * block->bytes(); }
    template <class T>
    T* array(std::size_t i) const {
      return reinterpret_cast<T*>(array(i));
    }
  };
  auto memory_of(const engine::ParameterBlock* block) const noexcept {
    return std::find_if(memory_.begin(), memory_.end(), [&](const Memory& m) { return m.block.get() == block; });
  }
  // The numbers of the arrays behind the slots, and of all.
  std::size_t average() const { return slots_.size(); }
  std::size_t accumulator() const { return slots_.size() + (rule_->averaging.on ? 1 : 0); }
  std::size_t arrays() const { return accumulator() + (accumulates() ? 1 : 0); }
  bool has_last_stage() const { return rule_->averaging.on || accumulates(); }
  // Whether the step at work looks for means that have faded.
  bool fades() const { return (steps_ + 1) % 64 == 0; }

  Memory new_memory(const engine::GradientSlot& slot, const std::vector<engine::Parameter>& parameters);
  void fill(const Memory& memory) const;
  std::vector<Decaying> decaying(const engine::ParameterBlock& block,
                                 const std::vector<engine::Parameter>& parameters) const;
  template <class T>
  Slots<T> slots_at(const Memory& memory, Index element) const noexcept;
  template <class T>
  void update_range(const Memory& memory, T* gradient, Range range) const noexcept;
  template <class T>
  void update_parameters(const Memory& memory, const T* gradient, const engine::Member& member,
                         Index stage) const noexcept;
  template <class T>
  void begin_range(const Memory& memory, Range range) const noexcept;
  template <class T>
  void end_range(const Memory& memory, T* gradient, Range range) const noexcept;
  template <class F>
  void for_shares(std::span<const engine::GradientSlot> gradients, const engine::Member& member, F&& f) const noexcept;
  template <class F>
  void for_written(F&& f) const;
  std::uint64_t versions() const noexcept;
  bool within(const Sizes& sizes, double gradient) const noexcept;
  void foresee() noexcept;

  std::unique_ptr<detail::OptimizerImpl> rule_;
  std::vector<Slot> slots_ = rule_->slots();
  bool only_rule_ =
      !rule_->decays() && !has_last_stage();  // small models are updated in less time than it takes to ask
  std::vector<Memory> memory_;                // few: searching beats a map
  Index steps_ = 0;
  bool updates_ = true;
  bool has_swapped_ = false;    // weights and running means
  bool at_mean_ = false;        // by swap_to_mean
  Index safe_steps_ = 0;        // that may follow
  double gradient_limit_ = 0;   // of such a step
  double rate_ = 0;             // up to which they were foreseen
  std::uint64_t versions_ = 0;  // of all blocks together, as the last step has left them
};

}  // namespace rondo::training
