#include "formats/c_header/functions.hpp"

#include <cmath>
#include <limits>

namespace rondo::c_header {

namespace {

using Fn = kernels::ActivationKind;
using kernels::Activation;

double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
double within(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

constexpr double kSeluAlpha = 1.6732632423543772, kSeluScale = 1.0507009873554805;

// exp(r) is (e + o) / (e - o), o odd and e even in r: short polynomials that Rondo's kernels have, too. The argument is
// cut off with its sign put back, because compilers make no vectors of a loop in which one case knows all its numbers.
// It is rounded through an integer, since x + 1.5 * 2^23 - 1.5 * 2^23 is x with -ffast-math; that of a NaN is some
// number.
constexpr const char* kSigmoid =
    R"(/* 1 / (1 + e^-x), without a branch or a call, so that a loop of it becomes vectors. */
static inline float @sigmoid(float x) {
  const float magnitude = fabsf(x);
  const float a = copysignf(magnitude > 80.0f ? 80.0f : magnitude, x);
  const float turns = copysignf(magnitude < 80.0f ? magnitude : 80.0f, x) * 1.44269502f;
  const int32_t whole = (int32_t)(turns + copysignf(0.5f, x));
  const float n = (float)whole;
  const float r = (a - n * 0.693359375f) + n * 2.12194440e-4f;
  const float square = r * r;
  const float odd = r * (square + 60.0717506f);
  const float even = 120.143501f + square * 12.0119514f;
  union { float f; uint32_t bits; } power;
  float e;
  power.bits = (uint32_t)(whole + 127) << 23;
  e = power.f * (even + odd);
  return e / ((even - odd) + e);
}
)";

constexpr const char* kTanh = R"(/* tanh x, likewise: m / (m + 1) with m = (e^2x - 1) / 2. */
static inline float @tanh(float x) {
  const float magnitude = fabsf(x);
  const float a = copysignf(magnitude > 10.0f ? 10.0f : magnitude, x);
  const float turns = copysignf(magnitude < 10.0f ? magnitude : 10.0f, x) * 2.88539004f;
  const int32_t whole = (int32_t)(turns + copysignf(0.5f, x));
  const float n = (float)whole;
  const float r = (a - n * 0.3466796875f) + n * 1.06097220e-4f;
  const float square = r * r;
  const float odd = r * (square + 15.0179377f);
  const float even = 15.0179377f + square * 6.00597572f;
  union { float f; uint32_t bits; } power;
  float m;
  power.bits = (uint32_t)(whole + 126) << 23;
  m = (power.f + 0.5f) * odd + (power.f - 0.5f) * even;
  return m / (m + (even - odd));
}
)";

std::string sigmoid_helper(Source& source) { return source.helper("sigmoid", kSigmoid); }
std::string tanh_helper(Source& source) { return source.helper("tanh", kTanh); }
std::string softplus_helper(Source& source) {
  return source.helper("softplus", R"(static inline float @softplus(float x) {
  return (x > 0.0f ? x : 0.0f) + log1pf(expf(-fabsf(x)));
}
)");
}

// What f is of x, as an expression.
std::string expression(Source& source, const Activation& f) {
  const auto t = [](double v) { return float_text(v); };
  switch (f.kind) {
    case Fn::relu: {
      const std::string below = f.a == 0 ? "0.0f" : t(f.a) + " * (x - " + t(f.c) + ")";
      const std::string y = "(x <= " + t(f.c) + " ? " + below + " : x)";
      return std::isfinite(f.b) ? "x >= " + t(f.b) + " ? " + t(f.b) + " : " + y : y;
    }
    case Fn::elu: return "x > 0.0f ? x : " + t(f.a) + " * expm1f(x)";
    case Fn::celu: return "x > 0.0f ? x : " + t(f.a) + " * expm1f(x / " + t(f.a) + ")";
    case Fn::selu: return t(kSeluScale) + " * (x > 0.0f ? x : " + t(kSeluAlpha) + " * expm1f(x))";
    case Fn::softplus: return softplus_helper(source) + "(x)";
    case Fn::softsign: return "x / (1.0f + fabsf(x))";
    case Fn::squareplus: return "0.5f * (x + sqrtf(x * x + " + t(f.a) + "))";
    case Fn::soft_shrink:
      return "x > " + t(f.a) + " ? x - " + t(f.a) + " : x < " + t(-f.a) + " ? x + " + t(f.a) + " : 0.0f";
    case Fn::hard_shrink: return "fabsf(x) > " + t(f.a) + " ? x : 0.0f";
    case Fn::threshold: return "x > " + t(f.a) + " ? x : " + t(f.b);
    case Fn::sparse_plus: return "x <= -1.0f ? 0.0f : x >= 1.0f ? x : 0.25f * (x + 1.0f) * (x + 1.0f)";
    case Fn::sparse_sigmoid: return "x <= -1.0f ? 0.0f : x >= 1.0f ? 1.0f : 0.5f * (x + 1.0f)";
    case Fn::silu: return "x < -1e4f ? 0.0f : x * " + sigmoid_helper(source) + "(x)";
    case Fn::gelu: return "x < -1e4f ? 0.0f : 0.5f * x * (1.0f + erff(x * 0.707106781f))";
    case Fn::gelu_tanh:
      return "x < -1e4f ? 0.0f : 0.5f * x * (1.0f + " + tanh_helper(source) +
             "(0.797884561f * (x + 0.044715f * x * x * x)))";
    case Fn::tanh_shrink: return "x - " + tanh_helper(source) + "(x)";
    case Fn::exponential: return "expf(x)";
    case Fn::hard_sigmoid: return "x <= -3.0f ? 0.0f : x >= 3.0f ? 1.0f : (x + 3.0f) / 6.0f";
    case Fn::hard_sigmoid_2: return "x < -2.5f ? 0.0f : x > 2.5f ? 1.0f : 0.2f * x + 0.5f";
    case Fn::hard_silu: return "x <= -3.0f ? 0.0f : x >= 3.0f ? x : x * (x + 3.0f) / 6.0f";
    case Fn::hard_tanh: return "x < -1.0f ? -1.0f : x > 1.0f ? 1.0f : x";
    case Fn::mish: return "x < -1e4f ? 0.0f : x * " + tanh_helper(source) + "(" + softplus_helper(source) + "(x))";
    case Fn::log_sigmoid: return "-" + softplus_helper(source) + "(-x)";
    default: return "x";
  }
}

}  // namespace

