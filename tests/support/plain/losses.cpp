#include "support/plain/losses.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace plain {

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's backend.epsilon()

bool is_categorical(const Loss& loss) {
  return loss.name == "categorical_crossentropy" || loss.name == "sparse_categorical_crossentropy";
}

// t as the formula takes it: class numbers become one-hot, smoothed labels move towards the uniform distribution.
double label(const Loss& loss, const Array& truth, Size row, Size k, Size features) {
  if (loss.name == "sparse_categorical_crossentropy") return truth[row] == static_cast<double>(k) ? 1 : 0;
  const double t = truth[row * features + k], s = loss.label_smoothing;
  if (loss.name == "binary_crossentropy") return t * (1 - s) + s / 2;
  if (loss.name == "categorical_crossentropy") return t * (1 - s) + s / static_cast<double>(features);
  return t;
}

// Losses of one element, whose mean over the features is the row's.
double element_value(const Loss& loss, double t, double p) {
  if (loss.name == "mean_squared_error") return (p - t) * (p - t);
  if (loss.name == "mean_absolute_error") return std::abs(p - t);
  if (loss.name != "binary_crossentropy") throw std::invalid_argument("plain: no loss is called " + loss.name);
  // -(t log s + (1 - t) log(1 - s)) of s = sigmoid(p): with log s = -log(1 + e^-p), log(1 - s) = -log(1 + e^p).
  if (loss.from_logits) return std::max(p, 0.0) - p * t + std::log1p(std::exp(-std::abs(p)));
  const double q = std::clamp(p, kEpsilon, 1 - kEpsilon);
  return -(t * std::log(q) + (1 - t) * std::log(1 - q));
}

double element_slope(const Loss& loss, double t, double p) {
  if (loss.name == "mean_squared_error") return 2 * (p - t);
  if (loss.name == "mean_absolute_error") return p > t ? 1 : p < t ? -1 : 0;
  if (loss.name != "binary_crossentropy") throw std::invalid_argument("plain: no loss is called " + loss.name);
  if (loss.from_logits) return 1 / (1 + std::exp(-p)) - t;
  const bool clipped = p < kEpsilon || p > 1 - kEpsilon;
  return clipped ? 0 : -t / p + (1 - t) / (1 - p);
}

// Categorical crossentropy of a row: -sum t log q. From logits, q = softmax(p); else q = p / sum p within
// [epsilon, 1 - epsilon].
struct Row {
  Array t, p;
};

double log_sum_exp(const Array& p) {
  const double largest = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (const double v : p) sum += std::exp(v - largest);
  return largest + std::log(sum);
}

double sum_of(const Array& p) {
  double sum = 0;
  for (const double v : p) sum += v;
  return sum;
}

double categorical_value(const Loss& loss, const Row& row) {
  double value = 0;
  const double whole = loss.from_logits ? log_sum_exp(row.p) : sum_of(row.p);
  for (Size k = 0; k < row.p.size(); ++k) {
    const double log_q =
        loss.from_logits ? row.p[k] - whole : std::log(std::clamp(row.p[k] / whole, kEpsilon, 1 - kEpsilon));
    if (row.t[k] != 0) value -= row.t[k] * log_q;
  }
  return value;
}

Array categorical_gradient(const Loss& loss, const Row& row) {
  const Size features = row.p.size();
  Array gradient(features, 0.0);
  if (loss.from_logits) {  // d log_softmax_j / dp_k = [j = k] - softmax_k
    const double log_sum = log_sum_exp(row.p), labels = sum_of(row.t);
    for (Size k = 0; k < features; ++k) gradient[k] = std::exp(row.p[k] - log_sum) * labels - row.t[k];
    return gradient;
  }
  // With q_j = p_j / S: d(-t_j log q_j)/dp_k = -t_j / q_j ([j = k] - q_j) / S, and nothing where q_j is clipped.
  const double sum = sum_of(row.p);
  for (Size j = 0; j < features; ++j) {
    const double q = row.p[j] / sum;
    if (q < kEpsilon || q > 1 - kEpsilon) continue;
    for (Size k = 0; k < features; ++k) gradient[k] -= row.t[j] / q * ((j == k ? 1 : 0) - q) / sum;
  }
  return gradient;
}

Row row_of(const Loss& loss, const Array& truth, const Array& prediction, Size r, Size features) {
  Row row;
  for (Size k = 0; k < features; ++k) {
    row.t.push_back(label(loss, truth, r, k, features));
    row.p.push_back(prediction[r * features + k]);
  }
  return row;
}

}  // namespace

Array loss_of_rows(const Loss& loss, const Array& truth, const Array& prediction, Size features) {
  Array values;
  for (Size r = 0; r < prediction.size() / features; ++r) {
    const Row row = row_of(loss, truth, prediction, r, features);
    double value = 0;
    for (Size k = 0; k < features && !is_categorical(loss); ++k) {
      value += element_value(loss, row.t[k], row.p[k]) / static_cast<double>(features);
    }
    values.push_back(is_categorical(loss) ? categorical_value(loss, row) : value);
  }
  return values;
}

double loss_of_batch(const Loss& loss, const Array& truth, const Array& prediction, Size features) {
  const Array values = loss_of_rows(loss, truth, prediction, features);
  return sum_of(values) / static_cast<double>(values.size());
}

Array loss_gradient(const Loss& loss, const Array& truth, const Array& prediction, Size features) {
  Array all;
  const Size rows = prediction.size() / features;
  for (Size r = 0; r < rows; ++r) {
    const Row row = row_of(loss, truth, prediction, r, features);
    Array gradient(features);
    for (Size k = 0; k < features && !is_categorical(loss); ++k) {
      gradient[k] = element_slope(loss, row.t[k], row.p[k]) / static_cast<double>(features);
    }
    if (is_categorical(loss)) gradient = categorical_gradient(loss, row);
    for (const double g : gradient) all.push_back(g / static_cast<double>(rows));
  }
  return all;
}

}  // namespace plain
