// What the families of metrics share: how a class is made, and how it is listed for those who give it by name.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <rondo/error.hpp>

#include "core/access.hpp"
#include "core/fields.hpp"
#include "core/registry.hpp"
#include "training/metrics/metric.hpp"
#include "training/metrics/rows.hpp"

namespace rondo::training {

// ---- classes --------------------------------------------------------------------------------------------------------

using Bound = std::shared_ptr<const BoundMetric>;

// A metric of a class, whose configuration says all but the name.
class ClassMetric final : public detail::MetricImpl {
 public:
  using Bind = std::function<Bound(const std::string& name, const Shape& prediction, const Shape& truth)>;

  ClassMetric(std::string class_name, core::Json config, Direction direction, Bind bind)
      : class_name_(std::move(class_name)), config_(std::move(config)), direction_(direction), bind_(std::move(bind)) {}
  std::string class_name() const override { return class_name_; }
  core::Json config(const std::string& name) const override {
    core::Json config = config_;
    config["name"] = name;
    return config;
  }
  Direction direction() const override { return direction_; }
  Bound bind(const std::string& name, const Shape& prediction, const Shape& truth) const override {
    return bind_(name, prediction, truth);
  }

 private:
  std::string class_name_;
  core::Json config_;
  Direction direction_;
  Bind bind_;
};

// A metric under the name given or else its standard one.
inline Metric named(const std::string& name, const char* standard, std::shared_ptr<const detail::MetricImpl> impl) {
  return detail::Access::make<Metric>(name.empty() ? standard : name, std::move(impl));
}

// "metric 'auc'": who it is in a message about shapes.
inline std::string who(const std::string& name) { return "metric '" + name + "'"; }

// Of metrics of columns. ShapeError where predictions are not (N, columns).
inline void require_columns(const std::string& name, const Shape& prediction) {
  if (prediction.rank() == 1) return;
  throw ShapeError(who(name) + " takes predictions of two axes, (samples, columns); these have shape " +
                   to_string(prediction.prepend(Shape::kUnknown)));
}

// One whose rule is the same for all shapes that fit.
template <class Rule, class... Arguments>
ClassMetric::Bind always(Labels labels, Arguments... arguments) {
  return [labels, rule = std::make_shared<const Rule>(std::move(arguments)...)](
             const std::string& name, const Shape& prediction, const Shape& truth) -> Bound {
    require_labels_fit(who(name), labels, prediction, truth);
    return rule;
  };
}

// ---- means of rows --------------------------------------------------------------------------------------------------

// The mean of a function of rows over all of them, or its root.
class MeanOfRows final : public BoundMetric {
 public:
  explicit MeanOfRows(std::shared_ptr<const RowFunction> rows, bool root = false)
      : BoundMetric(rows->labels()), rows_(std::move(rows)), root_(root) {}
  Index state_size() const override { return 2; }
  const RowFunction* rows() const override { return rows_.get(); }
  void add(const MetricBatch& batch, std::span<double> state) const override;
  void result(std::span<const double> state, std::span<double> out) const override;

 private:
  std::shared_ptr<const RowFunction> rows_;
  bool root_;
};

// ---- by name --------------------------------------------------------------------------------------------------------

struct KnownMetric {
  std::optional<Metric> standard;  // none: it needs options
  Metric (*read)(const std::string& class_name, const core::Json& config);
  const char* needs = "";  // what to write instead of the name
};
using KnownMetrics = core::Registry<NameKind::metric, KnownMetric>;
using Family = std::vector<KnownMetrics::Entry>;

// Each under Keras's function names and short forms; class names and capitals are found through these.
Family accuracies();
// Keras 1 and 2's of a single output: whether the label is the prediction rounded, halves to the even number.
Metric rounded_accuracy();
Family means();
Family confusion_metrics();
Family areas();
Family f_scores();
Family regression_scores();
Family intersections();

template <class Class, class Options = metrics::NameOptions>
KnownMetrics::Entry known(std::vector<std::string> names) {
  return {std::move(names), {Class(), [](const std::string& class_name, const core::Json& config) -> Metric {
                               return core::from_fields<Class, Options>(class_name, config);
                             }}};
}

}  // namespace rondo::training

namespace rondo::metrics {

template <class Visitor>
void fields(Visitor& v, NameOptions& o) {
  v("name", o.name);
  v.refused("axis", -1);
}

}  // namespace rondo::metrics
