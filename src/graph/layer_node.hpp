// LayerNode: what every layer and model is, behind the public handle.
//
// A node says what it is (class, name, configuration), which shapes it takes and gives, which parameters it has, and
// how to take part in a plan. It holds no buffers; of a run's state only what a stateful layer carries from batch to
// batch. Shapes here are those of one sample, without the batch axis; the time axis may be unknown until a plan is
// made.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <rondo/dtype_policy.hpp>
#include <rondo/initializers.hpp>
#include <rondo/keras_compat.hpp>
#include <rondo/layer.hpp>

#include "core/access.hpp"
#include "core/layer_numbers.hpp"
#include "engine/builder.hpp"
#include "engine/parameter.hpp"

namespace rondo::graph {

using Json = nlohmann::ordered_json;

// What all layers have in common. An empty name asks for an automatic one.
struct LayerOptions {
  std::string name;
  std::optional<DTypePolicy> dtype;
  bool trainable = true;
  bool masks_go_on = detail::keras_defaults().masks_go_on;
};

template <class Visitor>
void fields(Visitor& v, LayerOptions& o) {
  v("name", o.name);
  v("trainable", o.trainable);
  v("dtype", o.dtype);
}

// How a recurrent layer walks a sequence, and what it returns.
struct Recurrence {
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false;
  bool zero_output_for_mask = false;
};

// What a copy of a layer has otherwise than the layer itself.
struct Changes {
  std::optional<std::string> name = {};
  std::optional<Recurrence> recurrence = {};  // of a recurrent layer
};

class LayerNode {
 public:
  LayerNode(std::string class_name, const LayerOptions& options, std::uint32_t number = next_layer_number());
  virtual ~LayerNode() = default;
  LayerNode(const LayerNode&) = delete;
  LayerNode& operator=(const LayerNode&) = delete;

  const std::string& class_name() const { return class_name_; }
  const std::string& name() const { return name_; }
  // Its place among the layers (or models) made since the last set_random_seed.
  std::uint32_t number() const { return number_; }
  // The dtype of its weights, inputs and outputs.
  virtual DType dtype() const { return policy_.variable_dtype(); }
  const DTypePolicy& policy() const { return policy_; }
  // "layer 'lstm' (LSTM)", for messages.
  virtual std::string where() const;

  // The sample shapes that come out for those that go in. ShapeError, in words, where they do not fit.
  virtual std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const = 0;
  // The same for data of a user's, whose ShapeError says how to reshape them (input_hint).
  std::vector<Shape> output_shapes_for_data(const std::vector<Shape>& inputs) const;
  // The same for the outputs of the layer before it (null: data), whose ShapeError says what that layer does where it
  // is the cause (output_hint).
  std::vector<Shape> output_shapes_behind(const LayerNode* before, const std::vector<Shape>& inputs) const;
  // Creates the parameters; nothing happens if they exist. The shapes were accepted by output_shapes.
  void build(const std::vector<Shape>& inputs);
  bool built() const { return built_; }

  // Adds this layer's values and executors to a plan and returns its outputs.
  virtual std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                          const std::vector<engine::Value>& inputs) const = 0;

  // Keras's configuration; subclasses append their keys to the common ones.
  virtual Json config() const;
  // Where in Keras the class is.
  virtual const char* keras_module() const { return "keras.layers"; }
  // A layer of the same options, with weights of its own; so are the layers inside it.
  virtual std::shared_ptr<LayerNode> copy(const Changes& changes = {}) const = 0;

  // The layers inside it, in the order of their weights. What follows from them (parameters, trainable, state, changes)
  // needs no more than this.
  virtual std::span<const std::shared_ptr<LayerNode>> children() const { return {}; }
  // Keras's name of what holds one of them: "cell", or "layers" for each layer of a model.
  virtual std::string child_attribute(std::size_t /*child*/) const { return ""; }
  // Whether that is a list, of which there may be any number.
  virtual bool has_list_of_children() const { return false; }
  // Keras's name of the part of it that holds its own weights: "cell" of a recurrent layer; "" for itself.
  virtual std::string weights_attribute() const { return ""; }
  // Whether a layer is inside, at any depth.
  bool contains(const LayerNode& layer) const;
  // Which change of it, or of layers inside it at any depth, was the last: layers that come and go, and what is
  // trainable. Counted over all models.
  std::uint64_t structure() const;
  // How often its weights, and those of layers inside it, have been written.
  std::uint64_t weights_version() const;

  // This node's parameters, without those of the layers inside it.
  const std::vector<engine::Parameter>& own_parameters() const { return parameters_; }
  // Those too, in Keras's order, each once.
  std::vector<engine::Parameter> parameters() const;

  bool trainable() const { return trainable_; }
  // Of this layer and all inside it.
  void set_trainable(bool trainable);

