#include "training/program.hpp"

#include <atomic>
#include <cmath>
#include <utility>

#include "core/element_size.hpp"
#include "engine/staging.hpp"
#include "engine/thread_pool.hpp"

namespace rondo::training {

using engine::Member;

bool Program::stage_samples(const engine::Run& run, const Samples& samples, Range rows) const noexcept {
  if (samples.staged) return true;
  const auto copy = [&](const Tensor& from, const engine::ValueInfo& to) {
    return engine::stage_rows(from, samples.order, samples.first, rows, to, to.data, plan->dtype(), run.arena);
  };
  bool finite = true;
  for (std::size_t i = 0; i < samples.X.size(); ++i) finite = copy(*samples.X[i], input(i)) && finite;
  for (std::size_t i = 0; i < samples.y.size(); ++i) finite = copy(*samples.y[i], heads[i]->truth()) && finite;
  for (std::size_t i = 0; i < samples.sample_weights.size(); ++i) {
    engine::ValueInfo to = *heads[i]->sample_weights();
    const Tensor& weights = *samples.sample_weights[i];
    const bool one_for_all_steps = weights.size() == weights.shape()[0] && to.steps > 1;
    const Index steps = std::exchange(to.steps, one_for_all_steps ? 1 : to.steps);
    for (Index t = 0; t < steps; t += to.steps) {
      finite = copy(weights, to) && finite;
      to.data.offset += to.data.step_stride * static_cast<std::ptrdiff_t>(element_size(plan->dtype()));
    }
  }
  return finite;
}

double Program::loss(const engine::Run& run) const noexcept {
  double sum = 0;
  for (const Head* head : heads) sum += head->loss_weight() * head->loss(run);
  return sum;
}

void Program::predict(engine::Workspace& workspace, const Samples& samples, std::span<std::byte* const> out) const {
  const engine::Run run = workspace.run(samples.rows);
  plan->begin(run);
  plan->derive_if_stale(workspace);
  auto walk = [&](const Member& m, Index stage) {
    const Range mine = m.share(run.rows);
    if (stage == 0) stage_samples(run, samples, mine);
    plan->forward(run, m, stage);
    if (stage + 1 < plan->forward_stages()) return;
    for (std::size_t i = 0; i < out.size(); ++i) {
      engine::unstage_rows(output(i), output(i).data, plan->dtype(), run.arena, samples.first, mine, out[i]);
    }
  };
  engine::run_team(engine::Work{plan.get(), plan->flops(run.rows)}, {{walk, plan->forward_stages()}});
  run.failure->rethrow();
}

void Program::evaluate(engine::Workspace& workspace, const Samples& samples) const {
  const engine::Run run = workspace.run(samples.rows);
  plan->begin(run);
  plan->derive_if_stale(workspace);
  auto walk = [&](const Member& m, Index stage) {
    if (stage == 0) stage_samples(run, samples, m.share(run.rows));
    plan->forward(run, m, stage);
  };
  engine::run_team(engine::Work{plan.get(), plan->flops(run.rows)}, {{walk, plan->forward_stages()}});
  run.failure->rethrow();
}

Step Program::train(engine::Workspace& workspace, const Samples& samples, OptimizerState& optimizer) const {
  engine::Run run = workspace.run(samples.rows);
  run.training_step = static_cast<std::uint64_t>(optimizer.iterations());
  plan->begin(run);
  plan->derive_if_stale(workspace);
  optimizer.begin_step();
  double loss = 0;
  std::atomic<bool> safe{optimizer.safe()}, finite_data{true};
  // Forward's last stage, which ends with the heads, and backward's first one are walked without waiting.
  const Index turn = plan->forward_stages() - 1;
  auto passes = [&](const Member& m, Index stage) {
    if (stage == 0) {
      plan->clear_gradients(run, m);
      if (!stage_samples(run, samples, m.share(run.rows))) finite_data.store(false, std::memory_order_relaxed);
    }
    if (stage <= turn) plan->forward(run, m, stage);
    if (stage >= turn) plan->backward(run, m, stage - turn);
  };
  auto gradients = [&](const Member& m) {
    if (m.rank() == 0) loss = this->loss(run);
    plan->gradients(run, m);
  };
  auto check = [&](const Member& m) {
    plan->reduce(run, m);
    if (run.failure->happened() || !finite_data.load(std::memory_order_relaxed) || !std::isfinite(loss) ||
        !optimizer.gradients_within_limit(gradient_ranges, run, m)) {
      safe.store(false, std::memory_order_relaxed);
    }
  };
  auto update = [&](const Member& m) {
    if (!safe.load(std::memory_order_relaxed)) return;
    optimizer.update(*plan, run, m);
    if (m.rank() == 0) plan->commit(run);
  };
  auto derive = [&](const Member& m) {
    if (safe.load(std::memory_order_relaxed)) plan->derive(run, m);
  };
  engine::run_team(engine::Work{plan.get(), plan->flops(run.rows)},
                   {{passes, turn + plan->backward_stages()}, gradients, check, update, derive});
  run.failure->rethrow();
  if (!safe.load(std::memory_order_relaxed)) return {loss, false, finite_data.load(std::memory_order_relaxed)};
  optimizer.end_step(/*safe=*/true);
  plan->derived(workspace);
  return {loss, true, true};
}

}  // namespace rondo::training
