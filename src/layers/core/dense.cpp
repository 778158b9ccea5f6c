// Dense: y = f(x K + b) along the last axis.
#include <nlohmann/json.hpp>

#include <rondo/layers/core.hpp>

#include "core/dispatch.hpp"
#include "kernels/table.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/activations.hpp"
#include "layers/parts/activity_penalty.hpp"
#include "layers/parts/config.hpp"
#include "layers/parts/constraints.hpp"
#include "layers/parts/dense_executor.hpp"
#include "layers/parts/initializers.hpp"
#include "layers/parts/shapes.hpp"
#include "layers/parts/weight_rules.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, Index& units, DenseOptions& o) {
  v.if_given("activity_regularizer", o.activity_regularizer);
  v.required("units", units);
  v("activation", o.activation);
  v("use_bias", o.use_bias);
  v("kernel_initializer", o.kernel_initializer);
  v("bias_initializer", o.bias_initializer);
  v("kernel_regularizer", o.kernel_regularizer);
  v("bias_regularizer", o.bias_regularizer);
  v("kernel_constraint", o.kernel_constraint);
  v("bias_constraint", o.bias_constraint);
  for (const char* key : {"quantization_config", "lora_rank"}) v.refused(key);
}

namespace {

using graph::Json;
using kernels::DenseLayout;

class DenseNode final : public graph::LayerNode {
 public:
  DenseNode(Index units, const DenseOptions& options, const graph::LayerOptions& common)
      : LayerNode("Dense", common),
        units_(units),
        options_(options),
        activity_(layers::activity_penalty(where(), options.activity_regularizer)) {
    if (units < 1) throw ConfigError(where() + ": units is " + std::to_string(units) + "; it must be 1 or more");
    declare_input(options.input_shape);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    const Shape& x = only_input(inputs);
    if (x.empty()) throw ShapeError(where() + " needs data of rank 2 or more: (batch, ..., features)");
    if (x.back() < 1)
      throw ShapeError(where() + " needs a known number of features in the last axis, not " + graph::batch_text(x));
    if (built()) layers::require_features(*this, x, layout_.inputs);
    return {layers::activated_shape(*this, options_.activation, x.with(-1, units_))};
  }

  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    const Shape sample = output_shapes({builder.info(inputs[0]).sample})[0];
    const kernels::Activation activation = layers::kernel_of(options_.activation);
    std::vector<engine::Value> y = core::with_type(dtype(), [&]<class T>() -> std::vector<engine::Value> {
      return {layers::add_dense<T>(builder, layout_, block_, activation, inputs[0], sample)};
    });
    return layers::with_activity_penalty(builder, std::move(y), activity_);
  }

  bool works_row_by_row() const override { return true; }
  bool keeps_time(const std::vector<Shape>&) const override { return true; }
  std::string output_activation(std::size_t) const override { return options_.activation.name(); }

  Json config() const override { return core::with_fields(LayerNode::config(), units_, options_); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<DenseNode>(units_, options_, options_for_copy(changes));
  }

 protected:
  void create_parameters(const std::vector<Shape>& inputs) override {
    const kernels::KernelTable& table = kernels::chosen();
    const Index lanes = dtype() == DType::float32 ? table.f32.lanes : table.f64.lanes;
    layers::require_countable_weights(*this, Size(inputs[0].back()) + 1, units_);
    layout_ = {.inputs = inputs[0].back(), .units = units_, .use_bias = options_.use_bias, .lanes = lanes};
    block_ = make_block(layout_.size(), table);
    const DenseLayout layout = layout_;
    const auto add = [&](const char* name, const Shape& shape, Index first_row, const Initializer& initializer,
                         const auto& regularizer, const auto& constraint) {
      const engine::PackedMap map(shape, [&](Index row, Index unit) { return layout.index(first_row + row, unit); });
      add_parameter(name, shape, block_, map, initializer,
                    layers::weight_rules(*this, name, shape, regularizer, constraint));
    };
    add("kernel", {layout.inputs, units_}, layout.first_input(), options_.kernel_initializer,
        options_.kernel_regularizer, options_.kernel_constraint);
    if (layout.use_bias) {
      add("bias", {units_}, 0, options_.bias_initializer, options_.bias_regularizer, options_.bias_constraint);
    }
  }

 private:
  Index units_;
  DenseOptions options_;
  std::optional<layers::ElementPenalty> activity_;
  DenseLayout layout_;
  std::shared_ptr<engine::ParameterBlock> block_;
};

}  // namespace

Dense::Dense(Dim units, const DenseOptions& options)
    : Layer(graph::make_layer<DenseNode>(units, options,
                                         graph::LayerOptions{options.name, options.dtype, options.trainable})) {}

std::shared_ptr<graph::LayerNode> layers::dense_from_config(const Json& config) {
  return node_from_config<DenseNode, Index, DenseOptions>("Dense", config);
}

}  // namespace rondo
