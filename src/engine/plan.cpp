#include "engine/plan.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

namespace rondo::engine {

std::string Plan::workspace_text(Index capacity) {
  return "the workspace of a model for a batch of " + std::to_string(capacity) + " rows";
}

// ---- workspaces --------------------------------------------------------------------------------------------------

Plan::Plan(std::shared_ptr<Memory> memory) : memory_(std::move(memory)) {
  static constinit std::atomic<std::uint64_t> plans{0};
  number_ = plans.fetch_add(1, std::memory_order_relaxed) + 1;
}

Workspace::~Workspace() {
  if (state_ != nullptr) memory_->give_back(std::move(state_));
}

Workspace Plan::lease() const { return {*memory_, memory_->take(*this)}; }

void Plan::clear(std::byte* arena) const noexcept {
  for (const Padding& p : padding_) {
    std::byte* at = arena + p.offset;
    for (Index row = 0; row < p.rows; ++row, at += p.stride) std::memset(at, 0, p.bytes);
  }
  for (const auto& e : executors_) e->clear(arena);
}

void Plan::clear(const Memory::State& state) const noexcept {
  clear(state.arena.data());
  const auto element = static_cast<Index>(element_size(dtype_));
  for (const GradientSlot& slot : gradients_) {
    std::byte* gradient = state.bound.data() + slot.gradient.offset;
    Index done = 0;
    const auto clear_until = [&](Index end) {
      std::fill(gradient + done * element, gradient + end * element, std::byte{0});
    };
    for (const Range& range : slot.ranges) {
      clear_until(range.begin);
      done = range.end;
    }
    clear_until(slot.block->size());
  }
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

void Plan::derive_stale(Workspace& workspace) const noexcept {
  std::vector<std::uint64_t>& versions = workspace.state_->versions;
  for (const Tiled& e : deriving_) {
    const std::uint64_t now = e.executor->derived_from()->version();
    if (std::all_of(e.copies.begin(), e.copies.end(), [&](std::size_t i) { return versions[i] == now; })) continue;
    e.executor->derive(workspace.run(0), {0, e.tiles});
    for (const std::size_t i : e.copies) versions[i] = now;
  }
}

void Plan::set_derived(Workspace& workspace) const noexcept {
  for (const Tiled& e : deriving_) {
    for (const std::size_t i : e.copies) workspace.state_->versions[i] = e.executor->derived_from()->version();
  }
}

}  // namespace rondo::engine
