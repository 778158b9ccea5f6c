// Layer: a handle to something with weights that turns tensors into tensors.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rondo/shape.hpp>
#include <rondo/symbol.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

namespace graph {
class LayerNode;
}
namespace detail {
struct Access;
}

// One weight as a user sees it: Keras's path, name and shape.
struct WeightInfo {
  std::string path;  // "sequential/lstm/lstm_cell/kernel"
  std::string name;  // "kernel"
  Shape shape;
  bool trainable = true;
};

// What a call in a graph is given beside its inputs.
struct CallOptions {
  std::vector<Symbol> initial_state = {};  // of a recurrent layer: h, for an LSTM also c, (batch, units) each
  // false: in fit, too, the layer and those inside it behave as in predict. Dropout lets all through, and
  // BatchNormalization takes its moving statistics and leaves them, as a part that was trained elsewhere wants it; its
  // weights learn unless they are frozen. Without a value, fit and predict decide. ConfigError for true, which would
  // ask for dropout in predict.
  std::optional<bool> training = {};
};

// Copies of a Layer are the same layer: they share weights and state, as variables do in Python. There is no empty
// handle: moving copies. Not a base for layers of your own. Reading from several threads at once is safe, writing
// (build, set_weights) is not.
class Layer {
 public:
  Layer(const Layer&) = default;
  Layer& operator=(const Layer&) = default;

  const std::string& name() const;
  // Keras's class: "LSTM".
  std::string class_name() const;
  DType dtype() const;

  // Whether the weights exist: from the first input shape on.
  bool built() const;
  // Creates the weights for a batch input shape, for example {Shape::kUnknown, 5, 2}. Does nothing the second time for
  // the same features. ShapeError if the layer cannot take the shape.
  void build(const Shape& input_shape) const;
  // The batch shape that comes out for one that goes in; builds nothing.
  Shape compute_output_shape(const Shape& input_shape) const;

  // Frozen layers keep their weights, from the next fit on.
  bool trainable() const;
  void set_trainable(bool trainable) const;

  // Weights in Keras's order. StateError before the layer is built.
  std::vector<WeightInfo> weights() const;
  std::vector<Tensor> get_weights() const;
  // ShapeError naming the weight when count or a shape differs; then nothing is changed.
  void set_weights(const std::vector<Tensor>& values) const;
  // One weight by its path or by any whole end of it that is unique: "kernel", "lstm_cell/kernel". ConfigError with the
  // known paths otherwise.
  Tensor get_weight(std::string_view path) const;
  Tensor get_weight(std::nullptr_t) const = delete;
  void set_weight(std::string_view path, const Tensor& value) const;
  void set_weight(std::nullptr_t, const Tensor& value) const = delete;
  // Number of elements in all weights. StateError before the layer is built.
  Index count_params() const;

  // The layer's configuration as JSON text with Keras's keys.
  std::string get_config() const;

  // Forgets the recurrent state that a stateful layer carries from batch to batch.
  void reset_states() const;

  // Applies the layer to data, at once: {output}, or {output, h, c} for an LSTM with return_state (a GRU has no c).
  // Builds the layer if need be. With an LSTM, inputs may be {x, h0, c0}.
  std::vector<Tensor> operator()(const Tensor& x) const;
  std::vector<Tensor> operator()(const std::vector<Tensor>& inputs) const;

  // Calls the layer in a graph (symbol.hpp): makes its weights where they are not there yet and returns the symbols of
  // its outputs, usually one. Takes a Symbol, an Input or another layer's Symbols; several in braces: Add()({a, b}).
  // ShapeError where they do not fit.
  template <std::convertible_to<Symbol> S>
  Symbols operator()(const S& x, const CallOptions& options = {}) const {
    return call({static_cast<Symbol>(x)}, options);
  }
  Symbols operator()(const std::vector<Symbol>& inputs, const CallOptions& options = {}) const {
    return call(inputs, options);
  }

  // The node behind the handle; for Rondo's own rooms.
  const std::shared_ptr<graph::LayerNode>& node() const { return node_; }

 private:
  friend struct detail::Access;
  Symbols call(const std::vector<Symbol>& inputs, const CallOptions& options) const;
  explicit Layer(std::shared_ptr<graph::LayerNode> node) : node_(std::move(node)) {}

  std::shared_ptr<graph::LayerNode> node_;
};

}  // namespace rondo
