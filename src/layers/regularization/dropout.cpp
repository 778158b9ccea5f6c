// Dropout: in training some numbers become zero, the others larger, so that the mean stays (Srivastava et al. 2014).
#include <nlohmann/json.hpp>
#include <optional>

#include <rondo/layers/regularization.hpp>

#include "core/names.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"
#include "layers/regularization/dropout_factors.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, double& rate, DropoutOptions& o) {
  v.required("rate", rate);
  v("seed", o.seed);
  v("noise_shape", o.noise_shape);
}

namespace {

class DropoutNode final : public graph::LayerNode {
 public:
  DropoutNode(double rate, const DropoutOptions& options, const graph::LayerOptions& common)
      : LayerNode("Dropout", common), rate_(rate), options_(options) {
    if (!(rate >= 0 && rate <= 1)) {
      throw ConfigError(where() + ": rate is " + number_text(rate) +
                        "; it is the part of the numbers that become zero, " + "between 0 and 1");
    }
    declare_input(options.input_shape);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    const Shape &x = only_input(inputs), &noise = options_.noise_shape;
    if (noise.empty()) return {x};
    bool fits = noise.rank() == x.rank() + 1;
    for (Index axis = 0; fits && axis < x.rank(); ++axis) {
      const Index size = noise[axis + 1];
      fits = size == 1 || size == Shape::kUnknown || x[axis] == Shape::kUnknown || size == x[axis];
    }
    if (fits) return {x};
    throw ShapeError(where() + ": noise_shape " + to_string(noise) + " does not fit the input " + graph::batch_text(x) +
                     "; each size is that of the input, None, or 1 for one draw along the axis");
  }
  bool works_row_by_row() const override { return options_.noise_shape.empty(); }
  bool keeps_time(const std::vector<Shape>&) const override { return true; }

  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    if (!builder.as_in_training() || rate_ == 0) return inputs;
    const engine::ValueInfo x = builder.info(inputs[0]);
    const engine::Value y = builder.value(x.sample, builder.wants_gradient(inputs[0]));
    builder.set_mask(y, x.mask);
    const layers::DropoutRule rule{
        .rate = rate_, .seed = options_.seed.value_or(seed()), .layer = number(), .call = builder.call_number(this)};
    const layers::DropoutFactors factors(rule, strides(x), builder.rows(x.steps, x.features), x.features);
    builder.add<layers::DropoutExecutor>(factors, x, builder.info(y));
    return {y};
  }

  graph::Json config() const override { return core::with_fields(LayerNode::config(), rate_, options_); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<DropoutNode>(rate_, options_, options_for_copy(changes));
  }

 private:
  // Of the draws: row-major, with no stride along axes that share one.
  layers::DrawStrides strides(const engine::ValueInfo& x) const {
    const Shape& noise = options_.noise_shape;
    const auto shared = [&](Index axis) { return !noise.empty() && noise[axis] == 1; };  // with the batch
    layers::DrawStrides strides{.steps = {}};
    const Index rank = x.sample.rank();
    strides.feature = shared(rank) ? 0 : 1;
    const Index row_features = round_up(shared(rank) ? 1 : x.features, 4);  // so that a row's blocks are its own
    for (Index step = 0; step < x.steps; ++step) {
      Index rest = step, place = 0, stride = row_features;
      for (Index axis = rank - 2; axis >= 0; --axis) {
        if (!shared(axis + 1)) {
          place += rest % x.sample[axis] * stride;
          stride *= x.sample[axis];
        }
        rest /= x.sample[axis];
      }
      strides.steps.push_back(place);
      strides.row = stride;
    }
    if (shared(0)) strides.row = 0;
    return strides;
  }

  double rate_;
  DropoutOptions options_;
};

}  // namespace

Dropout::Dropout(Real rate, const DropoutOptions& options)
    : Layer(graph::make_layer<DropoutNode>(rate.value, options, graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::dropout_from_config(const graph::Json& config) {
  return node_from_config<DropoutNode, double, DropoutOptions>("Dropout", config);
}

}  // namespace rondo
