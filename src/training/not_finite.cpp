#include "training/not_finite.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/dispatch.hpp"
#include "core/names.hpp"
#include "engine/staging.hpp"
#include "training/diagnosis/look.hpp"
#include "training/diagnosis/weights.hpp"

namespace rondo::training {

namespace {

std::string text_of(double number) { return std::isnan(number) ? "NaN" : number_text(number); }

struct Found {
  Index at = 0;
  double number = 0;
};

// The first element of [begin, end) of a tensor that is not finite in a dtype.
std::optional<Found> first_not_finite(const Tensor& tensor, DType dtype, Index begin, Index end) {
  return core::with_elements(tensor, [&](auto elements) -> std::optional<Found> {
    for (Index i = begin; i < end; ++i) {
      const double v = static_cast<double>(elements[static_cast<std::size_t>(i)]);
      if (!std::isfinite(dtype == DType::float32 ? static_cast<float>(v) : v)) return Found{i, v};
    }
    return std::nullopt;
  });
}

std::optional<Found> first_not_finite(const Tensor& tensor) {
  return first_not_finite(tensor, tensor.dtype(), 0, tensor.size());
}

// "sample 7, time step 2, feature 1" for an element of X or y.
std::string place_text(const Tensor& tensor, Index at, const std::string& last_axis) {
  const Index sample = tensor.size() / tensor.shape()[0], inside = at % sample;
  std::string text = "sample " + std::to_string(at / sample);
  if (sample == 1) return text;
  const Index last = tensor.rank() > 1 ? tensor.shape().back() : 1;
  if (tensor.rank() > 2) text += ", time step " + std::to_string(inside / last);
  if (last > 1) text += ", " + last_axis + " " + std::to_string(inside % last);
  return text;
}

Fault fault_of_tensor(const BatchAtWork& batch, const std::string& name, const Tensor& tensor,
                      const std::string& last_axis) {
  const DType dtype = batch.program.plan->dtype();
  const Index sample = tensor.size() / tensor.shape()[0];
  const Samples& samples = batch.samples;
  for (Index row = samples.first; row < samples.first + samples.rows; ++row) {
    const Index number = samples.order.empty() ? row : samples.order[static_cast<std::size_t>(row)];
    const auto found = first_not_finite(tensor, dtype, number * sample, (number + 1) * sample);
    if (!found) continue;
    const std::string where = place_text(tensor, found->at, last_axis);
    if (std::isfinite(found->number)) {
      return {name + " is " + text_of(found->number) + " in " + where,
              "the number is beyond float32, in which the model computes: scale " + name +
                  ", or give the layers .dtype = DType::float64"};
    }
    return {name + " is " + text_of(found->number) + " in " + where,
            name + " itself: drop or fill such samples before fit"};
  }
  return {};
}

// ", first in the output of layer 'lstm'", where a look into the model shows it.
std::string first_layer_text(const ModelNode& node, const Samples& samples) {
  if (node.stateful()) return "";  // a look begins in another state
  for (const Look::Layer& layer : look_into(node, samples).layers) {
    if (!layer.is_finite) return ", first in the output of layer '" + layer.node->name() + "'";
  }
  return "";
}

constexpr const char* kPenalty = "the penalty of a regularizer did; lower its factor or the learning rate";

Fault fault_of_loss(const ModelNode& node, const BatchAtWork& batch, double loss) {
  const std::string what = "the loss became " + text_of(loss);
  for (const engine::Parameter& p : node.parameters()) {
    if (const auto found = first_not_finite(p.get())) {
      return {what, "the weight '" + p.path + "' is " + text_of(found->number) +
                        ", and fit has not made it so: set_weights or a callback has, or an initializer"};
    }
  }
  const DType dtype = batch.program.plan->dtype();
  const auto is_finite = [&](engine::Value v) {
    const engine::ValueInfo& output = batch.program.plan->info(v);
    return engine::all_finite(output, output.data, dtype, batch.workspace.arena(), batch.samples.rows);
  };
  if (!std::isfinite(batch.program.penalties.sum())) return {what, kPenalty};
  const auto& outputs = batch.program.plan->outputs();
  const bool finite_outputs = std::all_of(outputs.begin(), outputs.end(), is_finite);
  if (finite_outputs && !std::isfinite(batch.program.activity_penalty(batch.workspace.run(batch.samples.rows)))) {
    return {what, kPenalty};
  }
  if (finite_outputs) {
    return {what, "the model's output is finite, but too far from y for a loss in " + std::string(to_string(dtype)) +
                      "; scale the data or lower the learning rate"};
  }
  return {what, "the numbers grew out of range inside the model" + first_layer_text(node, batch.samples) +
                    "; scale the data or lower the learning rate"};
}

Fault fault_of_gradients(const ModelNode& node, const BatchAtWork& batch, double loss) {
  for (const engine::Parameter& p : node.parameters()) {
    for (const engine::GradientSlot& slot : batch.program.plan->gradient_slots()) {
      if (slot.block != p.block) continue;
      const auto found = first_not_finite(p.unpack(slot.gradient.pointer<std::byte>(batch.workspace.run(0))));
      if (!found) continue;
      return {"the gradient of '" + p.path + "' became " + text_of(found->number),
              "its numbers grew out of range while the loss is " + text_of(loss) +
                  "; scale the data or lower the learning rate"};
    }
  }
  return {};
}

double largest_gradient_of(const BatchAtWork& batch) {
  double largest = 0;
  for (const engine::GradientSlot& slot : batch.program.plan->gradient_slots()) {
    largest = std::max(largest, largest_gradient(slot, batch.workspace.run(0)));
  }
  return largest;
}

// After an update that has left something that is not finite.
Fault fault_of_update(const ModelNode& node, const BatchAtWork& batch, const OptimizerState& optimizer) {
  const std::string why = "the update overflows, with a learning rate of " + text_of(optimizer.rule().learning_rate) +
                          " and a largest gradient of " + number_text(largest_gradient_of(batch), 3) +
                          "; scale the data or lower the learning rate";
  for (const engine::Parameter& p : node.parameters()) {
    if (const auto found = first_not_finite(p.get())) {
      return {"the weight '" + p.path + "' would become " + text_of(found->number), why};
    }
    for (const Remembered& slot : optimizer.remembered(p)) {
      const auto found = first_not_finite(slot.value);
      if (!found) continue;
      return {"what " + optimizer.rule().class_name() + " remembers of '" + p.path + "' would become " +
                  text_of(found->number),
              why};
    }
  }
  return {"a weight would become infinite or NaN", why};
}

// The first number of the data that is not finite in the model's dtype.
Fault fault_of_data(const ModelNode& node, const BatchAtWork& batch) {
  for (std::size_t i = 0; i < batch.samples.X.size(); ++i) {
    if (Fault fault = fault_of_tensor(batch, node.input_name(i), *batch.samples.X[i], "feature")) return fault;
  }
  for (std::size_t i = 0; i < batch.samples.y.size(); ++i) {
    if (Fault fault = fault_of_tensor(batch, node.label_name(i), *batch.samples.y[i], "output")) return fault;
  }
  for (const Tensor* weights : batch.samples.sample_weights) {
    if (Fault fault = fault_of_tensor(batch, "sample_weight", *weights, "row")) return fault;
  }
  return {};
}

}  // namespace

Fault finish_step(const ModelNode& node, const BatchAtWork& batch, const TrainingStep::Result& result,
                  const TrainingStep& step, const OptimizerState& optimizer) {
  if (!result.finite_data) return fault_of_data(node, batch);
  if (!std::isfinite(result.loss)) return fault_of_loss(node, batch, result.loss);
  if (Fault fault = fault_of_gradients(node, batch, result.loss)) return fault;
  Fault fault;
  step.update_carefully(batch.workspace, batch.samples, [&] { fault = fault_of_update(node, batch, optimizer); });
  return fault;
}

}  // namespace rondo::training
