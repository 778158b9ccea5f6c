#include "engine/repeat.hpp"

#include <algorithm>
#include <utility>

#include "core/element_size.hpp"

namespace rondo::engine {

RepeatExecutor::RepeatExecutor(PlanBuilder& builder, std::shared_ptr<const Plan> body, Index steps, Walks walks)
    : body_(std::move(body)), steps_(steps), walks_(walks) {
  const auto bytes = static_cast<Index>(body_->arena_bytes());
  const auto element = static_cast<Index>(element_size(builder.dtype()));
  arenas_ = builder.elements(Size(bytes / element) * (builder.training() ? steps : 1));
  arena_step_ = builder.training() ? bytes : 0;
}

Run RepeatExecutor::at_step(const Run& run, Index step) const noexcept {
  Run inner = run;
  inner.arena += arenas_.offset + step * arena_step_;
  inner.repetition = run.repetition * steps_ + step;
  inner.sequence = walks_ == Walks::one_sequence ? run.repetition : inner.repetition;
  return inner;
}

void RepeatExecutor::bind(const Run& run) const noexcept {
  const Index arenas = arena_step_ > 0 ? steps_ : 1;
  for (Index step = 0; step < arenas; ++step) body_->bind(at_step(run, step));
}

// One where each has a stage of its own, and two in the stages in which one ends and the next begins.
Range RepeatExecutor::walked_in(Index stage, Index more) const noexcept {
  if (more == 0) return {0, steps_};
  return {std::max(Index{0}, (stage - 1) / more), std::min(steps_, stage / more + 1)};
}

void RepeatExecutor::forward(const Run& run, const Member& member, Index stage) const noexcept {
  const Index more = body_->forward_stages() - 1;
  const Range walked = walked_in(stage, more);
  for (Index step = walked.begin; step < walked.end; ++step) {
    const Index inner_stage = stage - step * more;
    const Run inner = at_step(run, step);
    const Visit visit{run, inner, step, member.share(run.rows)};
    if (inner_stage == 0) before_forward(visit);
    body_->forward(inner, member, inner_stage);
    if (inner_stage == more) after_forward(visit);
  }
}

void RepeatExecutor::backward(const Run& run, const Member& member, Index stage) const noexcept {
  if (!goes_back()) return;
  const Index more = body_->backward_stages() - 1;
  const Range walked = walked_in(stage, more);
  for (Index number = walked.begin; number < walked.end; ++number) {
    const Index inner_stage = stage - number * more, step = steps_ - 1 - number;
    const Run inner = at_step(run, step);
    const Visit visit{run, inner, step, member.share(run.rows)};
    if (inner_stage == 0) before_backward(visit);
    body_->backward(inner, member, inner_stage);
    if (inner_stage == more) after_backward(visit);
  }
}

void RepeatExecutor::share_gradients(const Run& run, Range rows, const Member& member, Index /*tiles*/) const noexcept {
  for (Index step = steps_ - 1; step >= 0; --step) body_->gradients(at_step(run, step), rows, member);
}

void RepeatExecutor::commit(const Run& run) const noexcept {
  for (Index step = 0; step < steps_; ++step) body_->commit(at_step(run, step));
}

}  // namespace rondo::engine
