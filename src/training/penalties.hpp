// What the weights' regularizers add to the loss of a batch, and to the gradients.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/plan.hpp"

namespace rondo::training {

// Penalties are sums over parts of a weight (engine/weight_rules.hpp), and over the weights, in order, so that threads
// do not show in the bits.
class Penalties {
 public:
  Penalties() = default;
  // Of the trainable ones among these parameters, with their gradients where the plan computes any.
  Penalties(const engine::Plan& plan, const std::vector<engine::Parameter>& parameters);

  explicit operator bool() const { return !weights_.empty(); }
  // Of all weights together.
  std::size_t parts() const { return parts_; }
  // What all weights add to the loss, by one thread.
  double sum() const noexcept;
  // The member's share of it, written to `values`, one for each part, and of the derivatives, added to the gradients.
  void add_gradients(const engine::Run& run, const engine::Member& member, std::span<double> values) const noexcept;
  // What all weights add to the loss, from these values.
  double sum(std::span<const double> values) const noexcept;

 private:
  struct Weight {
    engine::PackedMap map;
    std::shared_ptr<const engine::Penalty> penalty;
    std::shared_ptr<engine::ParameterBlock> block;
    engine::GradientPlace gradient;
    Index parts;
  };

  std::vector<Weight> weights_;
  std::size_t parts_ = 0;
};

}  // namespace rondo::training
