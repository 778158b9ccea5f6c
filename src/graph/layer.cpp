// The public Layer handle.
#include <nlohmann/json.hpp>

#include <rondo/layer.hpp>

#include "core/names.hpp"
#include "engine/single_walk.hpp"
#include "graph/symbol.hpp"

namespace rondo {

namespace {

using engine::Parameter;

std::vector<Parameter> built_parameters(const graph::LayerNode& node) {
  if (!node.built()) {
    throw StateError(node.where() +
                     " has no weights yet: they come with the first input shape. Give the first layer "
                     ".input_shape = {...}, or call build({Shape::kUnknown, ...}) or fit first");
  }
  return node.parameters();
}

// Whether `path` ends with `end` at a '/'.
bool ends_with_part(std::string_view path, std::string_view end) {
  if (!path.ends_with(end)) return false;
  return path.size() == end.size() || path[path.size() - end.size() - 1] == '/';
}

Parameter find_parameter(const graph::LayerNode& node, std::string_view end) {
  const std::vector<Parameter> all = built_parameters(node);
  const Parameter* found = nullptr;
  std::vector<std::string> paths;
  int matches = 0;
  for (const Parameter& p : all) {
    paths.push_back(p.path);
    if (!ends_with_part(p.path, end)) continue;
    found = &p;
    ++matches;
  }
  if (matches == 1) return *found;
  throw ConfigError(node.where() + ": " + std::to_string(matches) + " weights end in '" + std::string(end) +
                    "'. Its weights are " + quoted_list(paths));
}

Shape sample_of(const graph::LayerNode& node, const Shape& batch) {
  if (batch.rank() < 1) throw ShapeError(node.where() + ": a shape needs its batch axis, for example (None, 5, 2)");
  node.require_sizes("the input has shape", batch, batch.from(1));
  return batch.from(1);
}

}  // namespace

const std::string& Layer::name() const { return node_->name(); }
std::string Layer::class_name() const { return node_->class_name(); }
DType Layer::dtype() const { return node_->dtype(); }
bool Layer::built() const { return node_->built(); }

void Layer::build(const Shape& input_shape) const {
  const std::vector<Shape> inputs{sample_of(*node_, input_shape)};
  (void)node_->output_shapes_for_data(inputs);
  node_->build(inputs);
}

Shape Layer::compute_output_shape(const Shape& input_shape) const {
  return node_->output_shapes({sample_of(*node_, input_shape)}).front().prepend(input_shape[0]);
}

bool Layer::trainable() const { return node_->trainable(); }
void Layer::set_trainable(bool trainable) const { node_->set_trainable(trainable); }

std::vector<WeightInfo> Layer::weights() const {
  std::vector<WeightInfo> infos;
  for (const Parameter& p : built_parameters(*node_)) {
    infos.push_back({p.path, p.name(), p.shape, p.block->trainable()});
  }
  return infos;
}

std::vector<Tensor> Layer::get_weights() const {
  std::vector<Tensor> values;
  for (const Parameter& p : built_parameters(*node_)) values.push_back(p.get());
  return values;
}

void Layer::set_weights(const std::vector<Tensor>& values) const {
  const std::vector<Parameter> all = built_parameters(*node_);
  if (values.size() != all.size()) {
    throw ShapeError(node_->where() + ": set_weights got " + std::to_string(values.size()) +
                     " tensors, the layer has " + std::to_string(all.size()) + " weights");
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (values[i].shape() != all[i].shape) {
      throw ShapeError(node_->where() + ": set_weights got shape " + to_string(values[i].shape()) + " for weight '" +
                       all[i].path + "', which has shape " + to_string(all[i].shape));
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) all[i].set(values[i]);
}

Tensor Layer::get_weight(std::string_view path) const { return find_parameter(*node_, path).get(); }

void Layer::set_weight(std::string_view path, const Tensor& value) const { find_parameter(*node_, path).set(value); }

Index Layer::count_params() const {
  Index count = 0;
  for (const Parameter& p : built_parameters(*node_)) count += p.shape.elements();
  return count;
}

std::string Layer::get_config() const { return node_->config().dump(); }

void Layer::reset_states() const { node_->reset_states(); }

Symbols Layer::call(const std::vector<Symbol>& inputs, const CallOptions& options) const {
  if (!options.initial_state.empty() && !node_->takes_initial_state()) {
    throw ConfigError(node_->where() + " is not recurrent: it takes no initial_state");
  }
  if (options.training.value_or(false)) {
    throw ConfigError(node_->where() +
                      ": a call with training = true, which asks for dropout in predict too, is not supported; leave "
                      "it out: in fit, layers behave as in training anyway");
  }
  std::vector<Symbol> all = inputs;
  all.insert(all.end(), options.initial_state.begin(), options.initial_state.end());
  return graph::call(node_, all, {.as_in_training = !options.training});
}

std::vector<Tensor> Layer::operator()(const Tensor& x) const { return (*this)(std::vector<Tensor>{x}); }

std::vector<Tensor> Layer::operator()(const std::vector<Tensor>& inputs) const {
  if (inputs.empty()) throw ShapeError(node_->where() + ": no input was given");
  std::vector<Shape> samples;
  for (const Tensor& x : inputs) {
    samples.push_back(sample_of(*node_, x.shape()));
    if (x.shape()[0] != inputs[0].shape()[0]) {
      throw ShapeError(node_->where() + ": inputs differ in their number of rows, " + to_string(x.shape()) + " and " +
                       to_string(inputs[0].shape()));
    }
  }
  (void)node_->output_shapes_for_data(samples);
  node_->build(samples);

  const Index rows = inputs[0].shape()[0];
  engine::PlanBuilder builder(dtype(), std::max<Index>(1, rows), engine::Use::inference);
  std::vector<engine::Value> values;
  for (const Shape& sample : samples) values.push_back(builder.input(sample));
  for (const engine::Value v : node_->plan(builder, values)) builder.output(v);
  std::vector<const Tensor*> given;
  for (const Tensor& x : inputs) given.push_back(&x);
  const engine::SingleWalk walk(builder.finish(), given, rows);

  std::vector<Tensor> outputs;
  for (const engine::Value v : walk.plan().outputs()) outputs.push_back(walk.read(v));
  return outputs;
}

}  // namespace rondo
