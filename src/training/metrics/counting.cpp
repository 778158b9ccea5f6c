#include "training/metrics/counting.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <rondo/error.hpp>

#include "core/names.hpp"

namespace rondo::training {

// ---- thresholds -----------------------------------------------------------------------------------------------------

Thresholds::Thresholds(std::vector<double> values, bool even) : even_(even), sorted_(std::move(values)) {
  order_.resize(sorted_.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  const std::vector<double> given = sorted_;
  std::stable_sort(order_.begin(), order_.end(), [&](auto a, auto b) { return given[a] < given[b]; });
  std::sort(sorted_.begin(), sorted_.end());
}

std::vector<double> Thresholds::evenly(std::size_t n) {
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<double>(i) / static_cast<double>(n - 1);
  return values;
}

bool Thresholds::are_even(const std::vector<double>& values) {
  if (values.size() < 3) return false;
  const std::vector<double> even = evenly(values.size());
  return std::equal(values.begin(), values.end(), even.begin(),
                    [](double a, double b) { return std::abs(a - b) <= 1e-7 + 1e-5 * b; });
}

std::size_t Thresholds::below(double p) const {
  if (std::isnan(p)) return 0;
  if (!even_) {
    return static_cast<std::size_t>(std::lower_bound(sorted_.begin(), sorted_.end(), p) - sorted_.begin());
  }
  const double last = std::ceil(std::clamp(p, 0.0, 1.0) * static_cast<double>(size() - 1)) - 1;
  return static_cast<std::size_t>(std::max(last, 0.0)) + 1;
}

void require_between_0_and_1(const char* class_name, const std::vector<double>& thresholds) {
  for (const double t : thresholds) {
    if (t >= 0 && t <= 1) continue;
    throw ConfigError(std::string(class_name) + ": a threshold is " + number_text(t) +
                      "; it must be a number between 0 and 1");
  }
}

void require_at_least(const char* class_name, const char* option, Index given, Index least) {
  if (given >= least) return;
  throw ConfigError(std::string(class_name) + ": " + option + " is " + std::to_string(given) + "; it must be " +
                    std::to_string(least) + " or more");
}

// ---- counting -------------------------------------------------------------------------------------------------------

namespace {

// Marks the k largest of a row: of equals the first ones, NaN last.
void mark_largest(Row row, std::size_t k, std::vector<char>& marks) {
  core::ThreadBuffers<std::vector<std::size_t>> buffer;
  std::vector<std::size_t>& order = *buffer;
  order.resize(row.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  k = std::min(k, row.size());
  const auto ahead = [&](std::size_t a, std::size_t b) {
    if (std::isnan(row[a]) != std::isnan(row[b])) return std::isnan(row[b]);
    return row[a] > row[b] || (!(row[b] > row[a]) && a < b);
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(), ahead);
  marks.assign(row.size(), 0);
  for (std::size_t i = 0; i < k; ++i) marks[order[i]] = 1;
}

class CountingMetric final : public BoundMetric {
 public:
  CountingMetric(std::shared_ptr<const CountingRule> rule, std::size_t places, CountsResult result,
                 const Shape& result_shape)
      : BoundMetric(Labels::same, result_shape),
        rule_(std::move(rule)),
        places_(places),
        buckets_(rule_->thresholds.size() + 1),
        result_(std::move(result)) {}

  Index state_size() const override { return static_cast<Index>(places_ * 2 * buckets_); }
  bool weighs_elements() const override { return true; }

  void add(const MetricBatch& batch, std::span<double> state) const override {
    core::ThreadBuffers<std::vector<char>> buffer;
    std::vector<char>& in_the_running = *buffer;
    for_rows(batch, [&](const MetricRow& row) {
      if (rule_->top_k) mark_largest(row.prediction, static_cast<std::size_t>(*rule_->top_k), in_the_running);
      const std::size_t only = rule_->class_id ? static_cast<std::size_t>(*rule_->class_id) : 0;
      for (std::size_t i = only; i < (rule_->class_id ? only + 1 : row.prediction.size()); ++i) {
        const bool runs = !rule_->top_k || in_the_running[i] != 0;
        add_one(state, i, row.truth[i] != 0, runs ? row.prediction[i] : kNever, row.weight_of(i));
      }
    });
  }

  void result(std::span<const double> state, std::span<double> out) const override {
    core::ThreadBuffers<std::vector<Counts>> buffer;
    std::vector<Counts>& counts = *buffer;
    counts.assign(places_ * rule_->thresholds.size(), {});
    for (std::size_t place = 0; place < places_; ++place) {
      const auto of = std::span(counts).subspan(place * rule_->thresholds.size(), rule_->thresholds.size());
      const auto labelled = [&](std::size_t positive) {
        return state.subspan((place * 2 + positive) * buckets_, buckets_);
      };
      sum_up(labelled(1), of, &Counts::true_positives, &Counts::false_negatives);
      sum_up(labelled(0), of, &Counts::false_positives, &Counts::true_negatives);
    }
    result_(counts, out);
  }

 private:
  void add_one(std::span<double> state, std::size_t place, bool positive, double p, double weight) const {
    if (!rule_->by_place && !rule_->place_weights.empty()) weight *= rule_->place_weights[place];
    if (weight == 0) return;
    if (rule_->from_logits) p = 1 / (1 + std::exp(-p));
    const std::size_t first = ((rule_->by_place ? place * 2 : 0) + (positive ? 1 : 0)) * buckets_;
    state[first + rule_->thresholds.below(p)] += weight;
  }

  // Bucket b holds what exceeds b thresholds: of the one at rank r, those above r.
  void sum_up(std::span<const double> buckets, std::span<Counts> counts, double Counts::*above,
              double Counts::*not_above) const {
    const Thresholds& thresholds = rule_->thresholds;
    double sum = 0;
    for (std::size_t r = 0; r < thresholds.size(); ++r) {
      counts[thresholds.given_at(r)].*not_above = sum += buckets[r];
    }
    sum = 0;
    for (std::size_t r = thresholds.size(); r-- > 0;) {
      counts[thresholds.given_at(r)].*above = sum += buckets[r + 1];
    }
  }

  std::shared_ptr<const CountingRule> rule_;
  std::size_t places_, buckets_;
  CountsResult result_;
};

std::string shape_text(const Shape& sample) { return to_string(sample.prepend(Shape::kUnknown)); }

void require_places(const std::string& name, const CountingRule& rule, const Shape& prediction) {
  const Index places = prediction.back();
  const auto given = static_cast<Index>(rule.place_weights.size());
  const std::string output = "; the predictions have shape " + shape_text(prediction);
  if (rule.class_id && *rule.class_id >= places) {
    throw ShapeError(who(name) + " is of class_id " + std::to_string(*rule.class_id) + output);
  }
  if (rule.num_places && *rule.num_places != places) {
    throw ShapeError(who(name) + " is of " + std::to_string(*rule.num_places) + " labels" + output);
  }
  if (given > 0 && given != places) {
    throw ShapeError(who(name) + " has " + std::to_string(given) + " label_weights" + output);
  }
}

}  // namespace

Metric counting_metric(const std::string& name, const char* standard, core::Json config, Direction direction,
                       CountingRule given, const CountsResult& result, const Shape& result_shape) {
  const auto rule = std::make_shared<const CountingRule>(std::move(given));
  const auto bind = [rule, result, result_shape](const std::string& n, const Shape& prediction,
                                                 const Shape& truth) -> Bound {
    require_labels_fit(who(n), Labels::same, prediction, truth);
    require_places(n, *rule, prediction);
    const auto places = static_cast<std::size_t>(rule->by_place ? prediction.back() : 1);
    return std::make_shared<CountingMetric>(rule, places, result, result_shape);
  };
  return named(name, standard, std::make_shared<ClassMetric>(rule->class_name, std::move(config), direction, bind));
}

}  // namespace rondo::training
