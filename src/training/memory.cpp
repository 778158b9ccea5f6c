#include "training/memory.hpp"

#include <algorithm>
#include <set>

#include "core/sizes.hpp"
#include "training/data.hpp"
#include "training/fit.hpp"
#include "training/predict.hpp"

namespace rondo::training {

MemoryRequired memory_required(ModelNode& node, const Shape& X, const Shape& y, Index batch_size) {
  node.require_inputs(1);
  if (!X.fully_known()) {
    throw ShapeError(node.where() + ": memory_required needs every size of X, also the number of samples; got " +
                     to_string(X));
  }
  require_built(node);
  const std::vector<Shape> samples{node.adapt_input(0, X)};
  (void)Size(X.elements()).bytes(node.dtype(), "the data X " + to_string(X));  // there can be such data
  const bool training = !y.empty();
  if (training && node.output_names().size() > 1) {
    throw ShapeError(node.where() + " has several outputs; memory_required tells about fit for models of one");
  }
  if (training) require_samples(node, "", "X", X, "y", y);
  const Compiled* compiled = training ? &node.compiled("memory_required for fit") : nullptr;
  const Index capacity = std::clamp<Index>(X[0], 1, batch_size);
  const std::vector<Shape> truth = training ? std::vector<Shape>{y.from(1)} : std::vector<Shape>{};
  const auto program =
      node.program(training ? Mode::train : Mode::predict, {.capacity = capacity, .samples = samples, .truth = truth});

  MemoryRequired required;
  std::set<const engine::ParameterBlock*> blocks;
  for (const engine::Parameter& p : node.parameters()) {
    if (blocks.insert(p.block.get()).second) required.weights += p.block->bytes();
  }
  if (training) {
    for (const engine::GradientSlot& slot : program->plan->gradient_slots()) {
      required.optimizer += compiled->optimizer.bytes(*slot.block);
    }
    for (const engine::Parameter& p : node.parameters()) {
      if (p.block->trainable()) required.optimizer += compiled->optimizer.rule().parameter_rule_bytes(p);
    }
  }
  required.workspace = program->plan->workspace_bytes();
  return required;
}

}  // namespace rondo::training
