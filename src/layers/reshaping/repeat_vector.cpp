// RepeatVector: the same numbers at every time step.
#include <algorithm>
#include <nlohmann/json.hpp>

#include <rondo/layers/reshaping.hpp>

#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, Index& n, RepeatVectorOptions&) {
  v.required("n", n);
}

namespace {

// The steps are views of one; the gradient of that one is the sum of theirs, from the first to the last.
template <class T>
class RepeatExecutor final : public engine::Executor {
 public:
  RepeatExecutor(const engine::ValueInfo& x, const engine::ValueInfo& y)
      : x_(x), y_(y), ops_(&kernels::chosen().ops<T>()) {}

  void forward(const engine::Run&, const engine::Member&, Index /*stage*/) const noexcept override {}
  void backward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    if (!x_.gradient) return;
    const Range rows = member.share(run.rows);
    const auto dx = x_.gradient.rows<T>(run.arena);
    const auto dy = y_.gradient.rows<const T>(run.arena);
    for (Index b = rows.begin; b < rows.end; ++b) std::copy_n(dy.at(b, 0), x_.features, dx.at(b, 0));
    for (Index t = 1; t < y_.steps; ++t) {
      ops_->add({.first = kernels::Rows<const T>(dx),
                 .second = {dy.at(0, t), dy.batch_stride, 0},
                 .sum = dx,
                 .steps = 1,
                 .features = x_.features},
                rows);
    }
  }
  double flops_per_row() const override { return static_cast<double>(y_.steps * y_.features); }

 private:
  engine::ValueInfo x_, y_;
  const kernels::Ops<T>* ops_;
};

class RepeatVectorNode final : public graph::LayerNode {
 public:
  RepeatVectorNode(Index n, const RepeatVectorOptions& options, const graph::LayerOptions& common)
      : LayerNode("RepeatVector", common), n_(n) {
    if (n < 1) throw ConfigError(where() + ": n is " + std::to_string(n) + "; it must be 1 or more");
    declare_input(options.input_shape);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    const Shape& x = only_input(inputs);
    if (x.rank() == 1) return {{n_, x[0]}};
    throw ShapeError(where() + " expects 2-D input (batch, features), got " + std::to_string(x.rank() + 1) + "-D " +
                     graph::batch_text(x));
  }
  bool keeps_time(const std::vector<Shape>&) const override { return false; }
  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    const engine::ValueInfo x = builder.info(inputs[0]);
    const engine::Place all_steps{x.data.offset, x.data.batch_stride, /*step_stride=*/0};
    const engine::Value y = builder.value_at({n_, x.features}, all_steps, builder.wants_gradient(inputs[0]));
    builder.add<RepeatExecutor>(x, builder.info(y));
    return {y};
  }
  graph::Json config() const override { return core::with_fields(LayerNode::config(), n_, RepeatVectorOptions{}); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<RepeatVectorNode>(n_, RepeatVectorOptions{.input_shape = declared_input()},
                                              options_for_copy(changes));
  }

 private:
  Index n_;
};

}  // namespace

RepeatVector::RepeatVector(Dim n, const RepeatVectorOptions& options)
    : Layer(graph::make_layer<RepeatVectorNode>(n, options, graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::repeat_vector_from_config(const graph::Json& config) {
  return node_from_config<RepeatVectorNode, Index, RepeatVectorOptions>("RepeatVector", config);
}

}  // namespace rondo
