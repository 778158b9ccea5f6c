#include "engine/memory.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/fork_safe.hpp"
#include "engine/plan.hpp"

namespace rondo::engine {

// Whether arenas are filled with NaN before their plan clears what it counts on: what reads a number of the walk before
// then shows.
#ifdef RONDO_POISON
constexpr bool kPoison = true;
#else
constexpr bool kPoison = false;
#endif

Memory::Bound Memory::bound(const std::shared_ptr<ParameterBlock>& block, Index kind, Size size,
                            const std::string& what) {
  const Size rounded = size.rounded_up(AlignedBytes::kAlignment);
  if (!rounded.known()) throw_out_of_memory(rounded, what);
  const auto bytes = static_cast<std::size_t>(rounded.count("bytes"));
  Entry fresh{block, kind, bytes, {}};
  const ForkSafeLock lock(this);
  for (const Entry& e : entries_) {
    if (e.block == block && e.kind == kind && e.bytes == bytes) return e.at;
  }
  std::size_t& taken = kind == kGradient ? sizes_.gradient_bytes : sizes_.bound_bytes;
  fresh.at = {static_cast<std::ptrdiff_t>(taken), entries_.size()};
  entries_.push_back(std::move(fresh));
  taken += bytes;
  sizes_.entries = entries_.size();
  return entries_.back().at;
}

Memory::Sizes Memory::sizes() const {
  const ForkSafeLock lock(this);
  return sizes_;
}

std::unique_ptr<Memory::State> Memory::idle_for(const Plan& plan) {
  const ForkSafeLock lock(this);
  // The better one: this plan's own, else the smallest that has room, else the largest.
  const auto better = [&](const auto& a, const auto& b) {
    const auto rank = [&](const State& s) {
      return s.plan == plan.number() ? 2 : s.arena.size() >= plan.arena_bytes() ? 1 : 0;
    };
    if (rank(*a) != rank(*b)) return rank(*a) > rank(*b);
    return rank(*a) == 0 ? a->arena.size() > b->arena.size() : a->arena.size() < b->arena.size();
  };
  const auto best = std::min_element(idle_.begin(), idle_.end(), better);
  if (best == idle_.end()) {
    idle_.reserve(++states_);  // giving back must not fail
    return nullptr;
  }
  std::unique_ptr<State> state = std::move(*best);
  idle_.erase(best);
  return state;
}

std::unique_ptr<Memory::State> Memory::take(const Plan& plan) {
  std::unique_ptr<State> state = idle_for(plan);
  if (state == nullptr) state = std::make_unique<State>();
  prepare(*state, plan);
  return state;
}

void Memory::prepare(State& state, const Plan& plan) const {
  if (state.plan == plan.number() && !kPoison) return;
  const auto memory = [&](std::size_t bytes) { return AlignedBytes(bytes, Plan::workspace_text(plan.capacity())); };
  const Sizes all = sizes();
  if (state.bound.size() < all.bound_bytes) {
    state.bound = {};
    state.bound = memory(all.bound_bytes);
    state.versions.clear();
  }
  state.versions.resize(all.entries, 0);
  state.shards = plan.shards();
  state.gradient_bytes = static_cast<std::ptrdiff_t>(all.gradient_bytes);
  if (const std::size_t bytes = all.gradient_bytes * static_cast<std::size_t>(state.shards);
      state.gradients.size() < bytes) {
    state.gradients = {};
    state.gradients = memory(bytes);
  }
  if (const std::size_t had = state.arena.size(); had < plan.arena_bytes()) {
    state.arena = {};
    // A little more each time, so that it seldom grows while lengths do.
    state.arena = memory(std::max(plan.arena_bytes(), had + had / 16));
  }
  if (kPoison && state.arena.size() > 0) std::memset(state.arena.data(), 0xFF, state.arena.size());
  plan.bind(state);
  state.plan = plan.number();
}

void Memory::give_back(std::unique_ptr<State> state) {
  const ForkSafeLock lock(this);
  idle_.push_back(std::move(state));
}

}  // namespace rondo::engine
