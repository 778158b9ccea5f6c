// The constraints of a model's weights, which every update ends with.
#pragma once

#include <memory>
#include <vector>

#include "engine/plan.hpp"

namespace rondo::training {

class Constraints {
 public:
  Constraints() = default;
  // Of those parameters that the plan has gradients of.
  Constraints(const engine::Plan& plan, const std::vector<engine::Parameter>& parameters);

  explicit operator bool() const { return !weights_.empty(); }
  // Brings the member's share of the weights to where they may be, behind a barrier after the update.
  void hold(const engine::Member& member) const noexcept;

 private:
  struct Weight {
    engine::PackedMap map;
    std::shared_ptr<const engine::Constraint> constraint;
    std::shared_ptr<engine::ParameterBlock> block;
    Index parts;
  };

  std::vector<Weight> weights_;
};

}  // namespace rondo::training
