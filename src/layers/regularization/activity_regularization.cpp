// ActivityRegularization: its input as it is, with a penalty on it.
#include <nlohmann/json.hpp>

#include <rondo/layers/regularization.hpp>

#include "layers/nodes.hpp"
#include "layers/parts/activity_penalty.hpp"
#include "layers/parts/config.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, ActivityRegularizationOptions& o) {
  v("l1", o.l1);
  v("l2", o.l2);
}

namespace {

class ActivityRegularizationNode final : public graph::LayerNode {
 public:
  ActivityRegularizationNode(const ActivityRegularizationOptions& options, const graph::LayerOptions& common)
      : LayerNode("ActivityRegularization", common),
        options_(options),
        penalty_(layers::activity_penalty(where(), L1L2({.l1 = options.l1, .l2 = options.l2}))) {
    declare_input(options.input_shape);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override { return {only_input(inputs)}; }
  bool works_row_by_row() const override { return true; }
  bool keeps_time(const std::vector<Shape>&) const override { return true; }

  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    return layers::with_activity_penalty(builder, inputs, penalty_);
  }

  graph::Json config() const override { return core::with_fields(LayerNode::config(), options_); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<ActivityRegularizationNode>(options_, options_for_copy(changes));
  }

 private:
  ActivityRegularizationOptions options_;
  std::optional<layers::ElementPenalty> penalty_;
};

}  // namespace

ActivityRegularization::ActivityRegularization(const ActivityRegularizationOptions& options)
    : Layer(graph::make_layer<ActivityRegularizationNode>(options, graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::activity_regularization_from_config(const graph::Json& config) {
  return node_from_config<ActivityRegularizationNode, ActivityRegularizationOptions>("ActivityRegularization", config);
}

}  // namespace rondo
