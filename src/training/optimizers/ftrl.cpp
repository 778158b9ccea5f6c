// Follow the regularized leader.
#include <algorithm>
#include <cmath>

#include "core/own_math.hpp"
#include "training/optimizers/elementwise.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, FtrlOptions& o) {
  training::optimizer_fields(v, "ftrl", o);
  v("learning_rate_power", o.learning_rate_power);
  v("initial_accumulator_value", o.initial_accumulator_value);
  v("l1_regularization_strength", o.l1_regularization_strength);
  v("l2_regularization_strength", o.l2_regularization_strength);
  v("l2_shrinkage_regularization_strength", o.l2_shrinkage_regularization_strength);
  v("beta", o.beta);
}

namespace training {

namespace {

class FtrlRule final : public ElementwiseRule<FtrlRule, FtrlOptions> {
 public:
  explicit FtrlRule(const FtrlOptions& o) : ElementwiseRule("Ftrl", o) {
    checked_option("Ftrl", "learning_rate_power", o.learning_rate_power, Allowed::zero_or_less);
    checked_option("Ftrl", "initial_accumulator_value", o.initial_accumulator_value, Allowed::zero_or_more);
    checked_option("Ftrl", "l1_regularization_strength", o.l1_regularization_strength, Allowed::zero_or_more);
    checked_option("Ftrl", "l2_regularization_strength", o.l2_regularization_strength, Allowed::zero_or_more);
    checked_option("Ftrl", "l2_shrinkage_regularization_strength", o.l2_shrinkage_regularization_strength,
                   Allowed::zero_or_more);
    checked_option("Ftrl", "beta", o.beta, Allowed::zero_or_more);
    if (given_rate.schedule() == nullptr) checked_option("Ftrl", "learning_rate", learning_rate, Allowed::above_0);
  }
  std::vector<Slot> slots() const override { return {{"accumulator", o_.initial_accumulator_value}, {"linear"}}; }
  bool rests_without_gradient() const override { return false; }
  bool bounds_hold_for_smaller_rates() const override { return false; }
  // After any step z and w belong together: |z| is at most r |w| + l1. Where they do before it, the step is one of
  // g / r; where they do not (at first, or after a change of w by others), z has at most the size that follows from
  // its summands, of which r(n) - r(n before) sums up to r(n). r is never below that of the first n.
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    constexpr double kSmall = 0x1p-99;  // an accumulator below fades to 0
    const double power = -o_.learning_rate_power, n = before.slots + steps * gradient * gradient;
    const double first = o_.initial_accumulator_value < kSmall ? 0 : o_.initial_accumulator_value.value;
    const double least = own_pow(first, power) / rate + least_r(rate), most = own_pow(n, power) / rate + least_r(rate);
    const double shrinkage = 2 * o_.l2_shrinkage_regularization_strength;
    if (!(least > 0) || shrinkage > 2 * least) return {};
    const double z = before.slots + gradient + (shrinkage + most) * before.weights;
    const double weights = std::max(before.weights, z / least) + steps * gradient / least;
    return {weights, std::max({n, z, (most + shrinkage) * weights + gradient + o_.l1_regularization_strength})};
  }

  template <class T>
  void apply(const kernels::Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    if (o_.learning_rate_power != -0.5) return apply_any_power(w, g, slots, n);
    update_in_vectors(ops.ftrl, ops.lanes,
                      {.learning_rate = learning_rate,
                       .least = least_r(learning_rate),
                       .l1 = o_.l1_regularization_strength,
                       .shrinkage = 2 * o_.l2_shrinkage_regularization_strength},
                      w, g, slots, n);
  }

 private:
  // What is always in r.
  double least_r(double rate) const { return o_.beta / rate + 2 * o_.l2_regularization_strength; }

  // As the kernel.
  template <class T>
  void apply_any_power(T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    const double power = -o_.learning_rate_power, l1 = o_.l1_regularization_strength;
    for (Index i = 0; i < n; ++i) {
      const double gi = static_cast<double>(g[i]), wi = static_cast<double>(w[i]);
      const double before = static_cast<double>(slots[0][i]), a = before + gi * gi;
      const double root = own_pow(a, power), growth = (root - own_pow(before, power)) / learning_rate;
      const double gradient = gi + 2 * o_.l2_shrinkage_regularization_strength * wi;
      const double z = static_cast<double>(slots[1][i]) + gradient - growth * wi;
      const double numerator = std::clamp(z, -l1, l1) - z;
      slots[0][i] = static_cast<T>(a);
      slots[1][i] = static_cast<T>(z);
      w[i] = numerator == 0 ? T{0} : static_cast<T>(numerator / (root / learning_rate + least_r(learning_rate)));
    }
  }
};

}  // namespace

Optimizer ftrl_from_config(const core::Json& config) { return core::from_fields<Ftrl, FtrlOptions>("Ftrl", config); }

}  // namespace training

Ftrl::Ftrl(const FtrlOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::FtrlRule>(o))) {}

}  // namespace rondo
