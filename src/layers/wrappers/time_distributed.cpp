// TimeDistributed: a layer or model applied to each time step by itself.
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include <rondo/layers/wrappers.hpp>

#include "engine/repeat.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, std::shared_ptr<graph::LayerNode>& layer, TimeDistributedOptions&) {
  v.required("layer", layer);
}

namespace {

using engine::Value;
using engine::ValueInfo;
using graph::Json;

// Copies the rows of each time step into the body and out of it.
template <class T>
class EachStep final : public engine::RepeatExecutor {
 public:
  EachStep(engine::PlanBuilder& builder, const std::shared_ptr<const engine::Plan>& body, const ValueInfo& x,
           const ValueInfo& y)
      : RepeatExecutor(builder, body, x.sample[0], engine::Walks::apart),
        x_(x),
        y_(y),
        in_(body->info(body->inputs()[0])),
        out_(body->info(body->outputs()[0])) {}

 protected:
  void before_forward(const Visit& v) const noexcept override {
    copy(v, x_.data.rows<const T>(v.run.arena), v.step, in_.data.rows<T>(v.inner.arena), 0, in_);
    if (in_.mask) copy_mask(v);
  }
  void after_forward(const Visit& v) const noexcept override {
    copy(v, out_.data.rows<const T>(v.inner.arena), 0, y_.data.rows<T>(v.run.arena), v.step, out_);
  }
  void before_backward(const Visit& v) const noexcept override {
    copy(v, y_.gradient.rows<const T>(v.run.arena), v.step, out_.gradient.rows<T>(v.inner.arena), 0, out_);
  }
  void after_backward(const Visit& v) const noexcept override {
    if (!x_.gradient) return;
    copy(v, in_.gradient.rows<const T>(v.inner.arena), 0, x_.gradient.rows<T>(v.run.arena), v.step, in_);
  }
  bool goes_back() const noexcept override { return static_cast<bool>(out_.gradient); }

 private:
  using Rows = kernels::Rows<T>;
  // The rows of one time step, between a place for all time steps and one for that step.
  static void copy(const Visit& v, kernels::Rows<const T> from, Index from_step, Rows to, Index to_step,
                   const ValueInfo& step) noexcept {
    for (Index t = 0; t < step.steps; ++t) {
      for (Index b = v.rows.begin; b < v.rows.end; ++b) {
        std::copy_n(from.at(b, from_step * step.steps + t), step.features, to.at(b, to_step * step.steps + t));
      }
    }
  }

  // Which rows count in the step.
  void copy_mask(const Visit& v) const noexcept {
    const auto from = x_.mask.rows<const std::uint8_t>(v.run.arena);
    const auto to = in_.mask.rows<std::uint8_t>(v.inner.arena);
    for (Index b = v.rows.begin; b < v.rows.end; ++b) *to.at(b, 0) = *from.at(b, v.step);
  }

  ValueInfo x_, y_, in_, out_;
};

class TimeDistributedNode final : public graph::LayerNode {
 public:
  TimeDistributedNode(const std::shared_ptr<LayerNode>& layer, const TimeDistributedOptions& options,
                      const graph::LayerOptions& common)
      : LayerNode("TimeDistributed", common), inside_{layer} {
    refuse_state();
    declare_input(options.input_shape);
  }

  // That of the layer inside.
  DType dtype() const override { return layer().dtype(); }
  std::span<const std::shared_ptr<LayerNode>> children() const override { return inside_; }
  std::string child_attribute(std::size_t) const override { return "layer"; }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    refuse_state();  // a model inside may have changed
    const Shape& x = only_input(inputs);
    if (x.rank() < 2) {
      throw ShapeError(where() + " applies " + layer().where() + " to each time step: it takes (batch, timesteps, " +
                       "...), got " + graph::batch_text(x));
    }
    const std::vector<Shape> step = layer().output_shapes({x.from(1)});
    if (step.size() != 1) {
      throw ConfigError(where() + ": " + layer().where() + " returns " + std::to_string(step.size()) +
                        " tensors; it must return one");
    }
    return {step[0].prepend(x[0])};
  }

  bool keeps_time(const std::vector<Shape>&) const override { return true; }
  bool works_row_by_row() const override { return layer().works_row_by_row(); }
  std::optional<bool> hands_mask_on() const override { return masks_go_on(); }
  std::string output_activation(std::size_t output) const override { return layer().output_activation(output); }

  std::vector<Value> plan(engine::PlanBuilder& builder, const std::vector<Value>& inputs) const override {
    const engine::ValueInfo x = builder.info(inputs[0]);
    if (layer().works_row_by_row() && (masks_go_on() || !x.mask)) return layer().plan(builder, inputs);
    if (builder.rounds_weights()) {
      throw ConfigError(where() +
                        ": .weights is 'bfloat16', which rounds the weights of LSTM layers, not of those inside");
    }
    engine::PlanBuilder body = builder.body();
    const Value in = body.input(x.sample.from(1), builder.wants_gradient(inputs[0]));
    // As in Keras the layer learns which rows count in its step; a sequence in a step has a time of its own.
    if (x.mask && x.sample.rank() == 2) body.set_mask(in, body.mask_rows(1));
    const Value out = layer().plan(body, {in}).front();
    body.output(out);
    const bool wants_gradient = body.wants_gradient(out);
    const Shape y_sample = body.info(out).sample.prepend(x.sample[0]);
    const Value y = builder.value(y_sample, wants_gradient);
    if (masks_go_on()) builder.set_mask(y, x.mask);
    const std::shared_ptr<const engine::Plan> walked = body.finish();
    builder.add<EachStep>(builder, walked, x, builder.info(y));
    return {y};
  }

  Json config() const override { return core::with_fields(LayerNode::config(), inside_[0], TimeDistributedOptions{}); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<TimeDistributedNode>(
        layer().copy(), TimeDistributedOptions{.input_shape = declared_input()}, options_for_copy(changes));
  }

 protected:
  void create_parameters(const std::vector<Shape>& inputs) override { inside_[0]->build({inputs[0].from(1)}); }

 private:
  const LayerNode& layer() const { return *inside_[0]; }
  void refuse_state() const {
    if (!layer().stateful()) return;
    throw ConfigError(where() + ": " + layer().where() +
                      " is stateful; it would go on from time step to time step, which are to be alone");
  }

  std::vector<std::shared_ptr<LayerNode>> inside_;  // the one layer
};

}  // namespace

TimeDistributed::TimeDistributed(const Layer& layer, const TimeDistributedOptions& options)
    : Layer(graph::make_layer<TimeDistributedNode>(
          layer.node(), options, graph::LayerOptions{options.name, layer.node()->policy(), options.trainable})) {}

std::shared_ptr<graph::LayerNode> layers::time_distributed_from_config(const Json& config) {
  return node_from_config<TimeDistributedNode, std::shared_ptr<graph::LayerNode>, TimeDistributedOptions>(
      "TimeDistributed", config);
}

}  // namespace rondo
