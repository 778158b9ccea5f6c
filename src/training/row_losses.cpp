#include "training/row_losses.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "core/thread_buffers.hpp"

namespace rondo::training {

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's

// A value and its derivative by the prediction.
struct Term {
  double value, slope;
};

// The mean over a row of n terms, term(i) being of prediction i.
template <class F>
double mean_over(std::size_t count, GradientRow gradient, F&& term) {
  const auto n = static_cast<double>(count);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Term each = term(i);
    sum += each.value;
    if (!gradient.empty()) gradient[i] = each.slope / n;
  }
  return sum / n;
}

// The same of terms of a label and a prediction.
template <class F>
LossFunction mean_of(F term) {
  return [term = std::move(term)](Row truth, Row prediction, GradientRow gradient) {
    return mean_over(prediction.size(), gradient, [&](std::size_t i) { return term(truth[i], prediction[i]); });
  };
}

double sign(double v) { return v > 0 ? 1 : v < 0 ? -1 : 0; }

// Within [low, high], with the derivative of clipping.
Term clipped(double v, double low, double high) { return {std::clamp(v, low, high), v < low || v > high ? 0.0 : 1.0}; }

double dot(Row a, Row b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

}  // namespace

// ---- element by element ---------------------------------------------------------------------------------------------

LossFunction mean_absolute_percentage_error() {
  return mean_of([](double t, double p) -> Term {
    const double percent = 100 / std::max(std::abs(t), kEpsilon);
    return {percent * std::abs(p - t), percent * sign(p - t)};
  });
}

LossFunction mean_squared_logarithmic_error() {
  return mean_of([](double t, double p) -> Term {
    const double d = std::log(std::max(p, kEpsilon) + 1) - std::log(std::max(t, kEpsilon) + 1);
    return {d * d, p < kEpsilon ? 0 : 2 * d / (p + 1)};
  });
}

LossFunction huber(double delta) {
  return mean_of([delta](double t, double p) -> Term {
    const double e = p - t, size = std::abs(e);
    if (size <= delta) return {e * e / 2, e};
    return {delta * size - delta * delta / 2, delta * sign(e)};
  });
}

LossFunction log_cosh() {
  return mean_of([](double t, double p) -> Term {
    const double size = std::abs(p - t);
    return {size + std::log1p(std::exp(-2 * size)) - std::numbers::ln2, std::tanh(p - t)};
  });
}

LossFunction poisson() {
  return mean_of([](double t, double p) -> Term { return {p - t * std::log(p + kEpsilon), 1 - t / (p + kEpsilon)}; });
}

LossFunction binary_focal_crossentropy(const FocalRule& rule) {
  return mean_of([rule](double label, double x) -> Term {
    const double t = label * (1 - rule.label_smoothing) + rule.label_smoothing / 2;
    const double p = rule.from_logits ? 1 / (1 + std::exp(-x)) : x;
    const auto [c, passes] = clipped(p, kEpsilon, 1 - kEpsilon);
    const double entropy = -(t * std::log(c) + (1 - t) * std::log1p(-c));
    const double wrong = 1 - (t * p + (1 - t) * (1 - p));  // how little the label's class was given
    const double factor = std::pow(wrong, rule.gamma);
    const double weight = rule.balances_classes ? t * rule.alpha + (1 - t) * (1 - rule.alpha) : 1;
    const double d_entropy = passes * (c - t) / (c * (1 - c));
    const double d_factor = rule.gamma == 0 ? 0 : rule.gamma * std::pow(wrong, rule.gamma - 1) * (1 - 2 * t);
    const double dp_dx = rule.from_logits ? p * (1 - p) : 1;
    return {weight * factor * entropy, weight * (d_factor * entropy + factor * d_entropy) * dp_dx};
  });
}

LossFunction hinge() {
  return mean_of([](double t, double p) -> Term {
    const double margin = 1 - t * p;
    return margin < 0 ? Term{0, 0} : Term{margin, -t};
  });
}

LossFunction squared_hinge() {
  return mean_of([](double t, double p) -> Term {
    const double margin = 1 - t * p;
    return margin < 0 ? Term{0, 0} : Term{margin * margin, -2 * margin * t};
  });
}

// ---- row by row -----------------------------------------------------------------------------------------------------

LossFunction kl_divergence() {
  return [](Row truth, Row prediction, GradientRow gradient) {
    double sum = 0;
    for (std::size_t i = 0; i < prediction.size(); ++i) {
      const double t = std::clamp(truth[i], kEpsilon, 1.0);
      const auto [p, passes] = clipped(prediction[i], kEpsilon, 1);
      sum += t * std::log(t / p);
      if (!gradient.empty()) gradient[i] = -passes * t / p;
    }
    return sum;
  };
}

LossFunction cosine_similarity() {
  return [](Row truth, Row prediction, GradientRow gradient) {
    const double t_norm = std::sqrt(std::max(dot(truth, truth), kEpsilon * kEpsilon));
    const double squares = dot(prediction, prediction);
    const bool passes = squares >= kEpsilon * kEpsilon;
    const double p_norm = passes ? std::sqrt(squares) : kEpsilon;
    const double cosine = dot(truth, prediction) / (t_norm * p_norm);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      gradient[i] = -(truth[i] / t_norm - (passes ? cosine * prediction[i] / p_norm : 0)) / p_norm;
    }
    return -cosine;
  };
}

LossFunction categorical_hinge() {
  return [](Row truth, Row prediction, GradientRow gradient) {
    std::size_t worst = 0;
    const auto other = [&](std::size_t i) { return (1 - truth[i]) * prediction[i]; };
    for (std::size_t i = 1; i < prediction.size(); ++i) worst = other(i) > other(worst) ? i : worst;
    const double value = other(worst) - dot(truth, prediction) + 1;
    if (value < 0) return 0.0;
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = -truth[i];
    if (!gradient.empty()) gradient[worst] += 1 - truth[worst];
    return value;
  };
}

