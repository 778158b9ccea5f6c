// SGD, with momentum and Nesterov's.
#include "training/optimizers/elementwise.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, SGDOptions& o) {
  training::optimizer_fields(v, "SGD", o);
  v("momentum", o.momentum);
  v("nesterov", o.nesterov);
}

namespace training {

namespace {

class SgdRule final : public ElementwiseRule<SgdRule, SGDOptions> {
 public:
  explicit SgdRule(const SGDOptions& o) : ElementwiseRule("SGD", o) {
    checked_option("SGD", "momentum", o.momentum, Allowed::between_0_and_1);
  }
  std::vector<Slot> slots() const override {
    return o_.momentum == 0 ? std::vector<Slot>{} : std::vector<Slot>{{"momentum"}};
  }
  // With momentum 0 is added, which turns -0 into 0.
  bool rests_without_gradient() const override { return o_.momentum == 0; }
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    const double step = rate * gradient, velocity = o_.momentum == 0 ? 0 : before.slots + steps * step;
    return {before.weights + steps * (velocity + step), velocity};
  }

  template <class T>
  void apply(const kernels::Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    ops.sgd({.learning_rate = learning_rate, .momentum = o_.momentum, .nesterov = o_.nesterov}, w, g, slots[0], n);
  }
};

}  // namespace

Optimizer sgd_from_config(const core::Json& config) { return core::from_fields<SGD, SGDOptions>("SGD", config); }

}  // namespace training

SGD::SGD(const SGDOptions& o) : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::SgdRule>(o))) {}

}  // namespace rondo
