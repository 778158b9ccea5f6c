#include "engine/builder.hpp"

#include <algorithm>
#include <set>
#include <string>

#include <rondo/error.hpp>

#include "core/element_size.hpp"
#include "kernels/table.hpp"

namespace rondo::engine {

namespace {

Index steps_of(const Shape& sample) { return sample.without_last().elements(); }

}  // namespace

PlanBuilder::PlanBuilder(DType dtype, Index capacity, Use use, std::shared_ptr<Memory> memory)
    : plan_(new Plan(std::move(memory))) {
  plan_->dtype_ = dtype;
  plan_->capacity_ = capacity;
  plan_->use_ = use;
}

// A vector's width behind the last element may be loaded by kernels that work on whole vectors.
Size PlanBuilder::room_for(Size count) const {
  return (count + kernels::kRowPadding).bytes(dtype()).rounded_up(AlignedBytes::kAlignment);
}

std::ptrdiff_t PlanBuilder::allocate(Size count) {
  const auto offset = static_cast<Index>(plan_->arena_bytes_);
  const Size all = room_for(count) + offset;
  if (!all.known()) throw_out_of_memory(all, Plan::workspace_text(capacity()));
  plan_->arena_bytes_ = static_cast<std::size_t>(all.count("bytes"));
  return offset;
}

Memory::Bound PlanBuilder::bound(const std::shared_ptr<ParameterBlock>& block, Index kind, Size count) {
  return plan_->memory_->bound(block, kind, room_for(count), Plan::workspace_text(capacity()));
}

Place PlanBuilder::rows(Index slots, Index features, bool compact) {
  const Size size = compact ? Size(features) : Size(features).rounded_up(kernels::kRowPadding);
  const Index stride = size.count("the features of a row");
  Buffer* buffer = free_buffer(slots, features, stride);
  if (buffer == nullptr) {
    const std::ptrdiff_t offset = allocate(Size(slots) * capacity() * stride);
    const auto end = static_cast<std::ptrdiff_t>(plan_->arena_bytes_);
    buffers_.push_back({{offset, stride, capacity() * stride}, slots, features, end, 0});
    buffer = &buffers_.back();
    clear_at_first(buffer->place, slots, {features, stride});
  }
  ++buffer->holds;  // outside calls for good
  if (!open_calls_.empty()) open_calls_.back().buffers.push_back(static_cast<std::size_t>(buffer - buffers_.data()));
  return buffer->place;
}

// Some features of rows in so many slots, in a fresh workspace.
void PlanBuilder::clear_at_first(const Place& rows, Index slots, Range features) {
  if (features.empty()) return;
  const auto element = static_cast<std::ptrdiff_t>(element_size(dtype()));
  const std::ptrdiff_t lowest = rows.step_stride < 0 ? (slots - 1) * rows.step_stride : 0;  // steps in reverse
  plan_->padding_.push_back({rows.offset + (lowest + features.begin) * element,
                             static_cast<std::size_t>(features.size() * element),
                             static_cast<std::size_t>(rows.batch_stride * element), slots * capacity()});
}

Place PlanBuilder::zeroed_rows(Index slots, Index features) {
  const Place place{allocate(Size(slots) * capacity() * features), features, capacity() * features};
  clear_at_first(place, slots, {0, features});
  return place;
}

Place PlanBuilder::mask_rows(Index steps) { return {byte_rows(steps).offset, 1, capacity()}; }

Place PlanBuilder::byte_rows(Index bytes) {
  const auto element = static_cast<Index>(element_size(dtype()));
  return {allocate(Size((Size(bytes) * capacity()).count("the mask of a batch") / element + 1)), bytes, 0};
}

Place PlanBuilder::elements(Size count) { return {allocate(count), 0, 0}; }

BoundPlace PlanBuilder::derived(const std::shared_ptr<ParameterBlock>& block, Index which, Size count) {
  const Memory::Bound copy = bound(block, which, count);
  asked_.copies.push_back(copy.number);
  return {copy.offset};
}

// ---- buffers that calls use one after the other --------------------------------------------------------------------

// Rows of a call that has ended are free for others of the same size. Members of a team walk their batch rows at their
// own pace, one perhaps two layers ahead of another, so a row must stand where it stood; and where an executor looks at
// the rows of others, nothing behind it may be written early.
PlanBuilder::Buffer* PlanBuilder::free_buffer(Index slots, Index features, Index stride) {
  if (plan_->use_ != Use::inference || open_calls_.empty() || plan_->forward_stages_ > 1) return nullptr;
  Buffer* best = nullptr;
  for (Buffer& b : buffers_) {
    if (b.holds > 0 || b.slots < slots || b.features != features || b.place.batch_stride != stride) continue;
    if (best == nullptr || b.slots < best->slots) best = &b;
  }
  return best;
}

PlanBuilder::Buffer* PlanBuilder::buffer_of(const Place& place) {
  const auto found = std::find_if(buffers_.begin(), buffers_.end(), [&](const Buffer& b) {
    return b.place.offset <= place.offset && place.offset < b.end;
  });
  return found == buffers_.end() ? nullptr : &*found;
}

void PlanBuilder::begin_call(bool as_in_training) {
  open_calls_.push_back({.outer_as_in_training = as_in_training_});
  as_in_training_ = as_in_training_ && as_in_training;
}

void PlanBuilder::end_call() {
  for (const std::size_t number : open_calls_.back().buffers) --buffers_[number].holds;
  as_in_training_ = open_calls_.back().outer_as_in_training;
  open_calls_.pop_back();
}

void PlanBuilder::hold(Value v) {
  if (Buffer* buffer = buffer_of(info(v).data)) ++buffer->holds;
}

void PlanBuilder::release(Value v) {
  if (Buffer* buffer = buffer_of(info(v).data)) --buffer->holds;
}

void PlanBuilder::release_after_call(Value v) {
  if (open_calls_.empty()) return;
  if (const Buffer* buffer = buffer_of(info(v).data)) {
    open_calls_.back().buffers.push_back(static_cast<std::size_t>(buffer - buffers_.data()));
  }
}

// ---- values --------------------------------------------------------------------------------------------------------

PlanBuilder PlanBuilder::body() {
  PlanBuilder inner(dtype(), capacity(), training() ? Use::training : Use::inference, plan_->memory_);
  inner.outer_ = this;
  inner.as_in_training_ = as_in_training_;
  inner.set_shards(shards());
  return inner;
}

Value PlanBuilder::add_value(ValueInfo info) {
  plan_->values_.push_back(std::move(info));
  return {static_cast<int>(plan_->values_.size()) - 1};
}

Value PlanBuilder::value_at(const Shape& sample, Place data, bool gradient) {
  ValueInfo info;
  info.sample = sample;
  info.features = sample.back();
  info.steps = steps_of(sample);
  info.data = data;
  if (gradient && training()) info.gradient = rows(info.steps, info.features);
  return add_value(std::move(info));
}

Value PlanBuilder::value(const Shape& sample, bool gradient, bool compact) {
  return value_at(sample, rows(steps_of(sample), sample.back(), compact), gradient);
}

Value PlanBuilder::reshaped(Value v, const Shape& sample) {
  ValueInfo info = plan_->info(v);
  info.sample = sample;
  info.mask = {};
  return add_value(std::move(info));
}

Value PlanBuilder::reversed(Value v) {
  ValueInfo info = plan_->info(v);
  for (Place* place : {&info.data, &info.gradient}) {
    if (!*place) continue;
    place->offset += (info.steps - 1) * place->step_stride * static_cast<std::ptrdiff_t>(element_size(dtype()));
    place->step_stride = -place->step_stride;
  }
  info.mask = {};
  return add_value(std::move(info));
}

Value PlanBuilder::input(const Shape& sample, bool gradient) {
  if (sample.empty() || !sample.fully_known()) {
    throw ShapeError("a plan's input needs a known sample shape of rank 1 or more, not " + to_string(sample));
  }
  const Value v = value(sample, gradient, /*compact=*/sample.rank() > 1);
  plan_->inputs_.push_back(v);
  return v;
}

GradientPlace PlanBuilder::gradient(const std::shared_ptr<ParameterBlock>& block, std::vector<Range> ranges) {
  if (!training() || !block->trainable()) return {};
  if (outer_ != nullptr) {
    asked_.gradients.push_back(0);  // some slot of the outermost plan's
    return outer_->cleared_gradient(block);
  }
  std::vector<GradientSlot>& slots = plan_->gradients_;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].block != block) continue;
    slots[i].shared = plan_->shares_gradients_ = true;
    slots[i].ranges = {{0, block->size()}};
    asked_.gradients.push_back(i);
    return slots[i].gradient;
  }
  if (ranges.empty()) ranges = {{0, block->size()}};
  asked_.gradients.push_back(slots.size());
  slots.push_back({block, {bound(block, Memory::kGradient, block->size()).offset}, std::move(ranges)});
  return slots.back().gradient;
}

