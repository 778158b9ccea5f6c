// MatMul, Gemm and Add as Dense and Add; BatchNormalization.
#include <algorithm>

#include <rondo/layers.hpp>

#include "formats/onnx/operators.hpp"
#include "formats/onnx/tensors.hpp"

namespace rondo::onnx {

namespace {

// The last axis of the graph's tensor must be that of Rondo's, along which a Dense works.
void require_features(const Node& node, const Traced& x) {
  const Index features = x.symbols[0].shape().rank() - 1;
  if (x.axes.back() == features && features > 0 && !x.has(kDirections)) return;
  node.fail("multiplies along an axis that is not the last one of (batch, ..., features)");
}

// A matrix (inputs, units), or turned.
Tensor kernel_of(const Node& node, const TensorProto& tensor, bool turned) {
  if (tensor.dims.size() != 2 || tensor.dims[0] < 1 || tensor.dims[1] < 1) {
    node.fail("has weights that are no matrix (inputs, units)");
  }
  const std::vector<double> values = numbers_of(tensor);
  const Shape shape{tensor.dims[0], tensor.dims[1]};
  if (!turned) return Tensor(shape, values);
  std::vector<double> columns;
  for (Index column = 0; column < shape[1]; ++column) {
    for (Index row = 0; row < shape[0]; ++row)
      columns.push_back(values[static_cast<std::size_t>(row * shape[1] + column)]);
  }
  return Tensor(Shape{shape[1], shape[0]}, columns);
}

// One number for each unit, along the last axis; null if it is none.
const TensorProto* if_bias(const TensorProto* tensor, Index units) {
  if (tensor == nullptr || tensor->dims.empty() || tensor->dims.back() != units || has_integers(*tensor))
    return nullptr;
  return checked_count(*tensor) == units ? tensor : nullptr;
}

// A bias and the name that it has in the graph.
struct Bias {
  const TensorProto* tensor = nullptr;
  std::string name = {};
};

// `matrix` is the name of the kernel in the graph: nodes with the same weights are one layer.
Symbol dense(const Node& node, const Symbol& x, const Tensor& kernel, const Bias& given, const std::string& matrix) {
  const TensorProto* bias = given.tensor;
  const std::string key = "Dense " + matrix + (bias == nullptr ? "" : " + " + given.name);
  const Layer layer = node.import().layer(key, [&] {
    return Dense(kernel.shape()[1],
                 {.use_bias = bias != nullptr, .dtype = node.import().dtype(), .name = node.layer_name("dense")});
  });
  Symbol y = layer(x);
  std::vector<Tensor> weights{kernel};
  if (bias != nullptr) weights.emplace_back(Shape{kernel.shape()[1]}, numbers_of(*bias));
  layer.set_weights(weights);
  return y;
}

// The bias that the only reader of a product adds to it, whose node is then done.
Bias added_bias(const Node& node, Index units) {
  Import& import = node.import();
  const NodeProto* next = import.only_reader(node.proto().outputs[0]);
  if (next == nullptr || next->op_type != "Add" || !next->domain.empty() || next->inputs.size() != 2 ||
      next->outputs.empty())
    return {};
  const std::string& other = next->inputs[next->inputs[0] == node.proto().outputs[0] ? 1 : 0];
  const Item* item = import.find(other);
  const auto* constant = item == nullptr ? nullptr : std::get_if<const TensorProto*>(item);
  const TensorProto* bias = if_bias(constant == nullptr ? nullptr : *constant, units);
  if (bias != nullptr) import.pass_over(*next);
  return {bias, other};
}

}  // namespace

void import_matmul(const Node& node) {
  const Traced x = node.import().arranged(node.traced(0));
  require_features(node, x);
  const Tensor kernel = kernel_of(node, node.constant(1, "matrix"), /*turned=*/false);
  const NodeProto* next = node.import().only_reader(node.proto().outputs.at(0));
  const Bias bias = added_bias(node, kernel.shape()[1]);
  const Traced y{{dense(node, x.symbols[0], kernel, bias, node.proto().inputs[1])}, x.axes};
  if (bias.tensor == nullptr) {
    node.put(y);
  } else {
    node.import().set(next->outputs.at(0), y);
  }
}

void import_gemm(const Node& node) {
  const Traced& x = node.traced(0);
  if (!x.is_plain() || x.axes.size() != 2) node.fail("takes a tensor that is not (batch, features)");
  const bool turned = node.integer("transB", 0) != 0;
  const bool scaled = node.number("alpha", 1) != 1 || (node.number("beta", 1) != 1 && node.has(2));
  if (node.integer("transA", 0) != 0 || scaled)
    node.fail("has transA, or an alpha or beta other than 1: it is no Dense");
  const Tensor kernel = kernel_of(node, node.constant(1, "matrix"), turned);
  Bias bias;
  if (node.has(2)) bias = {if_bias(&node.constant(2, "bias"), kernel.shape()[1]), node.proto().inputs[2]};
  if (node.has(2) && bias.tensor == nullptr) node.fail("adds what is no bias: one number for each unit");
  node.put_like(x, dense(node, x.symbols[0], kernel, bias, node.proto().inputs[1] + (turned ? " T" : "")));
}

// Keras's Add has the axes that a tensor lacks behind the batch.
void import_add(const Node& node) {
  if (node.if_traced(0) == nullptr || node.if_traced(1) == nullptr) {
    node.fail("adds numbers of the file to a tensor that is no product; only the bias of a Dense is read");
  }
  const Traced &a = node.traced(0), &b = node.traced(1);
  const Traced& whole = a.has(kOne) ? b : a;
  for (const Traced* part : {&a, &b}) {
    if (part->axes == whole.axes) continue;
    Traced without = *part;
    std::erase(without.axes, kOne);
    const bool ones_behind_batch =
        whole.is_plain() && without.is_plain() && part->axes.size() == whole.axes.size() && part->axes.front() == 0 &&
        std::find(part->axes.begin() + 1, part->axes.end(), Index{1}) ==
            part->axes.begin() + 1 + static_cast<std::ptrdiff_t>(part->axes.size() - without.axes.size());
    if (!ones_behind_batch) node.fail("adds tensors whose axes stand in different orders");
  }
  if (whole.has(kDirections)) node.fail("adds both directions of recurrent operators, which are not joined yet");
  node.put_like(whole,
                Add({.dtype = node.import().dtype(), .name = node.layer_name("add")})({a.symbols[0], b.symbols[0]}));
}

void import_batch_normalization(const Node& node) {
  const Traced& x = node.traced(0);
  if (node.integer("training_mode", 0) != 0) node.fail("is in training mode");
  if (node.integer("spatial", 1) != 1) node.fail("has spatial = 0, which is not read");
  if (x.axes.size() < 2 || x.axes[1] < 1)
    node.fail("normalizes the batch's axis, or one that Rondo's tensor does not have");
  const auto vector = [&](std::size_t i) {
    const TensorProto& tensor = node.constant(i, "scale, shift, mean or variance");
    return Tensor(Shape{checked_count(tensor)}, numbers_of(tensor));
  };
  const BatchNormalization layer({.axis = x.axes[1],
                                  .momentum = node.number("momentum", 0.9F),
                                  .epsilon = node.number("epsilon", 1e-5F),
                                  .dtype = node.import().dtype(),
                                  .name = node.layer_name("batch_normalization")});
  const Symbol y = layer(x.symbols[0]);
  layer.set_weights({vector(1), vector(2), vector(3), vector(4)});
  node.put_like(x, y);
}

}  // namespace rondo::onnx
