// The rule behind a public Optimizer handle: what a step makes of weights, gradients and what is remembered of them.
//
// Most rules are elementwise (elementwise.hpp); some look at whole parameters (parameter_rule.hpp). What all optimizers
// have beside their rule (decay, clipping, averages, accumulation) is the business of OptimizerState.
#pragma once

#include <array>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include <rondo/error.hpp>
#include <rondo/optimizers.hpp>

#include "core/access.hpp"
#include "core/fields.hpp"
#include "core/options.hpp"
#include "engine/parameter.hpp"
#include "kernels/table.hpp"
#include "training/clipping.hpp"
#include "training/optimizers/parameter_rule.hpp"
#include "training/optimizers/patterns.hpp"
#include "training/schedules.hpp"

namespace rondo::training {

// Per weight array what an optimizer remembers: up to three arrays laid out like it.
template <class T>
using Slots = std::array<T*, 3>;

// Bounds: no weight is larger in size than `weights`, nothing that the optimizer remembers larger than `slots`.
struct Sizes {
  double weights = std::numeric_limits<double>::infinity();
  double slots = std::numeric_limits<double>::infinity();
};

// An array that is remembered: Keras's name of it behind the weight's, its number at first (or the weights), and
// whether Keras lists it behind the slots before of all weights.
struct Slot {
  const char* name;
  double initial = 0;
  bool apart = false;
  bool of_weights = false;
};

// How much a weight decays, and which weights do not.
struct Decay {
  std::optional<double> rate;  // times the learning rate
  Patterns excluded;
};

// The running mean of each weight.
struct Averaging {
  bool on = false;
  double momentum = 0;
  Index overwrite_frequency = 0;  // 0: never
};

}  // namespace rondo::training

namespace rondo::detail {

class OptimizerImpl {
 public:
  explicit OptimizerImpl(LearningRate rate) : learning_rate(rate(0)), given_rate(std::move(rate)) {}
  virtual ~OptimizerImpl() = default;
  virtual std::unique_ptr<OptimizerImpl> clone() const = 0;
  virtual std::string class_name() const = 0;
  virtual nlohmann::ordered_json config() const = 0;  // Keras's, with its own keys behind those of all optimizers

  // What it remembers per weight array.
  virtual std::vector<training::Slot> slots() const = 0;
  // Numbers that it remembers of a parameter of this shape, as Keras counts.
  virtual Index remembered(const engine::Parameter& parameter) const {
    return static_cast<Index>(slots().size()) * parameter.shape.elements();
  }
  // How much of the mean of the first slot is in the weights, the rest being the slot itself.
  virtual std::optional<double> mean_in_weights() const { return std::nullopt; }
  // A running product that Keras counts among the variables.
  virtual std::optional<double> product() const { return std::nullopt; }
  // It is 1 again, as where Keras 2 goes on from a file, in which it is not.
  virtual void restart_product() {}
  // Whether an element whose gradient has always been zero stays as it is, to the bit, so that it needs no update.
  virtual bool rests_without_gradient() const = 0;
  // Whether the bounds of after_steps hold for smaller rates too.
  virtual bool bounds_hold_for_smaller_rates() const { return true; }
  // Whether weights decay, and how much of one, times the learning rate.
  virtual bool decays() const { return decay.rate.has_value(); }
  virtual std::optional<double> decay_rate(const engine::Parameter&) const { return decay.rate; }
  // Around the updates of a step: running products such as beta^t. A step that does not end leaves no trace here.
  virtual void begin_step() {}
  virtual void end_step() {}
  // As after so many updates.
  virtual void resume(Index /*updates*/) {}
  // Bounds after so many steps at learning rates up to this one, of the intermediate results too, if these hold before
  // them and no gradient is larger in size than `gradient`. Infinite or NaN where there are none.
  virtual training::Sizes after_steps(double steps, double rate, const training::Sizes& before,
                                      double gradient) const noexcept = 0;

  // Elementwise rules: updates n elements; called by several threads for parts of the arrays.
  virtual void update(const kernels::Ops<float>&, float* /*w*/, const float* /*g*/, const training::Slots<float>&,
                      Index /*n*/) const noexcept {}
  virtual void update(const kernels::Ops<double>&, double* /*w*/, const double* /*g*/, const training::Slots<double>&,
                      Index /*n*/) const noexcept {}

  // Rules that look at whole parameters: in how many stages, each behind a barrier, one's work, and the bytes that this
  // takes. 0 and null for elementwise ones.
  virtual Index stages() const { return 0; }
  virtual std::unique_ptr<training::ParameterRule> parameter_rule(const engine::Parameter&) { return nullptr; }
  virtual std::size_t parameter_rule_bytes(const engine::Parameter&) const { return 0; }

