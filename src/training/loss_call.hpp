// A loss of tensors outside of a model, computed by the head that ends a model's plan.
#pragma once

#include <memory>
#include <optional>

#include <rondo/losses.hpp>

#include "engine/plan.hpp"
#include "training/head.hpp"

namespace rondo::training {

class LossCall {
 public:
  struct Data {
    const Tensor& truth;
    const Tensor& prediction;
    const std::optional<Tensor>& sample_weight;        // a number, one for each sample or one for each row
    const std::optional<Tensor>& mask = std::nullopt;  // (samples, timesteps)
  };
  // ShapeError where these do not fit.
  LossCall(const Loss& loss, const Data& data, DType dtype);

  // A scalar; with the reduction "none" the values themselves.
  Tensor value() const;
  // Of the value, or of the sum of the values, by the predictions.
  Tensor gradient() const;

 private:
  engine::Run run() const { return workspace_->run(samples_); }
  void stage(const Tensor& from, const engine::ValueInfo& to);
  void stage_weights(const Tensor& weights);
  void stage_mask(const Tensor& mask);

  Index samples_;
  DType dtype_;
  bool reduces_;
  engine::ValueInfo prediction_;
  const Head* head_ = nullptr;  // the plan's
  std::unique_ptr<const engine::Plan> plan_;
  std::optional<engine::Workspace> workspace_;
};

}  // namespace rondo::training
