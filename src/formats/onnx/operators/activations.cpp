// Operators that are an activation function, and formulas that are one.
#include <algorithm>
#include <cmath>
#include <limits>

#include <rondo/layers.hpp>

#include "formats/onnx/operators.hpp"
#include "formats/onnx/tensors.hpp"

namespace rondo::onnx {

namespace {

void put_activation(const Node& node, const Traced& x, const ActivationFn& f) {
  const Activation layer(f, {.dtype = node.import().dtype(), .name = node.layer_name(f.name())});
  node.put_like(x, layer(x.symbols[0]));
}

ActivationFn hard_sigmoid(const Node& node) {
  const double alpha = node.number("alpha", 0.2F), beta = node.number("beta", 0.5F);
  if (const std::optional<ActivationFn> f = hard_sigmoid_of(alpha, beta)) return *f;
  node.fail("has alpha " + std::to_string(alpha) + " and beta " + std::to_string(beta) +
            "; alpha 1/6, 1/5 or 1/2 with beta 1/2 are read");
}

ActivationFn shrink(const Node& node) {
  const double bias = node.number("bias", 0), threshold = node.number("lambd", 0.5);
  if (bias == 0) return activations::hard_shrink({.threshold = threshold});
  if (bias == threshold) return activations::soft_shrink({.threshold = threshold});
  node.fail("has a bias that is neither 0 nor lambd");
}

ActivationFn gelu(const Node& node) {
  return activations::gelu({.approximate = node.text("approximate", "none") == "tanh"});
}

// Before opset 13 the axes from `axis` on were one.
ActivationFn softmax(const Node& node, const Traced& x, const char* name) {
  const std::size_t axis = node.axis(node.integer("axis", node.import().opset() < 13 ? 1 : -1), x.axes.size());
  const Index features = x.symbols[0].shape().rank() - 1;
  if (axis + 1 != x.axes.size() || x.axes.back() != features) node.fail("works along an axis other than the features");
  return name;
}

ActivationFn function_of(const Node& node, const Traced& x) {
  const std::string& op = node.op();
  if (op == "Elu") return elu_of(node.number("alpha", 1));
  if (op == "Exp") return "exponential";
  if (op == "Gelu") return gelu(node);
  if (op == "HardSigmoid") return hard_sigmoid(node);
  if (op == "HardSwish") return "hard_silu";
  if (op == "LeakyRelu") return leaky_relu_of(node.number("alpha", 0.01F));
  if (op == "LogSoftmax") return softmax(node, x, "log_softmax");
  if (op == "Mish") return "mish";
  if (op == "Shrink") return shrink(node);
  if (op == "Softmax") return softmax(node, x, "softmax");
  if (op == "ThresholdedRelu") return activations::relu({.threshold = node.number("alpha", 1)});
  if (op == "Selu") {
    const bool usual = is_near(node.number("alpha", 1.67326319F), 1.67326319) &&
                       is_near(node.number("gamma", 1.05070102F), 1.05070102);
    if (!usual) node.fail("has an alpha or gamma of its own");
  }
  std::string name = op;  // Relu, Sigmoid, Softplus, Softsign, Tanh
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return name;
}

}  // namespace

ActivationFn elu_of(double alpha) { return alpha == 1 ? ActivationFn("elu") : activations::elu({.alpha = alpha}); }

ActivationFn leaky_relu_of(double alpha) {
  return is_near(alpha, 0.2) ? ActivationFn("leaky_relu") : activations::leaky_relu({.negative_slope = alpha});
}

std::optional<ActivationFn> hard_sigmoid_of(double alpha, double beta) {
  if (!is_near(beta, 0.5)) return {};
  if (is_near(alpha, 1.0 / 6)) return "hard_sigmoid";
  if (is_near(alpha, 0.2)) return "hard_sigmoid_2";
  if (is_near(alpha, 0.5)) return "sparse_sigmoid";
  return {};
}

void import_activation(const Node& node) {
  const Traced& x = node.traced(0);
  put_activation(node, x, function_of(node, x));
}

void import_formula(const Node& node, const Composites::Found& formula) {
  const Item* item = node.import().find(formula.x);
  const auto* x = item == nullptr ? nullptr : std::get_if<Traced>(item);
  if (x == nullptr || x->symbols.size() != 1 || x->backwards) {
    node.fail("is " + formula.activation + " of '" + formula.x + "', which is no tensor that is read");
  }
  if (formula.activation == "glu" && x->axes.back() + 1 != x->symbols[0].shape().rank()) {
    node.fail("works along an axis other than the features");
  }
  put_activation(node, *x, formula.activation);
}

// Bounds: attributes before opset 11.
void import_clip(const Node& node) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Traced& x = node.traced(0);
  const auto bound = [&](std::size_t i, const char* name, double none) {
    if (node.import().opset() < 11) {
      const double given = node.number(name, static_cast<float>(none));
      return std::abs(given) > 3e38 ? none : given;
    }
    if (!node.has(i)) return none;
    const std::vector<double> numbers = numbers_of(node.constant(i, "bound"));
    if (numbers.size() != 1) node.fail("has a bound of several numbers");
    return numbers[0];
  };
  const double least = bound(1, "min", -kInfinity), most = bound(2, "max", kInfinity);
  if (least == -1 && most == 1) return put_activation(node, x, "hard_tanh");
  if (least == 0 && most == 6) return put_activation(node, x, "relu6");
  if (least == 0 && most >= 0) return put_activation(node, x, activations::relu({.max_value = most}));
  node.fail("has bounds that are no activation's; from 0 on, and from -1 to 1, are read");
}

}  // namespace rondo::onnx
