#include "support/plain/activations.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace plain {

namespace {

constexpr double kPi = 3.14159265358979323846;
// Klambauer et al. 2017.
constexpr double kSeluAlpha = 1.6732632423543772, kSeluScale = 1.0507009873554805;

double option(const Activation& f, const char* key, double standard) {
  const auto found = f.options.find(key);
  return found == f.options.end() ? standard : found->second;
}

double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
// log(1 + e^x), without the overflow of e^x.
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
double hard_sigmoid(double x) { return std::clamp(x + 3, 0.0, 6.0) / 6; }

// The standard normal distribution and its density.
double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double normal_pdf(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * kPi); }

// gelu(approximate): x/2 (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3).
double gelu_tanh(double x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / kPi) * (x + 0.044715 * x * x * x))); }
double gelu_tanh_slope(double x) {
  const double t = std::tanh(std::sqrt(2 / kPi) * (x + 0.044715 * x * x * x));
  const double du = std::sqrt(2 / kPi) * (1 + 3 * 0.044715 * x * x);
  return (1 + t) / 2 + x / 2 * (1 - t * t) * du;
}

struct ReluParameters {
  double negative_slope, max_value, threshold;
};
// relu, relu6 and leaky_relu are one function: x >= max_value: max_value; x > threshold: x; else
// negative_slope (x - threshold).
ReluParameters relu_parameters(const Activation& f) {
  const double unbounded = std::numeric_limits<double>::infinity();
  return {option(f, "negative_slope", f.name == "leaky_relu" ? 0.2 : 0.0),
          option(f, "max_value", f.name == "relu6" ? 6.0 : unbounded), option(f, "threshold", 0.0)};
}
bool is_relu(std::string_view name) { return name == "relu" || name == "relu6" || name == "leaky_relu"; }

}  // namespace

bool is_elementwise(const Activation& f) {
  return f.name != "softmax" && f.name != "log_softmax" && f.name != "sparsemax" && f.name != "glu";
}

Size activated_features(const Activation& f, Size features) { return f.name == "glu" ? features / 2 : features; }

// ---- one element
// -----------------------------------------------------------------------------------------------------

double value(const Activation& f, double x) {
  const std::string_view n = f.name;
  if (n == "linear") return x;
  if (is_relu(n)) {
    const ReluParameters p = relu_parameters(f);
    if (x >= p.max_value) return p.max_value;
    return x > p.threshold ? x : p.negative_slope * (x - p.threshold);
  }
  if (n == "elu") return x > 0 ? x : option(f, "alpha", 1) * std::expm1(x);
  if (n == "celu") return x > 0 ? x : option(f, "alpha", 1) * std::expm1(x / option(f, "alpha", 1));
  if (n == "selu") return kSeluScale * (x > 0 ? x : kSeluAlpha * std::expm1(x));
  if (n == "gelu") return option(f, "approximate", 0) != 0 ? gelu_tanh(x) : x * normal_cdf(x);
  if (n == "silu" || n == "swish") return x * sigmoid(x);
  if (n == "hard_silu" || n == "hard_swish") return x * hard_sigmoid(x);
  if (n == "sigmoid") return sigmoid(x);
  if (n == "hard_sigmoid") return hard_sigmoid(x);
  if (n == "hard_sigmoid_2") return std::clamp(0.2 * x + 0.5, 0.0, 1.0);
  if (n == "sparse_sigmoid") return std::clamp((x + 1) / 2, 0.0, 1.0);
  if (n == "log_sigmoid") return -softplus(-x);
  if (n == "tanh") return std::tanh(x);
  if (n == "hard_tanh") return std::clamp(x, -1.0, 1.0);
  if (n == "tanh_shrink") return x - std::tanh(x);
  if (n == "softplus") return softplus(x);
  if (n == "softsign") return x / (1 + std::abs(x));
  if (n == "squareplus") return (x + std::sqrt(x * x + option(f, "b", 4))) / 2;
  if (n == "sparse_plus") return x <= -1 ? 0 : x >= 1 ? x : (x + 1) * (x + 1) / 4;
  if (n == "soft_shrink") {
    const double t = option(f, "threshold", 0.5);
    return x > t ? x - t : x < -t ? x + t : 0;
  }
  if (n == "hard_shrink") return std::abs(x) > option(f, "threshold", 0.5) ? x : 0;
  if (n == "threshold") return x > option(f, "threshold", 1) ? x : option(f, "default_value", 0);
  if (n == "exponential") return std::exp(x);
  if (n == "mish") return x * std::tanh(softplus(x));
  throw std::invalid_argument("plain: no elementwise activation is called " + f.name);
}

