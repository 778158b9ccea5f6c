// Losses that look at more than a row: at all rows of a batch, or at all steps of a sample. Formulas are in
// <rondo/losses.hpp>.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include <rondo/extend.hpp>

#include "training/losses.hpp"

namespace rondo::training {

// Labels and predictions of a batch as doubles, sample after sample, row after row.
struct LossBatch {
  Index samples = 0, steps = 1;  // rows of a sample
  Index features = 1;            // predictions in a row
  Index labels = 1;              // in a row; of a sample where they are a sequence
  std::span<const double> truth, prediction;

  Index rows() const { return samples * steps; }
  Row row(Index number) const { return part(prediction, number, features); }
  Row labels_of(Index number) const { return part(truth, number, labels); }

 private:
  static Row part(std::span<const double> all, Index number, Index size) {
    return all.subspan(static_cast<std::size_t>(number * size), static_cast<std::size_t>(size));
  }
};

// What such a loss has a value of.
enum class Per { row, sample, batch };

class BatchLoss : public BoundLoss {
 public:
  BatchLoss(Labels labels, Traits traits, Per per) : BoundLoss(labels, std::move(traits)), per_(per) {}
  Per per() const { return per_; }
  // Whether values that are 0 do not count in a mean.
  virtual bool leaves_zeros_out() const { return false; }

  // One for each row, sample or batch.
  virtual void values(const LossBatch& batch, std::span<double> values) const = 0;
  // Adds the derivatives of the sum of values times weights by the predictions.
  virtual void add_gradient(const LossBatch& batch, std::span<const double> weights,
                            std::span<double> gradient) const = 0;

  // Not of a row by itself.
  void rows(const kernels::Ops<float>& ops, kernels::LossArgs<float> args) const final;
  void rows(const kernels::Ops<double>& ops, kernels::LossArgs<double> args) const final;

 private:
  Per per_;
};

// `row` is hinge() or squared_hinge().
std::shared_ptr<const BoundLoss> hinge_loss(BoundLoss::Traits traits, LossFunction row);

// per: batch, or sample.
std::shared_ptr<const BoundLoss> dice_loss(BoundLoss::Traits traits, Per per);
std::shared_ptr<const BoundLoss> tversky_loss(BoundLoss::Traits traits, Per per, double alpha, double beta);

struct CircleRule {
  double gamma, margin;
  bool remove_diagonal;
};
std::shared_ptr<const BoundLoss> circle_loss(BoundLoss::Traits traits, const CircleRule& rule);

std::shared_ptr<const BoundLoss> ctc_loss(BoundLoss::Traits traits);

}  // namespace rondo::training
