// Intersection over union of classes: tp / (tp + fp + fn), meaned over classes that occur; 0 where none does.
//
// Counts are whole numbers: a weight counts for its whole part, as in Keras. A pair with a number that is no class (0
// to num_classes - 1) counts nowhere.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rondo/metrics/metric.hpp>
#include <rondo/shape.hpp>

namespace rondo::metrics {

struct IoUOptions {
  std::string name = {};                 // default: Keras's "io_u", "mean_io_u"
  std::optional<Dim> ignore_class = {};  // labels of this class count nowhere
  bool sparse_y_true = true;             // labels are class numbers; else the largest of a row is the class
  bool sparse_y_pred = true;             // the same of predictions
};
// Over the target classes. Where only one of labels and predictions are class numbers, these lack the class axis, or
// have 1 there.
class IoU : public Metric {
 public:
  IoU(Dim num_classes, const std::vector<Index>& target_class_ids, const IoUOptions& options = {});
};
// Over all classes.
class MeanIoU : public Metric {
 public:
  explicit MeanIoU(Dim num_classes, const IoUOptions& options = {});
};

struct OneHotIoUOptions {
  std::string name = {};  // default: Keras's "one_hot_io_u", "one_hot_mean_io_u"
  std::optional<Dim> ignore_class = {};
  bool sparse_y_pred = false;
};
// IoU and MeanIoU of labels of which the largest of a row is the class. With sparse_y_pred predictions have an axis of
// 1 where labels have their classes.
class OneHotIoU : public Metric {
 public:
  OneHotIoU(Dim num_classes, const std::vector<Index>& target_class_ids, const OneHotIoUOptions& options = {});
};
class OneHotMeanIoU : public Metric {
 public:
  explicit OneHotMeanIoU(Dim num_classes, const OneHotIoUOptions& options = {});
};

struct BinaryIoUOptions {
  std::vector<Index> target_class_ids = {0, 1};
  Real threshold = 0.5;
  std::string name = {};  // default: Keras's "binary_io_u"
};
// Of two classes: a prediction is of class 1 where p >= threshold.
class BinaryIoU : public Metric {
 public:
  explicit BinaryIoU(const BinaryIoUOptions& options = {});
};

}  // namespace rondo::metrics
