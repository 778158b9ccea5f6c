#include "training/optimizers.hpp"

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include <rondo/error.hpp>

#include "core/names.hpp"

namespace rondo {

namespace {

using Json = nlohmann::ordered_json;
using kernels::Ops;
using training::Slots;

void require(bool ok, const char* optimizer, const char* option, double value, const char* expected) {
  if (ok) return;
  throw ConfigError(std::string(optimizer) + ": " + option + " is " + number_text(value) + "; " + expected);
}

double checked_rate(const char* optimizer, Real learning_rate, const std::optional<Real>& lr) {
  const double rate = lr.value_or(learning_rate);
  require(std::isfinite(rate) && rate >= 0, optimizer, "learning_rate", rate, "it must be 0 or more");
  return rate;
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
    require(momentum_ >= 0 && momentum_ <= 1, "SGD", "momentum", momentum_, "it must lie between 0 and 1");
  }
  std::string class_name() const override { return "SGD"; }
  Json config() const override {
    return {{"name", "SGD"}, {"learning_rate", learning_rate}, {"momentum", momentum_}, {"nesterov", nesterov_}};
  }
  Index slots() const override { return momentum_ == 0 ? 0 : 1; }
  // With momentum 0 is added, which turns -0 into 0.
  bool rests_without_gradient() const override { return momentum_ == 0; }

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
    require(o.rho >= 0 && o.rho <= 1, "RMSprop", "rho", o.rho, "it must lie between 0 and 1");
    require(o.momentum >= 0 && o.momentum <= 1, "RMSprop", "momentum", o.momentum, "it must lie between 0 and 1");
  }
  std::string class_name() const override { return "RMSprop"; }
  Json config() const override {
    return {{"name", "rmsprop"},           {"learning_rate", learning_rate},
            {"rho", o_.rho.value},         {"momentum", o_.momentum.value},
            {"epsilon", o_.epsilon.value}, {"centered", o_.centered}};
  }
  // Velocity; then momentum and mean gradient, where they are used.
  Index slots() const override { return 1 + (o_.momentum > 0 ? 1 : 0) + (o_.centered ? 1 : 0); }
  bool rests_without_gradient() const override { return static_cast<float>(o_.epsilon) > 0; }

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
    require(o.beta_1 >= 0 && o.beta_1 < 1, "Adam", "beta_1", o.beta_1, "it must be 0 or more and below 1");
    require(o.beta_2 >= 0 && o.beta_2 < 1, "Adam", "beta_2", o.beta_2, "it must be 0 or more and below 1");
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
  bool rests_without_gradient() const override { return static_cast<float>(o_.epsilon) > 0; }
  // beta^t as a running product: no power function, whose last bit varies from library to library.
  void next_step() override {
    beta_1_power_ = next_power(beta_1_power_, o_.beta_1);
    beta_2_power_ = next_power(beta_2_power_, o_.beta_2);
    alpha_ = learning_rate * std::sqrt(1 - beta_2_power_) / (1 - beta_1_power_);
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
  double beta_1_power_ = 1, beta_2_power_ = 1;
  double alpha_ = 0;  // the learning rate with both bias corrections
};

const std::map<std::string, Optimizer>& known_optimizers() {
  // To add an optimizer: its class in <rondo/optimizers.hpp>, a rule above, a line here.
  static const std::map<std::string, Optimizer> known = {{"adam", Adam()}, {"rmsprop", RMSprop()}, {"sgd", SGD()}};
  return known;
}

}  // namespace

Optimizer::Optimizer(const std::string& name) {
  const auto& known = known_optimizers();
  const auto found = known.find(lower_case(name));
  if (found == known.end()) {
    std::vector<std::string> names;
    for (const auto& [n, optimizer] : known) names.push_back(n);
    throw ConfigError("optimizer '" + name + "' is not known." + did_you_mean(name, names) +
                      " Known: " + quoted_list(names));
  }
  impl_ = found->second.impl_;
}

std::string Optimizer::class_name() const { return impl_->class_name(); }
double Optimizer::learning_rate() const { return impl_->learning_rate; }

SGD::SGD(const SGDOptions& o) : Optimizer(std::make_shared<SgdRule>(o)) {}
RMSprop::RMSprop(const RMSpropOptions& o) : Optimizer(std::make_shared<RmspropRule>(o)) {}
Adam::Adam(const AdamOptions& o) : Optimizer(std::make_shared<AdamRule>(o)) {}

namespace training {

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
    memory_.push_back({slot.block, count, AlignedBytes(static_cast<std::size_t>(count) * block.bytes()),
                       rule_->rests_without_gradient() ? slot.ranges : whole});
  }
}

void OptimizerState::next_step() {
  ++iterations_;
  rule_->next_step();
}

template <class T>
void OptimizerState::update_range(const Memory& memory, const T* gradient, Range range) const noexcept {
  T* slot = reinterpret_cast<T*>(memory.slots.data()) + range.begin;
  Slots<T> slots{};
  for (Index i = 0; i < memory.count; ++i, slot += memory.block->size()) slots[static_cast<std::size_t>(i)] = slot;
  // A running mean whose gradients have ended would fade to a denormal number, and each later step would pay for it.
  constexpr Index kStepsToFade = 64;
  const kernels::Ops<T>& ops = memory.block->table().ops<T>();
  for (Index i = 0; iterations_ % kStepsToFade == 0 && i < memory.count; ++i) {
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
      slot.block->dtype() == DType::float32
          ? update_range(memory, slot.gradient.pointer<const float>(run.arena), part)
          : update_range(memory, slot.gradient.pointer<const double>(run.arena), part);
    }
  }
}

}  // namespace training
}  // namespace rondo
