// The rules behind the public Loss handles: which labels fit which predictions, and which kernel computes the loss.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>

#include <rondo/losses.hpp>
#include <rondo/shape.hpp>

#include "kernels/table.hpp"

namespace rondo::training {

// How labels stand beside predictions.
enum class Labels {
  same,      // the predictions' shape, up to a last axis of 1
  sparse,    // class numbers: the predictions' shape without the class axis, or with 1 there
  one,       // one number a row, likewise
  sequence,  // class numbers of a sample, of any number, beside predictions of its steps
};

// What a loss makes of predictions, for checks of labels and of the last activation.
enum class LossFamily { regression, binary, categorical };

// What the sum of rows' values is divided by: the number of rows, nothing, or the sum of their weights. None: the
// values are wanted themselves, which training cannot use.
enum class Reduction { mean, sum, weighted_mean, none };

// A loss or metric for known shapes, at work on rows: what Keras calls a function of (y_true, y_pred). Immutable; safe
// from any thread.
class RowFunction {
 public:
  explicit RowFunction(Labels labels = Labels::same) : labels_(labels) {}
  virtual ~RowFunction() = default;
  Labels labels() const { return labels_; }
  // How many of them stand beside a row of predictions.
  Index labels_in_row(Index predictions) const { return labels_ == Labels::same ? predictions : 1; }

  // Fills `value`, and `gradient` where it is not null; `kind` and `label_smoothing` of the arguments are the
  // function's own. May throw what a user's function throws.
  virtual void rows(const kernels::Ops<float>& ops, kernels::LossArgs<float> args) const = 0;
  virtual void rows(const kernels::Ops<double>& ops, kernels::LossArgs<double> args) const = 0;

 private:
  Labels labels_;
};

class BoundLoss : public RowFunction {
 public:
  struct Traits {
    LossFamily family = LossFamily::regression;
    bool from_logits = false;
    std::string name = {}, class_name = {};
    Reduction reduction = Reduction::mean;
    std::optional<Index> ignored_class = {};  // rows with this label do not count
  };
  BoundLoss(Labels labels, Traits traits) : RowFunction(labels), traits_(std::move(traits)) {}
  const Traits& traits() const { return traits_; }

 private:
  Traits traits_;
};

// How labels of this sample shape fit predictions of that one; no value if they do not. Where both readings are
// possible (one output), `same` wins.
bool labels_fit(Labels labels, const Shape& prediction, const Shape& truth);

// ShapeError, in words, where they do not. `who` is "loss 'mse'" or "metric 'accuracy'".
void require_labels_fit(const std::string& who, Labels labels, const Shape& prediction, const Shape& truth);

// How many predictions a row must have, and what they are; 0: any number.
struct PredictionsInRow {
  Index count = 0;
  const char* what = "";
};

// A loss that is one rule for all shapes, with Keras's configuration.
Loss fixed_loss(std::shared_ptr<const BoundLoss> rule, nlohmann::ordered_json config,
                const PredictionsInRow& predictions = {});

}  // namespace rondo::training

namespace rondo::detail {

class LossImpl {
 public:
  virtual ~LossImpl() = default;
  virtual const std::string& name() const = 0;        // "mean_squared_error"
  virtual std::string class_name() const = 0;         // "MeanSquaredError"
  virtual nlohmann::ordered_json config() const = 0;  // Keras's
  virtual training::Reduction reduction() const = 0;
  // Sample shapes of predictions and labels. ShapeError, in words, where they do not fit.
  virtual std::shared_ptr<const training::BoundLoss> bind(const Shape& prediction, const Shape& truth) const = 0;
};

}  // namespace rondo::detail
