// Scores of classes from precision and recall.
#pragma once

#include <optional>
#include <string>

#include <rondo/metrics/metric.hpp>
#include <rondo/shape.hpp>

namespace rondo::metrics {

struct FBetaScoreOptions {
  // Not given: a score for each class. "macro": their mean. "weighted": their mean by the sum of the class's labels.
  // "micro": one score over the numbers of all classes.
  std::optional<std::string> average = {};
  Real beta = 1.0;  // above 0: how much more recall counts than precision
  // Above 0, at most 1. Default: the largest of a row is positive (all of equals), unless it is within 1e-9 of 0.
  std::optional<Real> threshold = {};
  std::string name = {};  // default: "fbeta_score"
};
// (1 + beta^2) pr rc / (beta^2 pr + rc) with precision pr = tp / (tp + fp) and recall rc = tp / (tp + fn) of a class;
// each divisor is 1e-7 more. A prediction is positive where p > threshold; labels are 0 and 1, or shares of a class.
// Predictions are (N, classes): ShapeError otherwise.
class FBetaScore : public Metric {
 public:
  explicit FBetaScore(const FBetaScoreOptions& options = {});
};

struct F1ScoreOptions {
  std::optional<std::string> average = {};
  std::optional<Real> threshold = {};
  std::string name = {};  // default: "f1_score"
};
// The same with beta = 1.
class F1Score : public Metric {
 public:
  explicit F1Score(const F1ScoreOptions& options = {});
};

}  // namespace rondo::metrics
