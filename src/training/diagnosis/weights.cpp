#include "training/diagnosis/weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "core/dispatch.hpp"

namespace rondo::training {

namespace {

using Word = std::uint64_t;
constexpr std::size_t kRemembered = 128;  // words of a block

// The last one may reach into the zeros behind a block.
std::size_t words_of(const engine::ParameterBlock& block) { return (block.bytes() + sizeof(Word) - 1) / sizeof(Word); }

// An odd step, so that blocks in panels of whole vectors are met in all lanes.
std::size_t step_of(const engine::ParameterBlock& block) {
  return words_of(block) <= kRemembered ? 1 : (words_of(block) / kRemembered) | 1;
}

Word number_of(const engine::ParameterBlock& block) {
  Word number = 0;
  for (std::size_t at = 0, step = step_of(block); at < words_of(block); at += step) {
    Word bits;
    std::memcpy(&bits, block.values<std::byte>() + at * sizeof(Word), sizeof(Word));
    number = (number ^ bits) * 0x9E3779B97F4A7C15U + 1;
  }
  return number;
}

}  // namespace

double largest_gradient(const engine::GradientSlot& slot, const engine::Run& run) {
  double largest = 0;
  core::with_type(slot.block->dtype(), [&]<class T>() {
    const T* gradient = slot.gradient.pointer<const T>(run);
    for (const Range& range : slot.ranges) {
      for (Index i = range.begin; i < range.end; ++i) largest = std::max<double>(largest, std::abs(gradient[i]));
    }
  });
  return largest;
}

WeightWatch::WeightWatch(const engine::Plan& plan) {
  blocks_.reserve(plan.gradient_slots().size());
  for (const engine::GradientSlot& slot : plan.gradient_slots())
    blocks_.emplace_back(slot.block, number_of(*slot.block));
}

Findings WeightWatch::layers_not_moved(const ModelNode& node, const engine::Plan& plan, const engine::Run& run,
                                       Index steps) const {
  // And their largest gradients.
  std::vector<std::pair<const engine::ParameterBlock*, double>> not_moved;
  for (const auto& [block, number] : blocks_) {
    if (number_of(*block) != number) continue;
    for (const engine::GradientSlot& slot : plan.gradient_slots()) {
      if (slot.block != block) continue;
      const double gradient = largest_gradient(slot, run);
      if (gradient == 0 || step_of(*block) == 1) not_moved.emplace_back(block.get(), gradient);
    }
  }
  Findings findings;
  if (not_moved.empty()) return findings;
  for (const auto& layer : node.layers()) {
    bool learns = false, has_moved = false;
    double gradient = 0;
    for (const engine::Parameter& p : layer->parameters()) {
      if (!p.block->trainable()) continue;
      learns = true;
      const auto found = std::find_if(not_moved.begin(), not_moved.end(),
                                      [&](const auto& entry) { return entry.first == p.block.get(); });
      if (found == not_moved.end()) {
        has_moved = true;
      } else {
        gradient = std::max(gradient, found->second);
      }
    }
    if (!learns || has_moved) continue;
    const std::string_view advice = gradient > 0
                                        ? "try a larger learning rate"
                                        : "try to scale X, which tanh and sigmoid may be too large for, or look "
                                          "for weights behind it that are 0";
    findings.push_back(finding(FindingKind::weights_not_moved,
                               Sentence() << "no weight of layer '" << layer->name() << "' has changed in " << steps
                                          << " steps: the largest gradient of the last one is " << gradient,
                               advice, layer->name())[0]);
  }
  return findings;
}

}  // namespace rondo::training
