// Adagrad.
#include <algorithm>
#include <cmath>

#include "training/optimizers/elementwise.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, AdagradOptions& o) {
  training::optimizer_fields(v, "adagrad", o);
  v("initial_accumulator_value", o.initial_accumulator_value);
  v("epsilon", o.epsilon);
  v.if_on("epsilon_outside_root", o.epsilon_outside_root);
}

namespace training {

namespace {

class AdagradRule final : public ElementwiseRule<AdagradRule, AdagradOptions> {
 public:
  explicit AdagradRule(const AdagradOptions& o) : ElementwiseRule("Adagrad", o) {
    checked_option("Adagrad", "initial_accumulator_value", o.initial_accumulator_value, Allowed::zero_or_more);
    checked_option("Adagrad", "epsilon", o.epsilon, Allowed::zero_or_more);
  }
  std::vector<Slot> slots() const override { return {{"accumulator", o_.initial_accumulator_value}}; }
  bool rests_without_gradient() const override { return true; }
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    const double epsilon = std::min(static_cast<float>(o_.epsilon), 1.0F);
    const double step = rate * gradient / (o_.epsilon_outside_root ? epsilon : std::sqrt(epsilon));
    return {before.weights + steps * step, before.slots + steps * gradient * gradient};
  }

  template <class T>
  void apply(const kernels::Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    const kernels::AdagradArgs args{.learning_rate = learning_rate,
                                    .epsilon = o_.epsilon_outside_root ? 0.0 : o_.epsilon.value,
                                    .epsilon_behind = o_.epsilon_outside_root ? o_.epsilon.value : 0.0};
    update_in_vectors(ops.adagrad, ops.lanes, args, w, g, slots, n);
  }
};

}  // namespace

Optimizer adagrad_from_config(const core::Json& config) {
  return core::from_fields<Adagrad, AdagradOptions>("Adagrad", config);
}

}  // namespace training

Adagrad::Adagrad(const AdagradOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::AdagradRule>(o))) {}

}  // namespace rondo
