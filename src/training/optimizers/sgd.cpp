// SGD, with momentum and Nesterov's.
#include <nlohmann/json.hpp>

#include "training/optimizers/rule.hpp"

namespace rondo {

namespace training {

namespace {

class SgdRule final : public TypedRule<SgdRule> {
 public:
  explicit SgdRule(const SGDOptions& o)
      : TypedRule(checked_rate("SGD", o.learning_rate, o.lr)), momentum_(o.momentum), nesterov_(o.nesterov) {
    checked_option("SGD", "momentum", momentum_, Allowed::between_0_and_1);
  }
  std::string class_name() const override { return "SGD"; }
  nlohmann::ordered_json config() const override {
    return {{"name", "SGD"}, {"learning_rate", learning_rate}, {"momentum", momentum_}, {"nesterov", nesterov_}};
  }
  Index slots() const override { return momentum_ == 0 ? 0 : 1; }
  // With momentum 0 is added, which turns -0 into 0.
  bool rests_without_gradient() const override { return momentum_ == 0; }
  Sizes after_steps(double steps, const Sizes& before, double gradient) const noexcept override {
    const double step = learning_rate * gradient, velocity = momentum_ == 0 ? 0 : before.slots + steps * step;
    return {before.weights + steps * (velocity + step), velocity};
  }

  template <class T>
  void apply(const kernels::Ops<T>& ops, T* w, const T* g, const Slots<T>& slots, Index n) const noexcept {
    ops.sgd({.learning_rate = learning_rate, .momentum = momentum_, .nesterov = nesterov_}, w, g, slots[0], n);
  }

 private:
  double momentum_;
  bool nesterov_;
};

}  // namespace
}  // namespace training

SGD::SGD(const SGDOptions& o) : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::SgdRule>(o))) {}

}  // namespace rondo
