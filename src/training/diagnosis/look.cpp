#include "training/diagnosis/look.hpp"

#include <algorithm>
#include <cmath>

#include "engine/single_walk.hpp"

namespace rondo::training {

namespace {

Look::Layer describe(const graph::LayerNode& layer, const Tensor& output) {
  const std::vector<double> values = output.to_vector();
  Look::Layer seen{.node = &layer, .units = output.shape().back()};
  seen.is_finite = std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
  const auto units = static_cast<std::size_t>(seen.units);
  for (std::size_t u = 0; u < units; ++u) {
    std::size_t i = u;
    while (i < values.size() && values[i] == 0) i += units;
    seen.silent += i >= values.size() ? 1 : 0;
  }
  return seen;
}

}  // namespace

Look look_into(const ModelNode& node, const Samples& samples) {
  engine::PlanBuilder builder(node.dtype(), samples.rows, engine::Use::inference);
  std::vector<engine::Value> inputs;
  for (std::size_t i = 0; i < samples.X.size(); ++i) {
    inputs.push_back(builder.input(node.adapt_input(i, samples.X[i]->shape())));
  }
  std::vector<engine::Value> made;
  for (const engine::Value v : node.network().plan(builder, inputs, &made)) builder.output(v);
  const engine::SingleWalk walk(builder.finish(), samples.X, samples.rows, samples.order, samples.first);

  Look look;
  for (std::size_t i = 0; i < made.size(); ++i) {
    look.layers.push_back(describe(*node.network().calls()[i].layer, walk.read(made[i])));
  }
  for (const engine::Value v : walk.plan().outputs()) {
    look.outputs.push_back({walk.read(v), static_cast<bool>(walk.plan().info(v).mask)});
  }
  return look;
}

Findings dead_units(const std::string& layer, Index units, Index silent, Index samples) {
  const bool nearly_all = units >= 8 && 10 * silent >= 9 * units;
  if (silent == 0 || (silent < units && !nearly_all)) return {};
  return finding(FindingKind::dead_units,
                 Sentence() << silent << " of " << units << " units of layer '" << layer << "' (relu) are 0 for all of "
                            << samples << " samples",
                 "try a smaller learning rate, or leaky_relu", layer);
}

}  // namespace rondo::training
