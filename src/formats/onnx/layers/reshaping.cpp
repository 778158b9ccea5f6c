// Layers that move numbers, and those that join tensors. The batch stays in front.
#include <algorithm>
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>

#include "formats/onnx/layers.hpp"

namespace rondo::onnx {

Values add_flatten(Export& to, const graph::LayerNode&, const Values& inputs) {
  return {{to.graph.add_layer("Flatten", {inputs[0].name}, 1, {attribute("axis", Index{1})}).front()}};
}

// 0 in a shape is the size that was there.
Values add_reshape(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  auto shape = layer.config().at("target_shape").get<std::vector<Index>>();
  shape.insert(shape.begin(), 0);
  return {{to.graph.add_layer("Reshape", {inputs[0].name, to.graph.integers(shape)}, 1).front()}};
}

Values add_permute(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  auto axes = layer.config().at("dims").get<std::vector<Index>>();
  axes.insert(axes.begin(), 0);
  return {{to.graph.add_layer("Transpose", {inputs[0].name}, 1, {attribute("perm", axes)}).front()}};
}

Values add_repeat_vector(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  const std::string one = to.graph.add("Unsqueeze", {inputs[0].name, to.graph.integers({1})});
  const auto n = layer.config().at("n").get<Index>();
  return {{to.graph.add_layer("Expand", {one, to.graph.integers({1, n, 1})}, 1).front()}};
}

namespace {

// What the steps of a merged tensor are: those of all, where they are the same. A mask in Rondo is one of all tensors.
Steps merged_steps(const graph::LayerNode& layer, const Values& inputs) {
  Steps steps = inputs[0].steps;
  bool all_have_lengths = true;
  for (const Value& v : inputs) {
    if (v.steps.size != steps.size) steps.size.clear();
    all_have_lengths = all_have_lengths && !v.steps.lengths.empty();
  }
  if (!all_have_lengths) steps.lengths.clear();
  for (const Value& v : inputs) {
    if (!all_have_lengths || v.steps.lengths == steps.lengths) continue;
    throw ConfigError("export_onnx: " + layer.where() + " merges sequences whose lengths are inputs of their own, '" +
                      steps.lengths + "' and '" + v.steps.lengths +
                      "'; which steps of the result count, no length says");
  }
  return steps;
}

}  // namespace

Values add_concatenate(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  const Index rank = inputs[0].sample.rank() + 1, given = layer.config().at("axis").get<Index>(),
              axis = given < 0 ? given + rank : given;
  Names names;
  for (const Value& v : inputs) names.push_back(v.name);
  const bool along_time = axis == 1 && rank > 2;
  const bool masked =
      std::any_of(inputs.begin(), inputs.end(), [](const Value& v) { return !v.steps.lengths.empty(); });
  if (masked && axis + 1 < rank) {
    throw ConfigError("export_onnx: " + layer.where() +
                      " puts sequences with lengths one behind the other, so that steps in the middle do not count; "
                      "ONNX knows only some at the end");
  }
  const Steps steps = along_time ? Steps{} : merged_steps(layer, inputs);
  return {{to.graph.add_layer("Concat", names, 1, {attribute("axis", axis)}).front(), {}, steps}};
}

// Tensors of fewer axes get them behind the batch.
Values add_add(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  Index rank = 0;
  for (const Value& v : inputs) rank = std::max(rank, v.sample.rank());
  std::string sum;
  for (const Value& v : inputs) {
    std::vector<Index> axes;
    for (Index axis = 1; axis <= rank - v.sample.rank(); ++axis) axes.push_back(axis);
    const std::string term = axes.empty() ? v.name : to.graph.add("Unsqueeze", {v.name, to.graph.integers(axes)});
    sum = sum.empty() ? term : to.graph.add_layer("Add", {sum, term}, 1).front();
  }
  return {{sum, {}, merged_steps(layer, inputs)}};
}

}  // namespace rondo::onnx
