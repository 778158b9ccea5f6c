#include "training/loss_call.hpp"

#include <utility>

#include <rondo/error.hpp>

#include "core/dispatch.hpp"
#include "engine/staging.hpp"

namespace rondo::training {

namespace {

void require_samples(const Loss& loss, const LossCall::Data& data) {
  const Shape &y = data.truth.shape(), &p = data.prediction.shape();
  const auto refuse = [&](const std::string& what) {
    throw ShapeError("loss '" + loss.name() + "': " + what + "; y_true has shape " + to_string(y) + ", y_pred " +
                     to_string(p));
  };
  if (y.rank() < 1 || p.rank() < 2)
    refuse("the labels must be (samples, ...), the predictions (samples, ..., features)");
  if (p[0] == 0) refuse("there are no samples");
  if (y[0] != p[0]) refuse("there must be as many labels as predictions");
}

}  // namespace

LossCall::LossCall(const Loss& loss, const Data& data, DType dtype)
    : samples_(data.prediction.shape().empty() ? 0 : data.prediction.shape()[0]),
      dtype_(dtype),
      reduces_(loss.impl().reduction() != Reduction::none) {
  require_samples(loss, data);
  engine::PlanBuilder builder(dtype, samples_, engine::Use::training);
  const engine::Value v = builder.value(data.prediction.shape().from(1), /*gradient=*/true);
  if (data.mask) builder.set_mask(v, builder.mask_rows(builder.info(v).steps));
  prediction_ = builder.info(v);
  head_ = &builder.add(
      Head(builder, prediction_, data.truth.shape().from(1), {.loss = loss}, data.sample_weight.has_value()));
  plan_ = builder.finish();
  workspace_.emplace(plan_->lease());
  stage(data.prediction, prediction_);
  stage(data.truth, head_->truth());
  if (data.sample_weight) stage_weights(*data.sample_weight);
  if (data.mask) stage_mask(*data.mask);
  for (Index s = 0; s < plan_->forward_stages(); ++s) plan_->forward(run(), engine::Member(0, 1), s);
  run().failure->rethrow();
}

void LossCall::stage(const Tensor& from, const engine::ValueInfo& to) {
  engine::stage_rows(from, {}, 0, {0, samples_}, to, to.data, dtype_, run().arena);
}

void LossCall::stage_weights(const Tensor& weights) {
  const std::vector<double> values = weights.to_vector();
  const Index rows = samples_ * prediction_.steps, given = weights.size();
  if (given != 1 && given != samples_ && given != rows) {
    throw ShapeError("sample_weight has shape " + to_string(weights.shape()) +
                     "; it must be one number, one for each " + "of the " + std::to_string(samples_) +
                     " samples or one for each of the " + std::to_string(rows) + " rows");
  }
  const engine::ValueInfo& to = *head_->sample_weights();
  core::with_type(dtype_, [&]<class T>() {
    const auto place = to.data.rows<T>(run().arena);
    for (Index b = 0; b < samples_; ++b) {
      for (Index t = 0; t < prediction_.steps; ++t) {
        const Index from = given == rows ? b * prediction_.steps + t : given == samples_ ? b : 0;
        *place.at(b, t) = static_cast<T>(values[static_cast<std::size_t>(from)]);
      }
    }
  });
}

void LossCall::stage_mask(const Tensor& mask) {
  const std::vector<double> values = mask.to_vector();
  const auto to = prediction_.mask.rows<std::uint8_t>(run().arena);
  for (Index b = 0; b < samples_; ++b) {
    for (Index t = 0; t < prediction_.steps; ++t) {
      *to.at(b, t) = values.at(static_cast<std::size_t>(b * prediction_.steps + t)) != 0 ? 1 : 0;
    }
  }
}

Tensor LossCall::value() const {
  if (reduces_) return Tensor(Shape{}, std::vector<double>{head_->loss(run())}).cast(dtype_);
  std::vector<double> values = head_->loss_values(run());
  const auto count = static_cast<Index>(values.size());
  Shape shape = prediction_.sample.prepend(samples_).without_last();
  if (count != shape.elements()) shape = count == samples_ ? Shape{samples_} : Shape{};
  return Tensor(shape, std::move(values)).cast(dtype_);
}

Tensor LossCall::gradient() const {
  Tensor out(prediction_.sample.prepend(samples_), dtype_);
  core::with_type(dtype_, [&]<class T>() {
    engine::unstage_rows(prediction_, prediction_.gradient, dtype_, run().arena, 0, {0, samples_},
                         reinterpret_cast<std::byte*>(out.data<T>().data()));
  });
  return out;
}

}  // namespace rondo::training

namespace rondo {

Tensor Loss::operator()(const Tensor& y_true, const Tensor& y_pred, const std::optional<Tensor>& sample_weight) const {
  const DType dtype = y_pred.dtype() == DType::float64 ? DType::float64 : DType::float32;
  // As in models, a number for each sample is one feature.
  const Tensor rows = y_pred.rank() == 1 ? y_pred.reshape(y_pred.shape().append(1)) : y_pred;
  return training::LossCall(*this, {.truth = y_true, .prediction = rows, .sample_weight = sample_weight}, dtype)
      .value();
}

}  // namespace rondo
