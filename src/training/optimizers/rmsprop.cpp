// RMSprop, centered and with momentum.
#include <algorithm>
#include <cmath>

#include "training/optimizers/elementwise.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, RMSpropOptions& o) {
  training::optimizer_fields(v, "rmsprop", o);
  v("rho", o.rho);
  v("momentum", o.momentum);
  v("epsilon", o.epsilon);
  v.if_on("epsilon_outside_root", o.epsilon_outside_root);
  v("centered", o.centered);
}

namespace training {

namespace {

class RmspropRule final : public ElementwiseRule<RmspropRule, RMSpropOptions> {
 public:
  explicit RmspropRule(const RMSpropOptions& o) : ElementwiseRule("RMSprop", o) {
    checked_option("RMSprop", "rho", o.rho, Allowed::between_0_and_1);
    checked_option("RMSprop", "momentum", o.momentum, Allowed::between_0_and_1);
    checked_option("RMSprop", "epsilon", o.epsilon, Allowed::zero_or_more);
  }
  std::vector<Slot> slots() const override {
    std::vector<Slot> slots{{"velocity"}};
    if (o_.momentum > 0) slots.push_back({.name = "momentum", .apart = true});
    if (o_.centered) slots.push_back({.name = "average_gradient", .apart = true});
    return slots;
  }
  bool rests_without_gradient() const override { return true; }
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    const double epsilon = std::min(static_cast<float>(o_.epsilon), 1.0F);
    const double step = rate * gradient / (o_.epsilon_outside_root ? epsilon : std::sqrt(epsilon));
    const double slots = std::max(before.slots, gradient * gradient) + steps * step;
    return {before.weights + steps * slots, slots};
  }

  template <class T>
  void apply(const kernels::Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    const bool momentum = o_.momentum > 0;
    ops.rmsprop({.learning_rate = learning_rate,
                 .rho = o_.rho,
                 .momentum = o_.momentum,
                 .epsilon = o_.epsilon_outside_root ? 0.0 : o_.epsilon.value,
                 .epsilon_behind = o_.epsilon_outside_root ? o_.epsilon.value : 0.0,
                 .centered = o_.centered},
                w, g, slots[0], momentum ? slots[1] : nullptr, o_.centered ? slots[momentum ? 2 : 1] : nullptr, n);
  }
};

}  // namespace

Optimizer rmsprop_from_config(const core::Json& config) {
  return core::from_fields<RMSprop, RMSpropOptions>("RMSprop", config);
}

}  // namespace training

RMSprop::RMSprop(const RMSpropOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::RmspropRule>(o))) {}

}  // namespace rondo