  // Whether a state is carried from batch to batch, here or inside.
  virtual bool stateful() const;
  virtual void reset_states() const;
  // Of a cell, which turns {x of a time step, states} into {y, new states} of the same shapes: the sample shapes of its
  // states. None for other layers.
  virtual std::vector<Shape> state_shapes() const { return {}; }
  // Of a layer that walks sequences in one direction; none of others.
  virtual std::optional<Recurrence> recurrence() const { return {}; }
  // Of a layer that walks time: whether layers behind it have its mask, which Keras 3.16 has changed. None of others.
  virtual std::optional<bool> hands_mask_on() const { return {}; }
  // Whether inputs behind the first are the state in which it begins.
  virtual bool takes_initial_state() const { return false; }

  // For a layer that cannot take this one's output, what this one does and what to change: "returns only ...". Usually
  // empty.
  virtual std::string output_hint() const { return ""; }

  // The name of the activation whose values come out as an output, up to a factor between 0 and 1; "" where that says
  // nothing.
  virtual std::string output_activation(std::size_t /*output*/) const { return ""; }

  // A sentence for a user whose data have this sample shape, which the layer cannot take: how to reshape them.
  virtual std::string input_hint(const Shape&) const { return ""; }

  // ShapeError unless every axis of a sample is 1 or more, or unknown: without a time step or a feature there is
  // nothing to compute. `what` says whose shape `given` is, the sample's own or with the batch in front.
  void require_sizes(const char* what, const Shape& given, const Shape& sample) const;

  // Whether a time step of the outputs depends on that step of the inputs and earlier ones alone, so that the layer can
  // be walked step by step in a stream. Sample shapes as in output_shapes.
  virtual bool keeps_time(const std::vector<Shape>& inputs) const = 0;

  // Whether each row of features is turned into one by itself, whatever stands around it and however many axes there
  // are.
  virtual bool works_row_by_row() const { return false; }

  // Whether its functions are a user's (custom_layer), so that its class says nothing of what it does.
  virtual bool is_custom() const { return false; }
  // Whether data enter a network here (InputNode).
  virtual bool is_input() const { return false; }
  // Whether it is a network of layers that may also stand alone.
  virtual bool is_model() const { return false; }

  // The sample shape the user gave with the layer (input_shape), or an empty one.
  const Shape& declared_input() const { return declared_input_; }

 protected:
  // What a copy has in common with it.
  LayerOptions options_for_copy(const Changes& changes) const {
    return {changes.name.value_or(name_), policy_, trainable_, masks_go_on_};
  }

  // Nothing for layers without weights.
  virtual void create_parameters(const std::vector<Shape>& /*inputs*/) {}

  // One packed block for the layer's parameters, of the instruction set chosen now.
  std::shared_ptr<engine::ParameterBlock> make_block(Index size, const kernels::KernelTable& table,
                                                     engine::Role role = engine::Role::learned) const;
  void add_parameter(const std::string& path, Shape shape, std::shared_ptr<engine::ParameterBlock> block,
                     engine::PackedMap map, const Initializer& initializer, engine::WeightRules rules = {});
  // What stands in front of the paths of weights of a layer inside. (Keras: a model begins a path of its own.)
  virtual std::string path_to(const LayerNode& child) const { return child.is_model() ? "" : name() + "/"; }
  // The random seed when the layer was made.
  std::uint64_t seed() const { return seed_; }

  // ShapeError for sizes that no data can have.
  void declare_input(const Shape& sample);
  bool masks_go_on() const { return masks_go_on_; }
  // Plans made before are not those of the layer any more.
  void mark_changed();
  // For layers of layers, whose parameters are made piece by piece.
  void mark_built() { built_ = true; }
  // ShapeError unless there is exactly one input.
  const Shape& only_input(const std::vector<Shape>& inputs) const;

 private:
  std::string class_name_;
  std::string name_;
  DTypePolicy policy_;
  bool trainable_;
  bool masks_go_on_;
  bool built_ = false;
  std::uint64_t changed_ = 0;
  // Key of the initial weights and of what the layer draws: the seed and the layer's number at construction.
  std::uint64_t seed_;
  std::uint32_t number_;
  Shape declared_input_;
  std::vector<engine::Parameter> parameters_;
};

// A handle to a new node.
template <class Node, class... Arguments>
Layer make_layer(Arguments&&... arguments) {
  return detail::Access::make<Layer>(std::make_shared<Node>(std::forward<Arguments>(arguments)...));
}

// A batch shape for messages: the sample shape behind an unknown batch axis.
std::string batch_text(const Shape& sample);

// {class_name, config}.
Json to_config(const std::shared_ptr<LayerNode>& layer);

}  // namespace rondo::graph
