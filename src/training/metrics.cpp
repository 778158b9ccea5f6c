#include "training/metrics.hpp"

#include <rondo/error.hpp>

#include "core/access.hpp"
#include "core/fields.hpp"
#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/options.hpp"
#include "core/registry.hpp"
#include "training/from_config.hpp"

namespace rondo {

namespace metrics {

// The rest are options of the losses of some metrics.
template <class Visitor>
void fields(Visitor& v, NameOptions& o) {
  v("name", o.name);
  v.refused("axis", -1);
  v.refused("label_smoothing", 0);
  for (const char* key : {"from_logits", "ignore_class"}) v.refused(key);
}

template <class Visitor>
void fields(Visitor& v, BinaryAccuracyOptions& o) {
  v("name", o.name);
  v("threshold", o.threshold);
}

}  // namespace metrics

namespace training {

namespace {

// The first of the largest; NaN counts as largest, as in NumPy.
template <class T>
Index largest(const T* row, Index n) {
  Index best = 0;
  for (Index i = 1; i < n; ++i) {
    const bool is_number = row[best] == row[best];
    best = is_number && !(row[i] <= row[best]) ? i : best;
  }
  return best;
}

class AccuracyRows final : public RowFunction {
 public:
  enum class Kind { binary, categorical, sparse_categorical };
  explicit AccuracyRows(Kind kind, double threshold = 0.5)
      : RowFunction(kind == Kind::sparse_categorical ? Labels::sparse : Labels::same),
        kind_(kind),
        threshold_(threshold) {}
  Kind kind() const { return kind_; }
  double threshold() const { return threshold_; }
  void rows(const kernels::Ops<float>&, kernels::LossArgs<float> args) const override { run(args); }
  void rows(const kernels::Ops<double>&, kernels::LossArgs<double> args) const override { run(args); }

 private:
  template <class T>
  void run(const kernels::LossArgs<T>& a) const {
    for (Index r = 0; r < a.rows; ++r) {
      a.value[r] = row(a.truth + r * a.truth_stride, a.prediction + r * a.prediction_stride, a.features);
    }
  }

  template <class T>
  T row(const T* truth, const T* prediction, Index features) const {
    switch (kind_) {
      case Kind::binary: {
        Index hits = 0;
        for (Index f = 0; f < features; ++f) {
          hits += (prediction[f] > static_cast<T>(threshold_) ? T{1} : T{0}) == truth[f];
        }
        return static_cast<T>(hits) / static_cast<T>(features);
      }
      case Kind::categorical: return largest(truth, features) == largest(prediction, features) ? T{1} : T{0};
      default: return truth[0] == static_cast<T>(largest(prediction, features)) ? T{1} : T{0};
    }
  }

  Kind kind_;
  double threshold_;
};

}  // namespace
}  // namespace training

namespace {

using training::AccuracyRows;
using training::BoundMetric;

class LossMetric final : public detail::MetricImpl {
 public:
  LossMetric(std::string class_name, const Loss& loss, bool root = false)
      : class_name_(std::move(class_name)), loss_(loss), root_(root) {}
  std::string class_name() const override { return class_name_; }
  core::Json config(const std::string& name) const override { return core::config_of(metrics::NameOptions{name}); }
  BoundMetric bind(const std::string&, const Shape& prediction, const Shape& truth) const override {
    return {.rows = loss_.impl().bind(prediction, truth), .root = root_};
  }

 private:
  std::string class_name_;
  Loss loss_;
  bool root_;
};

class AccuracyMetric final : public detail::MetricImpl {
 public:
  AccuracyMetric(std::string class_name, AccuracyRows::Kind kind, double threshold = 0.5)
      : class_name_(std::move(class_name)), rows_(std::make_shared<AccuracyRows>(kind, threshold)) {}
  std::string class_name() const override { return class_name_; }
  core::Json config(const std::string& name) const override {
    if (rows_->kind() != AccuracyRows::Kind::binary) return core::config_of(metrics::NameOptions{name});
    return core::config_of(metrics::BinaryAccuracyOptions{name, rows_->threshold()});
  }
  BoundMetric bind(const std::string& name, const Shape& prediction, const Shape& truth) const override {
    if (!training::labels_fit(rows_->labels(), prediction, truth)) {
      throw ShapeError(training::labels_mismatch("metric '" + name + "'", rows_->labels(), prediction, truth));
    }
    return {.rows = rows_};
  }

