#include "training/constraints.hpp"

#include <algorithm>

#include "core/dispatch.hpp"

namespace rondo::training {

Constraints::Constraints(const engine::Plan& plan, const std::vector<engine::Parameter>& parameters) {
  for (const engine::Parameter& p : parameters) {
    if (p.rules.constraint == nullptr) continue;
    const auto& slots = plan.gradient_slots();
    const bool learns =
        std::any_of(slots.begin(), slots.end(), [&](const auto& slot) { return slot.block == p.block; });
    if (learns) weights_.push_back({p.map, p.rules.constraint, p.block, p.rules.constraint->parts(p.map)});
  }
}

void Constraints::hold(const engine::Member& member) const noexcept {
  for (const Weight& w : weights_) {
    const Range mine = member.share(w.parts);
    core::with_type(w.block->dtype(), [&]<class T>() {
      for (Index part = mine.begin; part < mine.end; ++part) w.constraint->hold(w.map, part, w.block->values<T>());
    });
  }
}

}  // namespace rondo::training
