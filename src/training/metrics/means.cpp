#include <algorithm>
#include <cmath>
#include <limits>

#include "core/names.hpp"
#include "training/from_config.hpp"
#include "training/function_rows.hpp"
#include "training/metrics/class_numbers.hpp"
#include "training/metrics/families.hpp"
#include "training/row_losses.hpp"
#include "training/running_mean.hpp"

namespace rondo {

namespace {

// A loss as a metric, under the loss's name.
struct WrapperFields {
  std::string name = {};
  core::Json fn = {};
};

template <class Visitor>
void fields(Visitor& v, WrapperFields& f) {
  v("name", f.name);
  v.required("fn", f.fn);
}

// Keras writes a function as an object.
Loss loss_of(const core::Json& fn) {
  if (fn.is_object() && fn.value("class_name", "") == "function") return training::loss_from_config(fn.at("config"));
  return training::loss_from_config(fn);
}

}  // namespace

namespace metrics {

// Of the crossentropies.
template <class Visitor, class Options>
  requires requires(Options& o) { o.from_logits; }
void fields(Visitor& v, Options& o) {
  v("name", o.name);
  v("from_logits", o.from_logits);
  if constexpr (requires { o.label_smoothing; }) {
    v("label_smoothing", o.label_smoothing);
  } else {
    v("ignore_class", o.ignore_class);
  }
  v.refused("axis", -1);
}

}  // namespace metrics

namespace training {

void MeanOfRows::add(const MetricBatch& batch, std::span<double> state) const {
  const auto sum = [](const auto& b) { return sum_of_rows(b.values, b.weights, b.steps, b.rows, b.stride); };
  const RunningMean mean = std::visit(sum, batch);
  state[0] += mean.total;
  state[1] += mean.count;
}

void MeanOfRows::result(std::span<const double> state, std::span<double> out) const {
  const double mean = RunningMean{state[0], state[1]}.mean();
  out[0] = root_ ? std::sqrt(mean) : mean;
}

std::shared_ptr<const detail::MetricImpl> rows_metric(std::string class_name, std::shared_ptr<const RowFunction> rows,
                                                      core::Json config, Direction direction) {
  const Labels labels = rows->labels();
  return std::make_shared<ClassMetric>(std::move(class_name), std::move(config), direction,
                                       always<MeanOfRows>(labels, std::move(rows)));
}

namespace {

// ---- losses ---------------------------------------------------------------------------------------------------------

std::shared_ptr<const detail::MetricImpl> loss_metric(const char* class_name, core::Json config, const Loss& loss,
                                                      bool root = false) {
  return std::make_shared<ClassMetric>(
      class_name, std::move(config), Direction::down,
      [loss, root](const std::string&, const Shape& prediction, const Shape& truth) -> Bound {
        return std::make_shared<MeanOfRows>(loss.impl().bind(prediction, truth), root);
      });
}

template <class Options>
Metric mean_of(const char* class_name, const char* standard, const Options& o, const Loss& loss, bool root = false) {
  return named(o.name, standard, loss_metric(class_name, core::config_of(o), loss, root));
}

std::shared_ptr<const RowFunction> cosine() {
  LossFunction cosine = [minus = cosine_similarity()](Row truth, Row prediction, GradientRow) {
    return -minus(truth, prediction, {});
  };
  return std::make_shared<FunctionRows>(Labels::same, BoundLoss::Traits{}, std::move(cosine));
}

// What another function says of rows whose labels are class numbers; of the ignored one 0, of any other number NaN.
class RowsOfClasses final : public RowFunction {
 public:
  RowsOfClasses(std::shared_ptr<const RowFunction> rows, std::optional<Dim> ignored)
      : RowFunction(rows->labels()), rows_(std::move(rows)), ignored_(ignored) {}
  void rows(const kernels::Ops<float>& ops, kernels::LossArgs<float> args) const override { run(ops, args); }
  void rows(const kernels::Ops<double>& ops, kernels::LossArgs<double> args) const override { run(ops, args); }

 private:
  template <class T>
  void run(const kernels::Ops<T>& ops, const kernels::LossArgs<T>& all) const {
    kernels::LossArgs<T> one = all;
    one.rows = 1;
    for (Index r = 0; r < all.rows; ++r) {
      one.truth = all.truth + r * all.truth_stride;
      one.prediction = all.prediction + r * all.prediction_stride;
      one.value = all.value + r;
      const auto label = static_cast<double>(*one.truth);
      if (ignored_ && label == static_cast<double>(*ignored_)) {
        *one.value = 0;
      } else if (class_number(label, all.features)) {
        rows_->rows(ops, one);
      } else {
        *one.value = std::numeric_limits<T>::quiet_NaN();
      }
    }
  }

