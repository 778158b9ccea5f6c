// Losses and metrics whose rule is a function of one row of doubles, whatever the model's dtype: those of users
// (extend.hpp), and those of Keras's that are not worth kernels of their own, as a loss costs little beside a layer.
#pragma once

#include <utility>

#include <rondo/extend.hpp>

#include "training/losses.hpp"

namespace rondo::training {

class FunctionRows final : public BoundLoss {
 public:
  FunctionRows(Labels labels, Traits traits, LossFunction function)
      : BoundLoss(labels, std::move(traits)), function_(std::move(function)) {}
  void rows(const kernels::Ops<float>& ops, kernels::LossArgs<float> args) const override;
  void rows(const kernels::Ops<double>& ops, kernels::LossArgs<double> args) const override;

 private:
  LossFunction function_;
};

}  // namespace rondo::training
