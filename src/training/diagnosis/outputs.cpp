#include "training/diagnosis/outputs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

namespace rondo::training {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Interval {
  double low, high;
};

// Of an activation's values; all numbers where it is not one of these.
Interval values_of(std::string_view activation) {
  static constexpr std::pair<std::string_view, Interval> kKnown[] = {{"sigmoid", {0, 1}},
                                                                     {"hard_sigmoid", {0, 1}},
                                                                     {"sparse_sigmoid", {0, 1}},
                                                                     {"softmax", {0, 1}},
                                                                     {"sparsemax", {0, 1}},
                                                                     {"tanh", {-1, 1}},
                                                                     {"hard_tanh", {-1, 1}},
                                                                     {"softsign", {-1, 1}},
                                                                     {"relu6", {0, 6}},
                                                                     {"relu", {0, kInfinity}},
                                                                     {"softplus", {0, kInfinity}},
                                                                     {"squareplus", {0, kInfinity}},
                                                                     {"exponential", {0, kInfinity}},
                                                                     {"sparse_plus", {0, kInfinity}}};
  for (const auto& [name, values] : kKnown) {
    if (name == activation) return values;
  }
  return {-kInfinity, kInfinity};
}

double root_mean_square(double squares, std::size_t count) { return std::sqrt(squares / static_cast<double>(count)); }

double variation(const std::vector<double>& values, std::size_t columns, std::size_t column) {
  const auto rows = static_cast<double>(values.size() / columns);
  double sum = 0, squares = 0;
  for (std::size_t i = column; i < values.size(); i += columns) sum += values[i];
  for (std::size_t i = column; i < values.size(); i += columns) squares += std::pow(values[i] - sum / rows, 2);
  return squares;
}

}  // namespace

Squares::Squares(const Compared& compared) {
  for (std::size_t c = 0; c < compared.columns; ++c) {
    truth += variation(compared.truth, compared.columns, c);
    predicted += variation(compared.predicted, compared.columns, c);
  }
  for (std::size_t i = 0; i < compared.truth.size(); ++i) {
    error += std::pow(compared.truth[i] - compared.predicted[i], 2);
  }
}

Findings targets_out_of_range(const Compared& compared, const std::string& activation, const std::string& layer) {
  const Interval reach = values_of(activation);
  const auto [low, high] = std::minmax_element(compared.truth.begin(), compared.truth.end());
  const double margin = 0.1 * (std::isfinite(reach.high) ? reach.high - reach.low : *high - *low);
  if (*low >= reach.low - margin && *high <= reach.high + margin) return {};
  // A rectifier with a slope below 0 has the same name.
  if (std::any_of(compared.predicted.begin(), compared.predicted.end(), [&](double v) { return v < reach.low; })) {
    return {};
  }
  Sentence text;
  text << compared.what << " reaches from " << *low << " to " << *high << ", but layer '" << layer << "' ends in "
       << activation << ", whose values ";
  if (std::isfinite(reach.high)) {
    text << "lie between " << reach.low << " and " << reach.high;
  } else {
    text << "are " << reach.low << " or more";
  }
  return finding(
      FindingKind::targets_out_of_range, text,
      Sentence() << "try no activation at the end, or scale " << compared.what << " to what it reaches (MinMaxScaler)",
      layer);
}

Findings constant_predictions(const Compared& compared) {
  const Squares squares(compared);
  if (squares.truth == 0 || squares.predicted > squares.truth / (50.0 * 50.0)) return {};
  const std::size_t count = compared.truth.size();
  return finding(FindingKind::constant_predictions,
                 Sentence() << "the predictions hardly differ: their standard deviation over " << compared.samples
                            << " samples is " << root_mean_square(squares.predicted, count) << ", that of "
                            << compared.what << " " << root_mean_square(squares.truth, count),
                 Sentence() << "try to scale X and " << compared.what << " (MinMaxScaler, StandardScaler)");
}

Findings copied_input(const Compared& compared, const Tensor& X) {
  if (compared.columns != 1 || std::cmp_not_equal(compared.truth.size(), X.shape()[0])) return {};
  const std::vector<double> inputs = X.to_vector();
  const std::size_t samples = compared.truth.size(), in_sample = inputs.size() / samples;
  const std::size_t features = X.rank() > 2 ? static_cast<std::size_t>(X.shape().back()) : 1;
  if (in_sample <= features) return {};  // of one time step there is little else to say
  const double spread = Squares(compared).truth;
  for (std::size_t f = 0; f < features; ++f) {
    double from_predicted = 0, from_truth = 0;
    for (std::size_t i = 0; i < samples; ++i) {
      const double last = inputs[(i + 1) * in_sample - features + f];
      from_predicted += std::pow(compared.predicted[i] - last, 2);
      from_truth += std::pow(compared.truth[i] - last, 2);
    }
    if (from_predicted * 25 > from_truth || from_truth < 4e-4 * spread) continue;
    return finding(FindingKind::copied_input,
                   Sentence() << "the predictions are the last value of X again: they differ from it by "
                              << root_mean_square(from_predicted, samples) << " (root mean square), " << compared.what
                              << " does by " << root_mean_square(from_truth, samples),
                   "try to learn differences (difference())");
  }
  return {};
}

}  // namespace rondo::training
