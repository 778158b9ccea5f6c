#include "training/program.hpp"

#include <numeric>
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

double Program::loss_of_walk(const engine::Run& run) const noexcept {
  double sum = 0;
  for (const Head* head : heads) sum += head->loss_weight() * head->loss(run);
  return sum + activity_penalty(run);
}

double Program::activity_penalty(const engine::Run& run) const noexcept {
  const double* of_rows = plan->row_penalties().pointer<const double>(run);
  if (of_rows == nullptr) return 0;
  return std::accumulate(of_rows, of_rows + run.rows, 0.0) / static_cast<double>(run.rows);
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

}  // namespace rondo::training