double slope(const Activation& f, double x) {
  const std::string_view n = f.name;
  if (n == "linear") return 1;
  if (is_relu(n)) {
    const ReluParameters p = relu_parameters(f);
    if (x >= p.max_value) return 0;
    return x > p.threshold ? 1 : p.negative_slope;
  }
  if (n == "elu") return x > 0 ? 1 : option(f, "alpha", 1) * std::exp(x);
  if (n == "celu") return x > 0 ? 1 : std::exp(x / option(f, "alpha", 1));
  if (n == "selu") return kSeluScale * (x > 0 ? 1 : kSeluAlpha * std::exp(x));
  if (n == "gelu") return option(f, "approximate", 0) != 0 ? gelu_tanh_slope(x) : normal_cdf(x) + x * normal_pdf(x);
  if (n == "silu" || n == "swish") return sigmoid(x) + x * sigmoid(x) * sigmoid(-x);
  if (n == "hard_silu" || n == "hard_swish") return x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6;
  if (n == "sigmoid") return sigmoid(x) * sigmoid(-x);
  if (n == "hard_sigmoid") return std::abs(x) < 3 ? 1.0 / 6 : 0;
  if (n == "hard_sigmoid_2") return std::abs(x) < 2.5 ? 0.2 : 0;
  if (n == "sparse_sigmoid") return std::abs(x) < 1 ? 0.5 : 0;
  if (n == "log_sigmoid") return sigmoid(-x);
  if (n == "tanh") return 1 - std::tanh(x) * std::tanh(x);
  if (n == "hard_tanh") return std::abs(x) < 1 ? 1 : 0;
  if (n == "tanh_shrink") return std::tanh(x) * std::tanh(x);
  if (n == "softplus") return sigmoid(x);
  if (n == "softsign") return 1 / ((1 + std::abs(x)) * (1 + std::abs(x)));
  if (n == "squareplus") return (1 + x / std::sqrt(x * x + option(f, "b", 4))) / 2;
  if (n == "sparse_plus") return x <= -1 ? 0 : x >= 1 ? 1 : (x + 1) / 2;
  if (n == "soft_shrink" || n == "hard_shrink") return std::abs(x) > option(f, "threshold", 0.5) ? 1 : 0;
  if (n == "threshold") return x > option(f, "threshold", 1) ? 1 : 0;
  if (n == "exponential") return std::exp(x);
  if (n == "mish") {
    const double t = std::tanh(softplus(x));
    return t + x * (1 - t * t) * sigmoid(x);
  }
  throw std::invalid_argument("plain: no elementwise activation is called " + f.name);
}

// ---- one row
// ---------------------------------------------------------------------------------------------------------

