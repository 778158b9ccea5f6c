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
  double rate = 0, beta_1 = 0, beta_2 = 0, epsilon = 0;
  double of_mean = 1, of_velocity = 1;  // bias corrections
};

template <class T>
class LambParameter final : public ParameterRuleOf<LambParameter<T>, T> {
 public:
  LambParameter(const LambStep& step, const engine::Parameter& parameter)
      : step_(step),
        map_(parameter.map),
        of_weights_(static_cast<std::size_t>(map_.rows())),
        of_updates_(static_cast<std::size_t>(map_.rows())) {}

  void run(Index stage, const BlockArrays<T>& a, const engine::Member& member) noexcept {
    stage == 0 ? take_means(a, member.share(map_.rows())) : move(a, member.share(map_.rows()));
  }

 private:
  // m and v, and the squares of rows.
  void take_means(const BlockArrays<T>& a, Range rows) noexcept {
    const T new_1 = static_cast<T>(1 - step_.beta_1), new_2 = static_cast<T>(1 - step_.beta_2);
    for (Index row = rows.begin; row < rows.end; ++row) {
      of_weights_[static_cast<std::size_t>(row)] = sum_of_row(map_, row, [&](std::size_t i) {
        const double w = static_cast<double>(a.weights[i]);
        return w * w;
      });
      of_updates_[static_cast<std::size_t>(row)] = sum_of_row(map_, row, [&](std::size_t i) {
        const T g = a.gradient[i];
        T &m = a.slots[0][i], &v = a.slots[1][i];
        m += (g - m) * new_1;
        v += (g * g - v) * new_2;
        const double u = static_cast<double>(update_of(m, v));
        return u * u;
      });
    }
  }

  void move(const BlockArrays<T>& a, Range rows) const noexcept {
    const double weight = std::sqrt(sum_of(of_weights_)), update = std::sqrt(sum_of(of_updates_));
    const T step = static_cast<T>(weight > 0 && update > 0 ? step_.rate * (weight / update) : step_.rate);
    map_.for_runs(rows, [&](Index, Index place, Index count) {
      for (Index i = place; i < place + count; ++i) a.weights[i] -= step * update_of(a.slots[0][i], a.slots[1][i]);
    });
  }

  // 0 where there never was a gradient, also without epsilon.
  T update_of(T m, T v) const noexcept {
    const T root = std::sqrt(v * static_cast<T>(step_.of_velocity)) + static_cast<T>(step_.epsilon);
    return m == 0 ? T{0} : m * static_cast<T>(step_.of_mean) / root;
  }

  const LambStep& step_;
  engine::PackedMap map_;
  std::vector<double> of_weights_, of_updates_;  // squares, by rows
};

class LambRule final : public RuleOf<LambRule, LambOptions> {
 public:
  explicit LambRule(const LambOptions& o) : RuleOf("Lamb", o) {
    step_.beta_1 = checked_option("Lamb", "beta_1", o.beta_1, Allowed::below_1);
    step_.beta_2 = checked_option("Lamb", "beta_2", o.beta_2, Allowed::below_1);
    step_.epsilon = checked_option("Lamb", "epsilon", o.epsilon, Allowed::zero_or_more);
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
    next_ = {next_power(powers_[0], step_.beta_1), next_power(powers_[1], step_.beta_2)};
    step_.rate = learning_rate;
    step_.of_mean = 1 / (1 - next_[0]);
    step_.of_velocity = 1 / (1 - next_[1]);
  }
  void end_step() override { powers_ = next_; }
  void resume(Index updates) override {
    powers_ = {power_after(updates, step_.beta_1), power_after(updates, step_.beta_2)};
  }
  // A step is of the weights' norm times the rate, or, where they are 0, of the update times the rate. The squares have
  // to be numbers too.
  Sizes after_steps(double steps, double rate, const Sizes& before, double gradient) const noexcept override {
    constexpr double kMostNorm = 0x1p500;
    const double slots = std::max({before.slots, gradient, gradient * gradient}), root = std::sqrt(most_elements_);
    const double update = slots / (1 - step_.beta_1) / std::min(static_cast<float>(step_.epsilon), 1.0F);
    const double weights = root * (before.weights + rate * update) * std::pow(1 + rate, steps);
    if (!(root * update < kMostNorm && weights < kMostNorm)) return {};
    return {weights, std::max(update, slots / (1 - step_.beta_2))};
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
