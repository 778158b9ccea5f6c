#include <algorithm>
#include <cmath>
#include <numeric>

#include <rondo/error.hpp>

#include "core/names.hpp"
#include "core/options.hpp"
#include "training/metrics/families.hpp"

namespace rondo {

namespace metrics {

template <class Visitor>
void fields(Visitor& v, FBetaScoreOptions& o) {
  v("name", o.name);
  v("average", o.average);
  v("beta", o.beta);
  v("threshold", o.threshold);
}

template <class Visitor>
void fields(Visitor& v, F1ScoreOptions& o) {
  v("name", o.name);
  v("average", o.average);
  v("threshold", o.threshold);
}

}  // namespace metrics

namespace training {

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's

enum class Average { none, micro, macro, weighted };

struct FScoreRule {
  Average average;
  double beta;
  std::optional<Real> threshold;
};

// What is kept of a class; of "micro" of all together.
struct ClassSums {
  double true_positives, false_positives, false_negatives, labels;
};
constexpr Index kSums = 4;

double score(const ClassSums& s, double beta) {
  const double precision = s.true_positives / (s.true_positives + s.false_positives + kEpsilon);
  const double recall = s.true_positives / (s.true_positives + s.false_negatives + kEpsilon);
  const double square = beta * beta;
  return (1 + square) * (precision * recall / (square * precision + recall + kEpsilon));
}

class BoundFScore final : public BoundMetric {
 public:
  BoundFScore(const FScoreRule& rule, Index classes)
      : BoundMetric(Labels::same, rule.average == Average::none ? Shape{classes} : Shape{}),
        rule_(rule),
        sums_(rule.average == Average::micro ? 1 : classes) {}

  Index state_size() const override { return kSums * sums_; }

  void add(const MetricBatch& batch, std::span<double> state) const override {
    for_rows(batch, [&](const MetricRow& row) {
      const double highest = highest_of(row.prediction);
      for (std::size_t i = 0; i < row.prediction.size(); ++i) {
        const double p = row.prediction[i], t = row.truth[i];
        const bool positive = rule_.threshold ? p > *rule_.threshold : p >= highest && std::abs(p) > 1e-9;
        const std::size_t at = sums_ == 1 ? 0 : i * kSums;
        state[at] += positive ? row.weight * t : 0;
        state[at + 1] += positive ? row.weight * (1 - t) : 0;
        state[at + 2] += positive ? 0 : row.weight * t;
        state[at + 3] += row.weight * t;
      }
    });
  }

  void result(std::span<const double> state, std::span<double> out) const override {
    const auto sums_of = [&](Index i) {
      const auto s = state.subspan(static_cast<std::size_t>(i * kSums), kSums);
      return ClassSums{s[0], s[1], s[2], s[3]};
    };
    if (rule_.average == Average::none) {
      for (Index i = 0; i < sums_; ++i) out[static_cast<std::size_t>(i)] = score(sums_of(i), rule_.beta);
      return;
    }
    double labels = kEpsilon;
    for (Index i = 0; i < sums_; ++i) labels += sums_of(i).labels;
    out[0] = 0;
    for (Index i = 0; i < sums_; ++i) {
      const double share =
          rule_.average == Average::weighted ? sums_of(i).labels / labels : 1 / static_cast<double>(sums_);
      out[0] += share * score(sums_of(i), rule_.beta);
    }
  }

 private:
  // NaN, which nothing reaches, if there is one.
  static double highest_of(Row row) {
    return std::accumulate(row.begin(), row.end(), row[0],
                           [](double a, double b) { return std::isnan(a) || a > b ? a : b; });
  }

  FScoreRule rule_;
  Index sums_;
};

Average average_of(const char* class_name, const std::optional<std::string>& average) {
  if (!average) return Average::none;
  if (*average == "micro") return Average::micro;
  if (*average == "macro") return Average::macro;
  if (*average == "weighted") return Average::weighted;
  throw ConfigError(std::string(class_name) + ": average is \"" + *average +
                    "\"; it must be none, \"micro\", \"macro\" or \"weighted\"");
}

template <class Options>
Metric f_score(const char* class_name, const char* standard, const Options& o, double beta) {
  if (o.threshold) (void)checked_option(class_name, "threshold", *o.threshold, Allowed::above_0_to_1);
  const FScoreRule rule{average_of(class_name, o.average), checked_option(class_name, "beta", beta, Allowed::above_0),
                        o.threshold};
  return named(o.name, standard,
               std::make_shared<ClassMetric>(
                   class_name, core::config_of(o), Direction::up,
                   [rule](const std::string& name, const Shape& prediction, const Shape& truth) -> Bound {
                     require_columns(name, prediction);
                     require_labels_fit(who(name), Labels::same, prediction, truth);
                     return std::make_shared<BoundFScore>(rule, prediction.back());
                   }));
}

}  // namespace

Family f_scores() {
  using namespace metrics;
  return {known<FBetaScore, FBetaScoreOptions>({"fbeta_score", "f_beta_score"}),
          known<F1Score, F1ScoreOptions>({"f1_score"})};
}

}  // namespace training

namespace metrics {

FBetaScore::FBetaScore(const FBetaScoreOptions& o)
    : Metric(training::f_score("FBetaScore", "fbeta_score", o, o.beta)) {}
F1Score::F1Score(const F1ScoreOptions& o) : Metric(training::f_score("F1Score", "f1_score", o, 1)) {}

}  // namespace metrics
}  // namespace rondo
