#include "training/optimizers/state.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "core/dispatch.hpp"
#include "core/options.hpp"

namespace rondo::training {

using engine::GradientSlot;
using engine::Member;
using engine::Run;

namespace {

// Elements that decay, update and average pass on to each other in the processor's cache.
constexpr Index kChunk = 4096;
// Slots hold squares of gradients. The second is for rules whose bounds grow fast.
constexpr std::array<Foresight, 2> kFloat = {
    {{1024, 0x1p32, {0x1p100, 0x1p64}, 0x1p126}, {32, 0x1p16, {0x1p40, 0x1p32}, 0x1p126}}};
constexpr std::array<Foresight, 2> kDouble = {
    {{1024, 0x1p256, {0x1p900, 0x1p512}, 0x1p1022}, {32, 0x1p100, {0x1p200, 0x1p200}, 0x1p1022}}};

[[noreturn]] void refuse_rate(const LearningRateSchedule& schedule, Index step, double rate) {
  checked_option("the schedule " + schedule.class_name(), "the rate of step " + std::to_string(step), rate,
                 Allowed::zero_or_more);
  std::abort();  // it was allowed
}

}  // namespace

std::span<const Foresight> foresights(DType dtype) { return dtype == DType::float32 ? kFloat : kDouble; }

// ---- memory --------------------------------------------------------------------------------------------------------

void OptimizerState::prepare(const std::vector<GradientSlot>& gradients,
                             const std::vector<engine::Parameter>& parameters) {
  if (at_mean_) swap_to_mean(false);
  for (const GradientSlot& slot : gradients) {
    const auto known = memory_of(slot.block.get());
    if (known == memory_.end()) {
      safe_steps_ = 0;  // the new block has not been looked at
      memory_.push_back(new_memory(slot, parameters));
      continue;
    }
    Memory& memory = memory_[static_cast<std::size_t>(known - memory_.begin())];
    if (memory.ranges != slot.ranges) memory.ranges = {{0, slot.block->size()}};
  }
}

OptimizerState::Memory OptimizerState::new_memory(const GradientSlot& slot,
                                                  const std::vector<engine::Parameter>& parameters) {
  const engine::ParameterBlock& block = *slot.block;
  Memory memory{.block = slot.block,
                .arrays = AlignedBytes(bytes(block), "the optimizer's memory of weights"),
                .ranges = {{0, block.size()}}};
  if (rule_->rests_without_gradient() && !rule_->decays() && !has_last_stage()) memory.ranges = slot.ranges;
  fill(memory);
  if (rule_->decays()) memory.decaying = decaying(block, parameters);
  for (const engine::Parameter& parameter : parameters) {
    if (parameter.block != slot.block || rule_->stages() == 0) continue;
    memory.parameters.push_back({parameter.map, rule_->parameter_rule(parameter)});
  }
  return memory;
}

// The numbers at first: a running mean begins with the weights.
void OptimizerState::fill(const Memory& memory) const {
  core::with_type(memory.block->dtype(), [&]<class T>() {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].of_weights) std::copy_n(memory.block->values<T>(), memory.block->size(), memory.array<T>(i));
      if (slots_[i].initial == 0) continue;
      std::fill_n(memory.array<T>(i), memory.block->size(), static_cast<T>(slots_[i].initial));
    }
    if (!rule_->averaging.on) return;
    std::copy_n(memory.block->values<T>(), memory.block->size(), memory.array<T>(average()));
  });
}

std::vector<OptimizerState::Decaying> OptimizerState::decaying(const engine::ParameterBlock& block,
                                                               const std::vector<engine::Parameter>& parameters) const {
  if (!needs_parameters()) return {{{0, block.size()}, *rule_->decay.rate}};
  std::vector<Decaying> runs;
  for (const engine::Parameter& parameter : parameters) {
    const std::optional<double> rate = rule_->decay_rate(parameter);
    if (parameter.block.get() != &block || !rate || rule_->decay.excluded.find_in(parameter)) continue;
    parameter.map.for_runs([&](Index, Index place, Index count) { runs.push_back({{place, place + count}, *rate}); });
  }
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.range.begin < b.range.begin; });
  std::vector<Decaying> joined;
  for (const Decaying& run : runs) {
    const bool joins = !joined.empty() && joined.back().range.end == run.range.begin && joined.back().rate == run.rate;
    joins ? void(joined.back().range.end = run.range.end) : joined.push_back(run);
  }
  return joined;
}

