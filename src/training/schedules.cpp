#include "training/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>

#include <rondo/error.hpp>

#include "core/access.hpp"
#include "core/fields.hpp"
#include "core/fork_safe.hpp"
#include "core/options.hpp"
#include "core/own_math.hpp"
#include "core/registry.hpp"

namespace rondo {

namespace {

using core::Json;

// ---- the classes ----------------------------------------------------------------------------------------------------
//
// Each with Keras's names of its class and arguments, a check of these, and the rate of step s.

// What the first two have in common.
struct Decay {
  Real initial_learning_rate, decay_steps, decay_rate;
  bool staircase = false;

  void check_as(const char* class_name) const {
    checked_option(class_name, "initial_learning_rate", initial_learning_rate, Allowed::zero_or_more);
    checked_option(class_name, "decay_steps", decay_steps, Allowed::above_0);
    checked_option(class_name, "decay_rate", decay_rate, Allowed::zero_or_more);
  }
  // How often the rate has decayed.
  double times(double s) const {
    const double p = s / decay_steps;
    return staircase ? std::floor(p) : p;
  }
};

template <class Visitor, std::derived_from<Decay> Rule>
void fields(Visitor& v, Rule& r) {
  v.required("initial_learning_rate", r.initial_learning_rate);
  v.required("decay_steps", r.decay_steps);
  v.required("decay_rate", r.decay_rate);
  v("staircase", r.staircase);
  v.constant("name", Rule::kClass);
}

struct Exponential : Decay {
  static constexpr const char* kClass = "ExponentialDecay";
  void check() const { check_as(kClass); }
  double rate(double s) const { return initial_learning_rate * own_pow(decay_rate, times(s)); }
};

struct InverseTime : Decay {
  static constexpr const char* kClass = "InverseTimeDecay";
  void check() const { check_as(kClass); }
  double rate(double s) const { return initial_learning_rate / (1 + decay_rate * times(s)); }
};

struct Polynomial {
  static constexpr const char* kClass = "PolynomialDecay";
  Real initial_learning_rate, decay_steps;
  PolynomialDecayOptions o = {};

  void check() const {
    checked_option(kClass, "initial_learning_rate", initial_learning_rate, Allowed::zero_or_more);
    checked_option(kClass, "decay_steps", decay_steps, Allowed::above_0);
    checked_option(kClass, "end_learning_rate", o.end_learning_rate, Allowed::zero_or_more);
    checked_option(kClass, "power", o.power, Allowed::zero_or_more);
  }
  double rate(double s) const {
    double steps = decay_steps;
    if (o.cycle && s > 0) steps *= std::ceil(s / decay_steps);
    const double left = std::max(0.0, 1 - s / steps);
    return (initial_learning_rate - o.end_learning_rate) * own_pow(left, o.power) + o.end_learning_rate;
  }
};

template <class Visitor>
void fields(Visitor& v, Polynomial& p) {
  v.required("initial_learning_rate", p.initial_learning_rate);
  v.required("decay_steps", p.decay_steps);
  v("end_learning_rate", p.o.end_learning_rate);
  v("power", p.o.power);
  v("cycle", p.o.cycle);
  v.constant("name", Polynomial::kClass);
}

struct Piecewise {
  static constexpr const char* kClass = "PiecewiseConstantDecay";
  std::vector<Real> boundaries, values;

  void check() const {
    if (values.size() != boundaries.size() + 1) {
      throw ConfigError(std::string(kClass) + ": values has " + std::to_string(values.size()) + " numbers; for " +
                        std::to_string(boundaries.size()) + " boundaries it must have " +
                        std::to_string(boundaries.size() + 1));
    }
    for (const Real& value : values) checked_option(kClass, "one of values", value, Allowed::zero_or_more);
    for (std::size_t i = 0; i < boundaries.size(); ++i) {
      checked_option(kClass, "one of boundaries", boundaries[i], Allowed::finite);
      if (i == 0 || boundaries[i] > boundaries[i - 1]) continue;
      throw ConfigError(std::string(kClass) + ": boundaries must grow, each above the one before");
    }
  }
  double rate(double s) const {
    const auto next = std::find_if(boundaries.begin(), boundaries.end(), [s](const Real& b) { return s <= b; });
    return values[static_cast<std::size_t>(next - boundaries.begin())];
  }
};

template <class Visitor>
void fields(Visitor& v, Piecewise& p) {
  v.required("boundaries", p.boundaries);
  v.required("values", p.values);
  v.constant("name", "PiecewiseConstant");
}

// From 1 to `alpha` on half a wave, as `part` goes from 0 to 1; the wave has this height.
double cosine(double part, double alpha, double height = 1) {
  return (1 - alpha) * 0.5 * height * (1 + own_cos_turn(part / 2)) + alpha;
}

struct Cosine {
  static constexpr const char* kClass = "CosineDecay";
  Real initial_learning_rate, decay_steps;
  CosineDecayOptions o = {};

