// What metrics of true and false positives and negatives share. What is kept is how much weight fell between which
// thresholds; the counts at each threshold are sums of it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "training/metrics/families.hpp"

namespace rondo::training {

// ---- thresholds -----------------------------------------------------------------------------------------------------

class Thresholds {
 public:
  // In any order. `even`: they are 0, 1 / (n - 1), ..., 1, and predictions are kept between the first and the last.
  Thresholds(std::vector<double> values, bool even);

  // n of them from 0 to 1.
  static std::vector<double> evenly(std::size_t n);
  // Whether they are these, three or more, within Keras's tolerance.
  static bool are_even(const std::vector<double>& values);

  std::size_t size() const { return sorted_.size(); }
  // The place among those given of the one at this rank.
  std::size_t given_at(std::size_t rank) const { return order_[rank]; }
  // How many of them a prediction exceeds; NaN none.
  std::size_t below(double p) const;

 private:
  bool even_;
  std::vector<double> sorted_;
  std::vector<std::size_t> order_;
};

// ConfigError for others.
void require_between_0_and_1(const char* class_name, const std::vector<double>& thresholds);

// ---- counts ---------------------------------------------------------------------------------------------------------

// At a threshold.
struct Counts {
  double true_positives = 0, false_positives = 0, true_negatives = 0, false_negatives = 0;
};

// 0 by 0 is 0.
inline double ratio(double part, double rest) { return part + rest == 0 ? 0 : part / (part + rest); }
inline double precision(const Counts& c) { return ratio(c.true_positives, c.false_positives); }
inline double recall(const Counts& c) { return ratio(c.true_positives, c.false_negatives); }
inline double specificity(const Counts& c) { return ratio(c.true_negatives, c.false_positives); }
inline double false_positive_rate(const Counts& c) { return ratio(c.false_positives, c.true_negatives); }

using Ratio = double (*)(const Counts&);

inline constexpr double kNever = -1e10;  // a prediction that is out of the running, as Keras marks it

// Which numbers of a row are counted, and how.
struct CountingRule {
  const char* class_name;
  Thresholds thresholds;
  std::optional<Dim> top_k = {}, class_id = {};
  bool from_logits = false;
  bool by_place = false;  // counts of their own for each place of the last axis
  std::optional<Dim> num_places = {};
  std::vector<double> place_weights = {};
};

// What a metric makes of the counts at all thresholds, as they were given, place by place.
using CountsResult = std::function<void(std::span<const Counts> counts, std::span<double> out)>;

// A metric of counts under the name given or else its standard one.
Metric counting_metric(const std::string& name, const char* standard, core::Json config, Direction direction,
                       CountingRule rule, const CountsResult& result, const Shape& result_shape = {});

// ---- options --------------------------------------------------------------------------------------------------------

// ConfigError where it is less.
void require_at_least(const char* class_name, const char* option, Index given, Index least);

// Numbers that Keras writes as a list, a tensor, one number, or null for none.
struct KerasNumbers {
  std::vector<double>& values;
};

inline core::Json to_config(const KerasNumbers& numbers) {
  return numbers.values.empty() ? core::Json() : core::to_config(numbers.values);
}

inline void from_config(const core::Json& config, KerasNumbers& numbers) {
  if (config.is_null()) {
    numbers.values.clear();
  } else if (config.is_number()) {
    numbers.values = {config.get<double>()};
  } else if (config.is_object()) {
    core::from_config(config.at("config").at("value"), numbers.values);
  } else {
    core::from_config(config, numbers.values);
  }
}

template <class Visitor>
void numbers_field(Visitor& v, const char* key, std::vector<double>& values) {
  KerasNumbers numbers{values};
  v(key, numbers);
}

}  // namespace rondo::training
