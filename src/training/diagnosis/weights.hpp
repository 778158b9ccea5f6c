// Which weights a training has not moved.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/plan.hpp"
#include "training/diagnosis/sentence.hpp"
#include "training/model_node.hpp"

namespace rondo::training {

// The largest absolute gradient of a block after a step.
double largest_gradient(const engine::GradientSlot& slot, const engine::Run& run);

// Remembers the weights that a plan learns, at one moment, by a number for each block: of all elements where they are
// few, of some where they are many.
class WeightWatch {
 public:
  WeightWatch() = default;
  explicit WeightWatch(const engine::Plan& plan);

  bool empty() const { return blocks_.empty(); }
  // The layers of a model none of whose weights has moved since, in so many steps, where that is certain: all elements
  // are remembered, or the gradients of the step before, which stand in the run, are zero.
  Findings layers_not_moved(const ModelNode& node, const engine::Plan& plan, const engine::Run& run, Index steps) const;

 private:
  std::vector<std::pair<std::shared_ptr<engine::ParameterBlock>, std::uint64_t>> blocks_;
};

}  // namespace rondo::training
