// What the course of a training's losses says.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "training/diagnosis/sentence.hpp"

namespace rondo::training {

// What is known beside the curves.
struct Course {
  std::span<const double> loss, val_loss;           // of each epoch, and of each that was validated
  std::vector<Index> epochs = {}, val_epochs = {};  // their numbers
  double learning_rate = 0;                         // at the end
  // How much of y's variance the predictions explain, 1 for all of it; where that was measured. Below 0: less than y's
  // mean would.
  std::optional<double> explained = {};
  bool stopped = false;  // by somebody who watched, before the last epoch
};

// The first epoch whose loss, or whose validation's, is infinite or NaN.
Findings not_finite_loss(const Course& course);

// The loss ends half above where it began, or has stopped where the predictions are worse than y's mean, or goes up by
// a fifth again and again without getting lower.
Findings learning_rate_too_large(const Course& course);

// The loss falls from epoch to epoch, as fast at the end as at the beginning, and by less than a tenth in all, while
// less than half of y is explained.
Findings learning_rate_too_small(const Course& course);

// Less than a tenth of y is explained, and neither loss falls any more; or less than half, and the loss still falls by
// a tenth in the last fifth of the epochs.
Findings underfitting(const Course& course);

// val_loss ends a quarter above its lowest, for good, while the loss has fallen on by a tenth.
Findings overfitting(const Course& course);

}  // namespace rondo::training
