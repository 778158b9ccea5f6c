// Activation: a function applied to each element, or across the last axis.
#include <nlohmann/json.hpp>

#include <rondo/layers/core.hpp>

#include "core/dispatch.hpp"
#include "kernels/table.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/activation_step.hpp"
#include "layers/parts/activations.hpp"
#include "layers/parts/config.hpp"
#include "layers/parts/shapes.hpp"

namespace rondo {

namespace {

using engine::Run;
using graph::Json;

template <class T>
class ActivationExecutor final : public engine::Executor {
 public:
  explicit ActivationExecutor(const layers::ActivationStep<T>& step) : step_(step) {}
  void forward(const Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    step_.forward(run, member.share(run.rows));
  }
  void backward(const Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    step_.backward(run, member.share(run.rows));
  }
  double flops_per_row() const override { return step_.flops_per_row(); }

 private:
  layers::ActivationStep<T> step_;
};

struct ActivationFields {
  ActivationFn activation = "linear";
  Shape input_shape = {};
};

template <class Visitor>
void fields(Visitor& v, ActivationFields& f) {
  v("activation", f.activation);
}

class ActivationNode final : public graph::LayerNode {
 public:
  ActivationNode(const ActivationFields& f, const graph::LayerOptions& common)
      : LayerNode("Activation", common), fn_(f.activation) {
    declare_input(f.input_shape);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    return {layers::activated_shape(*this, fn_, only_input(inputs))};
  }

  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    const Shape y_shape = output_shapes({builder.info(inputs[0]).sample})[0];
    const engine::Value y = builder.value(y_shape, builder.wants_gradient(inputs[0]));
    builder.set_mask(y, builder.info(inputs[0]).mask);
    core::with_type(dtype(), [&]<class T>() { add_executor<T>(builder, inputs[0], y); });
    return {y};
  }

  bool works_row_by_row() const override { return true; }
  bool keeps_time(const std::vector<Shape>&) const override { return true; }

  // "linear" hands on what came in, which is not known here.
  std::string output_activation(std::size_t) const override { return fn_.name() == "linear" ? "" : fn_.name(); }

  Json config() const override { return core::with_fields(LayerNode::config(), ActivationFields{fn_}); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<ActivationNode>(ActivationFields{fn_, declared_input()}, options_for_copy(changes));
  }

 private:
  template <class T>
  void add_executor(engine::PlanBuilder& builder, engine::Value x, engine::Value y) const {
    const engine::ValueInfo& info = builder.info(x);
    builder.add(ActivationExecutor<T>(layers::ActivationStep<T>(layers::kernel_of(fn_), kernels::chosen().ops<T>(),
                                                                info, info.data, info.gradient, builder.info(y))));
  }

  ActivationFn fn_;
};

}  // namespace

Activation::Activation(const ActivationFn& activation, const ActivationOptions& options)
    : Layer(graph::make_layer<ActivationNode>(ActivationFields{activation, options.input_shape},
                                              graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::activation_layer_from_config(const Json& config) {
  return node_from_config<ActivationNode, ActivationFields>("Activation", config);
}

}  // namespace rondo