std::vector<Remembered> OptimizerState::remembered(const engine::Parameter& parameter) const {
  std::vector<Remembered> all;
  const auto memory = memory_of(parameter.block.get());
  if (memory == memory_.end()) return all;
  Index group = 0;
  const auto add = [&](const char* name, std::size_t array) {
    all.push_back({std::string("_") + name, parameter.unpack(memory->array(array)), group});
  };
  if (rule_->averaging.on) add("average", average());
  ++group;
  if (accumulates()) add("gradient_accumulator", accumulator());
  ++group;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].apart) ++group;
    add(slots_[i].name, i);
  }
  for (const PerParameter& own : memory->parameters) {
    if (own.map(0) != parameter.map(0)) continue;
    for (Remembered& one : own.rule->remembered()) all.push_back({std::move(one.name), std::move(one.value), group});
  }
  return all;
}

Index OptimizerState::variables(const std::vector<engine::Parameter>& parameters) const {
  Index count = 1 + (rule_->given_rate.schedule() == nullptr ? 1 : 0) + (rule_->product() ? 1 : 0);
  const auto further = static_cast<Index>(arrays() - slots_.size());
  for (const engine::Parameter& parameter : parameters) {
    if (!parameter.block->trainable()) continue;
    count += rule_->remembered(parameter) + further * parameter.shape.elements();
  }
  return count;
}

// ---- steps ---------------------------------------------------------------------------------------------------------

double OptimizerState::learning_rate() const {
  return rule_->given_rate.schedule() != nullptr ? rule_->given_rate(steps_) : rule_->learning_rate;
}

void OptimizerState::set_learning_rate(double rate) {
  if (const LearningRateSchedule* schedule = rule_->given_rate.schedule()) {
    throw ConfigError("set_learning_rate: the learning rate of this " + rule_->class_name() + " is a schedule, " +
                      schedule->class_name() + ", which gives each step its own; compile with a number to set it");
  }
  rule_->learning_rate = checked_option("set_learning_rate", "learning_rate", rate, Allowed::zero_or_more);
}

void OptimizerState::begin_step() {
  if (const LearningRateSchedule* schedule = rule_->given_rate.schedule()) {
    const double rate = (*schedule)(steps_);
    if (!(rate >= 0 && std::isfinite(rate))) refuse_rate(*schedule, steps_, rate);
    rule_->learning_rate = rate;
  }
  updates_ = !accumulates() || (steps_ + 1) % rule_->accumulated_steps == 0;
  if (updates_) rule_->begin_step();
  const std::uint64_t now = versions();
  const double rate = rule_->learning_rate;
  const bool rate_holds = rate == rate_ || (rate < rate_ && rule_->bounds_hold_for_smaller_rates());
  if (safe_steps_ > 0 && now == versions_ && rate_holds) return;
  versions_ = now;
  foresee();
}

void OptimizerState::end_step(bool safe) {
  if (updates_) rule_->end_step();
  ++steps_;
  safe_steps_ = safe ? safe_steps_ - 1 : 0;
  for (const Memory& m : memory_) m.block->touch();
  versions_ += memory_.size();
}

// The member's share of each block, all of it.
template <class F>
void OptimizerState::for_shares(std::span<const GradientSlot> gradients, const Member& member, F&& f) const noexcept {
  for (const GradientSlot& slot : gradients) {
    const Memory& memory = *memory_of(slot.block.get());
    core::with_type(slot.block->dtype(), [&]<class T>() {
      for (const Range& range : memory.ranges) {
        const Range mine = member.share(range.size());
        if (!mine.empty()) f.template operator()<T>(memory, slot, {range.begin + mine.begin, range.begin + mine.end});
      }
    });
  }
}

void OptimizerState::accumulate(std::span<const GradientSlot> gradients, const Run& run,
                                const Member& member) const noexcept {
  for_shares(gradients, member, [&]<class T>(const Memory& memory, const GradientSlot& slot, Range range) {
    T *g = slot.gradient.pointer<T>(run), *sum = memory.array<T>(accumulator());
    const T part = static_cast<T>(rule_->accumulated_steps);
    for (Index i = range.begin; i < range.end; ++i) {
      const T all = sum[i] + g[i];
      sum[i] = updates_ ? T{0} : all;
      if (updates_) g[i] = all / part;
    }
  });
}

Index OptimizerState::update_stages() const {
  return rule_->stages() == 0 ? 1 : 1 + rule_->stages() + (has_last_stage() ? 1 : 0);
}

void OptimizerState::update(std::span<const GradientSlot> gradients, const Run& run, const Member& member,
                            Index stage) const noexcept {
  const Index of_rules = rule_->stages();
  if (of_rules == 0) {
    for_shares(gradients, member, [&]<class T>(const Memory& memory, const GradientSlot& slot, Range range) {
      update_range(memory, slot.gradient.pointer<T>(run), range);
    });
  } else if (stage == 0) {
    for_shares(gradients, member,
               [&]<class T>(const Memory& memory, const GradientSlot&, Range range) { begin_range<T>(memory, range); });
  } else if (stage > of_rules) {
    for_shares(gradients, member, [&]<class T>(const Memory& memory, const GradientSlot& slot, Range range) {
      end_range(memory, slot.gradient.pointer<T>(run), range);
    });
  } else if (updates_) {
    for (const GradientSlot& slot : gradients) {
      core::with_type(slot.block->dtype(), [&]<class T>() {
        update_parameters(*memory_of(slot.block.get()), slot.gradient.pointer<const T>(run), member, stage - 1);
      });
    }
  }
}

