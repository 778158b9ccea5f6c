// The rule behind a public Optimizer handle: what a step makes of weights, gradients and what is remembered of them.
#pragma once

#include <array>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include <rondo/optimizers.hpp>

#include "core/access.hpp"
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

// Adds the two typed updates to a rule that has one template apply(ops, w, g, slots, n).
template <class Rule>
class TypedRule : public detail::OptimizerImpl {
 public:
  using OptimizerImpl::OptimizerImpl;
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
};

// `lr` is Keras 1 and 2's name of the learning rate.
inline double checked_rate(const char* optimizer, Real learning_rate, const std::optional<Real>& lr) {
  return checked_option(optimizer, "learning_rate", lr.value_or(learning_rate), Allowed::zero_or_more);
}

}  // namespace rondo::training
