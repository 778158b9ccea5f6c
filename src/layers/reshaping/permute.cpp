// Permute: the axes of a sample in another order.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include <rondo/layers/reshaping.hpp>

#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"
#include "layers/reshaping/rearrange.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, std::vector<Index>& dims, PermuteOptions&) {
  v.required("dims", dims);
}

namespace {

class PermuteNode final : public graph::LayerNode {
 public:
  PermuteNode(std::vector<Index> dims, const PermuteOptions& options, const graph::LayerOptions& common)
      : LayerNode("Permute", common), dims_(std::move(dims)) {
    std::vector<Index> sorted = dims_, counted(dims_.size());
    std::sort(sorted.begin(), sorted.end());
    std::iota(counted.begin(), counted.end(), Index{1});
    if (dims_.empty() || sorted != counted) {
      throw ConfigError(where() + ": dims is " + to_string(Shape(dims_)) +
                        "; it must have each axis behind the batch once, counted from 1, such as {2, 1}");
    }
    declare_input(options.input_shape);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    const Shape& x = only_input(inputs);
    if (x.rank() != static_cast<Index>(dims_.size())) {
      throw ShapeError(where() + " orders " + std::to_string(dims_.size()) + " axes behind the batch; the input is " +
                       graph::batch_text(x));
    }
    std::vector<Index> sizes;
    for (const Index axis : dims_) sizes.push_back(x[axis - 1]);
    return {Shape(sizes)};
  }
  bool keeps_time(const std::vector<Shape>&) const override { return dims_.front() == 1; }
  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    const Shape from = builder.info(inputs[0]).sample, to = output_shapes({from}).front();
    std::vector<Index> source;
    for (Index i = 0; i < to.elements(); ++i) {
      std::vector<Index> at(dims_.size());  // in the input
      Index rest = i;
      for (Index axis = to.rank() - 1; axis >= 0; --axis) {
        at[static_cast<std::size_t>(dims_[static_cast<std::size_t>(axis)] - 1)] = rest % to[axis];
        rest /= to[axis];
      }
      Index element = 0;
      for (Index axis = 0; axis < from.rank(); ++axis)
        element = element * from[axis] + at[static_cast<std::size_t>(axis)];
      source.push_back(element);
    }
    return {layers::add_rearranged(builder, inputs[0], to, source)};
  }
  graph::Json config() const override { return core::with_fields(LayerNode::config(), dims_, PermuteOptions{}); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<PermuteNode>(dims_, PermuteOptions{.input_shape = declared_input()},
                                         options_for_copy(changes));
  }

 private:
  std::vector<Index> dims_;
};

}  // namespace

Permute::Permute(std::vector<Index> dims, const PermuteOptions& options)
    : Layer(
          graph::make_layer<PermuteNode>(std::move(dims), options, graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::permute_from_config(const graph::Json& config) {
  return node_from_config<PermuteNode, std::vector<Index>, PermuteOptions>("Permute", config);
}

}  // namespace rondo