 private:
  std::string class_name_;
  std::shared_ptr<const AccuracyRows> rows_;
};

// Keras's "accuracy": one of three, by the shapes.
class AnyAccuracy final : public detail::MetricImpl {
 public:
  std::string class_name() const override { return "Accuracy"; }
  core::Json config(const std::string& name) const override { return core::config_of(metrics::NameOptions{name}); }
  BoundMetric bind(const std::string& name, const Shape& prediction, const Shape& truth) const override {
    if (prediction.back() == 1) return metrics::BinaryAccuracy().impl().bind(name, prediction, truth);
    if (truth.rank() < prediction.rank() || truth.back() == 1) {
      return metrics::SparseCategoricalAccuracy().impl().bind(name, prediction, truth);
    }
    return metrics::CategoricalAccuracy().impl().bind(name, prediction, truth);
  }
};

using Rule = std::shared_ptr<const detail::MetricImpl>;

Rule accuracy(const char* class_name, AccuracyRows::Kind kind, double threshold = 0.5) {
  return std::make_shared<AccuracyMetric>(class_name, kind, threshold);
}

Rule mean_of(const char* class_name, const Loss& loss) { return std::make_shared<LossMetric>(class_name, loss); }

using KnownMetrics = core::Registry<NameKind::metric, Rule>;

// Keras's function names and short forms; class names and capitals are found through these.
const KnownMetrics& known_metrics() {
  static constinit Lazy<KnownMetrics> known;
  return known.get([] {
    using Kind = AccuracyRows::Kind;
    return KnownMetrics{
        {{"accuracy", "acc"}, std::make_shared<AnyAccuracy>()},
        {{"binary_accuracy"}, accuracy("BinaryAccuracy", Kind::binary)},
        {{"categorical_accuracy"}, accuracy("CategoricalAccuracy", Kind::categorical)},
        {{"sparse_categorical_accuracy"}, accuracy("SparseCategoricalAccuracy", Kind::sparse_categorical)},
        {{"mean_squared_error", "mse"}, mean_of("MeanSquaredError", losses::MeanSquaredError())},
        {{"mean_absolute_error", "mae"}, mean_of("MeanAbsoluteError", losses::MeanAbsoluteError())},
        {{"root_mean_squared_error", "rmse"},
         std::make_shared<LossMetric>("RootMeanSquaredError", losses::MeanSquaredError(), true)},
        {{"binary_crossentropy", "bce"}, mean_of("BinaryCrossentropy", losses::BinaryCrossentropy())},
        {{"categorical_crossentropy"}, mean_of("CategoricalCrossentropy", losses::CategoricalCrossentropy())},
        {{"sparse_categorical_crossentropy"},
         mean_of("SparseCategoricalCrossentropy", losses::SparseCategoricalCrossentropy())},
    };
  });
}

// A metric of a class, under the name given or else its standard one.
Metric named(const std::string& name, const char* standard, const Rule& rule) {
  return detail::Access::make<Metric>(name.empty() ? standard : name, rule);
}

Metric known(const std::string& name, const char* standard) {
  return named(name, standard, known_metrics().at(standard));
}

Rule binary_accuracy(Real threshold) {
  return accuracy("BinaryAccuracy", AccuracyRows::Kind::binary,
                  checked_option("BinaryAccuracy", "threshold", threshold, Allowed::finite));
}

}  // namespace

Metric::Metric(const std::string& name) : name_(name), impl_(known_metrics().at(name, snake_case(name))) {}

core::Json training::to_config(const Metric& metric) {
  const std::string class_name = metric.impl().class_name();
  // By its name one of three, by the shapes; Keras's class is another metric.
  if (class_name == "Accuracy") return metric.name() == "acc" ? "acc" : "accuracy";
  return {{"class_name", class_name}, {"config", metric.impl().config(metric.name())}};
}

Metric training::metric_from_config(const core::Json& config) {
  const core::Serialized given = core::serialized("metric", config);
  if (!given.name.empty()) return given.name;
  const std::string standard = snake_case(given.class_name);
  const Rule& rule = known_metrics().at(given.class_name, standard);
  if (rule->class_name() == "Accuracy") {
    throw ConfigError(
        "metric 'Accuracy' is in Keras, but not in Rondo yet: the class compares element by element. The name "
        "'accuracy' chooses BinaryAccuracy, CategoricalAccuracy or SparseCategoricalAccuracy by the shapes");
  }
  if (rule->class_name() == "BinaryAccuracy") {
    return core::from_fields<metrics::BinaryAccuracy, metrics::BinaryAccuracyOptions>(given.class_name, given.config);
  }
  metrics::NameOptions options;
  core::read_fields(given.class_name, given.config, options);
  return named(options.name, standard.c_str(), rule);
}

Metrics::Metrics(std::initializer_list<std::pair<const char*, std::vector<Metric>>> named) {
  for (const auto& [name, metrics] : named) {
    outputs_.emplace_back(name, metrics.size());
    insert(end(), metrics.begin(), metrics.end());
  }
}

namespace metrics {

MeanSquaredError::MeanSquaredError(const NameOptions& o) : Metric(known(o.name, "mean_squared_error")) {}
MeanAbsoluteError::MeanAbsoluteError(const NameOptions& o) : Metric(known(o.name, "mean_absolute_error")) {}
RootMeanSquaredError::RootMeanSquaredError(const NameOptions& o) : Metric(known(o.name, "root_mean_squared_error")) {}
BinaryAccuracy::BinaryAccuracy(const BinaryAccuracyOptions& o)
    : Metric(named(o.name, "binary_accuracy", binary_accuracy(o.threshold))) {}
CategoricalAccuracy::CategoricalAccuracy(const NameOptions& o) : Metric(known(o.name, "categorical_accuracy")) {}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(const NameOptions& o)
    : Metric(known(o.name, "sparse_categorical_accuracy")) {}

}  // namespace metrics
}  // namespace rondo
