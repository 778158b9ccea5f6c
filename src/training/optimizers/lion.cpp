// Lion.
#include <algorithm>
#include <cmath>

#include "training/optimizers/elementwise.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, LionOptions& o) {
  training::optimizer_fields(v, "lion", o);
  v("beta_1", o.beta_1);
  v("beta_2", o.beta_2);
}

namespace training {

namespace {

class LionRule final : public ElementwiseRule<LionRule, LionOptions> {
 public:
  explicit LionRule(const LionOptions& o) : ElementwiseRule("Lion", o) {
    checked_option("Lion", "beta_1", o.beta_1, Allowed::above_0_to_1);
    checked_option("Lion", "beta_2", o.beta_2, Allowed::between_0_and_1);
  }
  std::vector<Slot> slots() const override { return {{"momentum"}}; }
  bool rests_without_gradient() const override { return true; }
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    return {before.weights + steps * rate, std::max(before.slots, gradient)};
  }

  template <class T>
  void apply(const kernels::Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    update_in_vectors(ops.lion, ops.lanes, {.learning_rate = learning_rate, .beta_1 = o_.beta_1, .beta_2 = o_.beta_2},
                      w, g, slots, n);
  }
};

}  // namespace

Optimizer lion_from_config(const core::Json& config) { return core::from_fields<Lion, LionOptions>("Lion", config); }

}  // namespace training

Lion::Lion(const LionOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::LionRule>(o))) {}

}  // namespace rondo
