// Activation functions: an operator where ONNX has one, else what it takes to write the formula.
#include <cmath>
#include <numbers>

#include "formats/onnx/layers.hpp"

namespace rondo::onnx {

namespace {

using kernels::Activation;
using Kind = kernels::ActivationKind;

// A formula in the making: f(x), f.times(a, b).
class Formula {
 public:
  explicit Formula(GraphWriter& graph) : graph_(graph) {}

  std::string operator()(const char* op, const Names& inputs, Attributes attributes = {}) const {
    return graph_.add(op, inputs, std::move(attributes));
  }
  std::string number(double value) const { return graph_.number(value); }
  std::string plus(const std::string& a, const std::string& b) const { return (*this)("Add", {a, b}); }
  std::string minus(const std::string& a, const std::string& b) const { return (*this)("Sub", {a, b}); }
  std::string times(const std::string& a, const std::string& b) const { return (*this)("Mul", {a, b}); }
  std::string times(const std::string& a, double b) const { return times(a, number(b)); }
  std::string plus(const std::string& a, double b) const { return plus(a, number(b)); }
  // a > b ? x : y
  std::string where_above(const std::string& a, double b, const std::string& x, const std::string& y) const {
    return (*this)("Where", {(*this)("Greater", {a, number(b)}), x, y});
  }

