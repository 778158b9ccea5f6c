// What the layers that merge several tensors into one share.
#pragma once

#include <span>
#include <vector>

#include "graph/layer_node.hpp"

namespace rondo::layers {

// What is merged.
struct Merged {
  std::vector<engine::ValueInfo> infos;
  std::vector<Shape> shapes;
  bool wants_gradient = false;  // one of them does
};
Merged merged(const engine::PlanBuilder& builder, const std::vector<engine::Value>& inputs);

// ShapeError unless there are two inputs at least.
void require_several(const graph::LayerNode& layer, const std::vector<Shape>& inputs);

// The shape to which these broadcast, as Keras does it: axes of 1 stretch, and a tensor of fewer axes has them between
// the batch and its own. ShapeError where two axes differ.
Shape broadcast(const graph::LayerNode& layer, const std::vector<Shape>& inputs);

// For each step of a tensor of shape `to`, the step of one of shape `from` that broadcasts to it.
std::vector<Index> broadcast_steps(const Shape& from, const Shape& to);

// A mask in which a step counts if it does in one of these tensors, which all have one; masks of one step stretch.
engine::Place add_mask_union(engine::PlanBuilder& builder, std::span<const engine::ValueInfo> inputs);

// A mask of these tensors one behind the other in time; all steps of one without a mask count.
engine::Place add_mask_sequence(engine::PlanBuilder& builder, std::span<const engine::ValueInfo> inputs);

}  // namespace rondo::layers
