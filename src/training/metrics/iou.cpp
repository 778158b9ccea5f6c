#include <algorithm>
#include <cmath>

#include <rondo/error.hpp>

#include "core/names.hpp"
#include "core/options.hpp"
#include "training/metrics/class_numbers.hpp"
#include "training/metrics/families.hpp"

namespace rondo {

namespace metrics {

template <class Visitor>
void fields(Visitor& v, BinaryIoUOptions& o) {
  v("target_class_ids", o.target_class_ids);
  v("threshold", o.threshold);
  v("name", o.name);
  v.refused("dtype", "int32");
}

}  // namespace metrics

namespace training {

namespace {

// ---- the rule -------------------------------------------------------------------------------------------------------

struct OverlapRule {
  Index classes;
  std::vector<Index> targets;  // none: all
  std::optional<Dim> ignored = {};
  bool sparse_truth = true, sparse_prediction = true;
  std::optional<Real> threshold = {};  // predictions are of class 1 from it on, else of class 0
};

// The state is a matrix of how often a class (row) was taken for a class (column).
class BoundOverlap final : public BoundMetric {
 public:
  BoundOverlap(std::shared_ptr<const OverlapRule> rule, Labels labels) : BoundMetric(labels), rule_(std::move(rule)) {}

  Index state_size() const override { return rule_->classes * rule_->classes; }

  void add(const MetricBatch& batch, std::span<double> state) const override {
    for_rows(batch, [&](const MetricRow& row) {
      const std::size_t pairs = rule_->sparse_truth ? row.truth.size() : 1;
      for (std::size_t i = 0; i < pairs; ++i) {
        const std::optional<Index> truth = class_of(row.truth, i, rule_->sparse_truth);
        const std::optional<Index> prediction = predicted_class(row.prediction, i);
        if (!truth || !prediction) continue;
        state[static_cast<std::size_t>(*truth * rule_->classes + *prediction)] += std::trunc(row.weight);
      }
    });
  }

  void result(std::span<const double> state, std::span<double> out) const override {
    double sum = 0, occurring = 0;
    const auto add = [&](Index c) {
      const double hits = at(state, c, c);
      double all = -hits;  // which stand in the row and in the column
      for (Index other = 0; other < rule_->classes; ++other) all += at(state, c, other) + at(state, other, c);
      if (all == 0) return;
      sum += hits / all;
      occurring += 1;
    };
    for (const Index c : rule_->targets) add(c);
    for (Index c = 0; c < rule_->classes && rule_->targets.empty(); ++c) add(c);
    out[0] = occurring == 0 ? 0 : sum / occurring;
  }

 private:
  double at(std::span<const double> state, Index truth, Index prediction) const {
    return state[static_cast<std::size_t>(truth * rule_->classes + prediction)];
  }

  std::optional<Index> class_of(Row row, std::size_t i, bool sparse) const {
    const double number = sparse ? row[i] : static_cast<double>(largest(row.data(), static_cast<Index>(row.size())));
    if (rule_->ignored && number == static_cast<double>(*rule_->ignored)) return {};
    return class_number(number, rule_->classes);
  }

  std::optional<Index> predicted_class(Row row, std::size_t i) const {
    if (rule_->threshold) return row[i] >= *rule_->threshold ? 1 : 0;
    if (rule_->sparse_prediction) return class_number(row[i], rule_->classes);
    return class_number(static_cast<double>(largest(row.data(), static_cast<Index>(row.size()))), rule_->classes);
  }

