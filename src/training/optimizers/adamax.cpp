// Adamax.
#include <algorithm>
#include <cmath>

#include "training/optimizers/elementwise.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, AdamaxOptions& o) {
  training::optimizer_fields(v, "adamax", o);
  v("beta_1", o.beta_1);
  v("beta_2", o.beta_2);
  v("epsilon", o.epsilon);
}

namespace training {

namespace {

class AdamaxRule final : public ElementwiseRule<AdamaxRule, AdamaxOptions> {
 public:
  explicit AdamaxRule(const AdamaxOptions& o) : ElementwiseRule("Adamax", o) {
    checked_option("Adamax", "beta_1", o.beta_1, Allowed::below_1);
    checked_option("Adamax", "beta_2", o.beta_2, Allowed::below_1);
    checked_option("Adamax", "epsilon", o.epsilon, Allowed::zero_or_more);
  }
  std::vector<Slot> slots() const override { return {{"momentum"}, {"norm"}}; }
  bool rests_without_gradient() const override { return true; }
  void begin_step() override {
    next_ = next_power(power_, o_.beta_1);
    alpha_ = learning_rate / (1 - next_);
  }
  void end_step() override { power_ = next_; }
  void resume(Index updates) override { power_ = power_after(updates, o_.beta_1); }
  // m is between earlier gradients, and the largest alpha that of the first step.
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    const double slots = std::max(before.slots, gradient), alpha = rate / (1 - o_.beta_1);
    return {before.weights + steps * alpha * slots / std::min(static_cast<float>(o_.epsilon), 1.0F), slots};
  }

  template <class T>
  void apply(const kernels::Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    update_in_vectors(ops.adamax, ops.lanes,
                      {.alpha = alpha_, .beta_1 = o_.beta_1, .beta_2 = o_.beta_2, .epsilon = o_.epsilon}, w, g, slots,
                      n);
  }

 private:
  double power_ = 1, next_ = 1;  // beta_1^t: before the step, after it
  double alpha_ = 0;             // the learning rate with the bias correction
};

}  // namespace

Optimizer adamax_from_config(const core::Json& config) {
  return core::from_fields<Adamax, AdamaxOptions>("Adamax", config);
}

}  // namespace training

Adamax::Adamax(const AdamaxOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::AdamaxRule>(o))) {}

}  // namespace rondo
