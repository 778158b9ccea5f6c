#include "engine/plan.hpp"

#include <string>
#include <utility>

#include <rondo/error.hpp>

#include "core/fork_safe.hpp"

namespace rondo::engine {

namespace {

std::string workspace_text(Index capacity) {
  return "the workspace of a model for a batch of " + std::to_string(capacity) + " rows";
}

Index steps_of(const Shape& sample) { return sample.without_last().elements(); }

}  // namespace

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
  state->memory = AlignedBytes(arena_bytes_, workspace_text(capacity_));
  state->derived_versions.assign(executors_.size(), 0);
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

void Plan::forward(const Run& run, Range rows) const noexcept {
  for (const auto& e : executors_) e->forward(run, rows);
}

void Plan::backward(const Run& run, const Member& member, Index stage) const noexcept {
  Index first = 0;  // in which the executor begins
  for (std::size_t i = executors_.size(); i-- > 0;) {
    const Executor& e = *executors_[i];
    const Index last = backward_stages_ == 1 ? 0 : first + e.backward_stages() - 1;
    if (first <= stage && stage <= last) e.backward(run, member, stage - first);
    first = last;
  }
}

void Plan::gradients(const Run& run, const Member& member) const noexcept {
  for (const auto& e : executors_) e->gradients(run, member.share(e->gradient_tiles()));
}

void Plan::derive(const Run& run, const Member& member) const noexcept {
  for (const auto& e : executors_) e->derive(run, member.share(e->derived_tiles()));
}

void Plan::derive_if_stale(Workspace& workspace) const noexcept {
  for (std::size_t i = 0; i < executors_.size(); ++i) {
    const ParameterBlock* block = executors_[i]->derived_from();
    if (block == nullptr || block->version() == workspace.state_->derived_versions[i]) continue;
    executors_[i]->derive(workspace.run(0), {0, executors_[i]->derived_tiles()});
    workspace.state_->derived_versions[i] = block->version();
  }
}

void Plan::derived(Workspace& workspace) const noexcept {
  for (std::size_t i = 0; i < executors_.size(); ++i) {
    const ParameterBlock* block = executors_[i]->derived_from();
    if (block != nullptr) workspace.state_->derived_versions[i] = block->version();
  }
}

// ---- building ----------------------------------------------------------------------------------------------------

PlanBuilder::PlanBuilder(DType dtype, Index capacity, Use use) : plan_(new Plan) {
  plan_->dtype_ = dtype;
  plan_->capacity_ = capacity;
  plan_->use_ = use;
}

std::ptrdiff_t PlanBuilder::allocate(Size count) {
  const auto offset = static_cast<Index>(plan_->arena_bytes_);
  // A vector's width behind the last element may be loaded by kernels that work on whole vectors.
  const Size bytes = (count + kernels::kRowPadding).bytes(dtype()).rounded_up(AlignedBytes::kAlignment);
  const Size arena = bytes + offset;
  if (!arena.known()) throw_out_of_memory(arena, workspace_text(capacity()));
  plan_->arena_bytes_ = static_cast<std::size_t>(arena.count("bytes"));
  return offset;
}

Place PlanBuilder::rows(Index slots, Index features, bool compact) {
  const Size stride = compact ? Size(features) : Size(features).rounded_up(kernels::kRowPadding);
  const std::ptrdiff_t offset = allocate(Size(slots) * capacity() * stride);
  const Index elements = stride.count("the features of a row");
  return {offset, elements, capacity() * elements};
}

Place PlanBuilder::mask_rows(Index steps) {
  const auto element = static_cast<Index>(element_size(dtype()));
  return {allocate(Size((Size(steps) * capacity()).count("the mask of a batch") / element + 1)), 1, capacity()};
}

Place PlanBuilder::elements(Size count) { return {allocate(count), 0, 0}; }

Value PlanBuilder::value_at(const Shape& sample, Place data, bool gradient) {
  ValueInfo info;
  info.sample = sample;
  info.features = sample.back();
  info.steps = steps_of(sample);
  info.data = data;
  if (gradient && training()) info.gradient = rows(info.steps, info.features);
  plan_->values_.push_back(std::move(info));
  return {static_cast<int>(plan_->values_.size()) - 1};
}

Value PlanBuilder::value(const Shape& sample, bool gradient, bool compact) {
  return value_at(sample, rows(steps_of(sample), sample.back(), compact), gradient);
}

Value PlanBuilder::input(const Shape& sample, bool gradient) {
  if (sample.empty() || !sample.fully_known()) {
    throw ShapeError("a plan's input needs a known sample shape of rank 1 or more, not " + to_string(sample));
  }
  const Value v = value(sample, gradient, /*compact=*/sample.rank() > 1);
  plan_->inputs_.push_back(v);
  return v;
}

Place PlanBuilder::gradient(const std::shared_ptr<ParameterBlock>& block, std::vector<Range> ranges) {
  if (!training() || !block->trainable) return {};
  for (const GradientSlot& slot : plan_->gradients_) {
    if (slot.block == block) {
      throw ConfigError("a layer is used twice in one model; shared layers are not supported in a Sequential model");
    }
  }
  const Place place = elements(block->size());
  if (ranges.empty()) ranges = {{0, block->size()}};
  plan_->gradients_.push_back({block, place, std::move(ranges)});
  return place;
}

std::unique_ptr<const Plan> PlanBuilder::finish() { return std::move(plan_); }

}  // namespace rondo::engine
