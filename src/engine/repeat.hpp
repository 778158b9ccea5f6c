// A body: a part of a plan that is walked once for each time step, with an arena for each step.
//
//   PlanBuilder body = builder.body();
//   const Value in = body.input(step, gradient), out = layer.plan(body, {in}).front();
//   ... add<RepeatExecutor>(body.finish(), ...) to the plan around it
//
// Weights stand outside, so that their gradients are summed over the steps, from the last to the first, as backward
// walks; what they derive is derived once.
#pragma once

#include <memory>
#include <utility>

#include "engine/builder.hpp"
#include "engine/plan.hpp"

namespace rondo::engine {

// What stands around a body of one input and one output: tensors whose first axis is that of the steps.
struct Repetition {
  Index steps = 0;
  ValueInfo x, y;
  Value in, out;  // of the body; `in` may have a mask of one step if x has one
};

template <class T>
class RepeatExecutor final : public Executor {
 public:
  // Takes an arena for each step from the builder, or one for all where nothing has to be kept for backward.
  RepeatExecutor(PlanBuilder& builder, std::shared_ptr<const Plan> body, Repetition repetition);

  const Plan* body() const override { return body_.get(); }
  void begin(const Run& run) const override { body_->begin(at_step(run, 0)); }

  // The stages of a body's walk follow each other as those of executors do: a body of one stage takes one in all.
  Index forward_stages() const override { return 1 + r_.steps * (body_->forward_stages() - 1); }
  void forward(const Run& run, const Member& member, Index stage) const noexcept override;
  Index backward_stages() const override { return 1 + r_.steps * (body_->backward_stages() - 1); }
  void backward(const Run& run, const Member& member, Index stage) const noexcept override;

  // The tiles are those of the body's executors, which are shared one by one.
  Index gradient_tiles() const override { return body_->has_gradients() ? 1 : 0; }
  void share_gradients(const Run& run, const Member& member, Index tiles) const noexcept override;
  void add_gradients() override {}  // the body's executors add as it is
  void commit(const Run& run) const noexcept override;

  double flops_per_row() const override;

 private:
  Run at_step(const Run& run, Index step) const;
  // Rows of a step, between what stands outside and the body's value.
  void copy_in(const ValueInfo& outer, const Place& from, const Place& to, const Run& run, const Run& inner, Index step,
               Range rows) const noexcept;
  // Which rows count in a step, where the body's input has a mask.
  void copy_mask(const Run& run, const Run& inner, Index step, Range rows) const noexcept;
  void copy_out(const ValueInfo& outer, const Place& from, const Place& to, const Run& run, const Run& inner,
                Index step, Range rows) const noexcept;

  std::shared_ptr<const Plan> body_;
  Repetition r_;
  Index arena_step_ = 0;  // bytes from one step's arena to the next one's
  Place arenas_;
};

extern template class RepeatExecutor<float>;
extern template class RepeatExecutor<double>;

}  // namespace rondo::engine
