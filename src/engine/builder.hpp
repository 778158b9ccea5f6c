// PlanBuilder: how layers write plans. They ask for values (tensors between layers, with a gradient beside them where
// training needs one) and scratch buffers, and add executors; the builder lays everything out: a batch's numbers in an
// arena, gradients and copies derived from weights beside it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <rondo/shape.hpp>

#include "core/dispatch.hpp"
#include "core/sizes.hpp"
#include "engine/plan.hpp"

namespace rondo::engine {

class PlanBuilder {
 public:
  // For a plan whose workspaces come from `memory`, which belongs to plans of the same dtype, use and layers; or from
  // a memory of its own.
  PlanBuilder(DType dtype, Index capacity, Use use, std::shared_ptr<Memory> memory = std::make_shared<Memory>());

  // In how many shards a training plan sums gradients (run.hpp); 1 if nothing is said. More than rows are as many: a
  // row each.
  void set_shards(Index shards) { plan_->shards_ = std::min(shards, std::max<Index>(1, capacity())); }
  Index shards() const { return plan_->shards_; }

  DType dtype() const { return plan_->dtype_; }
  Index capacity() const { return plan_->capacity_; }
  bool training() const { return plan_->training(); }
  // Whether layers behave as in training (dropout, statistics of the batch): in a training plan, but for calls that say
  // otherwise.
  bool as_in_training() const { return training() && as_in_training_; }
  // Whether layers add up what their activities cost: where there is a loss. Not if nothing is said.
  void set_penalizes() { penalizes_ = true; }
  bool penalizes() const { return outer_ != nullptr ? outer_->penalizes() : penalizes_; }
  // Says that stateful layers begin in zeros and leave the state that they carry from batch to batch as it is.
  void set_leaves_states() { leaves_states_ = true; }
  bool carries_states() const { return outer_ != nullptr ? outer_->carries_states() : !leaves_states_; }
  // A number (double) for each batch row, to which layers add in forward, of which bodies have no others. Zero when a
  // walk begins.
  OuterPlace row_penalties();
  bool streaming() const { return plan_->use_ == Use::streaming || rounds_weights(); }
  bool rounds_weights() const { return plan_->use_ == Use::streaming_bfloat16; }
  const ValueInfo& info(Value v) const { return plan_->info(v); }
  bool wants_gradient(Value v) const { return static_cast<bool>(info(v).gradient); }

  // A tensor of batch rows of this sample shape (rank 1 or more), laid out (steps, batch, features). Its rows are
  // padded for whole vectors, unless `compact`. The gradient stands beside it if asked for.
  Value value(const Shape& sample, bool gradient, bool compact = false);
  // A tensor whose elements stand inside somebody's buffer, with a gradient of its own if asked for.
  Value value_at(const Shape& sample, Place data, bool gradient);
  // The same tensor for so many consumers. Each has a gradient of its own to write; backward sums them, in this order.
  // Without consumers its gradient is zero.
  std::vector<Value> fan_out(Value v, std::size_t consumers);
  // The same tensor as one of another shape of as many steps and features, for one consumer instead of the tensor's
  // own. Without a mask.
  Value reshaped(Value v, const Shape& sample);
  // The same tensor with its steps in the opposite order, for one consumer instead of the tensor's own. Without a mask.
  Value reversed(Value v);
  // A model's inputs: filled by the caller before a walk. Sequences stand compact, so that a long series of one feature
  // does not take sixteen times its size; single steps are padded like any value.
  Value input(const Shape& sample, bool gradient = false);
  void output(Value v) { plan_->outputs_.push_back(v); }

  // A call of a layer begins; it ends with end_call. In inference later calls use its buffers again, but for those that
  // are held. A call inside one that is not as in training is not either.
  void begin_call(bool as_in_training = true);
  void end_call();
  // Holds the buffer of a value, until it is released as often.
  void hold(Value v);
  void release(Value v);
  // Releases it where the call ends that has begun last; outside calls never.
  void release_after_call(Value v);