GradientPlace PlanBuilder::cleared_gradient(const std::shared_ptr<ParameterBlock>& block) {
  const GradientPlace place = gradient(block);
  if (!place || outer_ != nullptr) return place;
  const auto slot = std::find_if(plan_->gradients_.begin(), plan_->gradients_.end(),
                                 [&](const GradientSlot& s) { return s.block == block; });
  slot->shared = plan_->shares_gradients_ = true;
  return place;
}

void PlanBuilder::add_executor(std::unique_ptr<Executor> executor) {
  plan_->flops_per_row_ += executor->flops_per_row();
  plan_->forward_stages_ += executor->forward_stages() - 1;
  plan_->backward_stages_ += executor->backward_stages() - 1;
  added_.push_back({std::move(executor), std::move(asked_)});
  asked_ = {};
}

namespace {

// The gradient of a tensor that several have read.
template <class T>
class SumGradients final : public Executor {
 public:
  SumGradients(const ValueInfo& sum, std::vector<Place> terms)
      : sum_(sum), terms_(std::move(terms)), ops_(&kernels::chosen().ops<T>()) {}

  void forward(const Run&, const Member&, Index) const noexcept override {}
  void backward(const Run& run, const Member& member, Index) const noexcept override {
    const auto sum = sum_.gradient.rows<T>(run.arena);
    kernels::Rows<const T> so_far = terms_.front().rows<const T>(run.arena);
    for (std::size_t i = 1; i < terms_.size(); ++i, so_far = sum) {
      ops_->add({.first = so_far,
                 .second = terms_[i].rows<const T>(run.arena),
                 .sum = sum,
                 .steps = sum_.steps,
                 .features = sum_.features},
                member.share(run.rows));
    }
  }
  double flops_per_row() const override {
    return static_cast<double>(sum_.steps * sum_.features) * static_cast<double>(terms_.size()) / 2;
  }

