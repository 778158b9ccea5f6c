// InputNode: where data enter a network (Keras's InputLayer).
#pragma once

#include "graph/layer_node.hpp"

namespace rondo::graph {

// Keras's options of an InputLayer.
struct InputFields {
  Shape batch_shape = {};
  std::optional<DTypePolicy> dtype = {};
  std::string name = {};
};

template <class Visitor>
void fields(Visitor& v, InputFields& f) {
  v("batch_shape", f.batch_shape);
  v("dtype", f.dtype);
  v("name", f.name);
  v.only_read("batch_input_shape", f.batch_shape);  // Keras 2's name
}

class InputNode final : public LayerNode {
 public:
  // The shape of one sample; ShapeError for an empty one. The rows of a batch are for files alone.
  InputNode(const Shape& sample, const LayerOptions& options, Index batch_size = Shape::kUnknown);

  bool is_input() const override { return true; }
  bool keeps_time(const std::vector<Shape>&) const override { return true; }
  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override { return inputs; }
  std::vector<engine::Value> plan(engine::PlanBuilder&, const std::vector<engine::Value>& inputs) const override {
    return inputs;
  }
  Json config() const override;
  std::shared_ptr<LayerNode> copy(const Changes& changes) const override {
    return std::make_shared<InputNode>(declared_input(), options_for_copy(changes), batch_size_);
  }

  // Shape::kUnknown: any.
  Index batch_size() const { return batch_size_; }

 private:
  Index batch_size_;
};

}  // namespace rondo::graph