  std::shared_ptr<const RowFunction> rows_;
  std::optional<Dim> ignored_;
};

// The mean over rows of classes. The ignored one counts as 0 where rows have no weights, as in Keras; else it is not
// there.
class MeanButOneClass final : public BoundMetric {
 public:
  MeanButOneClass(const std::shared_ptr<const RowFunction>& rows, Dim ignored)
      : BoundMetric(rows->labels()), mean_(std::make_shared<RowsOfClasses>(rows, ignored)), ignored_(ignored) {}
  Index state_size() const override { return mean_.state_size(); }
  const RowFunction* rows() const override { return mean_.rows(); }
  void add(const MetricBatch& batch, std::span<double> state) const override {
    const auto add_weighted = [&](const auto& b) {
      for (Index t = 0; t < b.steps; ++t) {
        for (Index r = 0; r < b.rows; ++r) {
          const auto weight = static_cast<double>(b.weights[t * b.stride + r]);
          if (weight == 0 || static_cast<double>(*b.truth.at(r, t)) == static_cast<double>(ignored_)) continue;
          state[0] += weight * static_cast<double>(b.values[t * b.stride + r]);
          state[1] += weight;
        }
      }
    };
    const bool weighted = std::visit([](const auto& b) { return b.weights != nullptr; }, batch);
    weighted ? std::visit(add_weighted, batch) : mean_.add(batch, state);
  }
  void result(std::span<const double> state, std::span<double> out) const override { mean_.result(state, out); }

 private:
  MeanOfRows mean_;
  Dim ignored_;
};

Metric sparse_crossentropy(const metrics::SparseCategoricalCrossentropyOptions& o) {
  const char* class_name = "SparseCategoricalCrossentropy";
  const char* standard = "sparse_categorical_crossentropy";
  const Loss loss = losses::SparseCategoricalCrossentropy({.from_logits = o.from_logits});
  if (!o.ignore_class) return mean_of(class_name, standard, o, loss);
  const auto bind = [loss, ignored = *o.ignore_class](const std::string&, const Shape& prediction,
                                                      const Shape& truth) -> Bound {
    return std::make_shared<MeanButOneClass>(loss.impl().bind(prediction, truth), ignored);
  };
  return named(o.name, standard, std::make_shared<ClassMetric>(class_name, core::config_of(o), Direction::down, bind));
}

// Of any loss, which may take labels for places in a row.
std::shared_ptr<const detail::MetricImpl> any_loss_metric(const metrics::NameOptions& o, const Loss& loss) {
  return std::make_shared<ClassMetric>(
      "MeanMetricWrapper", core::config_of(WrapperFields{o.name, to_config(loss)}), Direction::down,
      [loss](const std::string&, const Shape& prediction, const Shape& truth) -> Bound {
        std::shared_ptr<const RowFunction> rows = loss.impl().bind(prediction, truth);
        if (rows->labels() == Labels::sparse) rows = std::make_shared<RowsOfClasses>(rows, std::nullopt);
        return std::make_shared<MeanOfRows>(rows);
      });
}

// ---- hinge ----------------------------------------------------------------------------------------------------------

// The mean of a loss of labels -1 and 1. Which labels a batch has shows in the whole of it alone.
class HingeMean final : public BoundMetric {
 public:
  explicit HingeMean(LossFunction loss) : loss_(std::move(loss)) {}
  Index state_size() const override { return 2; }
  void add(const MetricBatch& batch, std::span<double> state) const override {
    const bool binary = all_labels(batch, [](auto label) { return label == 0 || label == 1; });
    core::ThreadBuffers<std::vector<double>> buffer;
    std::vector<double>& signs = *buffer;
    for_rows(batch, [&](const MetricRow& row) {
      signs.assign(row.truth.begin(), row.truth.end());
      if (binary) std::transform(signs.begin(), signs.end(), signs.begin(), [](double t) { return 2 * t - 1; });
      state[0] += row.weight * loss_(signs, row.prediction, {});
      state[1] += row.weight;
    });
  }
  void result(std::span<const double> state, std::span<double> out) const override {
    out[0] = RunningMean{state[0], state[1]}.mean();
  }

 private:
  LossFunction loss_;
};

Metric hinge_mean(const char* class_name, const char* standard, const metrics::NameOptions& o, LossFunction loss) {
  return named(o.name, standard,
               std::make_shared<ClassMetric>(class_name, core::config_of(o), Direction::down,
                                             always<HingeMean>(Labels::same, std::move(loss))));
}

// ---- values ---------------------------------------------------------------------------------------------------------

// A batch's rows are samples, its steps their values.
class OfValues final : public BoundMetric {
 public:
  explicit OfValues(bool mean) : mean_(mean) {}
  Index state_size() const override { return 2; }
  void add(const MetricBatch& batch, std::span<double> state) const override {
    const auto add = [&](const auto& b) {
      const RunningMean sum = sum_of_rows(b.values, b.weights, b.steps, b.rows, b.stride);
      const double of_sample = mean_ ? static_cast<double>(b.steps) : 1;
      state[0] += sum.total / of_sample;
      state[1] += sum.count / of_sample;
    };
    std::visit(add, batch);
  }
  void result(std::span<const double> state, std::span<double> out) const override {
    out[0] = mean_ ? RunningMean{state[0], state[1]}.mean() : state[0];
  }

