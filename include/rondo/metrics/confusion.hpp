// Metrics of true and false positives and negatives: tp, fp, tn and fn are sums of weights over all numbers of all
// rows.
//
// A prediction is positive where p > threshold (NaN never is), a label where it is not 0. Thresholds that stand evenly
// from 0 to 1, three or more, take a p of 0 or less for as much as the least above 0, as Keras's do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rondo/metrics/metric.hpp>
#include <rondo/shape.hpp>

namespace rondo::metrics {

// ---- counts ---------------------------------------------------------------------------------------------------------

struct CountOptions {
  std::string name = {};
  std::vector<double> thresholds = {};  // between 0 and 1; default: 0.5. Of several: a number for each
};
class TruePositives : public Metric {
 public:
  explicit TruePositives(const CountOptions& options = {});
};
class TrueNegatives : public Metric {
 public:
  explicit TrueNegatives(const CountOptions& options = {});
};
class FalsePositives : public Metric {
 public:
  explicit FalsePositives(const CountOptions& options = {});
};
class FalseNegatives : public Metric {
 public:
  explicit FalseNegatives(const CountOptions& options = {});
};

// ---- ratios; 0 by 0 is 0 --------------------------------------------------------------------------------------------

struct PrecisionOptions {
  std::string name = {};
  std::vector<double> thresholds = {};  // as above; with top_k by default none
  std::optional<Dim> top_k = {};        // only the k largest of a row may be positive, of equals the first ones
  std::optional<Dim> class_id = {};     // this place of the last axis alone
};
// tp / (tp + fp)
class Precision : public Metric {
 public:
  explicit Precision(const PrecisionOptions& options = {});
};

struct RecallOptions {
  std::string name = {};
  std::vector<double> thresholds = {};
  std::optional<Dim> top_k = {};
  std::optional<Dim> class_id = {};
};
// tp / (tp + fn)
class Recall : public Metric {
 public:
  explicit Recall(const RecallOptions& options = {});
};

// ---- the best of one ratio where another is as asked ----------------------------------------------------------------

struct AtOptions {
  Dim num_thresholds = 200;          // 1 or more, evenly from 0 to 1; 1: 0.5
  std::optional<Dim> class_id = {};  // this place of the last axis alone
  std::string name = {};
};
// The largest tp / (tp + fn) among the thresholds whose tn / (tn + fp) is `specificity` or more; 0 where there is none.
// What is asked for lies between 0 and 1.
class SensitivityAtSpecificity : public Metric {
 public:
  explicit SensitivityAtSpecificity(Real specificity, const AtOptions& options = {});
};
// The largest tn / (tn + fp) where tp / (tp + fn) is `sensitivity` or more.
class SpecificityAtSensitivity : public Metric {
 public:
  explicit SpecificityAtSensitivity(Real sensitivity, const AtOptions& options = {});
};
// The largest tp / (tp + fp) where tp / (tp + fn) is `recall` or more.
class PrecisionAtRecall : public Metric {
 public:
  explicit PrecisionAtRecall(Real recall, const AtOptions& options = {});
};
// The largest tp / (tp + fn) where tp / (tp + fp) is `precision` or more.
class RecallAtPrecision : public Metric {
 public:
  explicit RecallAtPrecision(Real precision, const AtOptions& options = {});
};

// ---- the area under a curve -----------------------------------------------------------------------------------------

struct AUCOptions {
  Dim num_thresholds = 200;                        // 2 or more
  std::string curve = "ROC";                       // or "PR"
  std::string summation_method = "interpolation";  // or "minoring", "majoring"
  std::string name = {};
  std::vector<double> thresholds = {};     // instead of num_thresholds; between 0 and 1, in any order
  bool multi_label = false;                // an area for each place of the last axis, and their mean
  std::optional<Dim> num_labels = {};      // with multi_label: how many places there must be
  std::vector<double> label_weights = {};  // of each place: in that mean, or else of its numbers
  bool from_logits = false;                // predictions are before the sigmoid
};
// The area under the curve of tp / (tp + fn) over fp / (fp + tn), "ROC", or of tp / (tp + fp) over tp / (tp + fn),
// "PR", that goes through its points at the thresholds 0, 1 / (n - 1), ..., 1, of which the first is below and the last
// above all predictions (those beyond 0 and 1 are taken for 0 and 1, if the thresholds are not given).
//
// Between points "interpolation" takes the mean of the heights; of PR, what lies between two points if tp grows evenly
// with tp + fp (Davis and Goadrich 2006). "minoring" takes the lower height, "majoring" the higher one.
//
// Memory and time are those of the thresholds, however many samples there are. ConfigError for options that are none
// of these.
class AUC : public Metric {
 public:
  explicit AUC(const AUCOptions& options = {});
};

}  // namespace rondo::metrics
