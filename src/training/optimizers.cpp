#include "training/optimizers.hpp"

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include <rondo/error.hpp>

#include "core/access.hpp"
#include "core/dispatch.hpp"
#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/options.hpp"
#include "core/registry.hpp"

namespace rondo {

namespace {

using Json = nlohmann::ordered_json;
using kernels::Ops;
using training::Sizes;
using training::Slots;

double checked_rate(const char* optimizer, Real learning_rate, const std::optional<Real>& lr) {
  return checked_option(optimizer, "learning_rate", lr.value_or(learning_rate), Allowed::zero_or_more);
}

// Adds the two typed updates to a rule that has one template apply(ops, w, g, slots, n).
template <class Rule>
class TypedOptimizer : public detail::OptimizerImpl {
 public:
  using OptimizerImpl::OptimizerImpl;
  std::unique_ptr<OptimizerImpl> clone() const override {
    return std::make_unique<Rule>(static_cast<const Rule&>(*this));
  }
  void update(const Ops<float>& ops, float* w, const float* g, const Slots<float>& slots,
              Index n) const noexcept override {
    static_cast<const Rule&>(*this).apply(ops, w, g, slots, n);
  }
  void update(const Ops<double>& ops, double* w, const double* g, const Slots<double>& slots,
              Index n) const noexcept override {
    static_cast<const Rule&>(*this).apply(ops, w, g, slots, n);
  }
};

class SgdRule final : public TypedOptimizer<SgdRule> {
 public:
  explicit SgdRule(const SGDOptions& o)
      : TypedOptimizer(checked_rate("SGD", o.learning_rate, o.lr)), momentum_(o.momentum), nesterov_(o.nesterov) {
    checked_option("SGD", "momentum", momentum_, Allowed::between_0_and_1);
  }
  std::string class_name() const override { return "SGD"; }
  Json config() const override {
    return {{"name", "SGD"}, {"learning_rate", learning_rate}, {"momentum", momentum_}, {"nesterov", nesterov_}};
  }
  Index slots() const override { return momentum_ == 0 ? 0 : 1; }
  // With momentum 0 is added, which turns -0 into 0.
  bool rests_without_gradient() const override { return momentum_ == 0; }
  Sizes after_steps(double steps, const Sizes& before, double gradient) const noexcept override {
    const double step = learning_rate * gradient, velocity = momentum_ == 0 ? 0 : before.slots + steps * step;
    return {before.weights + steps * (velocity + step), velocity};
  }

  template <class T>
  void apply(const Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    ops.sgd({.learning_rate = learning_rate, .momentum = momentum_, .nesterov = nesterov_}, w, g, slots[0], n);
  }

 private:
  double momentum_;
  bool nesterov_;
};

class RmspropRule final : public TypedOptimizer<RmspropRule> {
 public:
  explicit RmspropRule(const RMSpropOptions& o)
      : TypedOptimizer(checked_rate("RMSprop", o.learning_rate, o.lr)), o_(o) {
    checked_option("RMSprop", "rho", o.rho, Allowed::between_0_and_1);
    checked_option("RMSprop", "momentum", o.momentum, Allowed::between_0_and_1);
    checked_option("RMSprop", "epsilon", o.epsilon, Allowed::zero_or_more);
  }
  std::string class_name() const override { return "RMSprop"; }
  Json config() const override {
    return {{"name", "rmsprop"},           {"learning_rate", learning_rate},
            {"rho", o_.rho.value},         {"momentum", o_.momentum.value},
            {"epsilon", o_.epsilon.value}, {"centered", o_.centered}};
  }
  // Velocity; then momentum and mean gradient, where they are used.
  Index slots() const override { return 1 + (o_.momentum > 0 ? 1 : 0) + (o_.centered ? 1 : 0); }
  bool rests_without_gradient() const override { return true; }
  Sizes after_steps(double steps, const Sizes& before, double gradient) const noexcept override {
    const double step = learning_rate * gradient / std::sqrt(std::min(static_cast<float>(o_.epsilon), 1.0F));
    const double slots = std::max(before.slots, gradient * gradient) + steps * step;
    return {before.weights + steps * slots, slots};
  }

  template <class T>
  void apply(const Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    const bool momentum = o_.momentum > 0;
    ops.rmsprop({.learning_rate = learning_rate,
                 .rho = o_.rho,
                 .momentum = o_.momentum,
                 .epsilon = o_.epsilon,
                 .centered = o_.centered},
                w, g, slots[0], momentum ? slots[1] : nullptr, o_.centered ? slots[momentum ? 2 : 1] : nullptr, n);
  }

