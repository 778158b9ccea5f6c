#include "training/training_step.hpp"

#include <cmath>

namespace rondo::training {

using engine::Member;

TrainingStep::TrainingStep(const Program& program, OptimizerState& optimizer,
                           const std::vector<engine::Parameter>& parameters)
    : program_(program),
      optimizer_(optimizer),
      clipping_(optimizer.rule().clipping, program.plan->dtype(), Clipping::gradients_of(*program.plan, parameters)) {
  const engine::Plan& plan = *program.plan;
  phases_.reserve(12);
  // Forward's last stage, which ends with the heads, and backward's first one are walked without waiting.
  add(&TrainingStep::passes, plan.forward_stages() - 1 + plan.backward_stages());
  add(&TrainingStep::gradients);
  if (program.penalties) {
    penalties_.resize(program.penalties.parts());
    add(&TrainingStep::penalties);
  }
  add(&TrainingStep::reduce);
  updating_.begin = pieces();
  if (optimizer.accumulates()) add(&TrainingStep::accumulate);
  if (clipping_.rule().needs_norms()) add(&TrainingStep::norms);
  if (clipping_.rule()) add(&TrainingStep::clip);
  add(&TrainingStep::update, optimizer.update_stages());
  if (program.constraints) add(&TrainingStep::constrain);
  updating_.end = pieces();
  if (plan.derives()) add(&TrainingStep::derive);
}

void TrainingStep::add(Function function, Index stages) {
  const Index first = phases_.empty() ? 0 : pieces();
  phases_.push_back({function, {first, first + stages}});
}

void TrainingStep::walk(Work& work, const Member& member, Index piece) const noexcept {
  const Phase* phase = phases_.data();
  while (piece >= phase->pieces.end) ++phase;
  (this->*phase->function)(work, member, piece - phase->pieces.begin);
}

TrainingStep::Result TrainingStep::take(engine::Workspace& workspace, const Samples& samples) const {
  const engine::Plan& plan = *program_.plan;
  Work work{.run = workspace.run(samples.rows), .samples = samples, .safe = false};
  work.run.training_step = static_cast<std::uint64_t>(optimizer_.steps());
  plan.begin(work.run);
  plan.derive_if_stale(workspace);
  optimizer_.begin_step();
  work.safe.store(optimizer_.safe(), std::memory_order_relaxed);
  auto phases = [&](const Member& member, Index piece) { walk(work, member, piece); };
  engine::run_team(engine::Work{&plan, plan.flops(work.run.rows)}, {{phases, pieces()}});
  work.run.failure->rethrow();
  if (work.is_safe()) {
    end(work.run, /*safe=*/true);
    plan.derived(workspace);
  }
  return {work.loss, work.is_safe(), work.finite_data.load(std::memory_order_relaxed)};
}

// ---- phases --------------------------------------------------------------------------------------------------------

void TrainingStep::passes(Work& work, const Member& member, Index stage) const noexcept {
  const engine::Plan& plan = *program_.plan;
  if (stage == 0) {
    plan.clear_gradients(work.run, member);
    if (!program_.stage_samples(work.run, work.samples, member.share(work.run.rows))) {
      work.finite_data.store(false, std::memory_order_relaxed);
    }
  }
  const Index turn = plan.forward_stages() - 1;
  if (stage <= turn) plan.forward(work.run, member, stage);
  if (stage >= turn) plan.backward(work.run, member, stage - turn);
}

void TrainingStep::gradients(Work& work, const Member& member, Index /*stage*/) const noexcept {
  if (member.rank() == 0) work.loss = program_.loss_of_walk(work.run);
  program_.plan->gradients(work.run, member);
}

void TrainingStep::penalties(Work& work, const Member& member, Index /*stage*/) const noexcept {
  program_.penalties.add_gradients(work.run, member, penalties_);
}

void TrainingStep::reduce(Work& work, const Member& member, Index /*stage*/) const noexcept {
  program_.plan->reduce(work.run, member);
  bool finite_loss = true;
  if (member.rank() == 0) {
    work.loss += program_.penalties.sum(penalties_);
    finite_loss = std::isfinite(work.loss);
  }
  if (work.run.failure->happened() || !work.finite_data.load(std::memory_order_relaxed) || !finite_loss ||
      !optimizer_.gradients_within_limit(program_.gradient_ranges, work.run, member)) {
    work.safe.store(false, std::memory_order_relaxed);
  }
}

void TrainingStep::accumulate(Work& work, const Member& member, Index /*stage*/) const noexcept {
  if (work.is_safe()) optimizer_.accumulate(program_.plan->gradient_slots(), work.run, member);
}

void TrainingStep::norms(Work& work, const Member& member, Index /*stage*/) const noexcept {
  if (work.is_safe() && optimizer_.updates()) clipping_.add_squares(work.run, member);
}

void TrainingStep::clip(Work& work, const Member& member, Index /*stage*/) const noexcept {
  if (work.is_safe() && optimizer_.updates()) clipping_.clip(work.run, member);
}

void TrainingStep::update(Work& work, const Member& member, Index stage) const noexcept {
  if (work.is_safe()) optimizer_.update(program_.plan->gradient_slots(), work.run, member, stage);
}

void TrainingStep::constrain(Work& work, const Member& member, Index /*stage*/) const noexcept {
  if (work.is_safe()) program_.constraints.hold(member);
}

void TrainingStep::derive(Work& work, const Member& member, Index /*stage*/) const noexcept {
  if (work.is_safe()) program_.plan->derive(work.run, member);
}

// ---- the end -------------------------------------------------------------------------------------------------------

void TrainingStep::update_alone(const engine::Run& run, const Samples& samples) const {
  Work work{.run = run, .samples = samples, .safe = true};
  auto phases = [&](const Member& member, Index piece) { walk(work, member, updating_.begin + piece); };
  engine::run_team(/*threads=*/1, {{phases, updating_.size()}});
}

void TrainingStep::end(const engine::Run& run, bool safe) const {
  program_.plan->commit(run);  // nothing is derived from statistics
  optimizer_.end_step(safe);
}

}  // namespace rondo::training
