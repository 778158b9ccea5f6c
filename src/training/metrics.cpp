#include "training/metrics.hpp"

#include <map>
#include <vector>

#include <rondo/error.hpp>

#include "core/access.hpp"
#include "core/fork_safe.hpp"
#include "core/keras_names.hpp"
#include "core/names.hpp"
#include "core/options.hpp"

namespace rondo {

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

}  // namespace

template <class T>
void BoundMetric::rows(const kernels::Ops<T>& ops, const T* truth, Index truth_stride, const T* prediction,
                       Index prediction_stride, Index rows, Index features, T* values) const {
  if (kind == Kind::loss) {
    ops.loss({.kind = loss.kind,
              .label_smoothing = loss.label_smoothing,
              .rows = rows,
              .features = features,
              .truth = truth,
              .truth_stride = truth_stride,
              .prediction = prediction,
              .prediction_stride = prediction_stride,
              .value = values});
    return;
  }
  for (Index r = 0; r < rows; ++r, truth += truth_stride, prediction += prediction_stride) {
    switch (kind) {
      case Kind::binary_accuracy: {
        Index hits = 0;
        for (Index f = 0; f < features; ++f) {
          hits += (prediction[f] > static_cast<T>(threshold) ? T{1} : T{0}) == truth[f];
        }
        values[r] = static_cast<T>(hits) / static_cast<T>(features);
        break;
      }
      case Kind::categorical_accuracy:
        values[r] = largest(truth, features) == largest(prediction, features) ? T{1} : T{0};
        break;
      default: values[r] = truth[0] == static_cast<T>(largest(prediction, features)) ? T{1} : T{0}; break;
    }
  }
}

template void BoundMetric::rows<float>(const kernels::Ops<float>&, const float*, Index, const float*, Index, Index,
                                       Index, float*) const;
template void BoundMetric::rows<double>(const kernels::Ops<double>&, const double*, Index, const double*, Index, Index,
                                        Index, double*) const;

}  // namespace training

namespace {

using training::BoundMetric;
using training::Labels;

class LossMetric final : public detail::MetricImpl {
 public:
  LossMetric(std::string class_name, const Loss& loss, bool root = false)
      : class_name_(std::move(class_name)), loss_(loss), root_(root) {}
  std::string class_name() const override { return class_name_; }
  BoundMetric bind(const std::string&, const Shape& prediction, const Shape& truth) const override {
    return {.kind = BoundMetric::Kind::loss, .loss = loss_.impl().bind(prediction, truth), .root = root_};
  }

 private:
  std::string class_name_;
  Loss loss_;
  bool root_;
};

class AccuracyMetric final : public detail::MetricImpl {
 public:
  AccuracyMetric(std::string class_name, BoundMetric::Kind kind, double threshold = 0.5)
      : class_name_(std::move(class_name)), kind_(kind), threshold_(threshold) {}
  std::string class_name() const override { return class_name_; }
  BoundMetric bind(const std::string& name, const Shape& prediction, const Shape& truth) const override {
    const Labels labels = kind_ == BoundMetric::Kind::sparse_categorical_accuracy ? Labels::sparse : Labels::same;
    if (!training::labels_fit(labels, prediction, truth)) {
      throw ShapeError(training::labels_mismatch("metric '" + name + "'", labels, prediction, truth));
    }
    return {.kind = kind_, .threshold = threshold_};
  }

 private:
  std::string class_name_;
  BoundMetric::Kind kind_;
  double threshold_;
};

// Keras's "accuracy": one of three, by the shapes.
class AnyAccuracy final : public detail::MetricImpl {
 public:
  std::string class_name() const override { return "Accuracy"; }
  BoundMetric bind(const std::string& name, const Shape& prediction, const Shape& truth) const override {
    if (prediction.back() == 1) return metrics::BinaryAccuracy().impl().bind(name, prediction, truth);
    if (truth.rank() < prediction.rank() || truth.back() == 1) {
      return metrics::SparseCategoricalAccuracy().impl().bind(name, prediction, truth);
    }
    return metrics::CategoricalAccuracy().impl().bind(name, prediction, truth);
  }
};

using Rule = std::shared_ptr<const detail::MetricImpl>;

const std::map<std::string, Rule>& known_metrics() {
  static constinit Lazy<std::map<std::string, Rule>> known;
  return known.get([] {
    std::map<std::string, Rule> m;
    const auto add = [&](Rule rule, std::initializer_list<const char*> names) {
      for (const char* name : names) m.emplace(name, rule);
    };
    using Kind = BoundMetric::Kind;
    add(std::make_shared<AnyAccuracy>(), {"accuracy", "acc", "Accuracy", "ACC"});
    add(std::make_shared<AccuracyMetric>("BinaryAccuracy", Kind::binary_accuracy), {"binary_accuracy"});
    add(std::make_shared<AccuracyMetric>("CategoricalAccuracy", Kind::categorical_accuracy), {"categorical_accuracy"});
    add(std::make_shared<AccuracyMetric>("SparseCategoricalAccuracy", Kind::sparse_categorical_accuracy),
        {"sparse_categorical_accuracy"});
    add(std::make_shared<LossMetric>("MeanSquaredError", losses::MeanSquaredError()),
        {"mse", "MSE", "mean_squared_error"});
    add(std::make_shared<LossMetric>("MeanAbsoluteError", losses::MeanAbsoluteError()),
        {"mae", "MAE", "mean_absolute_error"});
    add(std::make_shared<LossMetric>("RootMeanSquaredError", losses::MeanSquaredError(), true),
        {"rmse", "RMSE", "root_mean_squared_error"});
    add(std::make_shared<LossMetric>("BinaryCrossentropy", losses::BinaryCrossentropy()),
        {"binary_crossentropy", "bce", "BCE"});
    add(std::make_shared<LossMetric>("CategoricalCrossentropy", losses::CategoricalCrossentropy()),
        {"categorical_crossentropy"});
    add(std::make_shared<LossMetric>("SparseCategoricalCrossentropy", losses::SparseCategoricalCrossentropy()),
        {"sparse_categorical_crossentropy"});
    return m;
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
  return std::make_shared<AccuracyMetric>("BinaryAccuracy", BoundMetric::Kind::binary_accuracy,
                                          checked_option("BinaryAccuracy", "threshold", threshold, Allowed::finite));
}

}  // namespace

Metric::Metric(const std::string& name) : name_(name) {
  const auto& known = known_metrics();
  auto found = known.find(name);
  if (found == known.end()) found = known.find(snake_case(name));
  if (found == known.end()) {
    std::vector<std::string> names;
    for (const auto& [n, rule] : known) {
      if (n == lower_case(n)) names.push_back(n);
    }
    throw ConfigError(unknown_name(NameKind::metric, name, names));
  }
  impl_ = found->second;
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
