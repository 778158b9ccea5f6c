#include "engine/single_walk.hpp"

#include <utility>

#include "core/dispatch.hpp"
#include "core/standard_floats.hpp"
#include "engine/staging.hpp"

namespace rondo::engine {

SingleWalk::SingleWalk(std::unique_ptr<const Plan> plan, std::span<const Tensor* const> inputs, Index rows,
                       std::span<const Index> order, Index first)
    : plan_(std::move(plan)), workspace_(plan_->lease()), rows_(rows) {
  const StandardFloats floats;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ValueInfo& info = plan_->info(plan_->inputs()[i]);
    stage_rows(*inputs[i], order, first, {0, rows}, info, info.data, plan_->dtype(), workspace_.arena());
  }
  const Run run = workspace_.run(rows);
  plan_->begin(run);
  plan_->derive_if_stale(workspace_);
  for (Index stage = 0; stage < plan_->forward_stages(); ++stage) plan_->forward(run, Member(0, 1), stage);
  run.failure->rethrow();
}

Tensor SingleWalk::read(Value v) const {
  const ValueInfo& info = plan_->info(v);
  Tensor out(info.sample.prepend(rows_), plan_->dtype());
  unstage_rows(info, info.data, plan_->dtype(), workspace_.arena(), 0, {0, rows_}, core::bytes_of(out));
  return out;
}

}  // namespace rondo::engine