 private:
  GraphWriter& graph_;
};

AttributeProto alpha(double value) { return attribute("alpha", static_cast<float>(value)); }
AttributeProto beta(double value) { return attribute("beta", static_cast<float>(value)); }
AttributeProto last_axis() { return attribute("axis", Index{-1}); }

// Slope a below the threshold c, at most b.
std::string relu(const Formula& f, const Activation& fn, const std::string& x) {
  const bool bounded = std::isfinite(fn.b);
  if (fn.a == 0 && fn.c == 0) {
    if (!bounded) return f("Relu", {x});
    return f("Clip", {x, f.number(0), f.number(fn.b)});
  }
  if (fn.c == 0 && !bounded) return f("LeakyRelu", {x}, {alpha(fn.a)});
  const std::string y = f.where_above(x, fn.c, x, f.times(f.minus(x, f.number(fn.c)), fn.a));
  return bounded ? f("Where", {f("GreaterOrEqual", {x, f.number(fn.b)}), f.number(fn.b), y}) : y;
}

std::string hard_sigmoid(const Formula& f, double slope, const std::string& x) {
  return f("HardSigmoid", {x}, {alpha(slope), beta(0.5)});
}

// alpha (e^(x / alpha) - 1) below 0.
std::string celu(const Formula& f, double a, const std::string& x) {
  const std::string power = f("Exp", {f("Div", {x, f.number(a)})});
  return f.where_above(x, 0, x, f.times(f.plus(power, -1), a));
}

std::string gelu(const Formula& f, const std::string& x) {
  const std::string erf = f("Erf", {f.times(x, std::numbers::sqrt2 / 2)});
  return f.times(f.times(x, 0.5), f.plus(erf, 1));
}

std::string gelu_tanh(const Formula& f, const std::string& x) {
  const std::string cube = f.times(f.times(x, x), x);
  const std::string inner = f.times(f.plus(x, f.times(cube, 0.044715)), std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
  return f.times(f.times(x, 0.5), f.plus(f("Tanh", {inner}), 1));
}

// (x + sqrt(x^2 + b)) / 2
std::string squareplus(const Formula& f, double b, const std::string& x) {
  return f.times(f.plus(x, f("Sqrt", {f.plus(f.times(x, x), b)})), 0.5);
}

// (x + 1)^2 / 4 from -1 to 1.
std::string sparse_plus(const Formula& f, const std::string& x) {
  const std::string above = f("Relu", {f.plus(x, 1)});
  return f.where_above(x, 1, x, f.times(f.times(above, above), 0.25));
}

// From each number the same is taken, tau. The largest k numbers are above it, where the k-th, sorted, is above (the
// sum of these - 1) / k; Keras's tau is (these sums of all of them - 1) / their number.
std::string sparsemax(const Formula& f, GraphWriter& graph, const std::string& x, Index features) {
  const std::string sorted = graph.add("TopK", {x, graph.integers({features})}, 2, {last_axis()}).front();
  std::vector<double> counts;
  for (Index k = 1; k <= features; ++k) counts.push_back(static_cast<double>(k));
  const std::string k = graph.weight("counts", {features}, counts);
  const std::string sums = f("CumSum", {sorted, graph.integer(-1)});
  const std::string is_above = f("Greater", {f.plus(f.times(sorted, k), 1), sums});
  const std::string zero = f.number(0), last = graph.integers({-1});
  const std::string count = f("ReduceSum", {f("Where", {is_above, f.number(1), zero}), last});
  const std::string sum = f("ReduceSum", {f("Where", {is_above, sums, zero}), last});
  return f("Relu", {f.minus(x, f("Div", {f.plus(sum, -1), count}))});
}

// The first half, as far as the second lets it through.
std::string glu(const Formula& f, GraphWriter& graph, const std::string& x) {
  const Names halves = graph.add("Split", {x}, 2, {last_axis()});
  return f.times(halves[0], f("Sigmoid", {halves[1]}));
}

}  // namespace

std::string add_activation(GraphWriter& graph, const Activation& fn, const std::string& x, Index features) {
  const Formula f(graph);
  switch (fn.kind) {
    case Kind::linear: return x;
    case Kind::relu: return relu(f, fn, x);
    case Kind::elu: return f("Elu", {x}, {alpha(fn.a)});
    case Kind::celu: return celu(f, fn.a, x);
    case Kind::selu: return f("Selu", {x});
    case Kind::softplus: return f("Softplus", {x});
    case Kind::softsign: return f("Softsign", {x});
    case Kind::squareplus: return squareplus(f, fn.a, x);
    case Kind::soft_shrink:
    case Kind::hard_shrink: {
      const auto threshold = static_cast<float>(fn.a);
      return f("Shrink", {x},
               {attribute("bias", fn.kind == Kind::soft_shrink ? threshold : 0.0F), attribute("lambd", threshold)});
    }
    case Kind::threshold: return f.where_above(x, fn.a, x, f.number(fn.b));
    case Kind::sparse_plus: return sparse_plus(f, x);
    case Kind::sparse_sigmoid: return hard_sigmoid(f, 0.5, x);
    case Kind::silu: return f.times(x, f("Sigmoid", {x}));
    case Kind::gelu: return gelu(f, x);
    case Kind::gelu_tanh: return gelu_tanh(f, x);
    case Kind::tanh: return f("Tanh", {x});
    case Kind::tanh_shrink: return f.minus(x, f("Tanh", {x}));
    case Kind::sigmoid: return f("Sigmoid", {x});
    case Kind::exponential: return f("Exp", {x});
    case Kind::hard_sigmoid: return hard_sigmoid(f, 1.0 / 6, x);
    case Kind::hard_sigmoid_2: return hard_sigmoid(f, 0.2, x);
    case Kind::hard_silu: return f("HardSwish", {x});
    case Kind::hard_tanh: return f("Clip", {x, f.number(-1), f.number(1)});
    case Kind::mish: return f.times(x, f("Tanh", {f("Softplus", {x})}));
    case Kind::log_sigmoid: return f("Neg", {f("Softplus", {f("Neg", {x})})});
    case Kind::softmax: return f("Softmax", {x}, {last_axis()});
    case Kind::log_softmax: return f("LogSoftmax", {x}, {last_axis()});
    case Kind::sparsemax: return sparsemax(f, graph, x, features);
    case Kind::glu: return glu(f, graph, x);
  }
  return x;
}

}  // namespace rondo::onnx
