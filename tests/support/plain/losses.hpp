// Keras's losses: a value for each row of predictions, and the gradient of the batch's loss, their mean.
#pragma once

#include <string>

#include "support/plain/array.hpp"

namespace plain {

struct Loss {
  std::string name = "mean_squared_error";  // Keras's function name
  bool from_logits = false;                 // of the crossentropies
  double label_smoothing = 0;               // of the binary and the categorical one
};

// prediction (rows, features); truth (rows, features), or class numbers (rows) for sparse_categorical_crossentropy. The
// rows are samples, or samples and time steps. std::invalid_argument for a name that is not known.
Array loss_of_rows(const Loss& loss, const Array& truth, const Array& prediction, Size features);
double loss_of_batch(const Loss& loss, const Array& truth, const Array& prediction, Size features);
// By each prediction: (rows, features).
Array loss_gradient(const Loss& loss, const Array& truth, const Array& prediction, Size features);

}  // namespace plain
