#include "training/optimizers/rule.hpp"

#include <algorithm>

#include <rondo/keras_compat.hpp>

namespace rondo::training {

namespace {

ClippingRule clipping_of(const char* class_name, const SharedOptions& o) {
  if (o.clipnorm.has_value() + o.clipvalue.has_value() + o.global_clipnorm.has_value() > 1) {
    throw ConfigError(std::string(class_name) + ": only one of clipnorm, clipvalue and global_clipnorm may be given");
  }
  const auto most = [&](const char* option, const std::optional<Real>& value) {
    return checked_option(class_name, option, value.value_or(0), Allowed::finite);
  };
  return {.norm = most("clipnorm", o.clipnorm),
          .value = most("clipvalue", o.clipvalue),
          .global_norm = most("global_clipnorm", o.global_clipnorm)};
}

Index checked_steps(const char* class_name, const char* option, Index steps, Index least) {
  if (steps == 0 || steps >= least) return steps;
  throw ConfigError(std::string(class_name) + ": " + option + " is " + std::to_string(steps) + "; it must be " +
                    std::to_string(least) + " or more, or left out");
}

Averaging averaging_of(const char* class_name, const SharedOptions& o) {
  if (!o.use_ema) return {};
  return {.on = true,
          .momentum = checked_option(class_name, "ema_momentum", o.ema_momentum, Allowed::between_0_and_1),
          .overwrite_frequency =
              checked_steps(class_name, "ema_overwrite_frequency", o.ema_overwrite_frequency.value_or(0), /*least=*/1)};
}

}  // namespace

template <class Visitor>
void shared_fields(Visitor& v, const char* name, const SharedOptions& o) {
  v.constant("name", name);
  v("learning_rate", o.learning_rate);
  v.only_read("lr", o.lr);
  v.only_read("decay", o.decay);
  v("weight_decay", o.weight_decay);
  v.if_any("exclude_from_weight_decay", o.exclude_from_weight_decay);
  v("clipnorm", o.clipnorm);
  v("global_clipnorm", o.global_clipnorm);
  v("clipvalue", o.clipvalue);
  v("use_ema", o.use_ema);
  v("ema_momentum", o.ema_momentum);
  v("ema_overwrite_frequency", o.ema_overwrite_frequency);
  v("loss_scale_factor", o.loss_scale_factor);
  v("gradient_accumulation_steps", o.gradient_accumulation_steps);
}
template void shared_fields(core::FieldWriter& v, const char* name, const SharedOptions& o);
template void shared_fields(core::FieldReader& v, const char* name, const SharedOptions& o);

LearningRate checked_rate(const char* class_name, const std::optional<Real>& lr, const LearningRate& given,
                          const std::optional<Real>& decay) {
  const double fall = decay ? checked_option(class_name, "decay", *decay, Allowed::zero_or_more) : 0;
  if (!lr && given.schedule() != nullptr) {
    if (fall == 0) return given;
    throw ConfigError(std::string(class_name) + ": the learning rate is a schedule, which .decay cannot change");
  }
  const double rate = checked_option(class_name, "learning_rate", lr ? lr->value : given(0), Allowed::zero_or_more);
  if (fall == 0) return rate;
  return InverseTimeDecay(rate, 1, fall);
}

void take_shared_options(const char* class_name, const SharedOptions& o, detail::OptimizerImpl& rule) {
  o.learning_rate = rule.given_rate;
  o.lr.reset();
  o.decay.reset();
  if (detail::keras_defaults().clipnorm_is_global && o.clipnorm && !o.global_clipnorm) {
    std::swap(o.clipnorm, o.global_clipnorm);
  }
  rule.clipping = clipping_of(class_name, o);
  if (o.weight_decay) {
    rule.decay.rate = checked_option(class_name, "weight_decay", *o.weight_decay, Allowed::zero_or_more);
  }
  rule.decay.excluded = Patterns(std::string(class_name) + ": exclude_from_weight_decay", o.exclude_from_weight_decay);
  rule.averaging = averaging_of(class_name, o);
  rule.accumulated_steps = std::max<Index>(1, checked_steps(class_name, "gradient_accumulation_steps",
                                                            o.gradient_accumulation_steps.value_or(0), /*least=*/2));
  if (o.loss_scale_factor) {
    rule.loss_scale_factor = checked_option(class_name, "loss_scale_factor", *o.loss_scale_factor, Allowed::above_0);
  }
}

double power_after(Index steps, double beta) {
  double power = 1;
  for (Index t = 0; t < std::min(steps, kStepsByOne) && power > 0; ++t) power = next_power(power, beta);
  for (Index left = steps - kStepsByOne; left > 0 && power > 0; left /= 2, beta *= beta) {
    if (left % 2 != 0) power = next_power(power, beta);
  }
  return power;
}

}  // namespace rondo::training
