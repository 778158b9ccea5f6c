// Reshape: the numbers of a sample, in their order, as a tensor of another shape.
#include <nlohmann/json.hpp>

#include <rondo/layers/reshaping.hpp>

#include "core/sizes.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"
#include "layers/reshaping/rearrange.hpp"

namespace rondo {

// Not a Shape: Keras writes -1, not null.
template <class Visitor>
void fields(Visitor& v, std::vector<Index>& target_shape, ReshapeOptions&) {
  v.required("target_shape", target_shape);
}

namespace {

class ReshapeNode final : public graph::LayerNode {
 public:
  ReshapeNode(const std::vector<Index>& target_shape, const ReshapeOptions& options, const graph::LayerOptions& common)
      : LayerNode("Reshape", common), target_(target_shape) {
    int open = 0;
    Size numbers = 1;
    for (const Index size : target_) {
      if (size > 0) numbers = numbers * size;
      open += size == -1 ? 1 : 0;
      if (size == -1 || size > 0) continue;
      throw ConfigError(where() + ": target_shape is " + to_string(target_) +
                        "; sizes are 1 or more, or -1 for the rest");
    }
    if (!numbers.known()) {
      throw ConfigError(where() + ": target_shape " + to_string(target_) + " has more numbers than can be counted");
    }
    if (target_.empty() || open > 1) {
      throw ConfigError(where() + ": target_shape is " + to_string(target_) +
                        "; give one axis at least, and -1 for one axis at most");
    }
    declare_input(options.input_shape);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    const Shape& x = only_input(inputs);
    Index rest = 1, open = -1;  // what the given sizes take, and the axis that takes what is left
    for (Index axis = 0; axis < target_.rank(); ++axis) {
      if (target_[axis] == -1) {
        open = axis;
      } else {
        rest *= target_[axis];
      }
    }
    if (!x.fully_known()) return {target_};  // -1 is an unknown size
    const bool fits = open < 0 ? x.elements() == rest : x.elements() % rest == 0;
    if (!fits) {
      throw ShapeError(where() + " cannot make samples of shape " + to_string(target_) + " from " +
                       graph::batch_text(x) + ", which has " + std::to_string(x.elements()) + " numbers in a sample");
    }
    return {open < 0 ? target_ : target_.with(open, x.elements() / rest)};
  }
  bool keeps_time(const std::vector<Shape>&) const override { return false; }
  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    return {layers::add_rearranged(builder, inputs[0], output_shapes({builder.info(inputs[0]).sample}).front())};
  }
  graph::Json config() const override {
    return core::with_fields(LayerNode::config(), std::vector<Index>(target_.begin(), target_.end()), ReshapeOptions{});
  }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<ReshapeNode>(std::vector<Index>(target_.begin(), target_.end()),
                                         ReshapeOptions{.input_shape = declared_input()}, options_for_copy(changes));
  }

 private:
  Shape target_;
};

}  // namespace

Reshape::Reshape(const Shape& target_shape, const ReshapeOptions& options)
    : Layer(graph::make_layer<ReshapeNode>(std::vector<Index>(target_shape.begin(), target_shape.end()), options,
                                           graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::reshape_from_config(const graph::Json& config) {
  return node_from_config<ReshapeNode, std::vector<Index>, ReshapeOptions>("Reshape", config);
}

}  // namespace rondo
