#include "training/program.hpp"

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

double Program::train(engine::Workspace& workspace, Index rows, OptimizerState& optimizer) const {
  const engine::Run run = workspace.run(rows);
  plan->begin(run);
  plan->derive_if_stale(workspace);
  optimizer.next_step();
  double loss = 0;
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
  auto update = [&](const Member& m) {
    if (!std::isnan(loss)) optimizer.update(*plan, run, m);
  };
  auto derive = [&](const Member& m) {
    if (!std::isnan(loss)) plan->derive(run, m);
  };
  engine::run_team(engine::Work{plan.get(), plan->flops(rows)},
                   {{passes, plan->backward_stages()}, gradients, update, derive});
  if (std::isnan(loss)) return loss;
  for (const engine::GradientSlot& slot : plan->gradient_slots()) slot.block->touch();
  plan->derived(workspace);
  return loss;
}

}  // namespace rondo::training
