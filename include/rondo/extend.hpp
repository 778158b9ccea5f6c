// Losses, metrics and layers (custom_layer.hpp) of your own, with the same rights as Rondo's. A cell of your own for
// RNN is a Model of {x, states} to {y, new states}.
//
//   // Quantile regression: q times how far a label lies above its prediction, or 1 - q times how far below.
//   Loss quantile(double q) {
//     return custom_loss("quantile", [q](Row truth, Row prediction, GradientRow gradient) {
//       double sum = 0;
//       const auto n = static_cast<double>(truth.size());
//       for (std::size_t i = 0; i < truth.size(); ++i) {
//         const double e = truth[i] - prediction[i];
//         sum += e > 0 ? q * e : (q - 1) * e;
//         if (!gradient.empty()) gradient[i] = (e > 0 ? -q : 1 - q) / n;
//       }
//       return sum / n;
//     });
//   }
//   model.compile({.loss = quantile(0.9)});
#pragma once

#include <functional>
#include <span>
#include <string>

#include <rondo/custom_layer.hpp>
#include <rondo/losses.hpp>
#include <rondo/metrics.hpp>

namespace rondo {

// The numbers of one row: the last axis of labels or predictions, of one sample or time step.
using Row = std::span<const double>;
using GradientRow = std::span<double>;

// The loss of a row; also its derivative by each prediction, into `gradient`, unless that is empty (in evaluation). It
// begins with zeros.
//
// Called by several threads at once, for rows in any order: it must depend on its arguments alone. In a float32 model
// the numbers are float32's, as doubles. What it throws ends the step and comes out of fit or evaluate; the weights are
// those before the batch, and the model can be used further.
using LossFunction = std::function<double(Row truth, Row prediction, GradientRow gradient)>;

struct CustomLossOptions {
  // One label for a row of any number of predictions, as for several quantiles of one quantity; else one for each.
  bool one_label = false;
};

// A loss for compile; `name` is for messages. Masks, sample weights and the mean over rows are Rondo's business.
// ConfigError for an empty name or function.
Loss custom_loss(const std::string& name, LossFunction function, const CustomLossOptions& options = {});

// A row's value, of which the mean over all rows is logged as `name`. Otherwise as LossFunction.
using MetricFunction = std::function<double(Row truth, Row prediction)>;

Metric custom_metric(const std::string& name, MetricFunction function, const CustomLossOptions& options = {});

}  // namespace rondo