double value_of(const Activation& f, double x) {
  switch (f.kind) {
    case Fn::relu: return x >= f.b ? f.b : x > f.c ? x : f.a * (x - f.c);
    case Fn::elu: return x > 0 ? x : f.a * std::expm1(x);
    case Fn::celu: return x > 0 ? x : f.a * std::expm1(x / f.a);
    case Fn::selu: return kSeluScale * (x > 0 ? x : kSeluAlpha * std::expm1(x));
    case Fn::softplus: return softplus(x);
    case Fn::softsign: return x / (1 + std::abs(x));
    case Fn::squareplus: return 0.5 * (x + std::sqrt(x * x + f.a));
    case Fn::soft_shrink: return x > f.a ? x - f.a : x < -f.a ? x + f.a : 0;
    case Fn::hard_shrink: return std::abs(x) > f.a ? x : 0;
    case Fn::threshold: return x > f.a ? x : f.b;
    case Fn::sparse_plus: return x <= -1 ? 0 : x >= 1 ? x : 0.25 * (x + 1) * (x + 1);
    case Fn::sparse_sigmoid: return within(0.5 * (x + 1), 0, 1);
    case Fn::silu: return x * sigmoid(x);
    case Fn::gelu: return 0.5 * x * (1 + std::erf(x * std::sqrt(0.5)));
    case Fn::gelu_tanh: return 0.5 * x * (1 + std::tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
    case Fn::tanh: return std::tanh(x);
    case Fn::tanh_shrink: return x - std::tanh(x);
    case Fn::sigmoid: return sigmoid(x);
    case Fn::exponential: return std::exp(x);
    case Fn::hard_sigmoid: return within((x + 3) / 6, 0, 1);
    case Fn::hard_sigmoid_2: return within(0.2 * x + 0.5, 0, 1);
    case Fn::hard_silu: return x * within((x + 3) / 6, 0, 1);
    case Fn::hard_tanh: return within(x, -1, 1);
    case Fn::mish: return x * std::tanh(softplus(x));
    case Fn::log_sigmoid: return -softplus(-x);
    default: return x;
  }
}

std::string function_helper(Source& source, const Activation& f) {
  if (f.kind == Fn::sigmoid) return sigmoid_helper(source);
  if (f.kind == Fn::tanh) return tanh_helper(source);
  const std::string y = expression(source, f);
  // Relus of two slopes are two functions.
  for (int i = static_cast<int>(f.kind);; i += 100) {
    const std::string word = "f" + std::to_string(i);
    const std::string text = "static inline float @" + word + "(float x) { return " + y + "; }\n";
    if (const std::string* known = source.known_helper(word); known == nullptr || *known == text) {
      return source.helper(word, text);
    }
  }
}

std::optional<double> bound_of(const Activation& f) {
  switch (f.kind) {
    case Fn::tanh:
    case Fn::sigmoid:
    case Fn::hard_sigmoid:
    case Fn::hard_sigmoid_2:
    case Fn::sparse_sigmoid:
    case Fn::hard_tanh:
    case Fn::softsign: return 1;
    default: return {};
  }
}

std::optional<double> table_range_of(const Activation& f) {
  switch (f.kind) {
    case Fn::tanh: return 8;
    case Fn::sigmoid: return 16;
    case Fn::hard_sigmoid:
    case Fn::hard_sigmoid_2: return 4;
    case Fn::sparse_sigmoid:
    case Fn::hard_tanh: return 2;
    default: return {};
  }
}

bool is_plain_relu(const Activation& f) {
  return f.kind == Fn::relu && f.a == 0 && f.c == 0 && f.b == std::numeric_limits<double>::infinity();
}

}  // namespace rondo::c_header
