// What LSTM and GRU have in common: everything but their formulas. Shapes, initial and carried states, masks, outputs,
// streams, and where the buffers of a plan stand. A layer of its own says which cell it has, and keeps its options.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <rondo/activations.hpp>
#include <rondo/constraints.hpp>
#include <rondo/initializers.hpp>
#include <rondo/regularizers.hpp>

#include "graph/layer_node.hpp"
#include "kernels/layout.hpp"
#include "layers/parts/activations.hpp"
#include "layers/parts/config.hpp"
#include "layers/parts/constraints.hpp"
#include "layers/parts/initializers.hpp"
#include "layers/parts/regularizers.hpp"
#include "layers/recurrent/recurrent_state.hpp"
#include "layers/recurrent/sequence_executor.hpp"
#include "layers/recurrent/sequences.hpp"

namespace rondo {

// Of LSTM, GRU and their cells.
template <class Visitor, class Options>
  requires requires(Options& o) { o.recurrent_activation; }
void fields(Visitor& v, Index& units, Options& o) {
  constexpr bool kIsCell = !requires { o.return_sequences; };
  if constexpr (!kIsCell) {
    v.if_given("activity_regularizer", o.activity_regularizer);  // Keras has it in front, where there is one
    layers::sequence_fields(v, o);
  }
  v.required("units", units);
  v("activation", o.activation);
  v("recurrent_activation", o.recurrent_activation);
  v("use_bias", o.use_bias);
  v("kernel_initializer", o.kernel_initializer);
  v("recurrent_initializer", o.recurrent_initializer);
  v("bias_initializer", o.bias_initializer);
  if constexpr (requires { o.unit_forget_bias; }) v("unit_forget_bias", o.unit_forget_bias);
  v("kernel_regularizer", o.kernel_regularizer);
  v("recurrent_regularizer", o.recurrent_regularizer);
  v("bias_regularizer", o.bias_regularizer);
  if constexpr (kIsCell) {
    v.refused("activity_regularizer");
  } else {
    v("activity_regularizer", o.activity_regularizer);
  }
  v("kernel_constraint", o.kernel_constraint);
  v("recurrent_constraint", o.recurrent_constraint);
  v("bias_constraint", o.bias_constraint);
  v("dropout", o.dropout);
  v("recurrent_dropout", o.recurrent_dropout);
  if constexpr (requires { o.reset_after; }) v("reset_after", o.reset_after);
  v("seed", o.seed);
  if constexpr (!kIsCell) v.only_read("recompute", o.recompute);  // Rondo's own
}

namespace layers {

// What SequenceNode works with of LSTMOptions, GRUOptions and those of their cells, and behind it of those of layers
// alone.
struct SequenceOptions {
  ActivationFn activation, recurrent_activation;
  bool use_bias;
  Initializer kernel_initializer, recurrent_initializer, bias_initializer;
  std::optional<Regularizer> kernel_regularizer, recurrent_regularizer, bias_regularizer;
  std::optional<Constraint> kernel_constraint, recurrent_constraint, bias_constraint;
  double dropout, recurrent_dropout;
  std::optional<std::uint64_t> seed;
  bool unit_forget_bias = false;

  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, recompute = false,
       zero_output_for_mask = false;
  std::optional<Regularizer> activity_regularizer = {};
  Shape input_shape = {};
};

template <class Options>
SequenceOptions cell_options(const Options& o) {
  SequenceOptions options{.activation = o.activation,
                          .recurrent_activation = o.recurrent_activation,
                          .use_bias = o.use_bias,
                          .kernel_initializer = o.kernel_initializer,
                          .recurrent_initializer = o.recurrent_initializer,
                          .bias_initializer = o.bias_initializer,
                          .kernel_regularizer = o.kernel_regularizer,
                          .recurrent_regularizer = o.recurrent_regularizer,
                          .bias_regularizer = o.bias_regularizer,
                          .kernel_constraint = o.kernel_constraint,
                          .recurrent_constraint = o.recurrent_constraint,
                          .bias_constraint = o.bias_constraint,
                          .dropout = o.dropout,
                          .recurrent_dropout = o.recurrent_dropout,
                          .seed = o.seed,
                          .return_state = true};
  if constexpr (requires { o.unit_forget_bias; }) options.unit_forget_bias = o.unit_forget_bias;
  return options;
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
  options.activity_regularizer = o.activity_regularizer;
  options.input_shape = o.input_shape;
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
  std::optional<graph::Recurrence> recurrence() const override { return recurrence_of(options_); }
  std::optional<bool> hands_mask_on() const override {
    return options_.return_sequences ? std::optional(masks_go_on()) : std::nullopt;
  }
  std::string weights_attribute() const override { return weights_path().empty() ? "" : "cell"; }
  bool takes_initial_state() const override { return true; }
  // Not from a state that is given: it may be the end of a whole sequence. One that goes backwards says so itself.
  bool keeps_time(const std::vector<Shape>& inputs) const override { return inputs.size() == 1; }
  void reset_states() const override;

  std::string input_hint(const Shape& x) const override;
  std::string output_activation(std::size_t output) const override;
  std::string output_hint() const override;

 protected:
  Index units() const { return units_; }
  Index states() const { return kernels::states_of(cell_); }
  // Between the layer's name and those of its weights.
  virtual std::string weights_path() const;
  void create_parameters(const std::vector<Shape>& inputs) override;

 private:
  void set_forget_bias() const;
  bool is_lstm() const { return cell_ == kernels::RecurrentCell::lstm; }
  const Shape& checked_input(const std::vector<Shape>& inputs) const;
  engine::GradientPlace gradient_of_weights(engine::PlanBuilder& builder, bool has_state) const;
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
  std::optional<ElementPenalty> activity_;
  kernels::RecurrentLayout layout_;
  std::shared_ptr<engine::ParameterBlock> block_;
  std::shared_ptr<RecurrentState> state_;
};

}  // namespace layers
}  // namespace rondo
