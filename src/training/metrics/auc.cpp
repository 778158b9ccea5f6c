// The area under a curve of two ratios.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

#include <rondo/error.hpp>

#include "core/names.hpp"
#include "core/options.hpp"
#include "training/metrics/counting.hpp"

namespace rondo {

namespace metrics {

template <class Visitor>
void fields(Visitor& v, AUCOptions& o) {
  v("name", o.name);
  v("num_thresholds", o.num_thresholds);
  v("curve", o.curve);
  v("summation_method", o.summation_method);
  v("multi_label", o.multi_label);
  v("num_labels", o.num_labels);
  training::numbers_field(v, "label_weights", o.label_weights);
  v("from_logits", o.from_logits);
  training::numbers_field(v, "thresholds", o.thresholds);
}

}  // namespace metrics

namespace training {

namespace {

enum class Heights { mean, lower, higher };

// Keras takes either spelling.
bool is_called(const std::string& given, std::string_view name) { return lower_case(given) == name; }

Heights heights(const std::string& method) {
  if (is_called(method, "interpolation")) return Heights::mean;
  if (is_called(method, "minoring")) return Heights::lower;
  if (is_called(method, "majoring")) return Heights::higher;
  throw ConfigError("AUC: summation_method is \"" + method +
                    "\"; it must be \"interpolation\", \"minoring\" or \"majoring\"");
}

bool is_roc(const std::string& curve) {
  if (is_called(curve, "roc")) return true;
  if (is_called(curve, "pr")) return false;
  throw ConfigError("AUC: curve is \"" + curve + "\"; it must be \"ROC\" or \"PR\"");
}

double height(double a, double b, Heights heights) {
  if (heights == Heights::lower) return std::min(a, b);
  if (heights == Heights::higher) return std::max(a, b);
  return (a + b) / 2;
}

double area_of_rectangles(std::span<const Counts> counts, Ratio x, Ratio y, Heights heights) {
  double area = 0;
  for (std::size_t i = 0; i + 1 < counts.size(); ++i) {
    area += (x(counts[i]) - x(counts[i + 1])) * height(y(counts[i]), y(counts[i + 1]), heights);
  }
  return area;
}

// Between two points true positives grow evenly with all positives: precision is (slope p + intercept) / p there.
double area_under_interpolated_precision(std::span<const Counts> counts) {
  double area = 0;
  for (std::size_t i = 0; i + 1 < counts.size(); ++i) {
    const Counts &lower = counts[i], &upper = counts[i + 1];
    const double more = lower.true_positives + lower.false_positives;
    const double less = upper.true_positives + upper.false_positives;
    const double grown = lower.true_positives - upper.true_positives;
    const double slope = more > less ? grown / (more - less) : 0;
    const double intercept = upper.true_positives - slope * less;
    const double growth = more > 0 && less > 0 ? more / less : 1;
    const double positives = upper.true_positives + upper.false_negatives;
    if (positives > 0) area += slope * (grown + intercept * std::log(growth)) / positives;
  }
  return area;
}

// Those between 0 and 1, with one below all predictions and one above.
Thresholds curve_thresholds(const metrics::AUCOptions& o) {
  require_between_0_and_1("AUC", o.thresholds);
  if (o.thresholds.empty()) {
    require_at_least("AUC", "num_thresholds", o.num_thresholds, 2);
    return {Thresholds::evenly(static_cast<std::size_t>(o.num_thresholds)), /*even=*/true};
  }
  std::vector<double> all{0};
  all.insert(all.end(), o.thresholds.begin(), o.thresholds.end());
  all.push_back(1);
  std::sort(all.begin(), all.end());
  const bool even = Thresholds::are_even(all);
  all.front() = -1e-7;
  all.back() = 1 + 1e-7;
  return {all, even};
}

double mean_of_places(const std::vector<double>& areas, const std::vector<double>& weights) {
  if (weights.empty()) {
    return std::accumulate(areas.begin(), areas.end(), 0.0) / static_cast<double>(areas.size());
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  return sum == 0 ? 0 : std::inner_product(areas.begin(), areas.end(), weights.begin(), 0.0) / sum;
}

void require_num_labels(const metrics::AUCOptions& o) {
  if (o.num_labels && !o.multi_label) {
    throw ConfigError("AUC: num_labels is " + std::to_string(*o.num_labels) +
                      ", but multi_label is false; it is for areas of each label");
  }
  for (const double w : o.label_weights) {
    (void)checked_option("AUC", "one of label_weights", w, Allowed::zero_or_more);
  }
}

// num_thresholds as Keras says it: that of all.
core::Json auc_config(metrics::AUCOptions o, const Thresholds& thresholds) {
  o.num_thresholds = thresholds.size();
  return core::config_of(o);
}

Metric area(const metrics::AUCOptions& o) {
  require_num_labels(o);
  Thresholds thresholds = curve_thresholds(o);
  const bool roc = is_roc(o.curve);
  const Heights method = heights(o.summation_method);
  const std::size_t n = thresholds.size();
  const auto of_place = [roc, method](std::span<const Counts> counts) {
    if (roc) return area_of_rectangles(counts, false_positive_rate, recall, method);
    if (method == Heights::mean) return area_under_interpolated_precision(counts);
    return area_of_rectangles(counts, recall, precision, method);
  };
  const auto result = [n, of_place, weights = o.label_weights](std::span<const Counts> counts, std::span<double> out) {
    core::ThreadBuffers<std::vector<double>> buffer;
    std::vector<double>& areas = *buffer;
    areas.clear();
    for (; !counts.empty(); counts = counts.subspan(n)) areas.push_back(of_place(counts.first(n)));
    out[0] = areas.size() == 1 ? areas[0] : mean_of_places(areas, weights);
  };
  core::Json config = auc_config(o, thresholds);
  return counting_metric(o.name, "auc", std::move(config), Direction::up,
                         {.class_name = "AUC",
                          .thresholds = std::move(thresholds),
                          .from_logits = o.from_logits,
                          .by_place = o.multi_label,
                          .num_places = o.num_labels,
                          .place_weights = o.label_weights},
                         result);
}

}  // namespace

Family areas() { return {known<metrics::AUC, metrics::AUCOptions>({"auc"})}; }

}  // namespace training

namespace metrics {

AUC::AUC(const AUCOptions& o) : Metric(training::area(o)) {}

}  // namespace metrics
}  // namespace rondo
