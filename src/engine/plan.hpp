// A plan: what runs in which order for one batch shape, and where every number stands.
//
// Layers write plans through a PlanBuilder: they ask for values (tensors between layers, with a gradient beside them
// where training needs one) and scratch buffers, and add executors. The builder lays everything out in one arena. A
// finished Plan is immutable; each caller at work leases a workspace (an arena of its own), so one plan serves many
// threads of the user at once. A plan is made for a capacity of batch rows and serves any smaller batch too.
//
// All threads walk a plan together: forward and backward over their share of the batch rows, then, behind a barrier,
// gradients over their share of the weight tiles (docs/architecture.md, "One training step").
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <rondo/shape.hpp>

#include "core/aligned.hpp"
#include "core/range.hpp"
#include "core/sizes.hpp"
#include "engine/parameter.hpp"
#include "engine/thread_pool.hpp"
#include "kernels/rows.hpp"

namespace rondo::engine {

// A tensor of a plan, by number.
struct Value {
  int id = -1;
};

// Where a tensor or a scratch buffer stands in the arena: bytes from its start, and the strides of kernels::Rows in
// elements. A default one stands nowhere.
struct Place {
  std::ptrdiff_t offset = -1;
  Index batch_stride = 0;
  Index step_stride = 0;

  explicit operator bool() const { return offset >= 0; }

  template <class T>
  kernels::Rows<T> rows(std::byte* arena) const {
    if (offset < 0) return {};
    return {reinterpret_cast<T*>(arena + offset), batch_stride, step_stride};
  }
  template <class T>
  T* pointer(std::byte* arena) const {
    return offset < 0 ? nullptr : reinterpret_cast<T*>(arena + offset);
  }
};

struct ValueInfo {
  Shape sample;  // without the batch axis
  Index steps = 1;
  Index features = 1;
  Place data;
  Place gradient;  // nowhere if not wanted
  Place mask;      // (batch, steps) bytes, 0 for a time step that does not count; nowhere: all do
};

// What a plan is for. Streaming plans take one time step a walk and carry recurrent state in their arena; recurrent
// layers read their weights as they are or from copies rounded to bfloat16.
enum class Use { inference, training, streaming, streaming_bfloat16 };

// One walk of a plan: whose arena, and how many batch rows.
struct Run {
  std::byte* arena = nullptr;
  Index rows = 0;
  Index step = 0;  // streaming: how many walks have gone before; in the first one the state counts as zero
};

// A tensor (rows, features) that a streaming plan carries from walk to walk.
struct CarriedState {
  Place place;
  Index features = 0;
};

// One layer at work. Executors are immutable and shared by all callers of a plan; what they compute goes into the
// run's arena. None of the functions may allocate, lock or throw, except begin().
class Executor {
 public:
  virtual ~Executor() = default;

  // Called by the caller's thread before a walk: checks and prepares what lives outside the plan (recurrent state).
  // May throw.
  virtual void begin(const Run&) const {}
  virtual void forward(const Run& run, Range rows) const noexcept = 0;
  // Gradients of the inputs from gradients of the outputs, for the member's share of the rows. An executor may cut this
  // into stages, of which each begins when all members have ended the one before.
  virtual Index backward_stages() const { return 1; }
  virtual void backward(const Run& run, const Member& member, Index stage) const noexcept = 0;

  // Weight gradients that backward has not computed already, cut into tiles that threads share.
  virtual Index gradient_tiles() const { return 0; }
  virtual void gradients(const Run&, Range /*tiles*/) const noexcept {}

  // Copies derived from the parameters that backward reads (transposed weights), cut into tiles. They are refreshed
  // after each update, or when the parameters' version moved for another reason.
  virtual Index derived_tiles() const { return 0; }
  virtual void derive(const Run&, Range /*tiles*/) const noexcept {}
  // The block that the derived copies come from; null if there are none.
  virtual const ParameterBlock* derived_from() const { return nullptr; }

  // Floating-point operations of forward per batch row, for the choice of threads.
  virtual double flops_per_row() const = 0;
};

// Where the gradient of a block stands, laid out like it. The plan computes `ranges` of it; the rest is zero by
// construction and stays so, as the arena was made.
struct GradientSlot {
  std::shared_ptr<ParameterBlock> block;
  Place gradient;
  std::vector<Range> ranges;
};

class Plan;

// An arena at work. Returns to its plan on destruction.
class Workspace {
 public:
  Workspace(Workspace&&) noexcept = default;
  Workspace& operator=(Workspace&&) noexcept = default;
  ~Workspace();

  std::byte* arena() const { return state_->memory.data(); }
  Run run(Index rows) const { return {arena(), rows}; }

