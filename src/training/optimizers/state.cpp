#include "training/optimizers/state.hpp"

#include "core/dispatch.hpp"
#include "core/options.hpp"

namespace rondo::training {

namespace {

// From weights and slots up to `start`, and with gradients up to `gradient`, every optimizer of ordinary options can
// take kForeseen steps before anything passes `last`, a quarter of the largest number. Slots hold squares of gradients.
struct Limits {
  double gradient;
  Sizes start;
  double last;
};
constexpr Limits kFloat = {0x1p32, {0x1p100, 0x1p64}, 0x1p126};
constexpr Limits kDouble = {0x1p256, {0x1p900, 0x1p512}, 0x1p1022};
constexpr Index kForeseen = 1024;

const Limits& limits_of(DType dtype) { return dtype == DType::float32 ? kFloat : kDouble; }

}  // namespace

void OptimizerState::prepare(const engine::Plan& plan) {
  for (const engine::GradientSlot& slot : plan.gradient_slots()) {
    const engine::ParameterBlock& block = *slot.block;
    const std::vector<Range> whole{{0, block.size()}};
    const auto known = memory_of(&block);
    if (known != memory_.end()) {
      Memory& memory = memory_[static_cast<std::size_t>(known - memory_.begin())];
      if (memory.ranges != slot.ranges) memory.ranges = whole;
      continue;
    }
    const Index count = rule_->slots();
    safe_steps_ = 0;  // the new block has not been looked at
    memory_.push_back(
        {slot.block, count,
         AlignedBytes(static_cast<std::size_t>(count) * block.bytes(), "the optimizer's memory of weights"),
         rule_->rests_without_gradient() ? slot.ranges : whole});
  }
}

void OptimizerState::set_learning_rate(double rate) {
  rule_->learning_rate = checked_option("set_learning_rate", "learning_rate", rate, Allowed::zero_or_more);
}

std::uint64_t OptimizerState::versions() const noexcept {
  std::uint64_t sum = 0;
  for (const Memory& m : memory_) sum += m.block->version();
  return sum;
}

bool OptimizerState::within(const Sizes& sizes) const noexcept {
  return std::all_of(memory_.begin(), memory_.end(), [&](const Memory& m) {
    return core::with_type(m.block->dtype(), [&]<class T>() {
      const auto& within = m.block->table().ops<T>().within;
      const Range all_weights{0, m.block->size()}, all_slots{0, m.count * m.block->size()};
      return within(m.block->values<T>(), {&all_weights, 1}, static_cast<T>(sizes.weights)) &&
             within(reinterpret_cast<const T*>(m.slots.data()), {&all_slots, 1}, static_cast<T>(sizes.slots));
    });
  });
}

Index OptimizerState::foreseen_steps() const noexcept {
  if (memory_.empty()) return kForeseen;
  const Limits& limits = limits_of(memory_.front().block->dtype());
  const Sizes after = rule_->after_steps(kForeseen, limits.start, limits.gradient);
  const bool enough_room = after.weights <= limits.last && after.slots <= limits.last;  // not for NaN
  return enough_room && within(limits.start) ? kForeseen : 0;
}

void OptimizerState::begin_step() {
  rule_->begin_step();
  const std::uint64_t now = versions();
  if (safe_steps_ > 0 && now == versions_ && rule_->learning_rate == rate_) return;
  versions_ = now;
  rate_ = rule_->learning_rate;
  safe_steps_ = foreseen_steps();
}

void OptimizerState::end_step(bool safe) {
  rule_->end_step();
  ++iterations_;
  safe_steps_ = safe ? safe_steps_ - 1 : 0;
  for (const Memory& m : memory_) m.block->touch();
  versions_ += memory_.size();
}

bool OptimizerState::gradients_within_limit(std::span<const Range> gradients, const engine::Run& run,
                                            const engine::Member& member) const noexcept {
  if (memory_.empty()) return true;
  const engine::ParameterBlock& any = *memory_.front().block;
  return core::with_type(any.dtype(), [&]<class T>() {
    const T most = static_cast<T>(limits_of(any.dtype()).gradient);
    const auto within = any.table().ops<T>().within;
    const T* first = reinterpret_cast<const T*>(run.gradients);
    if (member.size() == 1) return within(first, gradients, most);
    for (const Range& range : gradients) {
      const Range part = member.share(range.size());
      const Range mine{range.begin + part.begin, range.begin + part.end};
      if (!within(first, {&mine, 1}, most)) return false;
    }
    return true;
  });
}

OptimizerState::Copy OptimizerState::copy() const {
  Copy copy;
  for (const Memory& m : memory_) {
    for (const std::span<const std::byte> bytes :
         {std::span<const std::byte>(m.block->values<std::byte>(), m.block->bytes()),
          std::span<const std::byte>(m.slots.data(), m.slots.size())}) {
      copy.emplace_back(bytes.begin(), bytes.end());
    }
  }
  return copy;
}

void OptimizerState::restore(const Copy& copy) {
  auto from = copy.begin();
  for (const Memory& m : memory_) {
    for (std::byte* to : {m.block->values<std::byte>(), m.slots.data()}) {
      std::copy(from->begin(), from->end(), to);
      ++from;
    }
  }
}

bool OptimizerState::finite() const noexcept {
  if (memory_.empty()) return true;
  const double largest =
      core::with_type(memory_.front().block->dtype(), []<class T>() { return double{std::numeric_limits<T>::max()}; });
  return within({largest, largest});
}

std::vector<Tensor> OptimizerState::remembered(const engine::Parameter& parameter) const {
  std::vector<Tensor> slots;
  const auto memory = memory_of(parameter.block.get());
  if (memory == memory_.end()) return slots;
  for (Index i = 0; i < memory->count; ++i) {
    slots.push_back(parameter.unpack(memory->slots.data() + static_cast<std::size_t>(i) * memory->block->bytes()));
  }
  return slots;
}

template <class T>
void OptimizerState::update_range(const Memory& memory, const T* gradient, Range range) const noexcept {
  T* slot = reinterpret_cast<T*>(memory.slots.data()) + range.begin;
  Slots<T> slots{};
  for (Index i = 0; i < memory.count; ++i, slot += memory.block->size()) slots[static_cast<std::size_t>(i)] = slot;
  // A running mean whose gradients have ended would fade to a denormal number, and each later step would pay for it.
  constexpr Index kStepsToFade = 64;
  const kernels::Ops<T>& ops = memory.block->table().ops<T>();
  for (Index i = 0; (iterations_ + 1) % kStepsToFade == 0 && i < memory.count; ++i) {
    ops.zero_tiny(slots[static_cast<std::size_t>(i)], range.size());
  }
  rule_->update(ops, memory.block->values<T>() + range.begin, gradient + range.begin, slots, range.size());
}

void OptimizerState::update(const engine::Plan& plan, const engine::Run& run,
                            const engine::Member& member) const noexcept {
  for (const engine::GradientSlot& slot : plan.gradient_slots()) {
    const Memory& memory = *memory_of(slot.block.get());
    for (const Range& range : memory.ranges) {
      const Range mine = member.share(range.size());
      if (mine.empty()) continue;
      const Range part{range.begin + mine.begin, range.begin + mine.end};
      core::with_type(slot.block->dtype(),
                      [&]<class T>() { update_range(memory, slot.gradient.pointer<const T>(run), part); });
    }
  }
}

}  // namespace rondo::training
