#include <cmath>

#include <rondo/error.hpp>

#include "core/names.hpp"
#include "training/function_rows.hpp"
#include "training/metrics/families.hpp"

namespace rondo {

namespace metrics {

template <class Visitor>
void fields(Visitor& v, R2ScoreOptions& o) {
  v("name", o.name);
  v("class_aggregation", o.class_aggregation);
  v("num_regressors", o.num_regressors);
}

}  // namespace metrics

namespace training {

namespace {

// ---- R2 -------------------------------------------------------------------------------------------------------------

enum class Aggregation { none, uniform, by_variance };

// The state is, of each column, the sums of w t, of w t^2 and of w (t - p)^2; then the sum of w and the number of
// labels.
class BoundR2 final : public BoundMetric {
 public:
  BoundR2(Aggregation aggregation, Index regressors, Index columns)
      : BoundMetric(Labels::same, aggregation == Aggregation::none ? Shape{columns} : Shape{}),
        aggregation_(aggregation),
        regressors_(static_cast<double>(regressors)),
        columns_(static_cast<std::size_t>(columns)) {}

  Index state_size() const override { return static_cast<Index>(3 * columns_ + 2); }

  void add(const MetricBatch& batch, std::span<double> state) const override {
    for_rows(batch, [&](const MetricRow& row) {
      for (std::size_t c = 0; c < columns_; ++c) {
        const double t = row.truth[c], error = t - row.prediction[c];
        state[3 * c] += row.weight * t;
        state[3 * c + 1] += row.weight * t * t;
        state[3 * c + 2] += row.weight * error * error;
      }
      state[3 * columns_] += row.weight;
      state[3 * columns_ + 1] += static_cast<double>(columns_);
    });
  }

  void result(std::span<const double> state, std::span<double> out) const override {
    const double weights = state[3 * columns_];
    double scores = 0, of_weights = 0;
    for (std::size_t c = 0; c < columns_; ++c) {
      const double total = state[3 * c + 1] - state[3 * c] * (state[3 * c] / weights);
      const double score = 1 - state[3 * c + 2] / total;
      const double finite = std::isinf(score) ? 0 : score;
      if (aggregation_ == Aggregation::none) out[c] = adjusted(finite, state);
      const double weight = aggregation_ == Aggregation::by_variance ? total : 1;
      scores += weight * finite;
      of_weights += weight;
    }
    if (aggregation_ != Aggregation::none) out[0] = adjusted(scores / of_weights, state);
  }

 private:
  double adjusted(double score, std::span<const double> state) const {
    const double labels = state[3 * columns_ + 1];
    if (regressors_ == 0 || regressors_ >= labels - 1) return score;
    return 1 - (1 - score) * (labels - 1) / (labels - regressors_ - 1);
  }

  Aggregation aggregation_;
  double regressors_;
  std::size_t columns_;
};

Aggregation aggregation_of(const std::optional<std::string>& given) {
  if (!given) return Aggregation::none;
  if (*given == "uniform_average") return Aggregation::uniform;
  if (*given == "variance_weighted_average") return Aggregation::by_variance;
  throw ConfigError("R2Score: class_aggregation is \"" + *given +
                    "\"; it must be none, \"uniform_average\" or \"variance_weighted_average\"");
}

Metric r2(const metrics::R2ScoreOptions& o) {
  const Aggregation aggregation = aggregation_of(o.class_aggregation);
  if (o.num_regressors < 0) {
    throw ConfigError("R2Score: num_regressors is " + std::to_string(o.num_regressors) + "; it must be 0 or more");
  }
  return named(
      o.name, "r2_score",
      std::make_shared<ClassMetric>("R2Score", core::config_of(o), Direction::up,
                                    [aggregation, regressors = Index{o.num_regressors}](
                                        const std::string& name, const Shape& prediction, const Shape& truth) -> Bound {
                                      require_columns(name, prediction);
                                      require_labels_fit(who(name), Labels::same, prediction, truth);
                                      return std::make_shared<BoundR2>(aggregation, regressors, prediction.back());
                                    }));
}

// ---- correlations ---------------------------------------------------------------------------------------------------

// Of a row of labels and one of predictions.
struct Moments {
  double truth_mean = 0, prediction_mean = 0, truth_variance = 0, prediction_variance = 0, covariance = 0;

  Moments(Row truth, Row prediction) {
    const auto n = static_cast<double>(truth.size());
    for (std::size_t i = 0; i < truth.size(); ++i) {
      truth_mean += truth[i] / n;
      prediction_mean += prediction[i] / n;
    }
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const double t = truth[i] - truth_mean, p = prediction[i] - prediction_mean;
      truth_variance += t * t / n;
      prediction_variance += p * p / n;
      covariance += t * p / n;
    }
  }
};

double pearson(Row truth, Row prediction, GradientRow) {
  const Moments m(truth, prediction);
  return m.covariance / (std::sqrt(m.truth_variance) * std::sqrt(m.prediction_variance));
}

double concordance(Row truth, Row prediction, GradientRow) {
  const Moments m(truth, prediction);
  const double apart = m.truth_mean - m.prediction_mean;
  return 2 * m.covariance / (m.truth_variance + m.prediction_variance + apart * apart + 1e-7);
}

Metric mean_of_rows(const char* class_name, const char* standard, const metrics::NameOptions& o, LossFunction rule) {
  return named(
      o.name, standard,
      rows_metric(class_name, std::make_shared<FunctionRows>(Labels::same, BoundLoss::Traits{}, std::move(rule)),
                  core::config_of(o), Direction::up));
}

}  // namespace

Family regression_scores() {
  using namespace metrics;
  return {known<R2Score, R2ScoreOptions>({"r2_score"}), known<PearsonCorrelation>({"pearson_correlation"}),
          known<ConcordanceCorrelation>({"concordance_correlation"})};
}

}  // namespace training

namespace metrics {

R2Score::R2Score(const R2ScoreOptions& o) : Metric(training::r2(o)) {}
PearsonCorrelation::PearsonCorrelation(const NameOptions& o)
    : Metric(training::mean_of_rows("PearsonCorrelation", "pearson_correlation", o, training::pearson)) {}
ConcordanceCorrelation::ConcordanceCorrelation(const NameOptions& o)
    : Metric(training::mean_of_rows("ConcordanceCorrelation", "concordance_correlation", o, training::concordance)) {}

}  // namespace metrics
}  // namespace rondo
