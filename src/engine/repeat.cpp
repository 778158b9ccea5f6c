#include "engine/repeat.hpp"

#include <algorithm>
#include <cstdint>

namespace rondo::engine {

template <class T>
RepeatExecutor<T>::RepeatExecutor(PlanBuilder& builder, std::shared_ptr<const Plan> body, Repetition repetition)
    : body_(std::move(body)), r_(std::move(repetition)) {
  const auto bytes = static_cast<Index>(body_->arena_bytes());
  const Index arenas = builder.training() ? r_.steps : 1;
  arenas_ = builder.elements(Size(bytes / static_cast<Index>(sizeof(T))) * arenas);
  arena_step_ = builder.training() ? bytes : 0;
}

template <class T>
Run RepeatExecutor<T>::at_step(const Run& run, Index step) const {
  Run inner = run;
  inner.arena += arenas_.offset + step * arena_step_;
  inner.repetition = run.repetition * r_.steps + step;
  return inner;
}

template <class T>
void RepeatExecutor<T>::copy_in(const ValueInfo& outer, const Place& from, const Place& to, const Run& run,
                                const Run& inner, Index step, Range rows) const noexcept {
  const auto source = from.rows<const T>(run.arena);
  const auto target = to.rows<T>(inner.arena);
  const Index steps = outer.steps / r_.steps;
  for (Index t = 0; t < steps; ++t) {
    for (Index b = rows.begin; b < rows.end; ++b) {
      std::copy_n(source.at(b, step * steps + t), outer.features, target.at(b, t));
    }
  }
}

template <class T>
void RepeatExecutor<T>::copy_mask(const Run& run, const Run& inner, Index step, Range rows) const noexcept {
  const Place mask = body_->info(r_.in).mask;
  if (!mask) return;
  const auto source = r_.x.mask.rows<const std::uint8_t>(run.arena);
  const auto target = mask.rows<std::uint8_t>(inner.arena);
  for (Index b = rows.begin; b < rows.end; ++b) *target.at(b, 0) = *source.at(b, step);
}

template <class T>
void RepeatExecutor<T>::copy_out(const ValueInfo& outer, const Place& from, const Place& to, const Run& run,
                                 const Run& inner, Index step, Range rows) const noexcept {
  const auto source = from.rows<const T>(inner.arena);
  const auto target = to.rows<T>(run.arena);
  const Index steps = outer.steps / r_.steps;
  for (Index t = 0; t < steps; ++t) {
    for (Index b = rows.begin; b < rows.end; ++b) {
      std::copy_n(source.at(b, t), outer.features, target.at(b, step * steps + t));
    }
  }
}

template <class T>
void RepeatExecutor<T>::forward(const Run& run, const Member& member, Index stage) const noexcept {
  const Index more = body_->forward_stages() - 1;
  const Range rows = member.share(run.rows);
  for (Index step = 0; step < r_.steps; ++step) {
    const Index inner_stage = stage - step * more;
    if (inner_stage < 0 || inner_stage > more) continue;
    const Run inner = at_step(run, step);
    if (inner_stage == 0) {
      copy_in(r_.x, r_.x.data, body_->info(r_.in).data, run, inner, step, rows);
      copy_mask(run, inner, step, rows);
    }
    body_->forward(inner, member, inner_stage);
    if (inner_stage == more) copy_out(r_.y, body_->info(r_.out).data, r_.y.data, run, inner, step, rows);
  }
}

template <class T>
void RepeatExecutor<T>::backward(const Run& run, const Member& member, Index stage) const noexcept {
  const Place dy = body_->info(r_.out).gradient, dx = body_->info(r_.in).gradient;
  if (!dy) return;
  const Index more = body_->backward_stages() - 1;
  const Range rows = member.share(run.rows);
  for (Index walked = 0; walked < r_.steps; ++walked) {
    const Index inner_stage = stage - walked * more, step = r_.steps - 1 - walked;
    if (inner_stage < 0 || inner_stage > more) continue;
    const Run inner = at_step(run, step);
    if (inner_stage == 0) copy_in(r_.y, r_.y.gradient, dy, run, inner, step, rows);
    body_->backward(inner, member, inner_stage);
    if (inner_stage == more && dx) copy_out(r_.x, dx, r_.x.gradient, run, inner, step, rows);
  }
}

template <class T>
void RepeatExecutor<T>::share_gradients(const Run& run, const Member& member, Index /*tiles*/) const noexcept {
  for (Index step = r_.steps - 1; step >= 0; --step) body_->gradients(at_step(run, step), member);
}

template <class T>
void RepeatExecutor<T>::commit(const Run& run) const noexcept {
  for (Index step = 0; step < r_.steps; ++step) body_->commit(at_step(run, step));
}

template <class T>
double RepeatExecutor<T>::flops_per_row() const {
  return static_cast<double>(r_.steps) * body_->flops_per_row();
}

template class RepeatExecutor<float>;
template class RepeatExecutor<double>;

}  // namespace rondo::engine
