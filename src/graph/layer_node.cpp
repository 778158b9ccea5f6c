#include "graph/layer_node.hpp"

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/fields.hpp"
#include "core/names.hpp"
#include "core/standard_floats.hpp"
#include "graph/loading.hpp"

namespace rondo::graph {

LayerNode::LayerNode(std::string class_name, const LayerOptions& options, std::uint32_t number)
    : class_name_(std::move(class_name)),
      name_(options.name.empty() ? unique_name(class_name_) : options.name),
      policy_(options.dtype.value_or(dtype_policy())),
      trainable_(options.trainable),
      masks_go_on_(options.masks_go_on),
      seed_(random_seed()),
      number_(number) {
  Loading::step();
  if (name_.find('/') != std::string::npos) {
    throw ConfigError(where() + ": a name must not contain '/', which separates the parts of a weight's path");
  }
}

void LayerNode::declare_input(const Shape& sample) {
  require_sizes("input_shape is", sample, sample);
  declared_input_ = sample;
}

void LayerNode::require_sizes(const char* what, const Shape& given, const Shape& sample) const {
  for (Index axis = 0; axis < sample.rank(); ++axis) {
    const Index size = sample[axis];
    if (size >= 1 || size == Shape::kUnknown) continue;
    const std::string begin = where() + ": " + what + " " + to_string(given);
    if (size < 0) {
      throw ShapeError(begin + ", with an axis of size " + std::to_string(size) +
                       "; sizes are 1 or more, or Shape::kUnknown (-1)");
    }
    std::string missing = "elements";
    if (axis + 1 == sample.rank()) missing = "features";
    if (axis == 0 && sample.rank() == 2) missing = "time steps";
    throw ShapeError(begin + ", which has no " + missing + " (an axis of size 0)");
  }
}

std::string LayerNode::where() const { return "layer '" + name_ + "' (" + class_name_ + ")"; }

std::vector<Shape> LayerNode::output_shapes_for_data(const std::vector<Shape>& inputs) const {
  try {
    return output_shapes(inputs);
  } catch (const ShapeError& error) {
    const std::string hint = inputs.empty() ? "" : input_hint(inputs.front());
    if (hint.empty()) throw;
    throw ShapeError(error.what() + (". " + hint));
  }
}

namespace {

// Whether a layer would take a time step after the other of what it does not take alone: then it helps to know what
// the layer before it does.
bool takes_steps(const LayerNode& layer, std::vector<Shape> inputs) {
  inputs.front() = inputs.front().prepend(Shape::kUnknown);
  try {
    (void)layer.output_shapes(inputs);
    return true;
  } catch (const ShapeError&) {
    return false;
  }
}

}  // namespace

std::vector<Shape> LayerNode::output_shapes_behind(const LayerNode* before, const std::vector<Shape>& inputs) const {
  if (before == nullptr) return output_shapes_for_data(inputs);
  try {
    return output_shapes(inputs);
  } catch (const ShapeError& error) {
    const std::string hint = before->output_hint();
    if (hint.empty() || !takes_steps(*this, inputs)) throw;
    throw ShapeError(std::string(error.what()) + ". The layer before it, '" + before->name() + "', " + hint);
  }
}

void LayerNode::build(const std::vector<Shape>& inputs) {
  if (built_) return;
  create_parameters(inputs);
  built_ = true;
  if (!trainable_) set_trainable(false);  // also what is inside
}

Json LayerNode::config() const { return core::config_of(LayerOptions{name_, policy_, trainable_}); }

void LayerNode::mark_changed() {
  static constinit std::atomic<std::uint64_t> changes{0};
  changed_ = changes.fetch_add(1, std::memory_order_relaxed) + 1;
}

void LayerNode::set_trainable(bool trainable) {
  if (trainable != trainable_) mark_changed();
  trainable_ = trainable;
  for (engine::Parameter& p : parameters_) p.block->set_trainable(trainable);
  for (const auto& child : children()) child->set_trainable(trainable);
}

std::vector<engine::Parameter> LayerNode::parameters() const {
  std::vector<engine::Parameter> all = parameters_;
  for (const auto& child : children()) {
    for (engine::Parameter& p : child->parameters()) {
      // A layer may be inside several that are inside this one.
      const bool known = std::any_of(all.begin(), all.end(), [&](const engine::Parameter& other) {
        return other.block == p.block && other.name() == p.name();
      });
      if (known) continue;
      p.path = path_to(*child) + p.path;
      all.push_back(std::move(p));
    }
  }
  return all;
}

bool LayerNode::contains(const LayerNode& layer) const {
  const auto inside = children();
  return std::any_of(inside.begin(), inside.end(),
                     [&](const auto& child) { return child.get() == &layer || child->contains(layer); });
}

std::uint64_t LayerNode::structure() const {
  std::uint64_t last = changed_;
  for (const auto& child : children()) last = std::max(last, child->structure());
  return last;
}

std::uint64_t LayerNode::weights_version() const {
  std::uint64_t sum = 0;
  for (const engine::Parameter& p : parameters_) sum += p.block->version();
  for (const auto& child : children()) sum += child->weights_version();
  return sum;
}

bool LayerNode::stateful() const {
  const auto inside = children();
  return std::any_of(inside.begin(), inside.end(), [](const auto& child) { return child->stateful(); });
}

void LayerNode::reset_states() const {
  for (const auto& child : children()) child->reset_states();
}

std::shared_ptr<engine::ParameterBlock> LayerNode::make_block(Index size, const kernels::KernelTable& table,
                                                              engine::Role role) const {
  Loading::take(static_cast<std::size_t>(size) * element_size(dtype()), where());
  return std::make_shared<engine::ParameterBlock>(dtype(), size, table, "the weights of " + where(), role);
}

void LayerNode::add_parameter(const std::string& path, Shape shape, std::shared_ptr<engine::ParameterBlock> block,
                              engine::PackedMap map, const Initializer& initializer, engine::WeightRules rules) {
  const StandardFloats floats;
  const RandomStream stream(seed_, Purpose::initializer, number_, static_cast<std::uint32_t>(parameters_.size()));
  engine::Parameter parameter{name_ + "/" + path, std::move(shape), std::move(block), std::move(map), std::move(rules)};
  if (Loading::draws_weights()) parameter.set(initializer(parameter.shape, dtype(), stream));
  parameters_.push_back(std::move(parameter));
}

const Shape& LayerNode::only_input(const std::vector<Shape>& inputs) const {
  if (inputs.size() != 1) {
    throw ShapeError(where() + " takes one input, " + std::to_string(inputs.size()) + " were given");
  }
  return inputs.front();
}

std::string batch_text(const Shape& sample) { return to_string(sample.prepend(Shape::kUnknown)); }

Json to_config(const std::shared_ptr<LayerNode>& layer) {
  return core::serialize(layer->keras_module(), layer->class_name(), layer->config());
}

}  // namespace rondo::graph
