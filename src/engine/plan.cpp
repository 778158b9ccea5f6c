#include "engine/plan.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "core/dispatch.hpp"
#include "kernels/table.hpp"

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

void Plan::bind(const Run& run) const noexcept {
  for (const Padding& p : padding_) {
    std::byte* at = run.arena + p.offset;
    for (Index row = 0; row < p.rows; ++row, at += p.stride) std::memset(at, 0, p.bytes);
  }
  for (const auto& e : executors_) e->bind(run);
}

void Plan::bind(Memory::State& state) const noexcept {
  bind(state.run(0));
  const auto element = static_cast<Index>(element_size(dtype_));
  for (const GradientSlot& slot : gradients_) {
    std::byte* gradient = state.gradients.data() + slot.gradient.offset;  // of the sum of all shards
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
  const auto element = static_cast<Index>(element_size(dtype_));
  for_each_shard(run, [&](const Run& shard, Range) {
    for (const GradientSlot& slot : gradients_) {
      if (!slot.shared) continue;
      const Range mine = member.share(slot.block->size());
      std::byte* gradient = slot.gradient.pointer<std::byte>(shard);
      std::fill(gradient + mine.begin * element, gradient + mine.end * element, std::byte{0});
    }
  });
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

void Plan::gradients(const Run& run, Range rows, const Member& member) const noexcept {
  for (const Tiled& e : with_gradients_) e.executor->share_gradients(run, rows, member, e.tiles);
}

// What another process computes of a batch would come in here, as shards beside these.
void Plan::add_shards(const Run& run, const Member& member) const noexcept {
  const Index shards = shards_with_rows(run);
  core::with_type(dtype_, [&]<class T>() {
    for (const GradientSlot& slot : gradients_) {
      const kernels::Ops<T>& ops = slot.block->table().ops<T>();
      for (const Range& range : slot.ranges) {
        const Range mine = member.share(range.size());
        T* first = slot.gradient.pointer<T>(run) + range.begin + mine.begin;
        const auto rows = [&](Index shard) {
          return kernels::Rows<T>{first + shard * run.gradient_bytes / static_cast<Index>(sizeof(T)), 0, 0};
        };
        for (Index apart = 1; apart < shards; apart *= 2) {
          for (Index i = 0; i + apart < shards; i += 2 * apart) {
            ops.add({.first = rows(i), .second = rows(i + apart), .sum = rows(i), .steps = 1, .features = mine.size()},
                    {0, 1});
          }
        }
      }
    }
  });
}

std::size_t Plan::workspace_bytes() const {
  const Memory::Sizes sizes = memory_->sizes();
  return static_cast<std::size_t>(shards_) * sizes.gradient_bytes + sizes.bound_bytes + arena_bytes_;
}

bool Plan::may_fail() const noexcept {
  return std::any_of(executors_.begin(), executors_.end(),
                     [](const auto& e) { return e->may_fail() || (e->body() != nullptr && e->body()->may_fail()); });
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
