#include "support/layer_probe.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include <rondo/layer.hpp>

#include "core/dispatch.hpp"
#include "engine/builder.hpp"
#include "engine/staging.hpp"
#include "engine/thread_pool.hpp"

namespace rondo::test {

namespace {

using engine::Place;
using engine::PlanBuilder;
using engine::Value;
using engine::ValueInfo;

// A training plan of one layer, and the arena of one walk.
class Walk {
 public:
  Walk(const graph::LayerNode& node, const std::vector<Tensor>& inputs, const ProbeArguments& arguments)
      : node_(node),
        rows_(inputs.at(0).shape()[0]),
        threads_(arguments.threads),
        plan_(make_plan(node, inputs, rows_ + arguments.spare_rows, arguments)) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const ValueInfo& info = plan_->info(plan_->inputs()[i]);
      put(inputs[i], info, info.data);
    }
    for (std::size_t i = 0; i < arguments.masks.size(); ++i) {
      if (!arguments.masks[i].empty()) put_mask(plan_->info(plan_->inputs()[i]), arguments.masks[i]);
    }
    core::with_type(plan_->dtype(), [this]<class T>() { leave_old_gradients<T>(); });
  }

  void forward() {
    plan_->begin(run());
    plan_->derive_if_stale(workspace_);
    auto forward = [&](const engine::Member& m, Index stage) {
      if (stage == 0) plan_->clear_gradients(run(), m);
      plan_->forward(run(), m, stage);
    };
    engine::run_team(threads_, {{forward, plan_->forward_stages()}});
  }

  void backward(const std::vector<Tensor>& cotangents) {
    const std::vector<Value>& outputs = plan_->outputs();
    if (cotangents.size() != outputs.size()) {
      throw std::logic_error("probe: " + std::to_string(cotangents.size()) + " cotangents for " +
                             std::to_string(outputs.size()) + " outputs");
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const ValueInfo& info = plan_->info(outputs[i]);
      put(cotangents[i], info, info.gradient);
    }
    auto backward = [&](const engine::Member& m, Index stage) { plan_->backward(run(), m, stage); };
    auto gradients = [&](const engine::Member& m) { plan_->gradients(run(), m); };
    engine::run_team(threads_, {{backward, plan_->backward_stages()}, gradients});
  }

  void commit() { plan_->commit(run()); }

  std::vector<Tensor> outputs() const {
    std::vector<Tensor> all;
    for (const Value v : plan_->outputs()) all.push_back(get(plan_->info(v), plan_->info(v).data));
    return all;
  }

  Tensor output_mask() const {
    const ValueInfo& info = plan_->info(plan_->outputs().front());
    if (!info.mask) return {};
    Tensor out = Tensor::zeros({rows_, info.steps}, DType::float64);
    const auto mask = info.mask.rows<const std::uint8_t>(run().arena);
    for (Index b = 0; b < rows_; ++b) {
      for (Index t = 0; t < info.steps; ++t) out.set({b, t}, *mask.at(b, t));
    }
    return out;
  }

  // Of the inputs [begin, end).
  std::vector<Tensor> input_gradients(std::size_t begin, std::size_t end) const {
    std::vector<Tensor> all;
    for (std::size_t i = begin; i < end; ++i) {
      const ValueInfo& info = plan_->info(plan_->inputs()[i]);
      all.push_back(get(info, info.gradient));
    }
    return all;
  }

  std::vector<Tensor> weight_gradients() const {
    std::vector<Tensor> all;
    const auto& slots = plan_->gradient_slots();
    for (const engine::Parameter& p : node_.parameters()) {
      const auto slot = std::find_if(slots.begin(), slots.end(), [&](const auto& s) { return s.block == p.block; });
      all.push_back(slot == slots.end() ? Tensor() : p.unpack(slot->gradient.pointer<std::byte>(run())));
    }
    return all;
  }

 private:
  // As a step before would: this one must not add to them.
  template <class T>
  void leave_old_gradients() {
    for (const engine::GradientSlot& slot : plan_->gradient_slots()) {
      T* gradient = slot.gradient.pointer<T>(run());
      for (const Range& range : slot.ranges) std::fill(gradient + range.begin, gradient + range.end, T{7});
    }
  }