namespace {

Array softmax(const Array& x) {
  const double largest = *std::max_element(x.begin(), x.end());
  Array y;
  for (const double v : x) y.push_back(std::exp(v - largest));
  const double sum = std::accumulate(y.begin(), y.end(), 0.0);
  for (double& v : y) v /= sum;
  return y;
}

Array log_softmax(const Array& x) {
  const double largest = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (const double v : x) sum += std::exp(v - largest);
  Array y;
  for (const double v : x) y.push_back(v - largest - std::log(sum));
  return y;
}

// Martins and Astudillo 2016, as Keras has it: with x_(1) >= x_(2) >= ... and s_r = x_(1) + ... + x_(r), the support
// are the ranks r with r x_(r) > s_r - 1. The paper's tau is (s_S - 1) / S for a support of S; Keras takes (s_1 + ... +
// s_S - 1) / S, which is another function unless S = 1. y = max(x - tau, 0).
struct Sparsemax {
  std::vector<Size> order;  // indices from the largest element to the smallest
  Size support = 0;
  double tau = 0;
};

Sparsemax sparsemax_of(const Array& x) {
  Sparsemax m;
  m.order.resize(x.size());
  std::iota(m.order.begin(), m.order.end(), Size{0});
  std::stable_sort(m.order.begin(), m.order.end(), [&](Size a, Size b) { return x[a] > x[b]; });
  double sum = 0, sum_of_sums = 0;
  for (Size r = 1; r <= x.size(); ++r) {
    sum += x[m.order[r - 1]];
    if (!(x[m.order[r - 1]] - (sum - 1) / static_cast<double>(r) > 0)) break;
    m.support = r;
    sum_of_sums += sum;
  }
  m.tau = (sum_of_sums - 1) / static_cast<double>(m.support);
  return m;
}

Array sparsemax(const Array& x) {
  const double tau = sparsemax_of(x).tau;
  Array y;
  for (const double v : x) y.push_back(std::max(v - tau, 0.0));
  return y;
}

// x_(r) is in the sums s_r, ..., s_S: d tau / d x_(r) = (S - r + 1) / S.
Array sparsemax_backward(const Array& x, const Array& dy) {
  const Sparsemax m = sparsemax_of(x);
  Array dx(x.size(), 0.0);
  double d_tau = 0;
  for (Size k = 0; k < x.size(); ++k) {
    if (x[k] - m.tau <= 0) continue;
    dx[k] = dy[k];
    d_tau -= dy[k];
  }
  for (Size r = 1; r <= m.support; ++r) {
    dx[m.order[r - 1]] += d_tau * static_cast<double>(m.support - r + 1) / static_cast<double>(m.support);
  }
  return dx;
}

// a sigmoid(b) of the two halves a, b.
Array glu(const Array& x) {
  const Size half = x.size() / 2;
  Array y;
  for (Size k = 0; k < half; ++k) y.push_back(x[k] * sigmoid(x[half + k]));
  return y;
}

Array glu_backward(const Array& x, const Array& dy) {
  const Size half = x.size() / 2;
  Array dx(x.size());
  for (Size k = 0; k < half; ++k) {
    const double a = x[k], b = x[half + k];
    dx[k] = dy[k] * sigmoid(b);
    dx[half + k] = dy[k] * a * sigmoid(b) * sigmoid(-b);
  }
  return dx;
}

Array activate_row(const Activation& f, const Array& x) {
  if (f.name == "softmax") return softmax(x);
  if (f.name == "log_softmax") return log_softmax(x);
  if (f.name == "sparsemax") return sparsemax(x);
  if (f.name == "glu") return glu(x);
  Array y;
  for (const double v : x) y.push_back(value(f, v));
  return y;
}

Array backward_row(const Activation& f, const Array& x, const Array& dy) {
  if (f.name == "sparsemax") return sparsemax_backward(x, dy);
  if (f.name == "glu") return glu_backward(x, dy);
  Array dx(x.size());
  if (f.name == "softmax" || f.name == "log_softmax") {
    const Array p = softmax(x);
    // softmax: dp_j/dx_k = p_j ([j = k] - p_k); log_softmax: [j = k] - p_k.
    double sum = 0;
    for (Size j = 0; j < x.size(); ++j) sum += f.name == "softmax" ? dy[j] * p[j] : dy[j];
    for (Size k = 0; k < x.size(); ++k) dx[k] = f.name == "softmax" ? p[k] * (dy[k] - sum) : dy[k] - p[k] * sum;
    return dx;
  }
  for (Size k = 0; k < x.size(); ++k) dx[k] = dy[k] * slope(f, x[k]);
  return dx;
}

Array row_of(const Array& x, Size row, Size features) {
  const auto begin = x.begin() + static_cast<std::ptrdiff_t>(row * features);
  return Array(begin, begin + static_cast<std::ptrdiff_t>(features));
}

}  // namespace

Array activate(const Activation& f, const Array& x, Size features) {
  Array y;
  for (Size row = 0; row < x.size() / features; ++row) {
    const Array one = activate_row(f, row_of(x, row, features));
    y.insert(y.end(), one.begin(), one.end());
  }
  return y;
}

Array activate_backward(const Activation& f, const Array& x, const Array& dy, Size features) {
  Array dx;
  for (Size row = 0; row < x.size() / features; ++row) {
    const Array one = backward_row(f, row_of(x, row, features), row_of(dy, row, activated_features(f, features)));
    dx.insert(dx.end(), one.begin(), one.end());
  }
  return dx;
}

}  // namespace plain
