// Adadelta.
#include <algorithm>
#include <cmath>

#include "training/optimizers/elementwise.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, AdadeltaOptions& o) {
  training::optimizer_fields(v, "adadelta", o);
  v("rho", o.rho);
  v("epsilon", o.epsilon);
}

namespace training {

namespace {

class AdadeltaRule final : public ElementwiseRule<AdadeltaRule, AdadeltaOptions> {
 public:
  explicit AdadeltaRule(const AdadeltaOptions& o) : ElementwiseRule("Adadelta", o) {
    checked_option("Adadelta", "rho", o.rho, Allowed::between_0_and_1);
    checked_option("Adadelta", "epsilon", o.epsilon, Allowed::zero_or_more);
  }
  std::vector<Slot> slots() const override { return {{"accumulated_grad"}, {"accumulated_delta_var"}}; }
  bool rests_without_gradient() const override { return true; }
  // A step is at most sqrt((x + epsilon) / (1 - rho)), and x + epsilon may grow by a step's part in every step. But it
  // grows little faster than a + epsilon does, which has a bound: with y the part of g^2 in a + epsilon, by rho + y
  // where a + epsilon grows by rho / (1 - y).
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    const double rho = o_.rho, epsilon = std::min(static_cast<float>(o_.epsilon), 1.0F);
    const double a = std::max(before.slots, gradient * gradient);
    const double faster = std::pow(1 + (1 - rho) * (1 - rho) / (4 * rho), steps);
    const double x = (before.slots + (steps + 1) * epsilon) * ((a + epsilon) / epsilon) * faster;
    return {before.weights + steps * rate * std::sqrt(x / (1 - rho)), std::max(a, x / (1 - rho))};
  }

  template <class T>
  void apply(const kernels::Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    update_in_vectors(ops.adadelta, ops.lanes, {.learning_rate = learning_rate, .rho = o_.rho, .epsilon = o_.epsilon},
                      w, g, slots, n);
  }
};

}  // namespace

Optimizer adadelta_from_config(const core::Json& config) {
  return core::from_fields<Adadelta, AdadeltaOptions>("Adadelta", config);
}

}  // namespace training

Adadelta::Adadelta(const AdadeltaOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::AdadeltaRule>(o))) {}

}  // namespace rondo
