// Lamb.
#include <algorithm>
#include <cmath>

#include "training/optimizers/rule.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, LambOptions& o) {
  training::optimizer_fields(v, "lamb", o);
  v("beta_1", o.beta_1);
  v("beta_2", o.beta_2);
  v("epsilon", o.epsilon);
}

namespace training {

namespace {

// What the step at work takes for all parameters.
struct LambStep {
  double rate = 0;
  kernels::LambArgs args;
};

template <class T>
class LambParameter final : public ParameterRuleOf<LambParameter<T>, T> {
 public:
  LambParameter(const LambStep& step, const engine::Parameter& parameter)
      : step_(step),
        kernels_(parameter.block->table().ops<T>().rows),
        map_(parameter.map),
        of_weights_(static_cast<std::size_t>(map_.rows())),
        of_updates_(static_cast<std::size_t>(map_.rows())) {}

  void run(Index stage, const BlockArrays<T>& a, const engine::Member& member) noexcept {
    stage == 0 ? take_means(a, member.share(map_.rows())) : move(a, member.share(map_.rows()));
  }

 private:
  // m and v, and the squares of rows.
  void take_means(const BlockArrays<T>& a, Range rows) noexcept {
    for (Index row = rows.begin; row < rows.end; ++row) {
      engine::Chains weights{}, updates{};
      map_.for_runs({row, row + 1}, [&](Index element, Index place, Index count) {
        const Index column = element - row * map_.columns();
        kernels_.add_squares(0, column, a.weights + place, count, weights.data());
        kernels_.lamb_means(step_.args, column, a.gradient + place, a.slots[0] + place, a.slots[1] + place, count,
                            updates.data());
      });
      of_weights_[static_cast<std::size_t>(row)] = sum_of(weights);
      of_updates_[static_cast<std::size_t>(row)] = sum_of(updates);
    }
  }

  void move(const BlockArrays<T>& a, Range rows) const noexcept {
    const double weight = std::sqrt(sum_of(of_weights_)), update = std::sqrt(sum_of(of_updates_));
    const T step = static_cast<T>(weight > 0 && update > 0 ? step_.rate * (weight / update) : step_.rate);
    map_.for_runs(rows, [&](Index, Index place, Index count) {
      kernels_.lamb_step(step_.args, step, a.slots[0] + place, a.slots[1] + place, a.weights + place, count);
    });
  }

  const LambStep& step_;
  const kernels::RowUpdates<T>& kernels_;
  engine::PackedMap map_;
  std::vector<double> of_weights_, of_updates_;  // squares, by rows
};

class LambRule final : public RuleOf<LambRule, LambOptions> {
 public:
  explicit LambRule(const LambOptions& o) : RuleOf("Lamb", o) {
    step_.args.beta_1 = checked_option("Lamb", "beta_1", o.beta_1, Allowed::below_1);
    step_.args.beta_2 = checked_option("Lamb", "beta_2", o.beta_2, Allowed::below_1);
    step_.args.epsilon = checked_option("Lamb", "epsilon", o.epsilon, Allowed::zero_or_more);
  }
  std::vector<Slot> slots() const override { return {{"momentum"}, {"velocity"}}; }
  bool rests_without_gradient() const override { return true; }
  Index stages() const override { return 2; }
  std::unique_ptr<ParameterRule> parameter_rule(const engine::Parameter& parameter) override {
    most_elements_ = std::max(most_elements_, static_cast<double>(parameter.shape.elements()));
    return make_parameter_rule<LambParameter>(parameter, step_);
  }
  std::size_t parameter_rule_bytes(const engine::Parameter& parameter) const override {
    return 2 * static_cast<std::size_t>(parameter.map.rows()) * sizeof(double);
  }
  void begin_step() override {
    next_ = {next_power(powers_[0], step_.args.beta_1), next_power(powers_[1], step_.args.beta_2)};
    step_.rate = learning_rate;
    step_.args.of_mean = 1 / (1 - next_[0]);
    step_.args.of_velocity = 1 / (1 - next_[1]);
  }
  void end_step() override { powers_ = next_; }
  void resume(Index updates) override {
    powers_ = {power_after(updates, step_.args.beta_1), power_after(updates, step_.args.beta_2)};
  }
  // A step is of the weights' norm times the rate, or, where they are 0, of the update times the rate. The squares have
  // to be numbers too.
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    constexpr double kMostNorm = 0x1p500;
    const double slots = std::max({before.slots, gradient, gradient * gradient}), root = std::sqrt(most_elements_);
    const double update = slots / (1 - step_.args.beta_1) / std::min(static_cast<float>(step_.args.epsilon), 1.0F);
    const double weights = root * (before.weights + rate * update) * std::pow(1 + rate, steps);
    if (!(root * update < kMostNorm && weights < kMostNorm)) return {};
    return {weights, std::max(update, slots / (1 - step_.args.beta_2))};
  }

 private:
  LambStep step_;
  std::array<double, 2> powers_ = {1, 1}, next_ = powers_;  // beta_1^t, beta_2^t: before the step, after it
  double most_elements_ = 1;                                // of a parameter
};

}  // namespace

Optimizer lamb_from_config(const core::Json& config) { return core::from_fields<Lamb, LambOptions>("Lamb", config); }

}  // namespace training

Lamb::Lamb(const LambOptions& o)
    : Optimizer(detail::Access::make<Optimizer>(std::make_shared<training::LambRule>(o))) {}

}  // namespace rondo
