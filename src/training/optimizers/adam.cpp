// Adam and AMSGrad, and AdamW, which differs by its weight decay.
#include <algorithm>
#include <cmath>

#include "training/optimizers/elementwise.hpp"

namespace rondo {

namespace {

template <class Visitor, class Options>
void adam_fields(Visitor& v, const char* name, Options& o) {
  training::optimizer_fields(v, name, o);
  v("beta_1", o.beta_1);
  v("beta_2", o.beta_2);
  v("epsilon", o.epsilon);
  v("amsgrad", o.amsgrad);
}

}  // namespace

template <class Visitor>
void fields(Visitor& v, AdamOptions& o) {
  adam_fields(v, "adam", o);
}
template <class Visitor>
void fields(Visitor& v, AdamWOptions& o) {
  adam_fields(v, "adamw", o);
}

namespace training {

namespace {

template <class Options>
class AdamRule final : public ElementwiseRule<AdamRule<Options>, Options> {
 public:
  AdamRule(const char* class_name, const Options& o) : ElementwiseRule<AdamRule, Options>(class_name, o) {
    checked_option(class_name, "beta_1", o.beta_1, Allowed::below_1);
    checked_option(class_name, "beta_2", o.beta_2, Allowed::below_1);
    checked_option(class_name, "epsilon", o.epsilon, Allowed::zero_or_more);
  }
  std::vector<Slot> slots() const override {
    std::vector<Slot> slots{{"momentum"}, {"velocity"}};
    if (o_.amsgrad) slots.push_back({.name = "velocity_hat", .apart = true});
    return slots;
  }
  bool rests_without_gradient() const override { return true; }
  void begin_step() override {
    next_ = {next_power(powers_[0], o_.beta_1), next_power(powers_[1], o_.beta_2)};
    alpha_ = this->learning_rate * std::sqrt(1 - next_[1]) / (1 - next_[0]);
  }
  void end_step() override { powers_ = next_; }
  void resume(Index updates) override { powers_ = {power_after(updates, o_.beta_1), power_after(updates, o_.beta_2)}; }
  // m is between earlier gradients, v between their squares, and the largest alpha that of the first step.
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    const double slots = std::max(before.slots, gradient * gradient), alpha = rate / (1 - o_.beta_1);
    return {before.weights + steps * alpha * slots / std::min(static_cast<float>(o_.epsilon), 1.0F), slots};
  }

  template <class T>
  void apply(const kernels::Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    ops.adam({.alpha = alpha_, .beta_1 = o_.beta_1, .beta_2 = o_.beta_2, .epsilon = o_.epsilon, .amsgrad = o_.amsgrad},
             w, g, slots[0], slots[1], slots[2], n);
  }

 private:
  using ElementwiseRule<AdamRule, Options>::o_;

  std::array<double, 2> powers_ = {1, 1}, next_ = powers_;  // beta_1^t, beta_2^t: before the step, after it
  double alpha_ = 0;                                        // the learning rate with both bias corrections
};

}  // namespace

Optimizer adam_from_config(const core::Json& config) { return core::from_fields<Adam, AdamOptions>("Adam", config); }
Optimizer adamw_from_config(const core::Json& config) {
  return core::from_fields<AdamW, AdamWOptions>("AdamW", config);
}

}  // namespace training

Adam::Adam(const AdamOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::AdamRule<AdamOptions>>("Adam", o))) {}

AdamW::AdamW(const AdamWOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::AdamRule<AdamWOptions>>("AdamW", o))) {
  if (!o.weight_decay) throw ConfigError("AdamW: weight_decay must be a number; for none there is Adam");
}

}  // namespace rondo