template <class T>
void OptimizerState::update_range(const Memory& memory, T* gradient, Range range) const noexcept {
  const auto update = [&](Range part) {
    rule_->update(memory.block->table().ops<T>(), memory.block->values<T>() + part.begin, gradient + part.begin,
                  slots_at<T>(memory, part.begin), part.size());
  };
  if (only_rule_ && !fades()) return update(range);
  for (Index begin = range.begin; begin < range.end; begin += kChunk) {
    const Range part{begin, std::min(begin + kChunk, range.end)};
    begin_range<T>(memory, part);
    if (updates_) update(part);
    end_range(memory, gradient, part);
  }
}

template <class T>
void OptimizerState::update_parameters(const Memory& memory, const T* gradient, const Member& member,
                                       Index stage) const noexcept {
  const BlockArrays<T> arrays{memory.block->values<T>(), gradient, slots_at<T>(memory, 0)};
  for (const PerParameter& parameter : memory.parameters) parameter.rule->update(stage, arrays, member);
}

// What comes before the rule: weights decay, and a running mean whose gradients have ended becomes 0, since it would
// fade to a denormal number, for which each later step would pay.
template <class T>
void OptimizerState::begin_range(const Memory& memory, Range range) const noexcept {
  if (!updates_) return;
  for (std::size_t i = 0; fades() && i < slots_.size(); ++i) {
    memory.block->table().ops<T>().zero_tiny(memory.array<T>(i) + range.begin, range.size());
  }
  auto decaying = std::partition_point(memory.decaying.begin(), memory.decaying.end(),
                                       [&](const Decaying& d) { return d.range.end <= range.begin; });
  T* w = memory.block->values<T>();
  for (; decaying != memory.decaying.end() && decaying->range.begin < range.end; ++decaying) {
    const T part = static_cast<T>(decaying->rate * rule_->learning_rate);
    const Index end = std::min(decaying->range.end, range.end);
    for (Index i = std::max(decaying->range.begin, range.begin); i < end; ++i) w[i] -= w[i] * part;
  }
}

// What comes behind it: the running mean, which is the weights themselves up to the first update.
template <class T>
void OptimizerState::end_range(const Memory& memory, T* gradient, Range range) const noexcept {
  // The plan counts on zeros where it computes no gradient.
  if (accumulates() && updates_) std::fill_n(gradient + range.begin, range.size(), T{0});
  const Averaging& averaging = rule_->averaging;
  if (!averaging.on) return;
  const double momentum = iterations() == 0 ? 0 : averaging.momentum;
  const T old = static_cast<T>(momentum), fresh = static_cast<T>(1 - momentum);
  const bool overwrites = averaging.overwrite_frequency > 0 && (iterations() + 1) % averaging.overwrite_frequency == 0;
  T *w = memory.block->values<T>(), *mean = memory.array<T>(average());
  for (Index i = range.begin; i < range.end; ++i) mean[i] = old * mean[i] + fresh * w[i];
  if (overwrites) std::copy(mean + range.begin, mean + range.end, w + range.begin);
}

template <class T>
Slots<T> OptimizerState::slots_at(const Memory& memory, Index element) const noexcept {
  Slots<T> slots{};
  T* slot = reinterpret_cast<T*>(memory.arrays.data()) + element;
  const Index size = memory.block->size();
  for (std::size_t i = 0; i < slots_.size(); ++i, slot += size) slots[i] = slot;
  return slots;
}

void OptimizerState::swap_averages() {
  if (!rule_->averaging.on) {
    throw ConfigError("the optimizer " + rule_->class_name() +
                      " has no running means of the weights to swap with; give it .use_ema = true");
  }
  for (const Memory& memory : memory_) {
    std::byte* const weights = memory.block->values<std::byte>();
    std::swap_ranges(weights, weights + memory.block->bytes(), memory.array(average()));
    memory.block->touch();
  }
  has_swapped_ = !has_swapped_;
}

void OptimizerState::swap_to_mean(bool mean) {
  const std::optional<double> part = rule_->mean_in_weights();
  if (!part) {
    throw ConfigError("the optimizer " + rule_->class_name() +
                      " has no weights of its own for evaluation; ScheduleFreeAdamW has");
  }
  if (mean == at_mean_) return;
  for (const Memory& memory : memory_) {
    core::with_type(memory.block->dtype(), [&]<class T>() {
      const T of_mean = static_cast<T>(*part), rest = static_cast<T>(1 - *part);
      T* w = memory.block->values<T>();
      const T* z = memory.array<T>(0);
      for (Index i = 0; i < memory.block->size(); ++i) {
        w[i] = mean ? (w[i] - rest * z[i]) / of_mean : rest * z[i] + of_mean * w[i];
      }
    });
    memory.block->touch();
  }
  at_mean_ = mean;
}

