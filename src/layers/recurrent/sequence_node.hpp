// What LSTM and GRU have in common: everything but their formulas. Shapes, initial and carried states, masks, outputs,
// streams, and where the buffers of a plan stand. A layer of its own says which cell it has, and reads and writes the
// options that it alone has.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <rondo/activations.hpp>
#include <rondo/initializers.hpp>

#include "graph/layer_node.hpp"
#include "kernels/layout.hpp"
#include "layers/parts/activations.hpp"
#include "layers/parts/config.hpp"
#include "layers/parts/initializers.hpp"
#include "layers/recurrent/recurrent_state.hpp"
#include "layers/recurrent/sequence_executor.hpp"

namespace rondo::layers {

// The options that LSTMOptions, GRUOptions and those of their cells share, and behind them those of layers alone.
struct SequenceOptions {
  ActivationFn activation, recurrent_activation;
  bool use_bias;
  Initializer kernel_initializer, recurrent_initializer, bias_initializer;
  double dropout, recurrent_dropout;
  std::optional<std::uint64_t> seed;

  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, recompute = false,
       zero_output_for_mask = false;
  Shape input_shape = {};
};

template <class Options>
SequenceOptions cell_options(const Options& o) {
  return {.activation = o.activation,
          .recurrent_activation = o.recurrent_activation,
          .use_bias = o.use_bias,
          .kernel_initializer = o.kernel_initializer,
          .recurrent_initializer = o.recurrent_initializer,
          .bias_initializer = o.bias_initializer,
          .dropout = o.dropout,
          .recurrent_dropout = o.recurrent_dropout,
          .seed = o.seed,
          .return_state = true};
}

template <class Options>
SequenceOptions sequence_options(const Options& o) {
  SequenceOptions options = cell_options(o);
  options.return_sequences = o.return_sequences;
  options.return_state = o.return_state;
  options.go_backwards = o.go_backwards;
  options.stateful = o.stateful;
  options.recompute = o.recompute;
  options.zero_output_for_mask = o.zero_output_for_mask;
  options.input_shape = o.input_shape;
  return options;
}

// The forget gate's quarter of an LSTM's bias, if it has one, becomes 1; the initializer keeps the rest.
void set_forget_bias(const std::vector<engine::Parameter>& weights, Index units);

// The shared part of a configuration, that of cells; an option that Rondo does not have is refused by its name.
template <class Options>
Options cell_options_from_config(const std::string& class_name, const graph::Json& config) {
  refuse_options(class_name, config,
                 {"kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "activity_regularizer",
                  "kernel_constraint", "recurrent_constraint", "bias_constraint"});
  Options options;
  const auto activation = [&](const char* key, ActivationFn& fn) {
    if (config.contains(key)) fn = activation_from_config(config[key]);
  };
  const auto initializer = [&](const char* key, Initializer& rule) {
    if (config.contains(key)) rule = initializer_from_config(config[key]);
  };
  activation("activation", options.activation);
  activation("recurrent_activation", options.recurrent_activation);
  options.use_bias = config.value("use_bias", true);
  initializer("kernel_initializer", options.kernel_initializer);
  initializer("recurrent_initializer", options.recurrent_initializer);
  initializer("bias_initializer", options.bias_initializer);
  options.dropout = config.value("dropout", 0.0);
  options.recurrent_dropout = config.value("recurrent_dropout", 0.0);
  options.seed = seed_from_config(config);
  return options;
}

// And that of layers.
template <class Options>
Options sequence_options_from_config(const std::string& class_name, const graph::Json& config) {
  auto options = cell_options_from_config<Options>(class_name, config);
  options.return_sequences = config.value("return_sequences", false);
  options.return_state = config.value("return_state", false);
  options.go_backwards = config.value("go_backwards", false);
  options.stateful = config.value("stateful", false);
  options.recompute = config.value("recompute", false);
  options.zero_output_for_mask = config.value("zero_output_for_mask", false);
  return options;
}

class SequenceNode : public graph::LayerNode {
 public:
  SequenceNode(const std::string& class_name, kernels::RecurrentCell cell, Index units, SequenceOptions options,
               const graph::LayerOptions& common);

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override;

  bool stateful() const override { return options_.stateful; }
  bool takes_initial_state() const override { return true; }
  // Not from a state that is given: it may be the end of a whole sequence. One that goes backwards says so itself.
  bool keeps_time(const std::vector<Shape>& inputs) const override { return inputs.size() == 1; }
  void reset_states() const override;

  std::string input_hint(const Shape& x) const override;
  std::string output_activation(std::size_t output) const override;
  std::string output_hint() const override;

  // Up to the initializers; append_keras_rest follows the layer's own, and the seed is the last.
  graph::Json config() const override;
  graph::Json config_for_copies() const override;

 protected:
  Index units() const { return units_; }
  Index states() const { return is_lstm() ? 2 : 1; }
  // Between the layer's name and those of its weights.
  virtual std::string weights_path() const;
  void append_keras_rest(graph::Json& config) const;
  void append_seed(graph::Json& config) const { config["seed"] = seed_config(options_.seed); }
  void create_parameters(const std::vector<Shape>& inputs) override;

 private:
  bool is_lstm() const { return cell_ == kernels::RecurrentCell::lstm; }
  const Shape& checked_input(const std::vector<Shape>& inputs) const;
  std::vector<Range> rows_without_state() const;

  template <class T>
  std::vector<engine::Value> plan_as(engine::PlanBuilder& builder, const std::vector<engine::Value>& inputs) const;
  template <class T>
  SequenceSettings settings(const engine::PlanBuilder& builder, const engine::ValueInfo& x, bool given_state,
                            bool backward, bool gradient) const;
  bool is_cell() const { return !state_shapes().empty(); }
  double input_rate() const;
  DropoutRule dropout_rule(double rate, Purpose purpose, Index call) const;
  DroppedPlaces dropped(engine::PlanBuilder& builder, const DropoutRule& rule, Index numbers) const;
  engine::Value with_dropout(engine::PlanBuilder& builder, engine::Value input, SequencePlaces& at) const;
  void keep_for_backward(engine::PlanBuilder& builder, const SequenceSettings& s, SequencePlaces& at) const;
  std::vector<engine::Value> add_outputs(engine::PlanBuilder& builder, Index h_slots, Index steps, SequencePlaces& at,
                                         bool gradient) const;
  template <class T>
  std::vector<engine::Value> with_mask(engine::PlanBuilder& builder, const engine::ValueInfo& x,
                                       std::vector<engine::Value> outputs, bool from_state) const;
  template <class T>
  std::vector<engine::Value> plan_step(engine::PlanBuilder& builder, const engine::ValueInfo& x) const;
  template <class T>
  std::vector<engine::Value> plan_sequence_of_one(engine::PlanBuilder& builder, const engine::ValueInfo& x) const;
  template <class T>
  Index chunk_steps(Index steps, Index capacity) const;
  bool can_relay(Index steps, Index capacity) const;

  kernels::RecurrentCell cell_;
  Index units_;
  SequenceOptions options_;
  kernels::RecurrentLayout layout_;
  std::shared_ptr<engine::ParameterBlock> block_;
  std::shared_ptr<RecurrentState> state_;
};

}  // namespace rondo::layers
