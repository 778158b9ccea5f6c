#include "training/penalties.hpp"

#include <numeric>

#include "core/dispatch.hpp"

namespace rondo::training {

Penalties::Penalties(const engine::Plan& plan, const std::vector<engine::Parameter>& parameters) {
  for (const engine::Parameter& p : parameters) {
    if (p.rules.penalty == nullptr || !p.block->trainable()) continue;
    weights_.push_back({p.map, p.rules.penalty, p.block, {}, p.rules.penalty->parts(p.map)});
    parts_ += static_cast<std::size_t>(weights_.back().parts);
    for (const engine::GradientSlot& slot : plan.gradient_slots()) {
      if (slot.block == p.block) weights_.back().gradient = slot.gradient;
    }
  }
}

double Penalties::sum() const noexcept {
  double sum = 0;
  for (const Weight& w : weights_) {
    double of_weight = 0;
    core::with_type(w.block->dtype(), [&]<class T>() {
      T* const no_gradient = nullptr;
      for (Index part = 0; part < w.parts; ++part) {
        of_weight += w.penalty->part(w.map, part, w.block->values<const T>(), no_gradient);
      }
    });
    sum += of_weight;
  }
  return sum;
}

void Penalties::add_gradients(const engine::Run& run, const engine::Member& member,
                              std::span<double> values) const noexcept {
  for (const Weight& w : weights_) {
    const Range mine = member.share(w.parts);
    core::with_type(w.block->dtype(), [&]<class T>() {
      for (Index part = mine.begin; part < mine.end; ++part) {
        values[static_cast<std::size_t>(part)] =
            w.penalty->part(w.map, part, w.block->values<const T>(), w.gradient.pointer<T>(run));
      }
    });
    values = values.subspan(static_cast<std::size_t>(w.parts));
  }
}

double Penalties::sum(std::span<const double> values) const noexcept {
  double sum = 0;
  for (const Weight& w : weights_) {
    const auto parts = values.first(static_cast<std::size_t>(w.parts));
    sum += std::accumulate(parts.begin(), parts.end(), 0.0);
    values = values.subspan(parts.size());
  }
  return sum;
}

}  // namespace rondo::training
