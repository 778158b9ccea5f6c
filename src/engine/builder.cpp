#include "engine/builder.hpp"

#include <algorithm>
#include <string>

#include <rondo/error.hpp>

#include "kernels/table.hpp"

namespace rondo::engine {

namespace {

Index steps_of(const Shape& sample) { return sample.without_last().elements(); }

}  // namespace

PlanBuilder::PlanBuilder(DType dtype, Index capacity, Use use) : plan_(new Plan) {
  plan_->dtype_ = dtype;
  plan_->capacity_ = capacity;
  plan_->use_ = use;
}

// In the arena or in bound memory, of which so many bytes are given away.
std::ptrdiff_t PlanBuilder::allocate(Size count, std::size_t& bytes_so_far) {
  const auto offset = static_cast<Index>(bytes_so_far);
  // A vector's width behind the last element may be loaded by kernels that work on whole vectors.
  const Size bytes = (count + kernels::kRowPadding).bytes(dtype()).rounded_up(AlignedBytes::kAlignment);
  const Size all = bytes + offset;
  if (!all.known()) throw_out_of_memory(all, Plan::workspace_text(capacity()));
  bytes_so_far = static_cast<std::size_t>(all.count("bytes"));
  return offset;
}

Place PlanBuilder::rows(Index slots, Index features, bool compact) {
  const Size stride = compact ? Size(features) : Size(features).rounded_up(kernels::kRowPadding);
  const std::ptrdiff_t offset = allocate(Size(slots) * capacity() * stride, plan_->arena_bytes_);
  const Index elements = stride.count("the features of a row");
  return {offset, elements, capacity() * elements};
}

Place PlanBuilder::mask_rows(Index steps) {
  const auto element = static_cast<Index>(element_size(dtype()));
  return {allocate(Size((Size(steps) * capacity()).count("the mask of a batch") / element + 1), plan_->arena_bytes_), 1,
          capacity()};
}

Place PlanBuilder::elements(Size count) { return {allocate(count, plan_->arena_bytes_), 0, 0}; }

BoundPlace PlanBuilder::derived(Size count) {
  return outer_ != nullptr ? outer_->derived(count) : BoundPlace{allocate(count, plan_->bound_bytes_)};
}

PlanBuilder PlanBuilder::body() {
  PlanBuilder inner(dtype(), capacity(), training() ? Use::training : Use::inference);
  inner.outer_ = this;
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

BoundPlace PlanBuilder::gradient(const std::shared_ptr<ParameterBlock>& block, std::vector<Range> ranges) {
  if (!training() || !block->trainable()) return {};
  if (outer_ != nullptr) {
    asked_.push_back(0);  // some slot of the outermost plan's
    return outer_->shared_gradient(block);
  }
  std::vector<GradientSlot>& slots = plan_->gradients_;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].block != block) continue;
    slots[i].shared = plan_->shares_gradients_ = true;
    slots[i].ranges = {{0, block->size()}};
    asked_.push_back(i);
    return slots[i].gradient;
  }
  if (ranges.empty()) ranges = {{0, block->size()}};
  asked_.push_back(slots.size());
  slots.push_back({block, {allocate(block->size(), plan_->bound_bytes_)}, std::move(ranges)});
  return slots.back().gradient;
}

BoundPlace PlanBuilder::shared_gradient(const std::shared_ptr<ParameterBlock>& block) {
  const BoundPlace place = gradient(block);
  if (outer_ != nullptr) return place;
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
  asked_.clear();
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

std::vector<Value> PlanBuilder::fan_out(Value v, std::size_t consumers) {
  std::vector<Value> values(consumers, v);
  if (consumers < 2 || !wants_gradient(v)) return values;
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
  for (Added& added : added_) {
    const bool shared = std::any_of(added.gradients.begin(), added.gradients.end(), [&](std::size_t slot) {
      return outer_ != nullptr || plan_->gradients_[slot].shared;
    });
    if (shared) added.executor->add_gradients();
    const Executor* e = added.executor.get();
    if (const Plan* body = e->body()) {
      plan_->deriving_.insert(plan_->deriving_.end(), body->deriving_.begin(), body->deriving_.end());
    }
    if (e->gradient_tiles() > 0) plan_->with_gradients_.push_back({e, e->gradient_tiles()});
    if (e->derived_tiles() > 0) plan_->deriving_.push_back({e, e->derived_tiles()});
    plan_->executors_.push_back(std::move(added.executor));
  }
  // In the order of backward, in which those that cut their steps into chunks compute them: calls of one layer add to
  // one gradient in the same order either way.
  std::reverse(plan_->with_gradients_.begin(), plan_->with_gradients_.end());
  return std::move(plan_);
}

}  // namespace rondo::engine
