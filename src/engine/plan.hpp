// A plan: what runs in which order for one batch shape, and where every number stands.
//
// Layers write plans through a PlanBuilder (builder.hpp). A finished Plan is immutable; each caller at work leases a
// workspace (an arena of its own), so one plan serves many threads of the user at once. A plan is made for a capacity
// of batch rows and serves any smaller batch too.
//
// All threads walk a plan together: forward and backward over their share of the batch rows, then, behind a barrier,
// gradients over their share of the weight tiles (docs/architecture.md, "One training step").
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <rondo/shape.hpp>

#include "core/aligned.hpp"
#include "core/range.hpp"
#include "engine/executor.hpp"
#include "engine/parameter.hpp"
#include "engine/value.hpp"

namespace rondo::engine {

// What a plan is for. Streaming plans take one time step a walk and carry recurrent state in their arena; recurrent
// layers read their weights as they are or from copies rounded to bfloat16.
enum class Use { inference, training, streaming, streaming_bfloat16 };

// A tensor (rows, features) that a streaming plan carries from walk to walk.
struct CarriedState {
  Place place;
  Index features = 0;
};

// Where the gradient of a block stands, laid out like it. The plan computes `ranges` of it; the rest is zero by
// construction and stays so, as the workspace was made.
struct GradientSlot {
  std::shared_ptr<ParameterBlock> block;
  BoundPlace gradient;
  std::vector<Range> ranges;
  bool shared = false;  // several executors add to it, so it is cleared first
};

// A caller's memory at work: an arena and, in front of it, the bound memory. Returns to its plan on destruction.
class Workspace {
 public:
  Workspace(Workspace&&) noexcept = default;
  Workspace& operator=(Workspace&&) noexcept = default;
  ~Workspace();

  std::byte* arena() const { return run(0).arena; }
  Run run(Index rows) const;

 private:
  friend class Plan;
  struct State {
    AlignedBytes memory;
    std::vector<std::uint64_t> derived_versions;  // as Plan::deriving_
    Failure failure;
  };
  Workspace(const Plan& plan, std::unique_ptr<State> state) : plan_(&plan), state_(std::move(state)) {}

  const Plan* plan_;
  std::unique_ptr<State> state_;
};

class Plan {
 public:
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  DType dtype() const { return dtype_; }
  Index capacity() const { return capacity_; }
  bool training() const { return use_ == Use::training; }
  // Bytes of one arena, and of one workspace.
  std::size_t arena_bytes() const { return arena_bytes_; }
  std::size_t workspace_bytes() const { return bound_bytes_ + arena_bytes_; }
  const std::vector<Value>& inputs() const { return inputs_; }
  const std::vector<Value>& outputs() const { return outputs_; }
  const ValueInfo& info(Value v) const { return values_[static_cast<std::size_t>(v.id)]; }
  const std::vector<GradientSlot>& gradient_slots() const { return gradients_; }
  const std::vector<CarriedState>& carried_states() const { return carried_; }
  double flops_per_row() const { return flops_per_row_; }
  // A step's floating-point operations for so many rows; training counts three times forward.
  double flops(Index rows) const { return flops_per_row_ * static_cast<double>(rows) * (training() ? 3 : 1); }

  // A workspace nobody else uses: a returned one if there is, else a new one. Safe from any thread. MemoryError where
  // there is not enough for a new one.
  Workspace lease() const;

  // The parts of a walk. All but begin() and commit() run on every member of a team, each with its share.
  void begin(const Run& run) const;
  // Clears the member's share of the gradients to which several layers add; in a stage before any gradients.
  void clear_gradients(const Run& run, const Member& member) const noexcept;
  // In as many stages as the layers need; where one layer ends, the next begins in the same stage.
  Index forward_stages() const noexcept { return forward_stages_; }
  void forward(const Run& run, const Member& member, Index stage) const noexcept {
    if (forward_stages_ > 1) return forward_stage(run, member, stage);
    for (const auto& e : executors_) e->forward(run, member, 0);  // in line, since a stream's step is as short
  }
  Index backward_stages() const noexcept { return backward_stages_; }
  void backward(const Run& run, const Member& member, Index stage) const noexcept;
  void gradients(const Run& run, const Member& member) const noexcept;
  bool has_gradients() const noexcept { return !with_gradients_.empty(); }
  // By one member alone.
  void commit(const Run& run) const noexcept;
  void derive(const Run& run, const Member& member) const noexcept;

  bool derives() const noexcept { return !deriving_.empty(); }
  // Refreshes derived copies whose parameters have changed since this workspace saw them.
  void derive_if_stale(Workspace& workspace) const noexcept;
  // Says that derive() has run for the parameters as they are now.
  void derived(Workspace& workspace) const noexcept;

 private:
  friend class PlanBuilder;
  friend class Workspace;
  Plan() = default;
  static std::string workspace_text(Index capacity);  // for messages
  void forward_stage(const Run& run, const Member& member, Index stage) const noexcept;
  void give_back(std::unique_ptr<Workspace::State> state) const;

  DType dtype_ = DType::float32;
  Index capacity_ = 0;
  Use use_ = Use::inference;
  std::size_t bound_bytes_ = 0, arena_bytes_ = 0;
  double flops_per_row_ = 0;
  Index forward_stages_ = 1, backward_stages_ = 1;
  bool shares_gradients_ = false;
  // An executor that has work in tiles, and how many.
  struct Tiled {
    const Executor* executor;
    Index tiles;
  };
  std::vector<std::unique_ptr<const Executor>> executors_;
  std::vector<Tiled> with_gradients_, deriving_;
  std::vector<ValueInfo> values_;
  std::vector<Value> inputs_, outputs_;
  std::vector<GradientSlot> gradients_;
  std::vector<CarriedState> carried_;

  // Protected by a ForkSafeLock of the plan.
  mutable std::vector<std::unique_ptr<Workspace::State>> idle_;
  mutable std::size_t workspaces_ = 0;  // that were ever made
};

inline Run Workspace::run(Index rows) const {
  std::byte* bound = state_->memory.data();
  return {.arena = bound + plan_->bound_bytes_, .bound = bound, .rows = rows, .failure = &state_->failure};
}

}  // namespace rondo::engine