namespace {

// x, or its softmax.
void probabilities(Row x, bool from_logits, std::vector<double>& p) {
  p.assign(x.begin(), x.end());
  if (!from_logits) return;
  const double largest = *std::max_element(p.begin(), p.end());
  for (double& v : p) v = std::exp(v - largest);
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& v : p) v /= sum;
}

}  // namespace

LossFunction categorical_focal_crossentropy(const FocalRule& rule) {
  return [rule](Row truth, Row prediction, GradientRow gradient) {
    core::ThreadBuffers<std::vector<double>> buffer;
    std::vector<double>& p = *buffer;
    probabilities(prediction, rule.from_logits, p);
    const double sum = std::accumulate(p.begin(), p.end(), 0.0);
    const double off = rule.label_smoothing / static_cast<double>(p.size());
    double value = 0, mean_slope = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double t = truth[i] * (1 - rule.label_smoothing) + off;
      const auto [c, passes] = clipped(p[i] / sum, kEpsilon, 1 - kEpsilon);
      const double factor = rule.alpha * std::pow(1 - c, rule.gamma), entropy = -t * std::log(c);
      value += factor * entropy;
      if (gradient.empty()) continue;
      gradient[i] = passes * factor * (-rule.gamma * entropy / (1 - c) - t / c);  // by p / sum
      mean_slope += gradient[i] * p[i] / sum;
    }
    // Of p / sum, and then of softmax: both take the mean away.
    for (double& slope : gradient) slope = (slope - mean_slope) / sum;
    if (!rule.from_logits || gradient.empty()) return value;
    const double mean = dot(gradient, p);
    for (std::size_t i = 0; i < p.size(); ++i) gradient[i] = p[i] * (gradient[i] - mean);
    return value;
  };
}

LossFunction categorical_generalized_cross_entropy(double q) {
  return [q](Row truth, Row prediction, GradientRow gradient) {
    const auto label = static_cast<std::size_t>(truth[0]);
    const double p = prediction[label];
    if (!gradient.empty()) gradient[label] = -std::pow(p, q - 1);
    return (1 - std::pow(p, q)) / q;
  };
}

// ---- quantiles ------------------------------------------------------------------------------------------------------

LossFunction quantile(std::vector<double> quantiles) {
  const auto pinball = [](double q, double t, double p) -> Term {
    return t > p ? Term{q * (t - p), -q} : Term{(1 - q) * (p - t), 1 - q};
  };
  return [pinball, quantiles = std::move(quantiles)](Row truth, Row prediction, GradientRow gradient) {
    const bool several = quantiles.size() > 1;
    return mean_over(prediction.size(), gradient, [&](std::size_t i) {
      return pinball(quantiles[several ? i : 0], truth[several ? 0 : i], prediction[i]);
    });
  };
}

// ---- likelihoods ----------------------------------------------------------------------------------------------------

namespace {

// log(1 + e^x) and its derivative.
Term softplus(double x) { return {std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))), 1 / (1 + std::exp(-x))}; }

// A scale from a number of any sign: above 0, so that no row has an infinite density.
Term scale_of(double raw) {
  const Term s = softplus(raw);
  return {s.value + 1e-6, s.slope};
}

constexpr double kHalfLogTwoPi = 0.91893853320467274178;

// ln Gamma and its derivative for x >= 1, by Stirling's series from 12 on. (That of the C library writes a global.)
Term log_gamma(double x) {
  double product = 1, inverses = 0;
  for (; x < 12; ++x) {
    product *= x;
    inverses += 1 / x;
  }
  const double y = 1 / x, z = y * y;
  const double series = y * (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z / 1680)));
  const double slope = y / 2 + z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z / 240)));
  return {(x - 0.5) * std::log(x) - x + kHalfLogTwoPi + series - std::log(product), std::log(x) - slope - inverses};
}

}  // namespace

LossFunction gaussian_likelihood() {
  return [](Row truth, Row prediction, GradientRow gradient) {
    const Term scale = scale_of(prediction[1]);
    const double z = (truth[0] - prediction[0]) / scale.value;
    if (!gradient.empty()) {
      gradient[0] = -z / scale.value;
      gradient[1] = (1 - z * z) / scale.value * scale.slope;
    }
    return std::log(scale.value) + kHalfLogTwoPi + z * z / 2;
  };
}

LossFunction student_t_likelihood() {
  return [](Row truth, Row prediction, GradientRow gradient) {
    const Term scale = scale_of(prediction[1]), above_two = softplus(prediction[2]);
    const double freedom = 2 + above_two.value;
    const double z = (truth[0] - prediction[0]) / scale.value, part = z * z / freedom;
    const Term upper = log_gamma((freedom + 1) / 2), lower = log_gamma(freedom / 2);
    if (!gradient.empty()) {
      const double pull = (freedom + 1) * z / (freedom + z * z);
      gradient[0] = -pull / scale.value;
      gradient[1] = (1 - pull * z) / scale.value * scale.slope;
      gradient[2] =
          0.5 * above_two.slope * (lower.slope - upper.slope + 1 / freedom + std::log1p(part) - pull * z / freedom);
    }
    return lower.value - upper.value + 0.5 * std::log(std::numbers::pi * freedom) + std::log(scale.value) +
           (freedom + 1) / 2 * std::log1p(part);
  };
}

LossFunction mean_absolute_scaled_error(double scale) {
  return mean_of([scale](double t, double p) -> Term { return {std::abs(p - t) / scale, sign(p - t) / scale}; });
}

}  // namespace rondo::training
