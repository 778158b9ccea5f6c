// Weights of samples by their classes.
#pragma once

#include <optional>

#include <rondo/model.hpp>

#include "training/data.hpp"

namespace rondo::training {

// What the samples weigh: as given, or each as its class. ConfigError where both are given, for weights that are no
// numbers, and where the model has several outputs. `X` is for the shape of the output.
std::optional<Outputs> weights_of_samples(const ModelNode& node, const detail::Given& X, const detail::Given& y,
                                          const std::optional<Outputs>& sample_weight, const ClassWeight& class_weight);

}  // namespace rondo::training
