// Sequential: layers in a row.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "core/access.hpp"
#include "core/fields.hpp"
#include "core/names.hpp"
#include "graph/input_node.hpp"
#include "training/model_node.hpp"

namespace rondo {

namespace training {

class SequentialNode final : public ModelNode {
 public:
  using LayerPtr = std::shared_ptr<graph::LayerNode>;

  explicit SequentialNode(const graph::LayerOptions& common) : ModelNode("Sequential", common) {}

  const Shape& declared(std::size_t) const override { return declared_input(); }
  std::vector<Symbol> input_symbols() const override {
    if (layers().empty()) throw StateError(where() + " has no layers; add some first");
    if (entry_ == nullptr || entry_->declared_input() != declared_input()) {
      entry_ = std::make_shared<graph::InputNode>(declared_input(), graph::LayerOptions{"", layers().front()->policy()},
                                                  batch_size_);
    }
    return {graph::input_symbol(entry_)};
  }

  // Those of a configuration: shapes are computed once, not once for each layer.
  void add_all(const std::vector<LayerPtr>& all) {
    std::set<std::string> names;
    for (const LayerPtr& layer : all) {
      if (layer->is_input()) {
        set_input(static_cast<const graph::InputNode&>(*layer));
        continue;
      }
      if (!names.insert(layer->name()).second) refuse_name(*layer);
      network_.append(layer);
    }
    if (layers().empty()) return;
    if (declared_input().empty()) declare_input(layers().front()->declared_input());
    if (!declared_input().empty()) build_line(declared_input());
    layers_changed();
  }

  void add(const LayerPtr& layer) {
    require_no_fit("add");
    if (layer.get() == this || layer->contains(*this)) {
      throw ConfigError(
          where() + " cannot be a layer of itself" +
          (layer.get() == this ? "" : ": it is a layer of " + layer->where() + " already, or of a layer of that"));
    }
    if (layer->is_input()) return set_input(static_cast<const graph::InputNode&>(*layer));
    for (const LayerPtr& other : layers()) {
      if (other != layer && other->name() == layer->name()) refuse_name(*layer);
      if (other == layer) throw ConfigError(where() + ": " + layer->where() + " is in the model already");
    }
    const Shape known = layers().empty() && declared_input().empty() ? layer->declared_input() : declared_input();
    network_.append(layer);
    try {
      if (!known.empty()) build_line(known);
    } catch (...) {
      network_.pop();
      throw;
    }
    if (!known.empty()) declare_input(known);
    layers_changed();
  }

  LayerPtr pop() {
    require_no_fit("pop");
    if (layers().empty()) throw StateError(where() + " has no layer to pop");
    LayerPtr last = layers().back();
    network_.pop();
    layers_changed();
    return last;
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    if (layers().empty()) throw StateError(where() + " has no layers; add some first");
    return network_.output_shapes({only_input(inputs)});
  }

  const char* keras_module() const override { return "keras"; }
  graph::Json config() const override {
    graph::Json layers = graph::Json::array();
    if (!declared_input().empty()) {
      layers.push_back(core::serialize("keras.layers", "InputLayer",
                                       {{"batch_shape", to_config(declared_input().prepend(batch_size_))},
                                        {"dtype", std::string(to_string(dtype()))},
                                        {"name", "input_layer"}}));
    }
    for (const LayerPtr& layer : this->layers()) layers.push_back(to_config(layer));
    graph::Json config = LayerNode::config();
    config["layers"] = layers;
    return config;
  }
  LayerPtr copy(const graph::Changes& changes) const override {
    const auto copy = std::make_shared<SequentialNode>(options_for_copy(changes));
    if (!declared_input().empty()) copy->set_input(declared_input(), batch_size_);
    std::vector<LayerPtr> copies;
    for (const LayerPtr& layer : layers()) copies.push_back(layer->copy());
    copy->add_all(copies);
    return copy;
  }

 protected:
  void create_parameters(const std::vector<Shape>& inputs) override {
    build_line(inputs.front());
    declare_input(any_time(inputs.front()));
  }

 private:
  [[noreturn]] void refuse_name(const LayerNode& layer) const {
    throw ConfigError(where() + ": the name '" + layer.name() + "' is taken; names of layers must be unique");
  }

  // The shape with an unknown number of time steps, where the layers take that.
  Shape any_time(const Shape& sample) const {
    if (sample.rank() < 2) return sample;
    const Shape open = sample.with(0, Shape::kUnknown);
    try {
      (void)network_.shapes({open});
      return open;
    } catch (const ShapeError&) {
      return sample;
    }
  }

  void set_input(const graph::InputNode& input) { set_input(input.declared_input(), input.batch_size()); }
  void set_input(const Shape& sample, Index batch_size) {
    if (!declared_input().empty()) {
      throw ConfigError(where() + " has already been configured to use input shape " +
                        graph::batch_text(declared_input()));
    }
    if (!layers().empty()) throw ConfigError(where() + ": an Input must come before all layers");
    declare_input(sample);
    batch_size_ = batch_size;
  }

  void build_line(const Shape& input) {
    (void)dtype();  // one for all layers
    network_.build({input});
    if (!layers().empty()) mark_built();
  }

  mutable LayerPtr entry_;              // for input_symbols
  Index batch_size_ = Shape::kUnknown;  // for files
};

std::shared_ptr<ModelNode> make_sequential(const graph::LayerOptions& common,
                                           const std::vector<std::shared_ptr<graph::LayerNode>>& layers) {
  auto model = std::make_shared<SequentialNode>(common);
  model->add_all(layers);
  return model;
}

}  // namespace training

namespace {

training::SequentialNode& node_of(const Layer& layer) { return static_cast<training::SequentialNode&>(*layer.node()); }

}  // namespace

Sequential::Sequential(const SequentialOptions& options)
    : Model(graph::make_layer<training::SequentialNode>(graph::LayerOptions{options.name, {}})) {}

Sequential::Sequential(std::initializer_list<Layer> layers, const SequentialOptions& options) : Sequential(options) {
  for (const Layer& layer : layers) add(layer);
}

void Sequential::add(const Layer& layer) const { node_of(*this).add(layer.node()); }

Layer Sequential::pop() const { return detail::Access::make<Layer>(node_of(*this).pop()); }

void clear_session() { reset_unique_names(); }

}  // namespace rondo
