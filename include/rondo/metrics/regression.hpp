// How well predictions follow quantities.
#pragma once

#include <optional>
#include <string>

#include <rondo/metrics/metric.hpp>
#include <rondo/shape.hpp>

namespace rondo::metrics {

struct R2ScoreOptions {
  // "uniform_average": the mean of the columns' scores. "variance_weighted_average": their mean by the columns' total
  // variance. std::nullopt: a score for each column.
  std::optional<std::string> class_aggregation = "uniform_average";
  // 0 or more. Above 0 the score r becomes the adjusted one, 1 - (1 - r) (n - 1) / (n - num_regressors - 1), with n the
  // number of labels, as far as n is above num_regressors + 1.
  Dim num_regressors = 0;
  std::string name = {};
};
// Of a column 1 - sum of w (t - p)^2 / (sum of w t^2 - (sum of w t)^2 / sum of w): 1 is perfect, 0 as good as the mean;
// 0 where labels that are all the same are missed, NaN where nothing is there. Predictions are (N, columns): ShapeError
// otherwise.
class R2Score : public Metric {
 public:
  explicit R2Score(const R2ScoreOptions& options = {});
};

// The mean over all rows of the correlation between labels and predictions along the last axis. NaN where either does
// not vary.
class PearsonCorrelation : public Metric {
 public:
  explicit PearsonCorrelation(const NameOptions& options = {});
};

// The mean over all rows of 2 cov / (var t + var p + (mean t - mean p)^2 + 1e-7) along the last axis: a correlation
// that is lower where mean or scale differ (Lin 1989).
class ConcordanceCorrelation : public Metric {
 public:
  explicit ConcordanceCorrelation(const NameOptions& options = {});
};

}  // namespace rondo::metrics
