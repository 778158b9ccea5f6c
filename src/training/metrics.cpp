#include "training/metrics.hpp"

#include <rondo/error.hpp>

#include "core/access.hpp"
#include "core/fields.hpp"
#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/options.hpp"
#include "core/registry.hpp"
#include "training/from_config.hpp"
#include "training/function_rows.hpp"
#include "training/row_losses.hpp"

namespace rondo {

namespace metrics {

template <class Visitor>
void fields(Visitor& v, NameOptions& o) {
  v("name", o.name);
  v.refused("axis", -1);
}

// Of the crossentropies.
template <class Visitor, class Options>
  requires requires(Options& o) { o.from_logits; }
void fields(Visitor& v, Options& o) {
  v("name", o.name);
  v("from_logits", o.from_logits);
  if constexpr (requires { o.label_smoothing; }) {
    v("label_smoothing", o.label_smoothing);
  } else {
    v.refused("ignore_class");
  }
  v.refused("axis", -1);
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

// A rule of a class, whose configuration says all but the name.
class ClassMetric : public detail::MetricImpl {
 public:
  ClassMetric(std::string class_name, core::Json config)
      : class_name_(std::move(class_name)), config_(std::move(config)) {}
  std::string class_name() const override { return class_name_; }
  core::Json config(const std::string& name) const override {
    core::Json config = config_;
    config["name"] = name;
    return config;
  }

 private:
  std::string class_name_;
  core::Json config_;
};

// A mean of what a loss says of rows.
class LossMetric final : public ClassMetric {
 public:
  LossMetric(std::string class_name, const Loss& loss, core::Json config, bool root = false)
      : ClassMetric(std::move(class_name), std::move(config)), loss_(loss), root_(root) {}
  BoundMetric bind(const std::string&, const Shape& prediction, const Shape& truth) const override {
    return {.rows = loss_.impl().bind(prediction, truth), .root = root_};
  }

 private:
  Loss loss_;
  bool root_;
};

// A mean of a function of rows.
class RowsMetric final : public ClassMetric {
 public:
  RowsMetric(std::string class_name, std::shared_ptr<const training::RowFunction> rows, core::Json config)
      : ClassMetric(std::move(class_name), std::move(config)), rows_(std::move(rows)) {}
  BoundMetric bind(const std::string& name, const Shape& prediction, const Shape& truth) const override {
    training::require_labels_fit("metric '" + name + "'", rows_->labels(), prediction, truth);
    return {.rows = rows_};
  }

 private:
  std::shared_ptr<const training::RowFunction> rows_;
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

// A metric of a class, under the name given or else its standard one.
Metric named(const std::string& name, const char* standard, const Rule& rule) {
  return detail::Access::make<Metric>(name.empty() ? standard : name, rule);
}

template <class Options>
Metric mean_of(const char* class_name, const char* standard, const Options& o, const Loss& loss, bool root = false) {
  return named(o.name, standard, std::make_shared<LossMetric>(class_name, loss, core::config_of(o), root));
}

template <class Options>
Metric mean_of(const char* class_name, const char* standard, const Options& o,
               std::shared_ptr<const training::RowFunction> rows) {
  return named(o.name, standard, training::rows_metric(class_name, std::move(rows), core::config_of(o)));
}

struct KnownMetric {
  Metric standard;
  Metric (*read)(const std::string& class_name, const core::Json& config);
};

template <class Class, class Options = metrics::NameOptions>
KnownMetric known() {
  return {Class(), [](const std::string& class_name, const core::Json& config) -> Metric {
            return core::from_fields<Class, Options>(class_name, config);
          }};
}

Metric refuse_accuracy_class(const std::string&, const core::Json&) {
  throw ConfigError(
      "metric 'Accuracy' is in Keras, but not in Rondo yet: the class compares element by element. The name 'accuracy' "
      "chooses BinaryAccuracy, CategoricalAccuracy or SparseCategoricalAccuracy by the shapes");
}

using KnownMetrics = core::Registry<NameKind::metric, KnownMetric>;

// Keras's function names and short forms; class names and capitals are found through these.
const KnownMetrics& known_metrics() {
  static constinit Lazy<KnownMetrics> known_ones;
  return known_ones.get([] {
    using namespace metrics;
    return KnownMetrics{
        {{"accuracy", "acc"}, {named("", "accuracy", std::make_shared<AnyAccuracy>()), refuse_accuracy_class}},
        {{"binary_accuracy"}, known<BinaryAccuracy, BinaryAccuracyOptions>()},
        {{"categorical_accuracy"}, known<CategoricalAccuracy>()},
        {{"sparse_categorical_accuracy"}, known<SparseCategoricalAccuracy>()},
        {{"mean_squared_error", "mse"}, known<MeanSquaredError>()},
        {{"mean_absolute_error", "mae"}, known<MeanAbsoluteError>()},
        {{"mean_absolute_percentage_error", "mape"}, known<MeanAbsolutePercentageError>()},
        {{"mean_squared_logarithmic_error", "msle"}, known<MeanSquaredLogarithmicError>()},
        {{"root_mean_squared_error", "rmse"}, known<RootMeanSquaredError>()},
        {{"log_cosh_error"}, known<LogCoshError>()},
        {{"poisson"}, known<Poisson>()},
        {{"kl_divergence"}, known<KLDivergence>()},
        {{"categorical_hinge"}, known<CategoricalHinge>()},
        {{"cosine_similarity"}, known<CosineSimilarity>()},
        {{"binary_crossentropy", "bce"}, known<BinaryCrossentropy, BinaryCrossentropyOptions>()},
        {{"categorical_crossentropy"}, known<CategoricalCrossentropy, CategoricalCrossentropyOptions>()},
        {{"sparse_categorical_crossentropy"},
         known<SparseCategoricalCrossentropy, SparseCategoricalCrossentropyOptions>()},
    };
  });
}

}  // namespace

Metric::Metric(const std::string& name) : Metric(known_metrics().at(name, snake_case(name)).standard.renamed(name)) {}

core::Json training::to_config(const Metric& metric) {
  const std::string class_name = metric.impl().class_name();
  // By its name one of three, by the shapes; Keras's class is another metric.
  if (class_name == "Accuracy") return metric.name() == "acc" ? "acc" : "accuracy";
  return {{"class_name", class_name}, {"config", metric.impl().config(metric.name())}};
}

Metric training::metric_from_config(const core::Json& config) {
  const core::Serialized given = core::serialized("metric", config);
  if (!given.name.empty()) return given.name;
  return known_metrics().at(given.class_name, snake_case(given.class_name)).read(given.class_name, given.config);
}

Metrics::Metrics(std::initializer_list<std::pair<const char*, std::vector<Metric>>> named) {
  for (const auto& [name, metrics] : named) {
    outputs_.emplace_back(name, metrics.size());
    insert(end(), metrics.begin(), metrics.end());
  }
}

std::shared_ptr<const detail::MetricImpl> training::rows_metric(std::string class_name,
                                                                std::shared_ptr<const RowFunction> rows,
                                                                core::Json config) {
  return std::make_shared<RowsMetric>(std::move(class_name), std::move(rows), std::move(config));
}

namespace metrics {

namespace {

std::shared_ptr<const training::RowFunction> cosine() {
  LossFunction cosine = [minus = training::cosine_similarity()](Row truth, Row prediction, GradientRow) {
    return -minus(truth, prediction, {});
  };
  return std::make_shared<training::FunctionRows>(training::Labels::same, training::BoundLoss::Traits{},
                                                  std::move(cosine));
}

std::shared_ptr<const training::RowFunction> accuracy(AccuracyRows::Kind kind, double threshold = 0.5) {
  return std::make_shared<AccuracyRows>(kind, threshold);
}

}  // namespace

MeanSquaredError::MeanSquaredError(const NameOptions& o)
    : Metric(mean_of("MeanSquaredError", "mean_squared_error", o, losses::MeanSquaredError())) {}
MeanAbsoluteError::MeanAbsoluteError(const NameOptions& o)
    : Metric(mean_of("MeanAbsoluteError", "mean_absolute_error", o, losses::MeanAbsoluteError())) {}
MeanAbsolutePercentageError::MeanAbsolutePercentageError(const NameOptions& o)
    : Metric(mean_of("MeanAbsolutePercentageError", "mean_absolute_percentage_error", o,
                     losses::MeanAbsolutePercentageError())) {}
MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(const NameOptions& o)
    : Metric(mean_of("MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", o,
                     losses::MeanSquaredLogarithmicError())) {}
RootMeanSquaredError::RootMeanSquaredError(const NameOptions& o)
    : Metric(mean_of("RootMeanSquaredError", "root_mean_squared_error", o, losses::MeanSquaredError(),
                     /*root=*/true)) {}
LogCoshError::LogCoshError(const NameOptions& o) : Metric(mean_of("LogCoshError", "logcosh", o, losses::LogCosh())) {}
Poisson::Poisson(const NameOptions& o) : Metric(mean_of("Poisson", "poisson", o, losses::Poisson())) {}
KLDivergence::KLDivergence(const NameOptions& o)
    : Metric(mean_of("KLDivergence", "kl_divergence", o, losses::KLDivergence())) {}
CategoricalHinge::CategoricalHinge(const NameOptions& o)
    : Metric(mean_of("CategoricalHinge", "categorical_hinge", o, losses::CategoricalHinge())) {}
CosineSimilarity::CosineSimilarity(const NameOptions& o)
    : Metric(mean_of("CosineSimilarity", "cosine_similarity", o, cosine())) {}

BinaryCrossentropy::BinaryCrossentropy(const BinaryCrossentropyOptions& o)
    : Metric(
          mean_of("BinaryCrossentropy", "binary_crossentropy", o,
                  losses::BinaryCrossentropy({.from_logits = o.from_logits, .label_smoothing = o.label_smoothing}))) {}
CategoricalCrossentropy::CategoricalCrossentropy(const CategoricalCrossentropyOptions& o)
    : Metric(mean_of(
          "CategoricalCrossentropy", "categorical_crossentropy", o,
          losses::CategoricalCrossentropy({.from_logits = o.from_logits, .label_smoothing = o.label_smoothing}))) {}
SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(const SparseCategoricalCrossentropyOptions& o)
    : Metric(mean_of("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", o,
                     losses::SparseCategoricalCrossentropy({.from_logits = o.from_logits}))) {}

BinaryAccuracy::BinaryAccuracy(const BinaryAccuracyOptions& o)
    : Metric(mean_of("BinaryAccuracy", "binary_accuracy", o,
                     accuracy(AccuracyRows::Kind::binary,
                              checked_option("BinaryAccuracy", "threshold", o.threshold, Allowed::finite)))) {}
CategoricalAccuracy::CategoricalAccuracy(const NameOptions& o)
    : Metric(mean_of("CategoricalAccuracy", "categorical_accuracy", o, accuracy(AccuracyRows::Kind::categorical))) {}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(const NameOptions& o)
    : Metric(mean_of("SparseCategoricalAccuracy", "sparse_categorical_accuracy", o,
                     accuracy(AccuracyRows::Kind::sparse_categorical))) {}

}  // namespace metrics
}  // namespace rondo
