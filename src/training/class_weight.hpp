// Weights of samples by their classes.
#pragma once

#include <optional>

#include <rondo/model.hpp>

#include "training/data.hpp"

namespace rondo::training {

// What the samples weigh: as given, or each as its class. Looks at what is given, and keeps what it computes.
class SampleWeights {
 public:
  // ConfigError where both are given, for weights that are no numbers, and where the model has several outputs. `X` is
  // for the shape of the output.
  SampleWeights(const ModelNode& node, const detail::Given& X, const detail::Given& y,
                const std::optional<Outputs>& sample_weight, const ClassWeight& class_weight);
  SampleWeights(const SampleWeights&) = delete;
  SampleWeights& operator=(const SampleWeights&) = delete;

  const std::optional<Outputs>& get() const { return of_classes_ ? of_classes_ : given_; }

 private:
  const std::optional<Outputs>& given_;
  std::optional<Outputs> of_classes_;
};

}  // namespace rondo::training