 private:
  ValueInfo sum_;
  std::vector<Place> terms_;
  const kernels::Ops<T>* ops_;
};

}  // namespace

namespace {

// Before all layers that add to them.
class ClearRowPenalties final : public Executor {
 public:
  explicit ClearRowPenalties(const OuterPlace& at) : at_(at) {}
  void forward(const Run& run, const Member& member, Index) const noexcept override {
    double* penalties = at_.pointer<double>(run);
    const Range rows = member.share(run.rows);
    std::fill(penalties + rows.begin, penalties + rows.end, 0.0);
  }
  void backward(const Run&, const Member&, Index) const noexcept override {}
  double flops_per_row() const override { return 0; }

 private:
  OuterPlace at_;
};

}  // namespace

OuterPlace PlanBuilder::row_penalties() {
  if (outer_ != nullptr) return outer_->row_penalties();
  if (!plan_->row_penalties_) {
    const auto doubles = static_cast<Index>(sizeof(double) / element_size(dtype()));
    plan_->row_penalties_ = {elements(Size(capacity()) * doubles).offset};
    Asked asked = std::exchange(asked_, {});  // the next executor's
    add(ClearRowPenalties(plan_->row_penalties_));
    asked_ = std::move(asked);
  }
  return plan_->row_penalties_;
}

std::vector<Value> PlanBuilder::fan_out(Value v, std::size_t consumers) {
  std::vector<Value> values(consumers, v);
  if (!wants_gradient(v)) return values;
  if (consumers == 0) clear_at_first(info(v).gradient, info(v).steps, {0, info(v).features});
  if (consumers < 2) return values;
  const ValueInfo info = plan_->info(v);
  std::vector<Place> gradients;
  for (Value& each : values) {
    each = value_at(info.sample, info.data, /*gradient=*/true);
    set_mask(each, info.mask);
    gradients.push_back(this->info(each).gradient);
  }
  add<SumGradients>(info, std::move(gradients));
  return values;
}

std::unique_ptr<const Plan> PlanBuilder::finish() {
  std::set<std::size_t> derived;
  const auto add_deriving = [&](const Plan::Tiled& e) {
    // Calls of one layer read the same copies, which one of them derives.
    std::size_t fresh = 0;
    for (const std::size_t copy : e.copies) fresh += derived.insert(copy).second ? 1 : 0;
    if (fresh > 0) plan_->deriving_.push_back(e);
  };
  for (Added& added : added_) {
    const bool shared = std::any_of(added.asked.gradients.begin(), added.asked.gradients.end(), [&](std::size_t slot) {
      return outer_ != nullptr || plan_->gradients_[slot].shared;
    });
    if (shared) added.executor->add_gradients();
    const Executor* e = added.executor.get();
    if (const Plan* body = e->body()) {
      for (const Plan::Tiled& inner : body->deriving_) add_deriving(inner);
    }
    if (e->gradient_tiles() > 0) plan_->with_gradients_.push_back({e, e->gradient_tiles()});
    if (e->derived_tiles() > 0) add_deriving({e, e->derived_tiles(), std::move(added.asked.copies)});
    plan_->executors_.push_back(std::move(added.executor));
  }
  // In the order of backward, in which those that cut their steps into chunks compute them: calls of one layer add to
  // one gradient in the same order either way.
  std::reverse(plan_->with_gradients_.begin(), plan_->with_gradients_.end());
  return std::move(plan_);
}

}  // namespace rondo::engine