  void check() const {
    checked_option(kClass, "initial_learning_rate", initial_learning_rate, Allowed::zero_or_more);
    checked_option(kClass, "decay_steps", decay_steps, Allowed::above_0);
    checked_option(kClass, "alpha", o.alpha, Allowed::zero_or_more);
    checked_option(kClass, "warmup_target", o.warmup_target.value_or(0), Allowed::zero_or_more);
    checked_option(kClass, "warmup_steps", o.warmup_steps, Allowed::zero_or_more);
  }
  double rate(double s) const {
    double from = initial_learning_rate;
    if (o.warmup_target) {
      if (s < o.warmup_steps) return from + (*o.warmup_target - from) * (s / o.warmup_steps);
      from = *o.warmup_target;
      s -= o.warmup_steps;
    }
    return from * cosine(std::min(s / decay_steps, 1.0), o.alpha);
  }
};

template <class Visitor>
void fields(Visitor& v, Cosine& c) {
  v.required("initial_learning_rate", c.initial_learning_rate);
  v.required("decay_steps", c.decay_steps);
  v("alpha", c.o.alpha);
  v.constant("name", Cosine::kClass);
  v("warmup_target", c.o.warmup_target);
  v("warmup_steps", c.o.warmup_steps);
}

struct Restarts {
  static constexpr const char* kClass = "CosineDecayRestarts";
  Real initial_learning_rate, first_decay_steps;
  CosineDecayRestartsOptions o = {};

  void check() const {
    checked_option(kClass, "initial_learning_rate", initial_learning_rate, Allowed::zero_or_more);
    checked_option(kClass, "first_decay_steps", first_decay_steps, Allowed::above_0);
    checked_option(kClass, "t_mul", o.t_mul, Allowed::one_or_more);
    checked_option(kClass, "m_mul", o.m_mul, Allowed::zero_or_more);
    checked_option(kClass, "alpha", o.alpha, Allowed::zero_or_more);
  }
  double rate(double s) const {
    double left = s / first_decay_steps, period = 1, height = 1;
    if (o.t_mul == 1) {
      height = own_pow(o.m_mul, std::floor(left));
      left -= std::floor(left);
    }
    for (; left >= period; period *= o.t_mul, height *= o.m_mul) left -= period;
    return initial_learning_rate * cosine(left / period, o.alpha, height);
  }
};

template <class Visitor>
void fields(Visitor& v, Restarts& r) {
  v.required("initial_learning_rate", r.initial_learning_rate);
  v.required("first_decay_steps", r.first_decay_steps);
  v("t_mul", r.o.t_mul);
  v("m_mul", r.o.m_mul);
  v("alpha", r.o.alpha);
  v.constant("name", "SGDRDecay");
}

// ---- behind the handle ---------------------------------------------------------------------------------------------

template <class Rule>
class ScheduleOf final : public detail::ScheduleImpl {
 public:
  explicit ScheduleOf(Rule rule) : rule_(std::move(rule)) { rule_.check(); }
  double rate(Index step) const override { return rule_.rate(static_cast<double>(step)); }
  std::string class_name() const override { return Rule::kClass; }
  Json config() const override { return core::config_of(rule_); }

