// Nadam.
#include <algorithm>
#include <cmath>

#include "training/optimizers/elementwise.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, NadamOptions& o) {
  training::optimizer_fields(v, "nadam", o);
  v("beta_1", o.beta_1);
  v("beta_2", o.beta_2);
  v("epsilon", o.epsilon);
  v.if_given("schedule_decay", o.schedule_decay);
}

namespace training {

namespace {

class NadamRule final : public ElementwiseRule<NadamRule, NadamOptions> {
 public:
  explicit NadamRule(const NadamOptions& o) : ElementwiseRule("Nadam", o) {
    checked_option("Nadam", "beta_1", o.beta_1, Allowed::below_1);
    checked_option("Nadam", "beta_2", o.beta_2, Allowed::below_1);
    checked_option("Nadam", "epsilon", o.epsilon, Allowed::zero_or_more);
    if (o.schedule_decay) {
      decay_ = std::pow(0.96, checked_option("Nadam", "schedule_decay", *o.schedule_decay, Allowed::zero_or_more));
    }
  }
  std::vector<Slot> slots() const override { return {{"momentum"}, {"velocity"}}; }
  std::optional<double> product() const override { return powers_.product; }
  void restart_product() override { powers_.product = 1; }
  bool rests_without_gradient() const override { return true; }
  void begin_step() override {
    next_ = behind(powers_);
    const double u = momentum(next_.decay), ahead = momentum(next_.decay * decay_);
    args_ = {.of_mean = learning_rate * ahead / (1 - next_.product * ahead),
             .of_gradient = learning_rate * (1 - u) / (1 - next_.product),
             .of_velocity = 1 / (1 - next_.beta_2),
             .beta_1 = o_.beta_1,
             .beta_2 = o_.beta_2,
             .epsilon = o_.epsilon};
  }
  void end_step() override { powers_ = next_; }
  void resume(Index updates) override {
    powers_ = {};
    const Index by_one = std::min(updates, kStepsByOne);
    for (Index t = 0; t < by_one && powers_.decay + powers_.product > 0; ++t) powers_ = behind(powers_);
    powers_.decay = power_after(updates, decay_);
    powers_.beta_2 = power_after(updates, o_.beta_2);
    if (updates > by_one) powers_.product *= power_after(updates - by_one, momentum(powers_.decay));
  }
  // u and P are below beta_1; m is between earlier gradients, v between their squares.
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    const double slots = std::max({before.slots, gradient, gradient * gradient});
    const double step = rate * (slots + gradient) / (1 - o_.beta_1);
    return {before.weights + steps * step / std::min(static_cast<float>(o_.epsilon), 1.0F), slots / (1 - o_.beta_2)};
  }

  template <class T>
  void apply(const kernels::Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    update_in_vectors(ops.nadam, ops.lanes, args_, w, g, slots, n);
  }

 private:
  // u(t) from 0.96^t.
  double momentum(double power) const { return o_.beta_1 * (1 - 0.5 * power); }

  double decay_ = 0.96;
  // 0.96^t, beta_2^t and P: before the step, after it.
  struct Powers {
    double decay = 1, beta_2 = 1, product = 1;
  };
  // Those of the next step.
  Powers behind(const Powers& now) const {
    const double of_decay = next_power(now.decay, decay_);
    return {.decay = of_decay,
            .beta_2 = next_power(now.beta_2, o_.beta_2),
            .product = next_power(now.product, momentum(of_decay))};
  }

  Powers powers_, next_;
  kernels::NadamArgs args_;
};

}  // namespace

Optimizer nadam_from_config(const core::Json& config) {
  return core::from_fields<Nadam, NadamOptions>("Nadam", config);
}

}  // namespace training

Nadam::Nadam(const NadamOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::NadamRule>(o))) {}

}  // namespace rondo
