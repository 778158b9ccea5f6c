// Counts and ratios of true and false positives and negatives, and the best ratio where another is as asked.
#include <algorithm>

#include <rondo/error.hpp>

#include "core/names.hpp"
#include "core/options.hpp"
#include "training/metrics/counting.hpp"

namespace rondo {

namespace metrics {

template <class Visitor>
void fields(Visitor& v, CountOptions& o) {
  v("name", o.name);
  training::numbers_field(v, "thresholds", o.thresholds);
}

template <class Visitor, class Options>
  requires requires(Options& o) { o.top_k; }
void fields(Visitor& v, Options& o) {
  v("name", o.name);
  training::numbers_field(v, "thresholds", o.thresholds);
  v("top_k", o.top_k);
  v("class_id", o.class_id);
}

}  // namespace metrics

namespace training {

namespace {

// As given, or one.
Thresholds thresholds_or(const char* class_name, const std::vector<double>& given, double standard) {
  require_between_0_and_1(class_name, given);
  if (given.empty()) return {{standard}, /*even=*/false};
  return {given, Thresholds::are_even(given)};
}

// A number for each threshold: a scalar, where there is one.
template <class Number>
Metric at_each_threshold(const std::string& name, const char* standard, core::Json config, Direction direction,
                         CountingRule rule, Number number) {
  const std::size_t n = rule.thresholds.size();
  return counting_metric(
      name, standard, std::move(config), direction, std::move(rule),
      [number](std::span<const Counts> counts, std::span<double> out) {
        std::transform(counts.begin(), counts.end(), out.begin(), number);
      },
      n == 1 ? Shape{} : Shape{n});
}

Metric count(const char* class_name, const char* standard, const metrics::CountOptions& o, double Counts::*which) {
  return at_each_threshold(o.name, standard, core::config_of(o), Direction::none,
                           {class_name, thresholds_or(class_name, o.thresholds, 0.5)},
                           [which](const Counts& c) { return c.*which; });
}

std::optional<Dim> checked_class(const char* class_name, std::optional<Dim> class_id) {
  if (class_id) require_at_least(class_name, "class_id", *class_id, 0);
  return class_id;
}

template <class Options>
Metric ratio_of(const char* class_name, const char* standard, const Options& o, double (*number)(const Counts&)) {
  if (o.top_k) require_at_least(class_name, "top_k", *o.top_k, 1);
  return at_each_threshold(o.name, standard, core::config_of(o), Direction::up,
                           {.class_name = class_name,
                            .thresholds = thresholds_or(class_name, o.thresholds, o.top_k ? kNever : 0.5),
                            .top_k = o.top_k,
                            .class_id = checked_class(class_name, o.class_id)},
                           number);
}

// ---- the best of one ratio where another is as asked ----------------------------------------------------------------

// What is asked for has a name of its own in each class.
struct Asked {
  const char* key;
  Real value = {};
};

template <class Visitor>
void fields(Visitor& v, Asked& asked, metrics::AtOptions& o) {
  v("name", o.name);
  v("class_id", o.class_id);
  v("num_thresholds", o.num_thresholds);
  v.required(asked.key, asked.value);
}

Metric best_where(const char* class_name, const char* standard, Asked asked, const metrics::AtOptions& o, Ratio best,
                  Ratio where) {
  const double least = checked_option(class_name, asked.key, asked.value, Allowed::between_0_and_1);
  require_at_least(class_name, "num_thresholds", o.num_thresholds, 1);
  const auto n = static_cast<std::size_t>(o.num_thresholds);
  return counting_metric(o.name, standard, core::config_of(asked, o), Direction::up,
                         {.class_name = class_name,
                          .thresholds = n == 1 ? Thresholds({0.5}, false) : Thresholds(Thresholds::evenly(n), true),
                          .class_id = checked_class(class_name, o.class_id)},
                         [=](std::span<const Counts> counts, std::span<double> out) {
                           out[0] = 0;
                           for (const Counts& c : counts) {
                             if (where(c) >= least) out[0] = std::max(out[0], best(c));
                           }
                         });
}

template <class Class>
Metric read_at(const std::string& class_name, const core::Json& config, const char* key) {
  Asked asked{key};
  metrics::AtOptions o;
  core::read_fields(class_name, config, asked, o);
  return Class(asked.value, o);
}

}  // namespace

Family confusion_metrics() {
  using namespace metrics;
  using core::Json;
  return {known<TruePositives, CountOptions>({"true_positives"}),
          known<TrueNegatives, CountOptions>({"true_negatives"}),
          known<FalsePositives, CountOptions>({"false_positives"}),
          known<FalseNegatives, CountOptions>({"false_negatives"}),
          known<Precision, PrecisionOptions>({"precision"}),
          known<Recall, RecallOptions>({"recall"}),
          {{"sensitivity_at_specificity"},
           {{},
            [](const std::string& class_name, const Json& config) {
              return read_at<SensitivityAtSpecificity>(class_name, config, "specificity");
            },
            "the specificity: metrics::SensitivityAtSpecificity(0.9)"}},
          {{"specificity_at_sensitivity"},
           {{},
            [](const std::string& class_name, const Json& config) {
              return read_at<SpecificityAtSensitivity>(class_name, config, "sensitivity");
            },
            "the sensitivity: metrics::SpecificityAtSensitivity(0.9)"}},
          {{"precision_at_recall"},
           {{},
            [](const std::string& class_name, const Json& config) {
              return read_at<PrecisionAtRecall>(class_name, config, "recall");
            },
            "the recall: metrics::PrecisionAtRecall(0.9)"}},
          {{"recall_at_precision"},
           {{},
            [](const std::string& class_name, const Json& config) {
              return read_at<RecallAtPrecision>(class_name, config, "precision");
            },
            "the precision: metrics::RecallAtPrecision(0.9)"}}};
}

}  // namespace training

namespace metrics {

using training::best_where;
using training::count;
using training::Counts;
using training::ratio_of;

TruePositives::TruePositives(const CountOptions& o)
    : Metric(count("TruePositives", "true_positives", o, &Counts::true_positives)) {}
TrueNegatives::TrueNegatives(const CountOptions& o)
    : Metric(count("TrueNegatives", "true_negatives", o, &Counts::true_negatives)) {}
FalsePositives::FalsePositives(const CountOptions& o)
    : Metric(count("FalsePositives", "false_positives", o, &Counts::false_positives)) {}
FalseNegatives::FalseNegatives(const CountOptions& o)
    : Metric(count("FalseNegatives", "false_negatives", o, &Counts::false_negatives)) {}

Precision::Precision(const PrecisionOptions& o) : Metric(ratio_of("Precision", "precision", o, training::precision)) {}
Recall::Recall(const RecallOptions& o) : Metric(ratio_of("Recall", "recall", o, training::recall)) {}

SensitivityAtSpecificity::SensitivityAtSpecificity(Real least, const AtOptions& o)
    : Metric(best_where("SensitivityAtSpecificity", "sensitivity_at_specificity", {"specificity", least}, o,
                        training::recall, training::specificity)) {}
SpecificityAtSensitivity::SpecificityAtSensitivity(Real least, const AtOptions& o)
    : Metric(best_where("SpecificityAtSensitivity", "specificity_at_sensitivity", {"sensitivity", least}, o,
                        training::specificity, training::recall)) {}
PrecisionAtRecall::PrecisionAtRecall(Real least, const AtOptions& o)
    : Metric(best_where("PrecisionAtRecall", "precision_at_recall", {"recall", least}, o, training::precision,
                        training::recall)) {}
RecallAtPrecision::RecallAtPrecision(Real least, const AtOptions& o)
    : Metric(best_where("RecallAtPrecision", "recall_at_precision", {"precision", least}, o, training::recall,
                        training::precision)) {}

}  // namespace metrics
}  // namespace rondo
