// The handle, and optimizers by name or configuration.
#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/registry.hpp"
#include "training/from_config.hpp"
#include "training/optimizers/rule.hpp"

namespace rondo {

namespace {

struct KnownOptimizer {
  Optimizer (*standard)();
  Optimizer (*read)(const core::Json& config);
};

template <class Class>
Optimizer standard() {
  return Class();
}

using KnownOptimizers = core::Registry<NameKind::optimizer, KnownOptimizer>;

// To add an optimizer: its class in <rondo/optimizers.hpp>, its rule in a file beside this one, a line here.
const KnownOptimizers& known_optimizers() {
  static constinit Lazy<KnownOptimizers> known;
  return known.get([] {
    return KnownOptimizers{
        {{"adadelta"}, {standard<Adadelta>, training::adadelta_from_config}},
        {{"adafactor"}, {standard<Adafactor>, training::adafactor_from_config}},
        {{"adagrad"}, {standard<Adagrad>, training::adagrad_from_config}},
        {{"adam"}, {standard<Adam>, training::adam_from_config}},
        {{"adamax"}, {standard<Adamax>, training::adamax_from_config}},
        {{"adamw"}, {standard<AdamW>, training::adamw_from_config}},
        {{"ftrl"}, {standard<Ftrl>, training::ftrl_from_config}},
        {{"lamb"}, {standard<Lamb>, training::lamb_from_config}},
        {{"lion"}, {standard<Lion>, training::lion_from_config}},
        {{"muon"}, {standard<Muon>, training::muon_from_config}},
        {{"nadam"}, {standard<Nadam>, training::nadam_from_config}},
        {{"rmsprop"}, {standard<RMSprop>, training::rmsprop_from_config}},
        {{"schedulefreeadamw"}, {standard<ScheduleFreeAdamW>, training::schedule_free_adamw_from_config}},
        {{"sgd"}, {standard<SGD>, training::sgd_from_config}},
    };
  });
}

const KnownOptimizer& known_optimizer(const std::string& name) {
  const std::string lower = lower_case(name);
  if (lower == "lossscaleoptimizer") {
    throw ConfigError("the optimizer '" + name +
                      "' is not in Rondo: it scales losses so that gradients are not lost in float16, in which Rondo "
                      "computes nothing (float32, float64 and mixed_bfloat16 hold them); take its inner_optimizer");
  }
  return known_optimizers().at(name, lower);
}

}  // namespace

Optimizer::Optimizer(const std::string& name) : Optimizer(known_optimizer(name).standard()) {}

std::string Optimizer::class_name() const { return impl_->class_name(); }
double Optimizer::learning_rate() const { return impl_->learning_rate; }

core::Json training::to_config(const Optimizer& optimizer) {
  return core::serialize("keras.optimizers", optimizer.class_name(), optimizer.impl().config());
}

Optimizer training::optimizer_from_config(const core::Json& config) {
  const core::Serialized given = core::serialized("optimizer", config);
  if (!given.name.empty()) return given.name;
  return known_optimizer(given.class_name).read(given.config);
}

}  // namespace rondo
