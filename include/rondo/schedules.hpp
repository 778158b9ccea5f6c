// Learning rates that change from step to step, and what an optimizer takes for its rate.
//
//   SGD({.learning_rate = 0.01});
//   SGD({.learning_rate = ExponentialDecay(0.1, 1000, 0.96)});
//   Adam({.learning_rate = CosineDecay(0, 10'000, {.warmup_target = 1e-3, .warmup_steps = 500})});
//   Adam({.learning_rate = custom_schedule("inverse root", [](Index step) { return 1 / std::sqrt(step + 100.0); })});
//
// A schedule is asked for the rate at the beginning of each step, with the number of steps before it: 0 in the first
// one. With gradient_accumulation_steps each batch counts as a step. The formulas call that number s.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <rondo/shape.hpp>

namespace rondo {

namespace detail {
class ScheduleImpl;
struct Access;
}  // namespace detail

// A schedule, one of the classes below. A value that is never empty; immutable and thread-safe. Arguments out of range
// are a ConfigError that names argument and range.
class LearningRateSchedule {
 public:
  // The rate of a step.
  double operator()(Index step) const;
  // Keras's class name: "ExponentialDecay".
  std::string class_name() const;
  const detail::ScheduleImpl& impl() const { return *impl_; }

 private:
  friend struct detail::Access;
  explicit LearningRateSchedule(std::shared_ptr<const detail::ScheduleImpl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<const detail::ScheduleImpl> impl_;
};

struct StaircaseOptions {
  bool staircase = false;  // s / decay_steps is rounded down, so that the rate changes every decay_steps only
};
// initial_learning_rate decay_rate^(s / decay_steps). decay_steps must be above 0, decay_rate not below.
class ExponentialDecay : public LearningRateSchedule {
 public:
  ExponentialDecay(Real initial_learning_rate, Real decay_steps, Real decay_rate, const StaircaseOptions& options = {});
};

// initial_learning_rate / (1 + decay_rate s / decay_steps). decay_steps must be above 0, decay_rate not below.
class InverseTimeDecay : public LearningRateSchedule {
 public:
  InverseTimeDecay(Real initial_learning_rate, Real decay_steps, Real decay_rate, const StaircaseOptions& options = {});
};

struct PolynomialDecayOptions {
  Real end_learning_rate = 1e-4;
  Real power = 1.0;    // 0 or more
  bool cycle = false;  // decay_steps doubles, triples, ... whenever it is reached, so that the rate jumps up again
};
// (initial_learning_rate - end_learning_rate) (1 - s / decay_steps)^power + end_learning_rate; the end rate from
// decay_steps on, which must be above 0.
class PolynomialDecay : public LearningRateSchedule {
 public:
  PolynomialDecay(Real initial_learning_rate, Real decay_steps, const PolynomialDecayOptions& options = {});
};

// values[0] while s <= boundaries[0], values[1] while s <= boundaries[1], ..., the last value behind the last boundary.
// Boundaries must grow; there must be one value more.
class PiecewiseConstantDecay : public LearningRateSchedule {
 public:
  PiecewiseConstantDecay(const std::vector<Real>& boundaries, const std::vector<Real>& values);
};

struct CosineDecayOptions {
  Real alpha = 0.0;                        // the part of the rate that is left at the end
  std::optional<Real> warmup_target = {};  // with it, the rate first rises (or falls) to this one ...
  Real warmup_steps = 0;                   // ... in so many steps, on a line
};
// rate ((1 - alpha) (1 + cos(pi s / decay_steps)) / 2 + alpha), from decay_steps on rate alpha. `rate` is
// initial_learning_rate; with a warm-up it is warmup_target, and s counts from its end. decay_steps must be above 0.
class CosineDecay : public LearningRateSchedule {
 public:
  CosineDecay(Real initial_learning_rate, Real decay_steps, const CosineDecayOptions& options = {});
};

struct CosineDecayRestartsOptions {
  Real t_mul = 2.0;  // each period is so many times as long as the one before: 1 or more
  Real m_mul = 1.0;  // and begins with so many times its rate: 0 or more
  Real alpha = 0.0;  // the part of initial_learning_rate that is left at the end of each
};
// CosineDecay again and again: initial_learning_rate ((1 - alpha) m_mul^i (1 + cos(pi f)) / 2 + alpha), where f is how
// much of period i has gone. The first has first_decay_steps, which must be above 0.
class CosineDecayRestarts : public LearningRateSchedule {
 public:
  CosineDecayRestarts(Real initial_learning_rate, Real first_decay_steps,
                      const CosineDecayRestartsOptions& options = {});
};

// A schedule of your own. The function is called by the thread that trains, once a step and where the rate is asked
// for; its values must be finite and 0 or more (ConfigError from fit otherwise), and depend on the step alone. `name`
// is for messages. ConfigError for an empty name or function.
LearningRateSchedule custom_schedule(const std::string& name, std::function<double(Index step)> function);

// The learning rate of an optimizer's options: a number, or a schedule.
class LearningRate {
 public:
  template <class A>
    requires((std::integral<A> && !std::same_as<A, bool>) || std::floating_point<A> || std::same_as<A, Real>)
  LearningRate(A rate) : rate_(static_cast<double>(rate)) {}
  LearningRate(const LearningRateSchedule& schedule) : schedule_(schedule) {}

  // Null for a number.
  const LearningRateSchedule* schedule() const { return schedule_ ? &*schedule_ : nullptr; }
  // That of a step.
  double operator()(Index step) const { return schedule_ ? (*schedule_)(step) : rate_; }

 private:
  double rate_ = 0;
  std::optional<LearningRateSchedule> schedule_;
};

}  // namespace rondo