 private:
  bool mean_;
};

class ValuesMetric final : public detail::MetricImpl {
 public:
  ValuesMetric(std::string class_name, bool mean) : class_name_(std::move(class_name)), mean_(mean) {}
  std::string class_name() const override { return class_name_; }
  core::Json config(const std::string& name) const override { return core::config_of(metrics::NameOptions{name}); }
  Direction direction() const override { return Direction::none; }
  bool of_values() const override { return true; }
  Bound bind(const std::string&, const Shape&, const Shape&) const override {
    return std::make_shared<OfValues>(mean_);
  }

 private:
  std::string class_name_;
  bool mean_;
};

}  // namespace

Family means() {
  using namespace metrics;
  return {
      known<MeanSquaredError>({"mean_squared_error", "mse"}),
      known<MeanAbsoluteError>({"mean_absolute_error", "mae"}),
      known<MeanAbsolutePercentageError>({"mean_absolute_percentage_error", "mape"}),
      known<MeanSquaredLogarithmicError>({"mean_squared_logarithmic_error", "msle"}),
      known<RootMeanSquaredError>({"root_mean_squared_error", "rmse"}),
      known<LogCoshError>({"log_cosh_error"}),
      known<Poisson>({"poisson"}),
      known<KLDivergence>({"kl_divergence"}),
      known<Hinge>({"hinge"}),
      known<SquaredHinge>({"squared_hinge"}),
      known<CategoricalHinge>({"categorical_hinge"}),
      known<CosineSimilarity>({"cosine_similarity"}),
      known<BinaryCrossentropy, BinaryCrossentropyOptions>({"binary_crossentropy", "bce"}),
      known<CategoricalCrossentropy, CategoricalCrossentropyOptions>({"categorical_crossentropy"}),
      known<SparseCategoricalCrossentropy, SparseCategoricalCrossentropyOptions>({"sparse_categorical_crossentropy"}),
      {{"mean_metric_wrapper"},
       {{},
        [](const std::string& class_name, const core::Json& config) -> Metric {
          WrapperFields f;
          core::read_fields(class_name, config, f);
          return MeanMetricWrapper(loss_of(f.fn), {.name = f.name});
        },
        "a loss: metrics::MeanMetricWrapper(\"huber\")"}},
      known<Mean>({"mean"}),
      known<Sum>({"sum"})};
}

}  // namespace training

namespace metrics {

using training::mean_of;

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
Hinge::Hinge(const NameOptions& o) : Metric(training::hinge_mean("Hinge", "hinge", o, training::hinge())) {}
SquaredHinge::SquaredHinge(const NameOptions& o)
    : Metric(training::hinge_mean("SquaredHinge", "squared_hinge", o, training::squared_hinge())) {}
CategoricalHinge::CategoricalHinge(const NameOptions& o)
    : Metric(mean_of("CategoricalHinge", "categorical_hinge", o, losses::CategoricalHinge())) {}
CosineSimilarity::CosineSimilarity(const NameOptions& o)
    : Metric(training::named(
          o.name, "cosine_similarity",
          training::rows_metric("CosineSimilarity", training::cosine(), core::config_of(o), Direction::up))) {}

BinaryCrossentropy::BinaryCrossentropy(const BinaryCrossentropyOptions& o)
    : Metric(
          mean_of("BinaryCrossentropy", "binary_crossentropy", o,
                  losses::BinaryCrossentropy({.from_logits = o.from_logits, .label_smoothing = o.label_smoothing}))) {}
CategoricalCrossentropy::CategoricalCrossentropy(const CategoricalCrossentropyOptions& o)
    : Metric(mean_of(
          "CategoricalCrossentropy", "categorical_crossentropy", o,
          losses::CategoricalCrossentropy({.from_logits = o.from_logits, .label_smoothing = o.label_smoothing}))) {}
SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(const SparseCategoricalCrossentropyOptions& o)
    : Metric(training::sparse_crossentropy(o)) {}

MeanMetricWrapper::MeanMetricWrapper(const Loss& fn, const NameOptions& o)
    : Metric(training::named(o.name, fn.name().c_str(), training::any_loss_metric(o, fn))) {}

Mean::Mean(const NameOptions& o)
    : Metric(training::named(o.name, "mean", std::make_shared<training::ValuesMetric>("Mean", /*mean=*/true))) {}
Sum::Sum(const NameOptions& o)
    : Metric(training::named(o.name, "sum", std::make_shared<training::ValuesMetric>("Sum", /*mean=*/false))) {}

}  // namespace metrics
}  // namespace rondo
