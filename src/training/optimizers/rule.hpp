// The rule behind a public Optimizer handle: what a step makes of weights, gradients and what is remembered of them.
#pragma once

#include <array>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include <rondo/error.hpp>
#include <rondo/optimizers.hpp>

#include "core/access.hpp"
#include "core/fields.hpp"
#include "core/options.hpp"
#include "kernels/table.hpp"
#include "training/clipping.hpp"

namespace rondo::training {

// Per weight array what an optimizer remembers: up to three arrays laid out like it.
template <class T>
using Slots = std::array<T*, 3>;

// Bounds: no weight is larger in size than `weights`, nothing that the optimizer remembers larger than `slots`.
struct Sizes {
  double weights = std::numeric_limits<double>::infinity();
  double slots = std::numeric_limits<double>::infinity();
};

}  // namespace rondo::training

namespace rondo::detail {

class OptimizerImpl {
 public:
  explicit OptimizerImpl(double rate) : learning_rate(rate) {}
  virtual ~OptimizerImpl() = default;
  virtual std::unique_ptr<OptimizerImpl> clone() const = 0;
  virtual std::string class_name() const = 0;
  virtual nlohmann::ordered_json config() const = 0;  // Keras's, with its own keys behind name and learning_rate

  // Arrays it remembers per weight array, zero at first.
  virtual Index slots() const = 0;
  // Whether an element whose gradient has always been zero stays as it is, to the bit, so that it needs no update. Not
  // so where a rule lets weights decay.
  virtual bool rests_without_gradient() const = 0;
  // Around the updates of a step: running products such as beta^t. A step that does not end leaves no trace here.
  virtual void begin_step() {}
  virtual void end_step() {}
  // Bounds after so many steps at this learning rate, of the intermediate results too, if these hold before them and no
  // gradient is larger in size than `gradient`. Infinite or NaN where there are none.
  virtual training::Sizes after_steps(double steps, const training::Sizes& before, double gradient) const noexcept = 0;
  // Updates n elements; called by several threads for parts of the arrays.
  virtual void update(const kernels::Ops<float>& ops, float* w, const float* g, const training::Slots<float>& slots,
                      Index n) const noexcept = 0;
  virtual void update(const kernels::Ops<double>& ops, double* w, const double* g, const training::Slots<double>& slots,
                      Index n) const noexcept = 0;

  double learning_rate;
  training::ClippingRule clipping;
};

}  // namespace rondo::detail

namespace rondo::training {

// What all optimizers list before their own options. `name` is the one that Keras gives an optimizer of this class.
template <class Visitor, class Options>
void optimizer_fields(Visitor& v, const char* name, Options& o) {
  v.constant("name", name);
  v("learning_rate", o.learning_rate);
  v.only_read("lr", o.lr);
  v.refused("decay", 0);  // Keras 1 and 2's
  v.refused("weight_decay");
  v("clipnorm", o.clipnorm);
  v("global_clipnorm", o.global_clipnorm);
  v("clipvalue", o.clipvalue);
  for (const char* key : {"use_ema", "loss_scale_factor", "gradient_accumulation_steps"}) v.refused(key);
}

// ConfigError where there is more than one.
template <class Options>
ClippingRule clipping_of(const char* class_name, const Options& o) {
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

// Adds to a rule with the options of its public class what follows from their listing, and the two typed updates from
// one template apply(ops, w, g, slots, n).
template <class Rule, class Options>
class TypedRule : public detail::OptimizerImpl {
 public:
  // `lr` is Keras 1 and 2's name of the learning rate.
  TypedRule(const char* class_name, const Options& o)
      : OptimizerImpl(
            checked_option(class_name, "learning_rate", o.lr.value_or(o.learning_rate), Allowed::zero_or_more)),
        o_(o),
        class_name_(class_name) {
    clipping = clipping_of(class_name, o);
  }

  std::string class_name() const override { return class_name_; }
  nlohmann::ordered_json config() const override {
    Options now = o_;
    now.learning_rate = learning_rate;
    return core::config_of(now);
  }
  std::unique_ptr<OptimizerImpl> clone() const override {
    return std::make_unique<Rule>(static_cast<const Rule&>(*this));
  }
  void update(const kernels::Ops<float>& ops, float* w, const float* g, const Slots<float>& slots,
              Index n) const noexcept override {
    static_cast<const Rule&>(*this).apply(ops, w, g, slots, n);
  }
  void update(const kernels::Ops<double>& ops, double* w, const double* g, const Slots<double>& slots,
              Index n) const noexcept override {
    static_cast<const Rule&>(*this).apply(ops, w, g, slots, n);
  }

 protected:
  Options o_;

 private:
  const char* class_name_;
};

// Each beside its rule, for the registry.
Optimizer adam_from_config(const core::Json& config);
Optimizer rmsprop_from_config(const core::Json& config);
Optimizer sgd_from_config(const core::Json& config);

}  // namespace rondo::training