 private:
  RMSpropOptions o_;
};

class AdamRule final : public TypedOptimizer<AdamRule> {
 public:
  explicit AdamRule(const AdamOptions& o) : TypedOptimizer(checked_rate("Adam", o.learning_rate, o.lr)), o_(o) {
    checked_option("Adam", "beta_1", o.beta_1, Allowed::below_1);
    checked_option("Adam", "beta_2", o.beta_2, Allowed::below_1);
    checked_option("Adam", "epsilon", o.epsilon, Allowed::zero_or_more);
  }
  std::string class_name() const override { return "Adam"; }
  Json config() const override {
    return {{"name", "adam"},
            {"learning_rate", learning_rate},
            {"beta_1", o_.beta_1.value},
            {"beta_2", o_.beta_2.value},
            {"epsilon", o_.epsilon.value},
            {"amsgrad", o_.amsgrad}};
  }
  Index slots() const override { return o_.amsgrad ? 3 : 2; }
  bool rests_without_gradient() const override { return true; }
  // beta^t as a running product: no power function, whose last bit varies from library to library.
  void begin_step() override {
    next_ = {next_power(powers_[0], o_.beta_1), next_power(powers_[1], o_.beta_2)};
    alpha_ = learning_rate * std::sqrt(1 - next_[1]) / (1 - next_[0]);
  }
  void end_step() override { powers_ = next_; }
  // m is between earlier gradients, v between their squares, and the largest alpha that of the first step.
  Sizes after_steps(double steps, const Sizes& before, double gradient) const noexcept override {
    const double slots = std::max(before.slots, gradient * gradient), alpha = learning_rate / (1 - o_.beta_1);
    return {before.weights + steps * alpha * slots / std::min(static_cast<float>(o_.epsilon), 1.0F), slots};
  }

  template <class T>
  void apply(const Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    ops.adam({.alpha = alpha_, .beta_1 = o_.beta_1, .beta_2 = o_.beta_2, .epsilon = o_.epsilon, .amsgrad = o_.amsgrad},
             w, g, slots[0], slots[1], slots[2], n);
  }

 private:
  // 0 as soon as 1 - power is 1: a few thousand steps later it would be a denormal, which costs 40 ns a step.
  static double next_power(double power, double beta) {
    power *= beta;
    return power < 0x1p-60 ? 0 : power;
  }

  AdamOptions o_;
  std::array<double, 2> powers_ = {1, 1}, next_ = powers_;  // beta_1^t, beta_2^t: before the step, after it
  double alpha_ = 0;                                        // the learning rate with both bias corrections
};

template <class Rule, class Options>
Optimizer of_rule(const Options& options) {
  return detail::Access::make<Optimizer>(std::make_shared<Rule>(options));
}

using KnownOptimizers = core::Registry<NameKind::optimizer, Optimizer>;

// To add an optimizer: its class in <rondo/optimizers.hpp>, a rule above, a line here.
const KnownOptimizers& known_optimizers() {
  static constinit Lazy<KnownOptimizers> known;
  return known.get([] { return KnownOptimizers{{{"adam"}, Adam()}, {{"rmsprop"}, RMSprop()}, {{"sgd"}, SGD()}}; });
}

}  // namespace

Optimizer::Optimizer(const std::string& name) : Optimizer(known_optimizers().at(name, lower_case(name))) {}

std::string Optimizer::class_name() const { return impl_->class_name(); }
double Optimizer::learning_rate() const { return impl_->learning_rate; }

SGD::SGD(const SGDOptions& o) : Optimizer(of_rule<SgdRule>(o)) {}
RMSprop::RMSprop(const RMSpropOptions& o) : Optimizer(of_rule<RmspropRule>(o)) {}
Adam::Adam(const AdamOptions& o) : Optimizer(of_rule<AdamRule>(o)) {}

namespace training {

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
    const T* bound = reinterpret_cast<const T*>(run.bound);
    if (member.size() == 1) return within(bound, gradients, most);
    for (const Range& range : gradients) {
      const Range part = member.share(range.size());
      const Range mine{range.begin + part.begin, range.begin + part.end};
      if (!within(bound, {&mine, 1}, most)) return false;
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

}  // namespace training
}  // namespace rondo
