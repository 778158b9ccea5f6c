// What predictions say beside the labels.
#pragma once

#include <string>
#include <vector>

#include <rondo/tensor.hpp>

#include "training/diagnosis/sentence.hpp"

namespace rondo::training {

// Row by row, so many numbers in each; a class is a row with 1 at its place.
struct Compared {
  std::string what;  // "y", or "y['name']"
  std::vector<double> truth, predicted;
  std::size_t columns = 1;
  Index samples = 0;
};

// Sums of squares: of what truth and predictions differ from their columns' means, and from each other.
struct Squares {
  double truth = 0, predicted = 0, error = 0;

  explicit Squares(const Compared& compared);
  // How much of the truth's variance the predictions explain.
  double explained() const { return 1 - error / truth; }
};

// Labels far from the values of the activation that the output ends in: by a tenth of its range. `layer` makes it.
Findings targets_out_of_range(const Compared& compared, const std::string& activation, const std::string& layer);

// Predictions that spread by less than a fiftieth of what the labels do.
Findings constant_predictions(const Compared& compared);

// Predictions of one number a sample that are the last of several time steps (of a feature) of X, (samples, ...): five
// times nearer to it than the labels are.
Findings copied_input(const Compared& compared, const Tensor& X);

}  // namespace rondo::training
