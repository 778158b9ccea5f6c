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

#include "core/range.hpp"
#include "engine/executor.hpp"
#include "engine/memory.hpp"
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

// Where the gradient of a block stands, laid out like it. The plan computes `ranges` of it; the rest is zero.
struct GradientSlot {
  std::shared_ptr<ParameterBlock> block;
  GradientPlace gradient;
  std::vector<Range> ranges;
  bool shared = false;  // several executors add to it, so it is cleared first
};

// A caller's memory at work. Goes back to where it came from on destruction, so the memory must outlive it, as a plan
// makes sure.
class Workspace {
 public:
  Workspace(Workspace&&) noexcept = default;
  Workspace& operator=(Workspace&&) noexcept = default;
  ~Workspace();

  std::byte* arena() const { return state_->arena.data(); }
  Run run(Index rows) const { return state_->run(rows); }

 private:
  friend class Plan;
  Workspace(Memory& memory, std::unique_ptr<Memory::State> state) : memory_(&memory), state_(std::move(state)) {}

  Memory* memory_;
  std::unique_ptr<Memory::State> state_;
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
  std::size_t workspace_bytes() const;
  Index shards() const { return shards_; }
  // No other plan has it.
  std::uint64_t number() const { return number_; }
  static std::string workspace_text(Index capacity);  // for messages
  const std::vector<Value>& inputs() const { return inputs_; }
  const std::vector<Value>& outputs() const { return outputs_; }
  const ValueInfo& info(Value v) const { return values_[static_cast<std::size_t>(v.id)]; }
  const std::vector<GradientSlot>& gradient_slots() const { return gradients_; }
  const std::vector<CarriedState>& carried_states() const { return carried_; }
  // Of a number for each batch row, what the layers' activities cost; nowhere: they cost nothing.
  const OuterPlace& row_penalties() const { return row_penalties_; }
  double flops_per_row() const { return flops_per_row_; }
  // A step's floating-point operations for so many rows; training counts three times forward.
  double flops(Index rows) const { return flops_per_row_ * static_cast<double>(rows) * (training() ? 3 : 1); }

  // A workspace nobody else uses (Memory::take). Safe from any thread. MemoryError where there is not enough.
  Workspace lease() const;
  // Makes memory that another plan has used this one's: zeros where it counts on them, in the padding of rows and in
  // gradients that it does not compute (all else is written before it is read), and Executor::bind.
  void bind(Memory::State& state) const noexcept;
  // The same for the arena of a body.
  void bind(const Run& run) const noexcept;

  // The parts of a walk. All but begin() and commit() run on every member of a team, each with its share.
  void begin(const Run& run) const;
  // Clears the member's share of the gradients to which several layers add, in all shards; in a stage before any
  // gradients.
  void clear_gradients(const Run& run, const Member& member) const noexcept;
  // In as many stages as the layers need; where one layer ends, the next begins in the same stage.
  Index forward_stages() const noexcept { return forward_stages_; }
  void forward(const Run& run, const Member& member, Index stage) const noexcept {
    if (forward_stages_ > 1) return forward_stage(run, member, stage);
    for (const auto& e : executors_) e->forward(run, member, 0);  // in line, since a stream's step is as short
  }
  Index backward_stages() const noexcept { return backward_stages_; }
  void backward(const Run& run, const Member& member, Index stage) const noexcept;
  // Of all shards; or of some rows, into the gradients of the run.
  void gradients(const Run& run, const Member& member) const noexcept {
    for_each_shard(run, [&](const Run& shard, Range rows) { gradients(shard, rows, member); });
  }
  void gradients(const Run& run, Range rows, const Member& member) const noexcept;
  // Adds up the gradients of all shards into those of the first, the member's share of each range, in the order of a
  // binary tree: 0 + 1, 2 + 3, ..., then 0 + 2, 4 + 6, ... Behind a barrier after gradients().
  void reduce(const Run& run, const Member& member) const noexcept {
    if (run.shards > 1) add_shards(run, member);
  }
  bool has_gradients() const noexcept { return !with_gradients_.empty(); }
  // By one member alone.
  void commit(const Run& run) const noexcept;
  void derive(const Run& run, const Member& member) const noexcept;

  bool may_fail() const noexcept;
  bool derives() const noexcept { return !deriving_.empty(); }
  // Refreshes derived copies whose parameters have changed since this workspace saw them.
  void derive_if_stale(Workspace& workspace) const noexcept {
    if (derives()) derive_stale(workspace);
  }
  // Says that derive() has run for the parameters as they are now.
  void derived(Workspace& workspace) const noexcept {
    if (derives()) set_derived(workspace);
  }

 private:
  friend class PlanBuilder;
  explicit Plan(std::shared_ptr<Memory> memory);
  void add_shards(const Run& run, const Member& member) const noexcept;
  void derive_stale(Workspace& workspace) const noexcept;
  void set_derived(Workspace& workspace) const noexcept;
  void forward_stage(const Run& run, const Member& member, Index stage) const noexcept;

  DType dtype_ = DType::float32;
  Index capacity_ = 0;
  Index shards_ = 1;
  Use use_ = Use::inference;
  std::shared_ptr<Memory> memory_;
  std::uint64_t number_;
  std::size_t arena_bytes_ = 0;
  double flops_per_row_ = 0;
  Index forward_stages_ = 1, backward_stages_ = 1;
  bool shares_gradients_ = false;
  // An executor that has work in tiles, and how many; and of bound memory the numbers of what it derives.
  struct Tiled {
    const Executor* executor;
    Index tiles;
    std::vector<std::size_t> copies = {};
  };
  // Bytes at the end of each of so many rows, so far apart.
  struct Padding {
    std::ptrdiff_t offset;
    std::size_t bytes, stride;
    Index rows;
  };
  std::vector<std::unique_ptr<const Executor>> executors_;
  std::vector<Tiled> with_gradients_, deriving_;
  std::vector<ValueInfo> values_;
  std::vector<Value> inputs_, outputs_;
  std::vector<GradientSlot> gradients_;
  std::vector<CarriedState> carried_;
  OuterPlace row_penalties_;
  std::vector<Padding> padding_;
};

}  // namespace rondo::engine
