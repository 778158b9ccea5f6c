// PlanBuilder: how layers write plans. They ask for values (tensors between layers, with a gradient beside them where
// training needs one) and scratch buffers, and add executors; the builder lays everything out in one arena.
#pragma once

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
  // The same tensor for so many consumers. Each has a gradient of its own to write; backward sums them, in this order.
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

  // Scratch of the plan's dtype: `slots` x capacity rows of `features`, padded. Steps are the slots. MemoryError where
  // the arena outgrows what can be addressed.
  Place rows(Index slots, Index features, bool compact = false);
  Place elements(Size count);
  // Room for a mask of so many time steps, a byte each.
  Place mask_rows(Index steps);
  // Says which steps of a value count. Layers that keep the time axis hand the mask on.
  void set_mask(Value v, const Place& mask) { plan_->values_[static_cast<std::size_t>(v.id)].mask = mask; }
  // The gradient array of a block: one per plan and block, nowhere if the block is frozen or the plan not training. The
  // layer writes `ranges` of it, all of it if not told. Where it is asked for again, all that ask add to it
  // (Executor::add_gradients), in the order of the walk.
  BoundPlace gradient(const std::shared_ptr<ParameterBlock>& block, std::vector<Range> ranges = {});
  // Room for copies derived from weights.
  BoundPlace derived(Size count);

  // How often this plan has called a layer before: its calls draw different random numbers.
  Index call_number(const void* layer) { return outer_ != nullptr ? outer_->call_number(layer) : calls_[layer]++; }

  // Names rows of state that a streaming plan carries, for the stream to read and write.
  void carry(const Place& place, Index features) { plan_->carried_.push_back({place, features}); }

  // Adds a layer's executor. The gradients that were asked for since the last one are its own. Returns it as it stands
  // in the plan, which keeps it.
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
  struct Added {
    std::unique_ptr<Executor> executor;
    std::vector<std::size_t> gradients;  // which slots it computes
  };

  std::ptrdiff_t allocate(Size count, std::size_t& bytes_so_far);
  Value add_value(ValueInfo info);
  void add_executor(std::unique_ptr<Executor> executor);
  // To which several add, whoever else asks for it.
  BoundPlace shared_gradient(const std::shared_ptr<ParameterBlock>& block);

  PlanBuilder* outer_ = nullptr;  // of a body
  std::unique_ptr<Plan> plan_;
  std::vector<Added> added_;
  std::map<const void*, Index> calls_;
  std::vector<std::size_t> asked_;  // gradient slots, since the last executor
};

}  // namespace rondo::engine