  double learning_rate;  // of the step at work
  const LearningRate given_rate;
  training::ClippingRule clipping;
  training::Decay decay;
  training::Averaging averaging;
  Index accumulated_steps = 1;  // whose mean gradient makes an update
  double loss_scale_factor = 1;
};

}  // namespace rondo::detail

namespace rondo::training {

// The options that all optimizers have, wherever they stand among one's own.
struct SharedOptions {
  std::optional<Real>& lr;
  LearningRate& learning_rate;
  std::optional<Real>& decay;
  std::optional<Real>& weight_decay;
  std::vector<std::string>& exclude_from_weight_decay;
  std::optional<Real>&clipnorm, &clipvalue, &global_clipnorm;
  bool& use_ema;
  Real& ema_momentum;
  std::optional<Dim>& ema_overwrite_frequency;
  std::optional<Real>& loss_scale_factor;
  std::optional<Dim>& gradient_accumulation_steps;
};

template <class Options>
SharedOptions shared(Options& o) {
  return {o.lr,
          o.learning_rate,
          o.decay,
          o.weight_decay,
          o.exclude_from_weight_decay,
          o.clipnorm,
          o.clipvalue,
          o.global_clipnorm,
          o.use_ema,
          o.ema_momentum,
          o.ema_overwrite_frequency,
          o.loss_scale_factor,
          o.gradient_accumulation_steps};
}

// What all optimizers list before their own options. `name` is the one that Keras gives an optimizer of this class.
template <class Visitor>
void shared_fields(Visitor& v, const char* name, const SharedOptions& o);
template <class Visitor, class Options>
void optimizer_fields(Visitor& v, const char* name, Options& o) {
  shared_fields(v, name, shared(o));
}

// ConfigError where one is out of range, or where there is more than one clip option. Options of older versions become
// today's.
void take_shared_options(const char* class_name, const SharedOptions& o, detail::OptimizerImpl& rule);

// `lr` is Keras 1 and 2's name of the learning rate, and `decay` how theirs falls. ConfigError below 0, and for a decay
// of a schedule.
LearningRate checked_rate(const char* class_name, const std::optional<Real>& lr, const LearningRate& given,
                          const std::optional<Real>& decay);

// Adds to a rule with the options of its public class what follows from their listing.
template <class Rule, class Options, class Base = detail::OptimizerImpl>
class RuleOf : public Base {
 public:
  RuleOf(const char* class_name, const Options& o)
      : Base(checked_rate(class_name, o.lr, o.learning_rate, o.decay)), o_(o), class_name_(class_name) {
    take_shared_options(class_name, shared(o_), *this);
  }

  std::string class_name() const override { return class_name_; }
  nlohmann::ordered_json config() const override {
    nlohmann::ordered_json config = core::config_of(o_);
    if (this->given_rate.schedule() == nullptr) config["learning_rate"] = this->learning_rate;
    return config;
  }
  std::unique_ptr<detail::OptimizerImpl> clone() const override {
    return std::make_unique<Rule>(static_cast<const Rule&>(*this));
  }

 protected:
  Options o_;

 private:
  const char* class_name_;
};

// beta^t from beta^(t - 1): no power function, whose last bit varies from library to library. 0 as soon as 1 - power is
// 1: a few thousand steps later it would be a denormal, which costs 40 ns a step.
inline double next_power(double power, double beta) {
  power *= beta;
  return power < 0x1p-60 ? 0 : power;
}

// beta^t as t steps have it. Of the steps behind these, which a file may have any number of, by squaring, which is as
// good but for rounding. (A beta of 0.99999 has come to 0 then.)
constexpr Index kStepsByOne = 5'000'000;
double power_after(Index steps, double beta);

// Each beside its rule, for the registry.
Optimizer adadelta_from_config(const core::Json& config);
Optimizer adafactor_from_config(const core::Json& config);
Optimizer adagrad_from_config(const core::Json& config);
Optimizer adam_from_config(const core::Json& config);
Optimizer adamax_from_config(const core::Json& config);
Optimizer adamw_from_config(const core::Json& config);
Optimizer ftrl_from_config(const core::Json& config);
Optimizer lamb_from_config(const core::Json& config);
Optimizer lion_from_config(const core::Json& config);
Optimizer muon_from_config(const core::Json& config);
Optimizer nadam_from_config(const core::Json& config);
Optimizer rmsprop_from_config(const core::Json& config);
Optimizer schedule_free_adamw_from_config(const core::Json& config);
Optimizer sgd_from_config(const core::Json& config);

}  // namespace rondo::training
