// The handle, and optimizers by name.
#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/registry.hpp"
#include "training/optimizers/rule.hpp"

namespace rondo {

namespace {

using KnownOptimizers = core::Registry<NameKind::optimizer, Optimizer>;

// To add an optimizer: its class in <rondo/optimizers.hpp>, its rule in a file beside this one, a line here.
const KnownOptimizers& known_optimizers() {
  static constinit Lazy<KnownOptimizers> known;
  return known.get([] {
    return KnownOptimizers{
        {{"adam"}, Adam()},
        {{"rmsprop"}, RMSprop()},
        {{"sgd"}, SGD()},
    };
  });
}

}  // namespace

Optimizer::Optimizer(const std::string& name) : Optimizer(known_optimizers().at(name, lower_case(name))) {}

std::string Optimizer::class_name() const { return impl_->class_name(); }
double Optimizer::learning_rate() const { return impl_->learning_rate; }

}  // namespace rondo