void OptimizerState::finish_training() {
  if (!rule_->averaging.on || steps_ == 0 || std::exchange(has_swapped_, false)) return;
  for (const Memory& memory : memory_) {
    std::copy_n(memory.array(average()), memory.block->bytes(), memory.block->values<std::byte>());
    memory.block->touch();
  }
}

// ---- steps without care --------------------------------------------------------------------------------------------

std::uint64_t OptimizerState::versions() const noexcept {
  std::uint64_t sum = 0;
  for (const Memory& m : memory_) sum += m.block->version();
  return sum;
}

bool OptimizerState::within(const Sizes& sizes, double gradient) const noexcept {
  return std::all_of(memory_.begin(), memory_.end(), [&](const Memory& m) {
    return core::with_type(m.block->dtype(), [&]<class T>() {
      const auto holds = [&](const T* numbers, Index count, double most) {
        const Range all{0, count};
        return m.block->table().ops<T>().within(numbers, {&all, 1}, static_cast<T>(most));
      };
      const Index size = m.block->size();
      return holds(m.block->values<T>(), size, sizes.weights) &&
             holds(m.array<T>(0), static_cast<Index>(slots_.size()) * size, sizes.slots) &&
             (!rule_->averaging.on || holds(m.array<T>(average()), size, sizes.weights)) &&
             (!accumulates() || holds(m.array<T>(accumulator()), size, gradient)) &&
             std::all_of(m.parameters.begin(), m.parameters.end(), [&](const PerParameter& parameter) {
               const std::span<std::byte> bytes = parameter.rule->memory();
               return holds(reinterpret_cast<const T*>(bytes.data()), static_cast<Index>(bytes.size() / sizeof(T)),
                            sizes.slots);
             });
    });
  });
}

// For a schedule with some room above its rate, so that one that rises is looked at now and then.
void OptimizerState::foresee() noexcept {
  const bool has_room = rule_->given_rate.schedule() != nullptr && rule_->bounds_hold_for_smaller_rates();
  rate_ = has_room ? 2 * rule_->learning_rate : rule_->learning_rate;
  safe_steps_ = 0;
  const DType dtype = memory_.empty() ? DType::float32 : memory_.front().block->dtype();
  double decay = 0;
  for (const Memory& memory : memory_) {
    for (const Decaying& d : memory.decaying) decay = std::max(decay, d.rate * rate_);
  }
  if (decay > 2) return;  // weights would grow by it
  for (const Foresight& foresight : foresights(dtype)) {
    const Sizes after =
        rule_->after_steps(static_cast<double>(foresight.steps), rate_, foresight.start, foresight.gradient);
    const bool enough_room = after.weights <= foresight.last && after.slots <= foresight.last;  // not for NaN
    if (!enough_room || !within(foresight.start, foresight.gradient)) continue;
    safe_steps_ = foresight.steps;
    gradient_limit_ = foresight.gradient;
    return;
  }
}

bool OptimizerState::gradients_within_limit(std::span<const Range> gradients, const Run& run,
                                            const Member& member) const noexcept {
  if (memory_.empty()) return true;
  const engine::ParameterBlock& any = *memory_.front().block;
  return core::with_type(any.dtype(), [&]<class T>() {
    const T most = static_cast<T>(gradient_limit_);
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

// ---- steps with care -----------------------------------------------------------------------------------------------

// f(bytes) for all that an update writes.
template <class F>
void OptimizerState::for_written(F&& f) const {
  for (const Memory& m : memory_) {
    f(std::span(m.block->values<std::byte>(), m.block->bytes()));
    f(std::span(m.arrays.data(), m.arrays.size()));
    for (const PerParameter& parameter : m.parameters) f(parameter.rule->memory());
  }
}

OptimizerState::Copy OptimizerState::copy() const {
  Copy copy;
  for_written([&](std::span<std::byte> bytes) { copy.emplace_back(bytes.begin(), bytes.end()); });
  return copy;
}

void OptimizerState::restore(const Copy& copy) {
  auto from = copy.begin();
  for_written([&](std::span<std::byte> bytes) {
    std::copy(from->begin(), from->end(), bytes.begin());
    ++from;
  });
}

bool OptimizerState::finite() const noexcept {
  if (memory_.empty()) return true;
  const double largest =
      core::with_type(memory_.front().block->dtype(), []<class T>() { return double{std::numeric_limits<T>::max()}; });
  return within({largest, largest}, largest);
}

}  // namespace rondo::training