  static std::unique_ptr<const engine::Plan> make_plan(const graph::LayerNode& node, const std::vector<Tensor>& inputs,
                                                       Index capacity, const ProbeArguments& arguments) {
    PlanBuilder builder(node.dtype(), capacity, arguments.training ? engine::Use::training : engine::Use::inference);
    std::vector<Value> values;
    for (const Tensor& x : inputs) values.push_back(builder.input(x.shape().from(1), !arguments.cotangents.empty()));
    for (std::size_t i = 0; i < arguments.masks.size(); ++i) {
      if (arguments.masks[i].empty()) continue;
      builder.set_mask(values[i], builder.mask_rows(arguments.masks[i].shape()[1]));
    }
    for (const Value v : node.plan(builder, values)) builder.output(v);
    return builder.finish();
  }

  engine::Run run() const { return workspace_.run(rows_); }

  void put(const Tensor& from, const ValueInfo& info, const Place& to) {
    if (from.shape() != info.sample.prepend(rows_)) {
      throw std::logic_error("probe: a tensor of shape " + to_string(from.shape()) + " was given for " +
                             to_string(info.sample.prepend(rows_)));
    }
    if (!to) throw std::logic_error("probe: an output of " + node_.where() + " takes no gradient");
    engine::stage_rows(from, {}, 0, {0, rows_}, info, to, plan_->dtype(), run().arena);
  }

  void put_mask(const ValueInfo& info, const Tensor& mask) {
    if (mask.shape() != Shape{rows_, info.steps}) throw std::logic_error("probe: the mask does not fit the input");
    const auto to = info.mask.rows<std::uint8_t>(run().arena);
    const std::vector<double> counts = mask.to_vector();
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const auto at = static_cast<Index>(i);
      *to.at(at / info.steps, at % info.steps) = counts[i] != 0 ? 1 : 0;
    }
  }

  Tensor get(const ValueInfo& info, const Place& from) const {
    if (!from) throw std::logic_error("probe: an input of " + node_.where() + " has no gradient");
    Tensor out(info.sample.prepend(rows_), plan_->dtype());
    engine::unstage_rows(info, from, plan_->dtype(), run().arena, 0, {0, rows_}, core::bytes_of(out));
    return out;
  }

  const graph::LayerNode& node_;
  Index rows_;
  Index threads_;
  std::unique_ptr<const engine::Plan> plan_;
  engine::Workspace workspace_ = plan_->lease();
};

}  // namespace

void set_weights(const graph::LayerNode& node, const std::vector<Tensor>& weights) {
  const std::vector<engine::Parameter> parameters = node.parameters();
  if (weights.size() != parameters.size()) {
    throw ShapeError(node.where() + " has " + std::to_string(parameters.size()) + " weights, " +
                     std::to_string(weights.size()) + " were given");
  }
  for (std::size_t i = 0; i < weights.size(); ++i) parameters[i].set(weights[i]);
}

Probed probe(graph::LayerNode& node, const ProbeArguments& arguments) {
  std::vector<Tensor> inputs = arguments.inputs;
  inputs.insert(inputs.end(), arguments.initial_state.begin(), arguments.initial_state.end());
  std::vector<Shape> samples;
  for (const Tensor& x : inputs) samples.push_back(x.shape().from(1));
  (void)node.output_shapes(samples);
  node.build(samples);
  if (!arguments.weights.empty()) set_weights(node, arguments.weights);

  const bool gradients = !arguments.cotangents.empty();
  Walk walk(node, inputs, arguments);
  walk.forward();
  Probed result{.outputs = walk.outputs(),
                .output_mask = walk.output_mask(),
                .input_gradients = {},
                .state_gradients = {},
                .weight_gradients = {}};
  if (gradients) walk.backward(arguments.cotangents);
  if (arguments.commit) walk.commit();
  if (!gradients) return result;
  const std::size_t states_at = arguments.inputs.size();
  result.input_gradients = walk.input_gradients(0, states_at);
  result.state_gradients = walk.input_gradients(states_at, inputs.size());
  result.weight_gradients = walk.weight_gradients();
  return result;
}

}  // namespace rondo::test
