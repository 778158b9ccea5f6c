// A body: a part of a plan that is walked once for each time step, with an arena for each step.
//
//   PlanBuilder body = builder.body();
//   const Value in = body.input(step, gradient), out = layer.plan(body, {in}).front();
//   ... an executor around body.finish() to the plan around it
//
// Weights stand outside, so that their gradients are summed over the steps, from the last to the first, as backward
// walks; what they derive is derived once.
#pragma once

#include <memory>

#include "engine/builder.hpp"
#include "engine/plan.hpp"

namespace rondo::engine {

// Whether what draws once a sequence (a cell) draws for all walks of a body together, or for each by itself.
enum class Walks { one_sequence, apart };

// Walks a body from step to step, and backwards from the last to the first. What goes in and out is the business of
// those who derive from it.
class RepeatExecutor : public Executor {
 public:
  // Takes an arena for each step from the builder, or one for all where nothing has to be kept for backward.
  RepeatExecutor(PlanBuilder& builder, std::shared_ptr<const Plan> body, Index steps, Walks walks);

  const Plan* body() const final { return body_.get(); }
  void begin(const Run& run) const override { body_->begin(at_step(run, 0)); }
  void bind(const Run& run) const noexcept final;

  // The stages of a body's walk follow each other as those of executors do: a body of one stage takes one in all.
  Index forward_stages() const final { return 1 + steps_ * (body_->forward_stages() - 1); }
  void forward(const Run& run, const Member& member, Index stage) const noexcept final;
  Index backward_stages() const final { return 1 + steps_ * (body_->backward_stages() - 1); }
  void backward(const Run& run, const Member& member, Index stage) const noexcept final;

  // The tiles are those of the body's executors, which are shared one by one.
  Index gradient_tiles() const final { return body_->has_gradients() ? 1 : 0; }
  void share_gradients(const Run& run, Range rows, const Member& member, Index tiles) const noexcept final;
  void add_gradients() final {}  // the body's executors add as it is
  void commit(const Run& run) const noexcept final;

  double flops_per_row() const final { return static_cast<double>(steps_) * body_->flops_per_row(); }

 protected:
  // A step's walk: the run outside and inside, the step's number in the order of the walk, and the member's rows. Of
  // steps before and after (in inference they have one arena) the inside is at_step.
  struct Visit {
    const Run& run;
    const Run& inner;
    Index step;
    Range rows;
  };
  virtual void before_forward(const Visit& visit) const noexcept = 0;
  virtual void after_forward(const Visit& visit) const noexcept = 0;
  virtual void before_backward(const Visit& visit) const noexcept = 0;
  virtual void after_backward(const Visit& visit) const noexcept = 0;
  // Whether backward has anything to do.
  virtual bool goes_back() const noexcept = 0;

  Index steps() const { return steps_; }
  Run at_step(const Run& run, Index step) const noexcept;

 private:
  // Which steps, by their number in the walk, are at work in a stage, where each takes `more` stages behind its first.
  Range walked_in(Index stage, Index more) const noexcept;

  std::shared_ptr<const Plan> body_;
  Index steps_;
  Walks walks_;
  Index arena_step_ = 0;  // bytes from one step's arena to the next one's
  Place arenas_;
};

}  // namespace rondo::engine
