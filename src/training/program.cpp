#include "training/program.hpp"

#include <atomic>
#include <cmath>

#include "engine/thread_pool.hpp"

namespace rondo::training {

using engine::Member;

void Program::predict(engine::Workspace& workspace, Index rows) const {
  const engine::Run run = workspace.run(rows);
  plan->begin(run);
  plan->derive_if_stale(workspace);
  auto walk = [&](const Member& m) { plan->forward(run, m.share(rows)); };
  engine::run_team(engine::Work{plan.get(), plan->flops(rows)}, {walk});
}

void Program::evaluate(engine::Workspace& workspace, Index rows) const {
  const engine::Run run = workspace.run(rows);
  plan->begin(run);
  plan->derive_if_stale(workspace);
  auto walk = [&](const Member& m) {
    const Range mine = m.share(rows);
    plan->forward(run, mine);
    head->compute(run, mine);
  };
  engine::run_team(engine::Work{plan.get(), plan->flops(rows)}, {walk});
}

Step Program::train(engine::Workspace& workspace, Index rows, OptimizerState& optimizer) const {
  const engine::Run run = workspace.run(rows);
  plan->begin(run);
  plan->derive_if_stale(workspace);
  optimizer.begin_step();
  double loss = 0;
  std::atomic<bool> safe{optimizer.safe()};
  auto passes = [&](const Member& m, Index stage) {
    if (stage == 0) {
      const Range mine = m.share(rows);
      plan->forward(run, mine);
      head->compute(run, mine);
    }
    plan->backward(run, m, stage);
  };
  auto gradients = [&](const Member& m) {
    if (m.rank() == 0) loss = head->loss(run);
    plan->gradients(run, m);
  };
  auto check = [&](const Member& m) {
    if (!std::isfinite(loss) || !optimizer.gradients_within_limit(*plan, run, m)) {
      safe.store(false, std::memory_order_relaxed);
    }
  };
  auto update = [&](const Member& m) {
    if (safe.load(std::memory_order_relaxed)) optimizer.update(*plan, run, m);
  };
  auto derive = [&](const Member& m) {
    if (safe.load(std::memory_order_relaxed)) plan->derive(run, m);
  };
  engine::run_team(engine::Work{plan.get(), plan->flops(rows)},
                   {{passes, plan->backward_stages()}, gradients, check, update, derive});
  if (!safe.load(std::memory_order_relaxed)) return {loss, false};
  optimizer.end_step(/*safe=*/true);
  plan->derived(workspace);
  return {loss, true};
}

}  // namespace rondo::training