  // Scratch of the plan's dtype: `slots` x capacity rows of `features`, padded with zeros. Steps are the slots.
  // MemoryError where the arena outgrows what can be addressed.
  Place rows(Index slots, Index features, bool compact = false);
  // Rows that no call shares, zero when a workspace first serves the plan.
  Place zeroed_rows(Index slots, Index features);
  Place elements(Size count);
  // Room for a mask of so many time steps, a byte each.
  Place mask_rows(Index steps);
  // Rows of so many bytes.
  Place byte_rows(Index bytes);
  // Says which steps of a value count. Layers that keep the time axis hand the mask on.
  void set_mask(Value v, const Place& mask) { plan_->values_[static_cast<std::size_t>(v.id)].mask = mask; }
  // The gradient array of a block: one per plan and block, nowhere if the block is frozen or the plan not training. The
  // layer writes `ranges` of it, all of it if not told. Where it is asked for again, all that ask add to it
  // (Executor::add_gradients), in the order of the walk.
  GradientPlace gradient(const std::shared_ptr<ParameterBlock>& block, std::vector<Range> ranges = {});
  // The same for one that may not write all of it in each walk: it adds to what the plan clears.
  GradientPlace cleared_gradient(const std::shared_ptr<ParameterBlock>& block);
  // Room for copies derived from a block; `which` of them, a number from 0 of the layer's own.
  BoundPlace derived(const std::shared_ptr<ParameterBlock>& block, Index which, Size count);

  // How often this plan has called a layer before: its calls draw different random numbers.
  Index call_number(const void* layer) { return outer_ != nullptr ? outer_->call_number(layer) : calls_[layer]++; }

  // Names rows of state that a streaming plan carries, for the stream to read and write.
  void carry(const Place& place, Index features) { plan_->carried_.push_back({place, features}); }

  // Adds a layer's executor. The gradients and copies that were asked for since the last one are its own. Returns it as
  // it stands in the plan, which keeps it.
  template <class E>
  const E& add(E executor) {
    auto owned = std::make_unique<E>(std::move(executor));
    const E& added = *owned;
    add_executor(std::move(owned));
    return added;
  }
  // The same for an executor of the plan's dtype: add<AddExecutor>(terms, info).
  template <template <class> class E, class... Arguments>
  void add(Arguments&&... arguments) {
    core::with_type(dtype(), [&]<class T>() { add(E<T>(std::forward<Arguments>(arguments)...)); });
  }

  // For a part that is walked several times (repeat.hpp), in a plan that is not a stream's: gradients and derived
  // copies of its weights are this builder's, which must outlive it. The next executor added here is the one that walks
  // it.
  PlanBuilder body();

  std::unique_ptr<const Plan> finish();

 private:
  // What an executor computes: which slots of gradients, and which derived copies of bound memory.
  struct Asked {
    std::vector<std::size_t> gradients, copies;
  };
  struct Added {
    std::unique_ptr<Executor> executor;
    Asked asked;
  };
  // A buffer of rows that calls may use one after the other.
  struct Buffer {
    Place place;
    Index slots, features;
    std::ptrdiff_t end;  // in bytes, as its offset
    Index holds;
  };

  Size room_for(Size count) const;
  void clear_at_first(const Place& rows, Index slots, Range features);
  std::ptrdiff_t allocate(Size count);
  Memory::Bound bound(const std::shared_ptr<ParameterBlock>& block, Index kind, Size count);
  Buffer* buffer_of(const Place& place);
  Buffer* free_buffer(Index slots, Index features, Index stride);
  Value add_value(ValueInfo info);
  void add_executor(std::unique_ptr<Executor> executor);

  PlanBuilder* outer_ = nullptr;  // of a body
  std::unique_ptr<Plan> plan_;
  std::vector<Added> added_;
  std::map<const void*, Index> calls_;
  Asked asked_;  // since the last executor
  std::vector<Buffer> buffers_;
  struct OpenCall {
    bool outer_as_in_training;
    std::vector<std::size_t> buffers = {};  // that it holds, by number
  };
  std::vector<OpenCall> open_calls_;
  bool as_in_training_ = true, penalizes_ = false, leaves_states_ = false;
};

}  // namespace rondo::engine
