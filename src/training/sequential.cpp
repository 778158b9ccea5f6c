// Sequential: layers in a row.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/access.hpp"
#include "core/names.hpp"
#include "training/model_node.hpp"

namespace rondo {

namespace training {

class SequentialNode final : public ModelNode {
 public:
  using LayerPtr = std::shared_ptr<graph::LayerNode>;

  explicit SequentialNode(const std::string& name) : ModelNode("Sequential", name) {}

  const std::vector<LayerPtr>& layers() const override { return layers_; }

  void add(const LayerPtr& layer) {
    require_no_fit("add");
    const auto* model = dynamic_cast<const ModelNode*>(layer.get());
    if (layer.get() == this || (model != nullptr && model->contains(*this))) {
      throw ConfigError(
          where() + " cannot be a layer of itself" +
          (layer.get() == this ? "" : ": it is a layer of " + layer->where() + " already, or of a layer of that"));
    }
    if (layer->class_name() == "InputLayer") return set_input(layer->declared_input());
    for (const LayerPtr& other : layers_) {
      if (other != layer && other->name() == layer->name()) {
        throw ConfigError(where() + ": the name '" + layer->name() + "' is taken; names of layers must be unique");
      }
      if (other == layer) throw ConfigError(where() + ": " + layer->where() + " is in the model already");
    }
    const Shape known = layers_.empty() && declared_input().empty() ? layer->declared_input() : declared_input();
    layers_.push_back(layer);
    try {
      if (!known.empty()) build_chain(known);
    } catch (...) {
      layers_.pop_back();
      throw;
    }
    if (!known.empty()) declare_input(known);
    forget_programs();
  }

  LayerPtr pop() {
    require_no_fit("pop");
    if (layers_.empty()) throw StateError(where() + " has no layer to pop");
    LayerPtr last = layers_.back();
    layers_.pop_back();
    forget_programs();
    return last;
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    if (layers_.empty()) throw StateError(where() + " has no layers; add some first");
    Shape shape = only_input(inputs);
    for (std::size_t i = 0; i < layers_.size(); ++i) shape = shape_after(i, shape);
    return {shape};
  }

  Shape sample_output(const Shape& sample) const override { return output_shapes({sample}).front(); }

  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    std::vector<engine::Value> values = inputs;
    for (const LayerPtr& layer : layers_) values = layer->plan(builder, values);
    return values;
  }

  graph::Json config() const override {
    graph::Json layers = graph::Json::array();
    if (!declared_input().empty()) {
      graph::Json batch_shape = graph::Json::array({nullptr});
      for (const Index d : declared_input()) {
        batch_shape.push_back(d == Shape::kUnknown ? graph::Json(nullptr) : graph::Json(d));
      }
      layers.push_back({{"class_name", "InputLayer"},
                        {"config", {{"batch_shape", batch_shape}, {"dtype", std::string(to_string(dtype()))}}}});
    }
    for (const LayerPtr& layer : layers_) {
      layers.push_back({{"class_name", layer->class_name()}, {"config", layer->config()}});
    }
    graph::Json config = LayerNode::config();
    config["layers"] = layers;
    return config;
  }

 protected:
  void create_parameters(const std::vector<Shape>& inputs) override {
    build_chain(inputs.front());
    declare_input(inputs.front().rank() > 1 ? inputs.front().with(0, Shape::kUnknown) : inputs.front());
  }

 private:
  void set_input(const Shape& sample) {
    if (!declared_input().empty()) {
      throw ConfigError(where() + " has already been configured to use input shape " +
                        graph::batch_text(declared_input()));
    }
    if (!layers_.empty()) throw ConfigError(where() + ": an Input must come before all layers");
    declare_input(sample);
  }

  // The shape behind layer i, with a hint where the layer before it is the cause of a misfit.
  Shape shape_after(std::size_t i, const Shape& input) const {
    try {
      const std::vector<Shape> outputs =
          i == 0 ? layers_[i]->output_shapes_for_data({input}) : layers_[i]->output_shapes({input});
      if (outputs.size() == 1) return outputs.front();
      throw ShapeError(layers_[i]->where() + " returns " + std::to_string(outputs.size()) +
                       " tensors (return_state); a Sequential model takes layers with one output");
    } catch (const ShapeError& error) {
      const std::string hint = i > 0 ? layers_[i - 1]->output_hint() : "";
      if (hint.empty() || !takes_steps(i, input)) throw;
      throw ShapeError(std::string(error.what()) + ". The layer before it, '" + layers_[i - 1]->name() + "', " + hint);
    }
  }

  // Whether layer i would take a time step after the other of what it does not take alone: then its predecessor's hint
  // helps.
  bool takes_steps(std::size_t i, const Shape& step) const {
    try {
      (void)layers_[i]->output_shapes({step.prepend(Shape::kUnknown)});
      return true;
    } catch (const ShapeError&) {
      return false;
    }
  }

  void build_chain(Shape shape) {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Shape after = shape_after(i, shape);
      layers_[i]->build({shape});
      shape = after;
    }
    if (!layers_.empty()) mark_built();
  }

  std::vector<LayerPtr> layers_;
};

}  // namespace training

namespace {

training::SequentialNode& node_of(const Layer& layer) { return static_cast<training::SequentialNode&>(*layer.node()); }

}  // namespace

Sequential::Sequential(const SequentialOptions& options)
    : Model(graph::make_layer<training::SequentialNode>(options.name)) {}

Sequential::Sequential(std::initializer_list<Layer> layers, const SequentialOptions& options) : Sequential(options) {
  for (const Layer& layer : layers) add(layer);
}

void Sequential::add(const Layer& layer) const { node_of(*this).add(layer.node()); }

Layer Sequential::pop() const { return detail::Access::make<Layer>(node_of(*this).pop()); }

void clear_session() { reset_unique_names(); }

}  // namespace rondo