  std::shared_ptr<const OverlapRule> rule_;
};

// ---- how it is made -------------------------------------------------------------------------------------------------

Bound bind_overlap(const std::shared_ptr<const OverlapRule>& rule, const std::string& name, const Shape& prediction,
                   const Shape& truth) {
  const Labels labels = rule->sparse_truth && !rule->sparse_prediction ? Labels::sparse : Labels::same;
  const bool labels_alone_have_classes = !rule->sparse_truth && rule->sparse_prediction;
  if (labels_alone_have_classes && prediction.back() == 1 && truth == prediction.with(-1, rule->classes)) {
    return std::make_shared<BoundOverlap>(rule, labels);
  }
  require_labels_fit(who(name), labels, prediction, truth);
  return std::make_shared<BoundOverlap>(rule, labels);
}

void check(const char* class_name, const OverlapRule& rule) {
  if (rule.classes < 1) {
    throw ConfigError(std::string(class_name) + ": num_classes is " + std::to_string(rule.classes) +
                      "; it must be 1 or more");
  }
  for (const Index c : rule.targets) {
    if (c >= 0 && c < rule.classes) continue;
    throw ConfigError(std::string(class_name) + ": one of target_class_ids is " + std::to_string(c) +
                      "; the classes are 0 to " + std::to_string(rule.classes - 1));
  }
}

Metric overlap(const char* class_name, const char* standard, const std::string& name, core::Json config,
               OverlapRule given) {
  check(class_name, given);
  const auto rule = std::make_shared<const OverlapRule>(std::move(given));
  return named(name, standard,
               std::make_shared<ClassMetric>(class_name, std::move(config), Direction::up,
                                             [rule](const std::string& n, const Shape& prediction, const Shape& truth) {
                                               return bind_overlap(rule, n, prediction, truth);
                                             }));
}

const std::vector<Index>& some_targets(const char* class_name, const std::vector<Index>& targets) {
  if (targets.empty()) throw ConfigError(std::string(class_name) + " needs one of target_class_ids at least");
  return targets;
}

// What an IoU is told, of any class.
struct OverlapFields {
  bool has_targets = false, one_hot = false;
  Index classes = 0;
  std::vector<Index> targets = {};
  metrics::IoUOptions options = {};
};

template <class Visitor>
void fields(Visitor& v, OverlapFields& f) {
  v.required("num_classes", f.classes);
  if (f.has_targets) v.required("target_class_ids", f.targets);
  v("name", f.options.name);
  v("ignore_class", f.options.ignore_class);
  if (!f.one_hot) v("sparse_y_true", f.options.sparse_y_true);
  v("sparse_y_pred", f.options.sparse_y_pred);
  v.refused("axis", -1);
  v.refused("dtype", "int32");  // whole numbers
}

Metric overlap(const char* class_name, const char* standard, const OverlapFields& f) {
  if (f.has_targets) (void)some_targets(class_name, f.targets);
  return overlap(class_name, standard, f.options.name, core::config_of(f),
                 {f.classes, f.targets, f.options.ignore_class, f.options.sparse_y_true, f.options.sparse_y_pred});
}

OverlapFields one_hot_fields(bool has_targets, Index classes, const std::vector<Index>& targets,
                             const metrics::OneHotIoUOptions& o) {
  return {has_targets,
          /*one_hot=*/true,
          classes,
          targets,
          {.name = o.name, .ignore_class = o.ignore_class, .sparse_y_true = false, .sparse_y_pred = o.sparse_y_pred}};
}

metrics::OneHotIoUOptions one_hot_options(const metrics::IoUOptions& o) {
  return {.name = o.name, .ignore_class = o.ignore_class, .sparse_y_pred = o.sparse_y_pred};
}

OverlapFields read(const std::string& class_name, const core::Json& config, OverlapFields fields) {
  core::read_fields(class_name, config, fields);
  return fields;
}

}  // namespace

Family intersections() {
  using namespace metrics;
  using core::Json;
  return {{{"io_u"},
           {{},
            [](const std::string& name, const Json& config) -> Metric {
              const OverlapFields f = read(name, config, {.has_targets = true});
              return IoU(f.classes, f.targets, f.options);
            },
            "the classes: metrics::IoU(3, {0, 2})"}},
          {{"mean_io_u"},
           {{},
            [](const std::string& name, const Json& config) -> Metric {
              const OverlapFields f = read(name, config, {});
              return MeanIoU(f.classes, f.options);
            },
            "the number of classes: metrics::MeanIoU(3)"}},
          {{"one_hot_io_u"},
           {{},
            [](const std::string& name, const Json& config) -> Metric {
              const OverlapFields f = read(name, config, one_hot_fields(true, 0, {}, {}));
              return OneHotIoU(f.classes, f.targets, one_hot_options(f.options));
            },
            "the classes: metrics::OneHotIoU(3, {0, 2})"}},
          {{"one_hot_mean_io_u"},
           {{},
            [](const std::string& name, const Json& config) -> Metric {
              const OverlapFields f = read(name, config, one_hot_fields(false, 0, {}, {}));
              return OneHotMeanIoU(f.classes, one_hot_options(f.options));
            },
            "the number of classes: metrics::OneHotMeanIoU(3)"}},
          known<BinaryIoU, BinaryIoUOptions>({"binary_io_u"})};
}

}  // namespace training

namespace metrics {

using training::overlap;

IoU::IoU(Dim num_classes, const std::vector<Index>& target_class_ids, const IoUOptions& o)
    : Metric(overlap("IoU", "io_u",
                     {.has_targets = true, .classes = num_classes, .targets = target_class_ids, .options = o})) {}
MeanIoU::MeanIoU(Dim num_classes, const IoUOptions& o)
    : Metric(overlap("MeanIoU", "mean_io_u", {.classes = num_classes, .options = o})) {}

OneHotIoU::OneHotIoU(Dim num_classes, const std::vector<Index>& target_class_ids, const OneHotIoUOptions& o)
    : Metric(overlap("OneHotIoU", "one_hot_io_u", training::one_hot_fields(true, num_classes, target_class_ids, o))) {}
OneHotMeanIoU::OneHotMeanIoU(Dim num_classes, const OneHotIoUOptions& o)
    : Metric(overlap("OneHotMeanIoU", "one_hot_mean_io_u", training::one_hot_fields(false, num_classes, {}, o))) {}

BinaryIoU::BinaryIoU(const BinaryIoUOptions& o)
    : Metric(overlap("BinaryIoU", "binary_io_u", o.name, core::config_of(o),
                     {.classes = 2,
                      .targets = training::some_targets("BinaryIoU", o.target_class_ids),
                      .threshold = checked_option("BinaryIoU", "threshold", o.threshold, Allowed::finite)})) {}

}  // namespace metrics
}  // namespace rondo
