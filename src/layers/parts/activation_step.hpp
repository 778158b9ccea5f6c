// Applying an activation to a value of a plan, forward and backward: shared by the layers that have one.
#pragma once

#include "engine/executor.hpp"
#include "kernels/table.hpp"

namespace rondo::layers {

// y = f(x) between two values of one plan; rank and steps agree, features too (glu: x has twice as many).
template <class T>
class ActivationStep {
 public:
  ActivationStep(const kernels::Activation& fn, const kernels::Ops<T>& ops, const engine::ValueInfo& x,
                 engine::Place x_data, engine::Place x_gradient, const engine::ValueInfo& y)
      : fn_(fn),
        ops_(&ops),
        steps_(x.steps),
        features_(x.features),
        x_(x_data),
        dx_(x_gradient),
        y_(y.data),
        dy_(y.gradient) {}

  void forward(const engine::Run& run, Range rows) const noexcept {
    const auto x = x_.rows<const T>(run.arena);
    const auto y = y_.rows<T>(run.arena);
    for (Index t = 0; t < steps_; ++t) {
      ops_->activate(fn_, x.at(rows.begin, t), x.batch_stride, y.at(rows.begin, t), y.batch_stride, rows.size(),
                     features_);
    }
  }

  // Only where both gradients stand somewhere.
  void backward(const engine::Run& run, Range rows) const noexcept {
    if (!dx_ || !dy_) return;
    const auto x = x_.rows<const T>(run.arena), y = y_.rows<const T>(run.arena), dy = dy_.rows<const T>(run.arena);
    const auto dx = dx_.rows<T>(run.arena);
    for (Index t = 0; t < steps_; ++t) {
      ops_->activate_backward(fn_, x.at(rows.begin, t), x.batch_stride, y.at(rows.begin, t), y.batch_stride,
                              dy.at(rows.begin, t), dy.batch_stride, dx.at(rows.begin, t), dx.batch_stride, rows.size(),
                              features_);
    }
  }

  double flops_per_row() const { return 20.0 * static_cast<double>(steps_ * features_); }

 private:
  kernels::Activation fn_;
  const kernels::Ops<T>* ops_;
  Index steps_, features_;
  engine::Place x_, dx_, y_, dy_;
};

}  // namespace rondo::layers
