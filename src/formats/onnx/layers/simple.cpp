// Layers that are an operator or two: Dense, Activation, BatchNormalization, and what does nothing in inference.
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>

#include "formats/onnx/layers.hpp"
#include "layers/parts/activations.hpp"

namespace rondo::onnx {

Values add_nothing(Export&, const graph::LayerNode&, const Values& inputs) { return inputs; }

Values add_activation_layer(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  const Value& x = inputs[0];
  return {{add_activation(to.graph, layers::kernel_of(layer.config(), "activation"), x.name, x.sample.back()),
           {},
           x.steps}};
}

// y = f(x K + b). Gemm takes matrices alone.
Values add_dense(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  const Value& x = inputs[0];
  const Weight kernel = weight(layer, "kernel").value();
  const std::optional<Weight> bias = weight(layer, "bias");
  const bool is_matrix = x.sample.rank() == 1;
  Names operands{x.name, to.graph.weight("kernel", kernel.dims, kernel.values)};
  const std::string b = bias ? to.graph.weight("bias", bias->dims, bias->values) : "";
  if (is_matrix && bias) operands.push_back(b);
  std::string y = to.graph.add_layer(is_matrix ? "Gemm" : "MatMul", operands, 1).front();
  if (!is_matrix && bias) y = to.graph.add("Add", {y, b});
  return {{add_activation(to.graph, layers::kernel_of(layer.config(), "activation"), y, kernel.dims[1]), {}, x.steps}};
}

// The operator normalizes the places of axis 1, so another axis is exchanged with that one.
Values add_batch_normalization(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  const Value& x = inputs[0];
  const Index rank = x.sample.rank() + 1, given = layer.config().at("axis").get<Index>(),
              axis = given < 0 ? given + rank : given;
  const Weight mean = weight(layer, "moving_mean").value(), variance = weight(layer, "moving_variance").value();
  const auto in_each_place = [&](const char* name, double otherwise) {
    const std::optional<Weight> w = weight(layer, name);
    return to.graph.weight(name, mean.dims, w ? w->values : std::vector<double>(mean.values.size(), otherwise));
  };
  const auto exchange = [&](const std::string& tensor) {
    if (axis == 1) return tensor;
    return to.graph.add("Transpose", {tensor}, {attribute("perm", exchanged(rank, 1, axis))});
  };
  const std::string scale = in_each_place("gamma", 1), shift = in_each_place("beta", 0);
  const Names operands{exchange(x.name), scale, shift, to.graph.weight("moving_mean", mean.dims, mean.values),
                       to.graph.weight("moving_variance", variance.dims, variance.values)};
  const auto epsilon = static_cast<float>(layer.config().at("epsilon").get<double>());
  const std::string y = to.graph.add_layer("BatchNormalization", operands, 1, {attribute("epsilon", epsilon)}).front();
  return {{exchange(y), {}, x.steps}};
}

// Steps behind the end of a sequence become zeros, as those that have the mask's value.
Values add_masking(Export& to, const graph::LayerNode& layer, const Values& inputs) {
  const Value& x = inputs[0];
  if (!x.steps.lengths.empty()) {
    return {{to.graph.add("Where", {counted_steps(to.graph, x), x.name, to.graph.number(0)}), {}, x.steps}};
  }
  throw ConfigError("export_onnx: " + layer.where() +
                    " has no ONNX form: which steps count follows from the data there. With .sequence_lengths = true "
                    "an input of the lengths takes its place, for sequences that are filled up at their end");
}

}  // namespace rondo::onnx
