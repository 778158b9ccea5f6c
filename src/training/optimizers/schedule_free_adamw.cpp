// Schedule-free AdamW.
#include <algorithm>
#include <cmath>

#include "training/optimizers/elementwise.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, ScheduleFreeAdamWOptions& o) {
  training::optimizer_fields(v, "schedule_free_adamw", o);
  v("beta_1", o.beta_1);
  v("beta_2", o.beta_2);
  v("epsilon", o.epsilon);
  v("warmup_steps", o.warmup_steps);
}

namespace training {

namespace {

class ScheduleFreeRule final : public ElementwiseRule<ScheduleFreeRule, ScheduleFreeAdamWOptions> {
 public:
  explicit ScheduleFreeRule(const ScheduleFreeAdamWOptions& o) : ElementwiseRule("ScheduleFreeAdamW", o) {
    checked_option("ScheduleFreeAdamW", "beta_1", o.beta_1, Allowed::above_0);  // w holds that much of x
    checked_option("ScheduleFreeAdamW", "beta_1", o.beta_1, Allowed::below_1);
    checked_option("ScheduleFreeAdamW", "beta_2", o.beta_2, Allowed::below_1);
    checked_option("ScheduleFreeAdamW", "epsilon", o.epsilon, Allowed::zero_or_more);
    checked_option("ScheduleFreeAdamW", "warmup_steps", static_cast<double>(o.warmup_steps), Allowed::zero_or_more);
  }
  std::vector<Slot> slots() const override { return {{.name = "momentum", .of_weights = true}, {.name = "velocity"}}; }
  bool rests_without_gradient() const override { return false; }
  std::optional<double> mean_in_weights() const override { return o_.beta_1; }
  void begin_step() override {
    next_ = next_power(power_, o_.beta_2);
    const double t = static_cast<double>(updates_ + 1), warmup = static_cast<double>(o_.warmup_steps);
    args_ = {.learning_rate = learning_rate * (t < warmup ? t / warmup : 1),
             .of_velocity = 1 / (1 - next_),
             .of_newest = 1 / t,
             .beta_1 = o_.beta_1,
             .beta_2 = o_.beta_2,
             .epsilon = o_.epsilon};
  }
  void end_step() override {
    power_ = next_;
    ++updates_;
  }
  void resume(Index updates) override {
    power_ = power_after(updates, o_.beta_2);
    updates_ = updates;
  }
  // A step of z is at most rate / sqrt(1 - beta_2), or g / epsilon where g^2 is nothing; x, from (w - (1 - beta_1) z) /
  // beta_1 on, is between it and the z. That quotient is taken anew in each step, with the rounding of its parts.
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    const double epsilon = std::min(static_cast<float>(o_.epsilon), 1.0F);
    const double z = before.slots + steps * rate * (1 / std::sqrt(1 - o_.beta_2) + 0x1p-64 / epsilon);
    const double weights = (before.weights + z) / o_.beta_1 * (1 + steps * 0x1p-20 / o_.beta_1) + z;
    return {weights, std::max(z, std::max(before.slots, gradient * gradient) / (1 - o_.beta_2))};
  }

  template <class T>
  void apply(const kernels::Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    update_in_vectors(ops.schedule_free, ops.lanes, args_, w, g, slots, n);
  }

 private:
  double power_ = 1, next_ = 1;  // beta_2^t: before the step, after it
  Index updates_ = 0;
  kernels::ScheduleFreeArgs args_;
};

}  // namespace

Optimizer schedule_free_adamw_from_config(const core::Json& config) {
  return core::from_fields<ScheduleFreeAdamW, ScheduleFreeAdamWOptions>("ScheduleFreeAdamW", config);
}

}  // namespace training

ScheduleFreeAdamW::ScheduleFreeAdamW(const ScheduleFreeAdamWOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::ScheduleFreeRule>(o))) {}

}  // namespace rondo
