// Means over all rows: of what a loss says of them, and of values.
#pragma once

#include <optional>
#include <string>

#include <rondo/losses.hpp>
#include <rondo/metrics/metric.hpp>
#include <rondo/shape.hpp>

namespace rondo::metrics {

// ---- losses, by the formulas of <rondo/losses.hpp> ------------------------------------------------------------------

class MeanSquaredError : public Metric {
 public:
  explicit MeanSquaredError(const NameOptions& options = {});
};
class MeanAbsoluteError : public Metric {
 public:
  explicit MeanAbsoluteError(const NameOptions& options = {});
};
class MeanAbsolutePercentageError : public Metric {
 public:
  explicit MeanAbsolutePercentageError(const NameOptions& options = {});
};
class MeanSquaredLogarithmicError : public Metric {
 public:
  explicit MeanSquaredLogarithmicError(const NameOptions& options = {});
};
// Keras's name: "logcosh".
class LogCoshError : public Metric {
 public:
  explicit LogCoshError(const NameOptions& options = {});
};
class Poisson : public Metric {
 public:
  explicit Poisson(const NameOptions& options = {});
};
class KLDivergence : public Metric {
 public:
  explicit KLDivergence(const NameOptions& options = {});
};
// Mean over the last axis of max(0, 1 - t p), and of its square. Labels are -1 and 1; where a batch has none but 0 and
// 1, they are taken for these.
class Hinge : public Metric {
 public:
  explicit Hinge(const NameOptions& options = {});
};
class SquaredHinge : public Metric {
 public:
  explicit SquaredHinge(const NameOptions& options = {});
};
class CategoricalHinge : public Metric {
 public:
  explicit CategoricalHinge(const NameOptions& options = {});
};
// The cosine itself: 1 for the same direction, where the loss is -1.
class CosineSimilarity : public Metric {
 public:
  explicit CosineSimilarity(const NameOptions& options = {});
};
// The root of the mean over all samples of an epoch, not the mean of the batches' roots.
class RootMeanSquaredError : public Metric {
 public:
  explicit RootMeanSquaredError(const NameOptions& options = {});
};

struct BinaryCrossentropyOptions {
  std::string name = {};
  bool from_logits = false;
  Real label_smoothing = 0.0;
};
class BinaryCrossentropy : public Metric {
 public:
  explicit BinaryCrossentropy(const BinaryCrossentropyOptions& options = {});
};
struct CategoricalCrossentropyOptions {
  std::string name = {};
  bool from_logits = false;
  Real label_smoothing = 0.0;
};
class CategoricalCrossentropy : public Metric {
 public:
  explicit CategoricalCrossentropy(const CategoricalCrossentropyOptions& options = {});
};
struct SparseCategoricalCrossentropyOptions {
  std::string name = {};
  bool from_logits = false;
  // Rows of this label are not there where rows have weights; otherwise they count as 0, in the divisor too (as in
  // Keras).
  std::optional<Dim> ignore_class = {};
};
class SparseCategoricalCrossentropy : public Metric {
 public:
  explicit SparseCategoricalCrossentropy(const SparseCategoricalCrossentropyOptions& options = {});
};

// The mean of any loss: MeanMetricWrapper("huber"), MeanMetricWrapper(losses::Huber({.delta = 2}), {.name = "h"}). Its
// reduction plays no part. Default name: the loss's. For functions of yours: custom_metric (<rondo/extend.hpp>).
class MeanMetricWrapper : public Metric {
 public:
  explicit MeanMetricWrapper(const Loss& fn, const NameOptions& options = {});
};

// ---- values, which a program has from somewhere: for MetricState, not for compile -----------------------------------

// The mean of a sample's values, and of these over all samples: sum of w v by the sum of w.
class Mean : public Metric {
 public:
  explicit Mean(const NameOptions& options = {});
};
// Sum of w v.
class Sum : public Metric {
 public:
  explicit Sum(const NameOptions& options = {});
};

}  // namespace rondo::metrics