 private:
  Rule rule_;
};

class CustomSchedule final : public detail::ScheduleImpl {
 public:
  CustomSchedule(const std::string& name, std::function<double(Index)> function)
      : name_(name), function_(std::move(function)) {
    if (name_.empty()) throw ConfigError("custom_schedule needs a name");
    if (!function_) throw ConfigError("custom_schedule '" + name_ + "' has no function");
  }
  double rate(Index step) const override { return function_(step); }
  std::string class_name() const override { return name_; }
  Json config() const override { return {{"name", name_}}; }

 private:
  std::string name_;
  std::function<double(Index)> function_;
};

template <class Rule>
LearningRateSchedule make(Rule rule) {
  return detail::Access::make<LearningRateSchedule>(std::make_shared<ScheduleOf<Rule>>(std::move(rule)));
}

template <class Rule>
LearningRateSchedule read(const Json& config) {
  Rule rule;
  core::read_fields(Rule::kClass, config, rule);
  return make(std::move(rule));
}

using KnownSchedules = core::Registry<NameKind::schedule, LearningRateSchedule (*)(const Json& config)>;

// To add a schedule: its class in <rondo/schedules.hpp>, its rule above, its constructor below, a line here.
const KnownSchedules& known_schedules() {
  static constinit Lazy<KnownSchedules> known;
  return known.get([] {
    return KnownSchedules{
        {{Cosine::kClass}, read<Cosine>},           {{Restarts::kClass}, read<Restarts>},
        {{Exponential::kClass}, read<Exponential>}, {{InverseTime::kClass}, read<InverseTime>},
        {{Piecewise::kClass}, read<Piecewise>},     {{Polynomial::kClass}, read<Polynomial>},
    };
  });
}

}  // namespace

double LearningRateSchedule::operator()(Index step) const { return impl_->rate(step); }
std::string LearningRateSchedule::class_name() const { return impl_->class_name(); }

ExponentialDecay::ExponentialDecay(Real initial_learning_rate, Real decay_steps, Real decay_rate,
                                   const StaircaseOptions& options)
    : LearningRateSchedule(make(Exponential{{initial_learning_rate, decay_steps, decay_rate, options.staircase}})) {}

InverseTimeDecay::InverseTimeDecay(Real initial_learning_rate, Real decay_steps, Real decay_rate,
                                   const StaircaseOptions& options)
    : LearningRateSchedule(make(InverseTime{{initial_learning_rate, decay_steps, decay_rate, options.staircase}})) {}

PolynomialDecay::PolynomialDecay(Real initial_learning_rate, Real decay_steps, const PolynomialDecayOptions& options)
    : LearningRateSchedule(make(Polynomial{initial_learning_rate, decay_steps, options})) {}

PiecewiseConstantDecay::PiecewiseConstantDecay(const std::vector<Real>& boundaries, const std::vector<Real>& values)
    : LearningRateSchedule(make(Piecewise{boundaries, values})) {}

CosineDecay::CosineDecay(Real initial_learning_rate, Real decay_steps, const CosineDecayOptions& options)
    : LearningRateSchedule(make(Cosine{initial_learning_rate, decay_steps, options})) {}

CosineDecayRestarts::CosineDecayRestarts(Real initial_learning_rate, Real first_decay_steps,
                                         const CosineDecayRestartsOptions& options)
    : LearningRateSchedule(make(Restarts{initial_learning_rate, first_decay_steps, options})) {}

LearningRateSchedule custom_schedule(const std::string& name, std::function<double(Index step)> function) {
  return detail::Access::make<LearningRateSchedule>(std::make_shared<CustomSchedule>(name, std::move(function)));
}

LearningRateSchedule training::schedule_from_config(const Json& config) {
  const core::Serialized given = core::serialized("schedule", config);
  const std::string& name = given.class_name.empty() ? given.name : given.class_name;
  return known_schedules().at(name)(given.config);
}

Json to_config(const LearningRate& rate) {
  if (rate.schedule() == nullptr) return rate(0);
  const detail::ScheduleImpl& schedule = rate.schedule()->impl();
  return core::serialize("keras.optimizers.schedules", schedule.class_name(), schedule.config());
}

void from_config(const Json& config, LearningRate& rate) {
  if (config.is_object()) {
    rate = training::schedule_from_config(config);
  } else {
    rate = config.get<double>();
  }
}

}  // namespace rondo