 private:
  friend class Plan;
  struct State {
    AlignedBytes memory;
    std::vector<std::uint64_t> derived_versions;  // per executor
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
  // Bytes of one workspace.
  std::size_t arena_bytes() const { return arena_bytes_; }
  const std::vector<Value>& inputs() const { return inputs_; }
  const std::vector<Value>& outputs() const { return outputs_; }
  const ValueInfo& info(Value v) const { return values_[static_cast<std::size_t>(v.id)]; }
  const std::vector<GradientSlot>& gradient_slots() const { return gradients_; }
  const std::vector<CarriedState>& carried_states() const { return carried_; }
  // A step's floating-point operations for so many rows; training counts three times forward.
  double flops(Index rows) const { return flops_per_row_ * static_cast<double>(rows) * (training() ? 3 : 1); }

  // A workspace nobody else uses: a returned one if there is, else a new one. Safe from any thread. MemoryError where
  // there is not enough for a new one.
  Workspace lease() const;

  // The parts of a walk. All but begin() run on every member of a team, each with its share.
  void begin(const Run& run) const;
  void forward(const Run& run, Range rows) const noexcept;
  // In as many stages as the layers need; where one layer ends, the next begins in the same stage.
  Index backward_stages() const noexcept { return backward_stages_; }
  void backward(const Run& run, const Member& member, Index stage) const noexcept;
  void gradients(const Run& run, const Member& member) const noexcept;
  void derive(const Run& run, const Member& member) const noexcept;

  // Refreshes derived copies whose parameters have changed since this workspace saw them.
  void derive_if_stale(Workspace& workspace) const noexcept;
  // Says that derive() has run for the parameters as they are now.
  void derived(Workspace& workspace) const noexcept;

 private:
  friend class PlanBuilder;
  friend class Workspace;
  Plan() = default;
  void give_back(std::unique_ptr<Workspace::State> state) const;

  DType dtype_ = DType::float32;
  Index capacity_ = 0;
  Use use_ = Use::inference;
  std::size_t arena_bytes_ = 0;
  double flops_per_row_ = 0;
  Index backward_stages_ = 1;
  std::vector<std::unique_ptr<const Executor>> executors_;
  std::vector<ValueInfo> values_;
  std::vector<Value> inputs_, outputs_;
  std::vector<GradientSlot> gradients_;
  std::vector<CarriedState> carried_;

  // Protected by a ForkSafeLock of the plan.
  mutable std::vector<std::unique_ptr<Workspace::State>> idle_;
  mutable std::size_t workspaces_ = 0;  // that were ever made
};

class PlanBuilder {
 public:
  PlanBuilder(DType dtype, Index capacity, Use use);

  DType dtype() const { return plan_->dtype_; }
  Index capacity() const { return plan_->capacity_; }
  bool training() const { return plan_->training(); }
  bool streaming() const { return plan_->use_ == Use::streaming || rounds_weights(); }
  bool rounds_weights() const { return plan_->use_ == Use::streaming_bfloat16; }
  const ValueInfo& info(Value v) const { return plan_->info(v); }
  bool wants_gradient(Value v) const { return static_cast<bool>(info(v).gradient); }

  // A tensor of batch rows of this sample shape (rank 1 or more), laid out (steps, batch, features). Its rows are
  // padded for whole vectors, unless `compact`. The gradient stands beside it if asked for.
  Value value(const Shape& sample, bool gradient, bool compact = false);
  // A tensor whose elements stand inside somebody's buffer, with a gradient of its own if asked for.
  Value value_at(const Shape& sample, Place data, bool gradient);
  // A model's inputs: filled by the caller before a walk. Sequences stand compact, so that a long series of one feature
  // does not take sixteen times its size; single steps are padded like any value.
  Value input(const Shape& sample, bool gradient = false);
  void output(Value v) { plan_->outputs_.push_back(v); }

  // Scratch of the plan's dtype: `slots` x capacity rows of `features`, padded. Steps are the slots. MemoryError where
  // the arena outgrows what can be addressed.
  Place rows(Index slots, Index features, bool compact = false);
  Place elements(Size count);
  // Room for a mask of so many time steps, a byte each.
  Place mask_rows(Index steps);
  // Says which steps of a value count. Layers that keep the time axis hand the mask on.
  void set_mask(Value v, const Place& mask) { plan_->values_[static_cast<std::size_t>(v.id)].mask = mask; }
  // The gradient array of a block: one per plan and block, nowhere if the block is frozen or the plan not training. The
  // layer writes `ranges` of it, all of it if not told.
  Place gradient(const std::shared_ptr<ParameterBlock>& block, std::vector<Range> ranges = {});

  // Names rows of state that a streaming plan carries, for the stream to read and write.
  void carry(const Place& place, Index features) { plan_->carried_.push_back({place, features}); }

  template <class E>
  void add(E executor) {
    plan_->flops_per_row_ += executor.flops_per_row();
    plan_->backward_stages_ += executor.backward_stages() - 1;
    plan_->executors_.push_back(std::make_unique<const E>(std::move(executor)));
  }

  std::unique_ptr<const Plan> finish();

 private:
  std::ptrdiff_t allocate(Size count);
  std::unique_ptr<Plan> plan_;
};

}  // namespace rondo::engine
