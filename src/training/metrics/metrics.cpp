// The handle, and metrics by name.
#include <rondo/error.hpp>
#include <rondo/keras_compat.hpp>
#include <rondo/metrics.hpp>

#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "training/from_config.hpp"
#include "training/metrics/families.hpp"

namespace rondo {

namespace {

using training::KnownMetric;
using training::KnownMetrics;

// Keras's "accuracy": one of three, by the shapes.
class AnyAccuracy final : public detail::MetricImpl {
 public:
  explicit AnyAccuracy(bool rounds = false) : rounds_(rounds) {}
  std::string class_name() const override { return ""; }
  core::Json config(const std::string& name) const override { return core::config_of(metrics::NameOptions{name}); }
  Direction direction() const override { return Direction::up; }
  training::Bound bind(const std::string& name, const Shape& prediction, const Shape& truth) const override {
    if (prediction.back() == 1) {
      const Metric binary = rounds_ ? training::rounded_accuracy() : metrics::BinaryAccuracy();
      return binary.impl().bind(name, prediction, truth);
    }
    if (truth.rank() < prediction.rank() || truth.back() == 1) {
      return metrics::SparseCategoricalAccuracy().impl().bind(name, prediction, truth);
    }
    return metrics::CategoricalAccuracy().impl().bind(name, prediction, truth);
  }

 private:
  bool rounds_;  // as Keras 1 and 2
};

KnownMetrics::Entry any_accuracy() {
  return {{"accuracy", "acc"},
          {training::named("", "accuracy", std::make_shared<AnyAccuracy>()),
           [](const std::string& class_name, const core::Json& config) -> Metric {
             return core::from_fields<metrics::Accuracy, metrics::NameOptions>(class_name, config);
           }}};
}

const KnownMetrics& known_metrics() {
  static constinit Lazy<KnownMetrics> known_ones;
  return known_ones.get([] {
    using namespace training;
    Family all{any_accuracy()};
    for (const Family& family :
         {accuracies(), means(), confusion_metrics(), areas(), f_scores(), regression_scores(), intersections()}) {
      all.insert(all.end(), family.begin(), family.end());
    }
    return KnownMetrics(all);
  });
}

Metric standard(const std::string& name) {
  const KnownMetric& known = known_metrics().at(name, snake_case(name));
  if (known.standard && known.standard->impl().class_name().empty()) {
    const detail::KerasDefaults& keras = detail::keras_defaults();
    return training::named("", keras.accuracy == nullptr ? name.c_str() : keras.accuracy,
                           std::make_shared<AnyAccuracy>(keras.rounds_for_accuracy));
  }
  if (known.standard)
    return detail::keras_defaults().full_metric_names ? *known.standard : known.standard->renamed(name);
  throw ConfigError("metric '" + name + "' needs options: give " + known.needs);
}

}  // namespace

Metric::Metric(const std::string& name) : Metric(standard(name)) {}

Direction Metric::direction() const { return impl_->direction(); }

core::Json training::to_config(const Metric& metric) {
  const std::string class_name = metric.impl().class_name();
  if (class_name.empty()) return metric.name() == "acc" ? "acc" : "accuracy";
  return core::serialize("keras.metrics", class_name, metric.impl().config(metric.name()));
}

Metric training::metric_from_config(const core::Json& config) {
  const core::Serialized given = core::serialized("metric", config);
  if (!given.name.empty()) return given.name;
  return known_metrics().at(given.class_name, snake_case(given.class_name)).read(given.class_name, given.config);
}

Metrics::Metrics(std::initializer_list<std::pair<const char*, std::vector<Metric>>> named)
    : Metrics(std::vector<std::pair<std::string, std::vector<Metric>>>(named.begin(), named.end())) {}

Metrics::Metrics(const std::vector<std::pair<std::string, std::vector<Metric>>>& named) {
  for (const auto& [name, metrics] : named) {
    outputs_.emplace_back(name, metrics.size());
    insert(end(), metrics.begin(), metrics.end());
  }
}

Metrics Metrics::of_each(const std::vector<std::vector<Metric>>& outputs) {
  std::vector<std::pair<std::string, std::vector<Metric>>> unnamed;
  for (const std::vector<Metric>& metrics : outputs) unnamed.emplace_back("", metrics);
  return unnamed;
}

}  // namespace rondo
