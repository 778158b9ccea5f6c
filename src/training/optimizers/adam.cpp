// Adam and AMSGrad.
#include <algorithm>
#include <cmath>

#include "training/optimizers/rule.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, AdamOptions& o) {
  training::optimizer_fields(v, "adam", o);
  v("beta_1", o.beta_1);
  v("beta_2", o.beta_2);
  v("epsilon", o.epsilon);
  v("amsgrad", o.amsgrad);
}

namespace training {

namespace {

class AdamRule final : public TypedRule<AdamRule, AdamOptions> {
 public:
  explicit AdamRule(const AdamOptions& o) : TypedRule("Adam", o) {
    checked_option("Adam", "beta_1", o.beta_1, Allowed::below_1);
    checked_option("Adam", "beta_2", o.beta_2, Allowed::below_1);
    checked_option("Adam", "epsilon", o.epsilon, Allowed::zero_or_more);
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
  void apply(const kernels::Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    ops.adam({.alpha = alpha_, .beta_1 = o_.beta_1, .beta_2 = o_.beta_2, .epsilon = o_.epsilon, .amsgrad = o_.amsgrad},
             w, g, slots[0], slots[1], slots[2], n);
  }

 private:
  // 0 as soon as 1 - power is 1: a few thousand steps later it would be a denormal, which costs 40 ns a step.
  static double next_power(double power, double beta) {
    power *= beta;
    return power < 0x1p-60 ? 0 : power;
  }

  std::array<double, 2> powers_ = {1, 1}, next_ = powers_;  // beta_1^t, beta_2^t: before the step, after it
  double alpha_ = 0;                                        // the learning rate with both bias corrections
};

}  // namespace

Optimizer adam_from_config(const core::Json& config) { return core::from_fields<Adam, AdamOptions>("Adam", config); }

}  // namespace training

Adam::Adam(const AdamOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::AdamRule>(o))) {}

}  // namespace rondo
