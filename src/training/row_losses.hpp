// Keras's losses of one row as functions of doubles, with their derivatives; formulas in <rondo/losses.hpp>.
#pragma once

#include <vector>

#include <rondo/extend.hpp>

namespace rondo::training {

LossFunction mean_absolute_percentage_error();
LossFunction mean_squared_logarithmic_error();
LossFunction huber(double delta);
LossFunction log_cosh();
LossFunction poisson();
LossFunction kl_divergence();
LossFunction cosine_similarity();
LossFunction categorical_hinge();
// Of labels -1 and 1. Keras takes 0 and 1 for these where a batch has no others.
LossFunction hinge();
LossFunction squared_hinge();

struct FocalRule {
  double alpha, gamma;
  bool from_logits;
  double label_smoothing;
  bool balances_classes = false;  // of binary ones: alpha counts
};
LossFunction binary_focal_crossentropy(const FocalRule& rule);
LossFunction categorical_focal_crossentropy(const FocalRule& rule);
// Of one label, a class number.
LossFunction categorical_generalized_cross_entropy(double q);

// Of one label for each prediction and a single quantile, or of one label and as many predictions as quantiles.
LossFunction quantile(std::vector<double> quantiles);

// Minus the logarithm of a density at one label, of a row of its parameters: location and scale; and degrees of
// freedom.
LossFunction gaussian_likelihood();
LossFunction student_t_likelihood();

// The mean absolute error by a scale.
LossFunction mean_absolute_scaled_error(double scale);

}  // namespace rondo::training
