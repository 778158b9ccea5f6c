// Gradients that are too large, cut before the update: Keras's clipnorm, clipvalue and global_clipnorm.
#pragma once

#include <vector>

#include "engine/plan.hpp"

namespace rondo::training {

// At most one of them is above 0; 0 and less mean no clipping.
struct ClippingRule {
  double norm = 0;         // of each weight's gradient
  double value = 0;        // of each element
  double global_norm = 0;  // of all gradients together

  bool needs_norms() const { return norm > 0 || global_norm > 0; }
  explicit operator bool() const { return needs_norms() || value > 0; }
};

// Norms are sums over the elements in their logical order, so that neither threads nor the instruction set, which
// decides where elements stand, show in the bits.
class Clipping {
 public:
  // Of gradients of a dtype. Without a rule it keeps nothing of them.
  struct Gradient {
    engine::PackedMap map;
    engine::GradientPlace place;
  };
  Clipping(const ClippingRule& rule, DType dtype, std::vector<Gradient> gradients);
  // Those that a plan computes of these parameters.
  static std::vector<Gradient> gradients_of(const engine::Plan& plan, const std::vector<engine::Parameter>& parameters);

  const ClippingRule& rule() const { return rule_; }
  // The member's share of the squares that norms are made of.
  void add_squares(const engine::Run& run, const engine::Member& member) const noexcept;
  // Cuts the member's share of the gradients, behind a barrier after add_squares.
  void clip(const engine::Run& run, const engine::Member& member) const noexcept;

 private:
  // Of one of the gradients, from its first row among all on.
  double sum_of_squares(const Gradient& gradient, std::size_t first_row) const noexcept;
  template <class T>
  void scale(const engine::Run& run, const engine::Member& member) const noexcept;
  template <class T>
  void cut(const engine::Run& run, const engine::Member& member) const noexcept;

  ClippingRule rule_;
  DType dtype_;
  std::vector<Gradient> gradients_;
  mutable std::vector<double> squares_;  // of each row of all gradients, in the step at work
};

}  // namespace rondo::training
