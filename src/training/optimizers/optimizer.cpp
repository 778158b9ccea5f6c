// The handle, and optimizers by name or configuration.
#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/registry.hpp"
#include "training/from_config.hpp"
#include "training/optimizers/rule.hpp"

namespace rondo {

namespace {

struct KnownOptimizer {
  Optimizer standard;
  Optimizer (*read)(const core::Json& config);
};

using KnownOptimizers = core::Registry<NameKind::optimizer, KnownOptimizer>;

// To add an optimizer: its class in <rondo/optimizers.hpp>, its rule in a file beside this one, a line here.
const KnownOptimizers& known_optimizers() {
  static constinit Lazy<KnownOptimizers> known;
  return known.get([] {
    return KnownOptimizers{
        {{"adam"}, {Adam(), training::adam_from_config}},
        {{"rmsprop"}, {RMSprop(), training::rmsprop_from_config}},
        {{"sgd"}, {SGD(), training::sgd_from_config}},
    };
  });
}

}  // namespace

Optimizer::Optimizer(const std::string& name) : Optimizer(known_optimizers().at(name, lower_case(name)).standard) {}

std::string Optimizer::class_name() const { return impl_->class_name(); }
double Optimizer::learning_rate() const { return impl_->learning_rate; }

namespace {

void refuse_schedule(const core::Serialized& given) {
  const core::Json rate = given.config.is_object() ? given.config.value("learning_rate", core::Json()) : core::Json();
  if (!rate.is_object()) return;
  throw ConfigError(given.class_name + ": the learning rate is a schedule, " +
                    rate.value("class_name", std::string("?")) + ", which is not supported; give a number");
}

}  // namespace

core::Json training::to_config(const Optimizer& optimizer) {
  return {{"class_name", optimizer.class_name()}, {"config", optimizer.impl().config()}};
}

Optimizer training::optimizer_from_config(const core::Json& config) {
  const core::Serialized given = core::serialized("optimizer", config);
  if (!given.name.empty()) return given.name;
  refuse_schedule(given);
  return known_optimizers().at(given.class_name, lower_case(given.class_name)).read(given.config);
}

}  // namespace rondo
