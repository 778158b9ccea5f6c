#include "engine/plan.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "core/fork_safe.hpp"

namespace rondo::engine {

std::string Plan::workspace_text(Index capacity) {
  return "the workspace of a model for a batch of " + std::to_string(capacity) + " rows";
}

// ---- workspaces --------------------------------------------------------------------------------------------------

Workspace::~Workspace() {
  if (state_ != nullptr) plan_->give_back(std::move(state_));
}

Workspace Plan::lease() const {
  {
    const ForkSafeLock lock(this);
    if (!idle_.empty()) {
      Workspace workspace(*this, std::move(idle_.back()));
      idle_.pop_back();
      return workspace;
    }
  }
  auto state = std::make_unique<Workspace::State>();
  state->memory = AlignedBytes(workspace_bytes(), workspace_text(capacity_));
  state->derived_versions.assign(deriving_.size(), 0);
  const ForkSafeLock lock(this);
  idle_.reserve(++workspaces_);  // giving back must not fail
  return Workspace(*this, std::move(state));
}

void Plan::give_back(std::unique_ptr<Workspace::State> state) const {
  const ForkSafeLock lock(this);
  idle_.push_back(std::move(state));
}

// ---- walks -------------------------------------------------------------------------------------------------------

void Plan::begin(const Run& run) const {
  for (const auto& e : executors_) e->begin(run);
}

void Plan::clear_gradients(const Run& run, const Member& member) const noexcept {
  if (!shares_gradients_) return;
  const std::size_t element = element_size(dtype_);
  for (const GradientSlot& slot : gradients_) {
    if (!slot.shared) continue;
    const Range mine = member.share(slot.block->size());
    std::byte* gradient = slot.gradient.pointer<std::byte>(run);
    std::fill(gradient + static_cast<std::size_t>(mine.begin) * element,
              gradient + static_cast<std::size_t>(mine.end) * element, std::byte{0});
  }
}

void Plan::forward_stage(const Run& run, const Member& member, Index stage) const noexcept {
  Index first = 0;  // in which the executor begins
  for (const auto& e : executors_) {
    const Index last = first + e->forward_stages() - 1;
    if (first <= stage && stage <= last) e->forward(run, member, stage - first);
    first = last;
  }
}

void Plan::backward(const Run& run, const Member& member, Index stage) const noexcept {
  Index first = 0;
  for (std::size_t i = executors_.size(); i-- > 0;) {
    const Executor& e = *executors_[i];
    const Index last = backward_stages_ == 1 ? 0 : first + e.backward_stages() - 1;
    if (first <= stage && stage <= last) e.backward(run, member, stage - first);
    first = last;
  }
}

void Plan::gradients(const Run& run, const Member& member) const noexcept {
  for (const Tiled& e : with_gradients_) e.executor->share_gradients(run, member, e.tiles);
}

void Plan::commit(const Run& run) const noexcept {
  for (const auto& e : executors_) e->commit(run);
}

void Plan::derive(const Run& run, const Member& member) const noexcept {
  for (const Tiled& e : deriving_) e.executor->derive(run, member.share(e.tiles));
}

void Plan::derive_if_stale(Workspace& workspace) const noexcept {
  for (std::size_t i = 0; i < deriving_.size(); ++i) {
    const Executor& e = *deriving_[i].executor;
    const std::uint64_t version = e.derived_from()->version();
    if (version == workspace.state_->derived_versions[i]) continue;
    e.derive(workspace.run(0), {0, deriving_[i].tiles});
    workspace.state_->derived_versions[i] = version;
  }
}

void Plan::derived(Workspace& workspace) const noexcept {
  for (std::size_t i = 0; i < deriving_.size(); ++i) {
    workspace.state_->derived_versions[i] = deriving_[i].executor->derived_from()->version();
  }
}

}  // namespace rondo::engine
