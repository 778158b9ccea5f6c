// How often predictions hit their labels: means over all rows.
#pragma once

#include <string>

#include <rondo/metrics/metric.hpp>
#include <rondo/shape.hpp>

namespace rondo::metrics {

// How often p equals t. (The name "accuracy" chooses one of the next three.)
class Accuracy : public Metric {
 public:
  explicit Accuracy(const NameOptions& options = {});
};

struct BinaryAccuracyOptions {
  std::string name = {};
  Real threshold = 0.5;  // 0 for logits
};
// How often (p > threshold) equals the label.
class BinaryAccuracy : public Metric {
 public:
  explicit BinaryAccuracy(const BinaryAccuracyOptions& options = {});
};

// How often the largest prediction stands where the largest label stands: the first of equals; NaN counts as largest.
class CategoricalAccuracy : public Metric {
 public:
  explicit CategoricalAccuracy(const NameOptions& options = {});
};
// The same with class numbers as labels.
class SparseCategoricalAccuracy : public Metric {
 public:
  explicit SparseCategoricalAccuracy(const NameOptions& options = {});
};

struct TopKCategoricalAccuracyOptions {
  std::string name = {};
  Dim k = 5;  // 1 or more
};
// How often the prediction of the label's class, the largest label's, is a number and fewer than k are larger: of
// equals at the border all count.
class TopKCategoricalAccuracy : public Metric {
 public:
  explicit TopKCategoricalAccuracy(const TopKCategoricalAccuracyOptions& options = {});
};

struct SparseTopKCategoricalAccuracyOptions {
  std::string name = {};
  Dim k = 5;                     // 1 or more
  bool from_sorted_ids = false;  // predictions are class numbers already, the likeliest first
};
// The same with class numbers as labels.
class SparseTopKCategoricalAccuracy : public Metric {
 public:
  explicit SparseTopKCategoricalAccuracy(const SparseTopKCategoricalAccuracyOptions& options = {});
};

}  // namespace rondo::metrics
