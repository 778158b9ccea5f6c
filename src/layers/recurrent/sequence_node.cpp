#include "layers/recurrent/sequence_node.hpp"

#include <algorithm>
#include <cmath>

#include "core/options.hpp"
#include "kernels/blocking.hpp"
#include "layers/parts/activity_penalty.hpp"
#include "layers/parts/shapes.hpp"
#include "layers/parts/weight_rules.hpp"
#include "layers/recurrent/masked_output.hpp"
#include "layers/recurrent/step_executor.hpp"

namespace rondo::layers {

using engine::Place;
using engine::PlanBuilder;
using engine::Value;
using engine::ValueInfo;
using kernels::RecurrentCell;

SequenceNode::SequenceNode(const std::string& class_name, RecurrentCell cell, Index units, SequenceOptions options,
                           const graph::LayerOptions& common)
    : LayerNode(class_name, common),
      cell_(cell),
      units_(units),
      options_(std::move(options)),
      activity_(activity_penalty(where(), options_.activity_regularizer)) {
  if (units < 1) throw ConfigError(where() + ": units is " + std::to_string(units) + "; it must be 1 or more");
  for (const ActivationFn* fn : {&options_.activation, &options_.recurrent_activation}) {
    if (kernels::is_elementwise(kernel_of(*fn).kind)) continue;
    throw ConfigError(where() + ": the activation '" + fn->name() + "' works across units, which " +
                      (is_lstm() ? "an LSTM's" : "a GRU's") + " gates cannot; use an elementwise one such as 'tanh'");
  }
  if (policy().mixed_bfloat16() && !is_lstm()) {
    throw ConfigError(where() +
                      ": a GRU has no form for the policy 'mixed_bfloat16' yet; give it .dtype = \"float32\"");
  }
  (void)checked_option(where(), "dropout", options_.dropout, Allowed::between_0_and_1);
  (void)checked_option(where(), "recurrent_dropout", options_.recurrent_dropout, Allowed::between_0_and_1);
  if (policy().mixed_bfloat16() && options_.recurrent_dropout > 0) {
    throw ConfigError(where() + ": recurrent_dropout has no form for the policy 'mixed_bfloat16' yet; give it " +
                      ".dtype = \"float32\", or dropout alone");
  }
  declare_input(options_.input_shape);
  if (options_.stateful) state_ = std::make_shared<RecurrentState>(where(), states(), units, dtype());
}

// ---- shapes ---------------------------------------------------------------------------------------------------------

std::vector<Shape> SequenceNode::output_shapes(const std::vector<Shape>& inputs) const {
  const Shape& x = checked_input(inputs);
  const Shape last{units_};
  std::vector<Shape> shapes{options_.return_sequences ? Shape{x[0], units_} : last};
  if (options_.return_state) shapes.insert(shapes.end(), static_cast<std::size_t>(states()), last);
  return shapes;
}

const Shape& SequenceNode::checked_input(const std::vector<Shape>& inputs) const {
  if (inputs.size() != 1 && inputs.size() != 1 + static_cast<std::size_t>(states())) {
    throw ShapeError(where() + " takes x, or x and the initial " + (is_lstm() ? "states h and c; " : "state h; ") +
                     std::to_string(inputs.size()) + " inputs were given");
  }
  const Shape& x = inputs[0];
  if (x.rank() != 2) {
    throw ShapeError(where() + " expects 3-D input (batch, timesteps, features), got " + std::to_string(x.rank() + 1) +
                     "-D " + graph::batch_text(x));
  }
  if (x.back() < 1) throw ShapeError(where() + " needs a known number of features, not " + graph::batch_text(x));
  if (built()) require_features(*this, x, layout_.inputs());
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i] == Shape{units_}) continue;
    throw ShapeError(where() + ": an initial state must be (batch, " + std::to_string(units_) + "), got " +
                     graph::batch_text(inputs[i]));
  }
  return x;
}

void SequenceNode::reset_states() const {
  if (state_ != nullptr) state_->reset();
}

std::string SequenceNode::input_hint(const Shape& x) const {
  if (x.rank() != 1) return "";
  const std::string n = std::to_string(x[0]);
  return "Columns become time steps with as_timesteps(X), (batch, " + n +
         ", 1), or features of one step with as_features(X), (batch, 1, " + n + ")";
}

std::string SequenceNode::output_activation(std::size_t output) const {
  return output == 2 ? "" : options_.activation.name();  // not c
}

std::string SequenceNode::output_hint() const { return last_step_hint(options_.return_sequences); }

// ---- configuration and weights --------------------------------------------------------------------------------------

std::string SequenceNode::weights_path() const { return is_lstm() ? "lstm_cell/" : "gru_cell/"; }

// The forget gate's quarter of the bias becomes 1; the initializer keeps the rest.
void SequenceNode::set_forget_bias() const {
  const engine::Parameter& bias = own_parameters().back();
  Tensor values = bias.get();
  for (Index u = units_; u < 2 * units_; ++u) values.set({u}, 1.0);
  bias.set(values);
}

void SequenceNode::create_parameters(const std::vector<Shape>& inputs) {
  const kernels::KernelTable& table = kernels::chosen();
  const Index lanes = dtype() == DType::float32 ? table.f32.lanes : table.f64.lanes;
  const Index features = inputs[0].back(), gates = kernels::gates_of(cell_);
  require_countable_weights(*this, Size(features) + units_, Size(units_) * gates);
  layout_ = kernels::RecurrentLayout(cell_, features, units_, options_.use_bias, lanes);
  block_ = make_block(layout_.size(), table);
  const kernels::RecurrentLayout& layout = layout_;
  const Index columns = gates * units_;
  // Logical columns are gate by gate: column g * units + u. Rows follow each other from first_row on, `apart`.
  const auto add = [&](const char* name, const Shape& shape, Index first_row, Index apart, const Initializer& rule,
                       const auto& regularizer, const auto& constraint) {
    const engine::PackedMap map(shape, [&](Index row, Index column) {
      return layout.index(first_row + row * apart, column / units_, column % units_);
    });
    add_parameter(weights_path() + name, shape, block_, map, rule,
                  weight_rules(*this, name, shape, regularizer, constraint));
  };
  const SequenceOptions& o = options_;
  add("kernel", {features, columns}, layout.first_input(), 1, o.kernel_initializer, o.kernel_regularizer,
      o.kernel_constraint);
  add("recurrent_kernel", {units_, columns}, layout.first_recurrent(), 1, o.recurrent_initializer,
      o.recurrent_regularizer, o.recurrent_constraint);
  if (!layout.use_bias()) return;
  add("bias", layout.use_recurrent_bias() ? Shape{2, columns} : Shape{columns}, 0, layout.first_of_state(),
      o.bias_initializer, o.bias_regularizer, o.bias_constraint);
  if (options_.unit_forget_bias) set_forget_bias();
}

// ---- plans ----------------------------------------------------------------------------------------------------------

std::vector<Value> SequenceNode::plan(PlanBuilder& builder, const std::vector<Value>& inputs) const {
  std::vector<Value> outputs =
      dtype() == DType::float32 ? plan_as<float>(builder, inputs) : plan_as<double>(builder, inputs);
  return with_activity_penalty(builder, std::move(outputs), activity_);
}

template <class T>
std::vector<Value> SequenceNode::plan_as(PlanBuilder& builder, const std::vector<Value>& inputs) const {
  SequencePlaces at;
  const ValueInfo x = builder.info(with_dropout(builder, inputs[0], at));  // a copy: the builder's move when it adds
  if (builder.streaming()) return plan_step<T>(builder, x);
  const bool given_state = inputs.size() > 1, carries = options_.stateful && builder.carries_states();
  at.x = x.data;
  at.mask = x.mask;
  at.dx = x.gradient;
  for (std::size_t i = 0; i < static_cast<std::size_t>(states()); ++i) {
    if (given_state) {
      at.initial[i] = builder.info(inputs[1 + i]).data;
      at.d_initial[i] = builder.info(inputs[1 + i]).gradient;
    } else if (carries) {
      at.initial[i] = builder.rows(1, units_);
    }
  }
  at.gradient = gradient_of_weights(builder, /*has_state=*/x.steps > 1 || at.initial[0]);
  const bool backward = builder.training() && (at.gradient || at.dx || at.d_initial[0] || at.d_initial[1]);
  SequenceSettings s = settings<T>(builder, x, given_state, backward, static_cast<bool>(at.gradient));
  at.h = builder.rows(s.h_slots, units_);
  if (is_lstm()) at.c = builder.rows(1, units_);
  if (policy().mixed_bfloat16()) {
    at.bf16 = LstmBf16(builder, block_, layout_, backward ? s.kept_slots : std::min<Index>(2, x.steps));
  }
  if (cell_ == RecurrentCell::gru_reset_before) at.reset_h = builder.rows(s.h_slots, units_);
  if (backward || at.reset_h) {
    at.kept = builder.elements(Size(s.kept_slots) * builder.capacity() * kernels::kept_width(layout_) *
                               layout_.padded_units());
  }
  if (backward) keep_for_backward(builder, s, at);

  std::vector<Value> outputs = add_outputs(builder, s.h_slots, x.steps, at, backward);
  at.arguments = builder.elements(SequenceExecutor<T>::kArguments);
  builder.add(SequenceExecutor<T>(s, at, block_, carries ? state_ : nullptr));
  return with_mask<T>(builder, x, std::move(outputs), static_cast<bool>(at.initial[0]));
}

// ---- dropout --------------------------------------------------------------------------------------------------------

// A cell ignores a rate of exactly 1, as Keras does, and so do gates that have dropout of their own.
double SequenceNode::input_rate() const {
  const bool ignores_1 = is_cell() || options_.recurrent_dropout > 0;
  return ignores_1 && options_.dropout == 1 ? 0 : options_.dropout;
}

DropoutRule SequenceNode::dropout_rule(double rate, Purpose purpose, Index call) const {
  return {.rate = rate,
          .seed = options_.seed.value_or(seed()),
          .layer = number(),
          .call = call,
          .purpose = purpose,
          .once_a_sequence = is_cell()};
}

// Draws for each gate: four to a number, which are a block of the generator.
DroppedPlaces SequenceNode::dropped(PlanBuilder& builder, const DropoutRule& rule, Index numbers) const {
  return {.draws = DropoutDraws(rule, {.row = kernels::kRecordWidth * numbers}),
          .numbers = numbers,
          .bits = builder.byte_rows(kernels::dropped_bytes(numbers)),
          .records = builder.rows(1, kernels::kRecordWidth * round_up(numbers, kernels::kRowPadding))};
}

// Training with dropout, drawn once for all steps. With recurrent_dropout each gate has its own, of h and of x, and the
// kernels see to it; without it the gates share that of x, and the steps read another input.
Value SequenceNode::with_dropout(PlanBuilder& builder, Value input, SequencePlaces& at) const {
  const double rate = input_rate();
  if (!builder.as_in_training() || (rate == 0 && options_.recurrent_dropout == 0)) return input;
  const ValueInfo x = builder.info(input);
  const Index call = builder.call_number(this);
  const DropoutRule rule = dropout_rule(rate, Purpose::dropout, call);
  if (options_.recurrent_dropout > 0) {
    const double of_h = options_.recurrent_dropout < 1 ? options_.recurrent_dropout : 0;
    at.dropped_h = dropped(builder, dropout_rule(of_h, Purpose::recurrent_dropout, call), units_);
    if (rate > 0) at.dropped_x = dropped(builder, rule, x.features);
    return input;
  }
  const Value y = builder.value(x.sample, builder.wants_gradient(input), /*compact=*/true);
  builder.set_mask(y, x.mask);
  const DropoutFactors factors(rule, {.row = round_up(x.features, 4)}, builder.rows(1, x.features), x.features);
  builder.add<DropoutExecutor>(factors, x, builder.info(y));
  return y;
}

// Training keeps every step, or those of a chunk and the one before it if it computes them again. Inference needs the
// step before, or all outputs if the caller wants them.
template <class T>
SequenceSettings SequenceNode::settings(const PlanBuilder& builder, const ValueInfo& x, bool given_state, bool backward,
                                        bool gradient) const {
  const Index chunk = backward ? chunk_steps<T>(x.steps, builder.capacity()) : x.steps;
  const bool again = backward && options_.recompute && chunk < x.steps;
  const Index slots = again ? chunk + 1 : x.steps;
  SequenceSettings s{.layout = layout_,
                     .activation = kernel_of(options_.activation),
                     .recurrent_activation = kernel_of(options_.recurrent_activation),
                     .steps = x.steps,
                     .capacity = builder.capacity(),
                     .h_slots = slots,
                     .kept_slots = backward ? slots : 1,
                     .chunk = chunk,
                     .return_sequences = options_.return_sequences,
                     .go_backwards = options_.go_backwards,
                     .given_state = given_state,
                     .relay = backward && gradient && builder.shards() == 1 && can_relay(x.steps, builder.capacity()),
                     .streams = false};
  if (!backward) s.h_slots = std::min<Index>(2, x.steps);
  if (options_.return_sequences) s.h_slots = x.steps;
  return s;
}

// A single step from zero state multiplies the recurrent weights with zero: they have no gradient but that of a
// penalty.
engine::GradientPlace SequenceNode::gradient_of_weights(PlanBuilder& builder, bool has_state) const {
  if (has_state) return builder.gradient(block_);
  if (options_.recurrent_regularizer) return builder.cleared_gradient(block_);
  return builder.gradient(block_, rows_without_state());
}

// The weights of biases and inputs.
std::vector<Range> SequenceNode::rows_without_state() const {
  std::vector<Range> ranges;
  for (Index p = 0; p < layout_.panels(); ++p) {
    const Index begin = layout_.panel_offset(p);
    ranges.push_back({begin, begin + layout_.first_recurrent() * layout_.panel_width(p)});
  }
  return ranges;
}

void SequenceNode::keep_for_backward(PlanBuilder& builder, const SequenceSettings& s, SequencePlaces& at) const {
  if (at.bf16) {
    at.bf16.add_backward(builder, layout_, s.chunk);
  } else {
    at.dz = builder.elements(kernels::dz_elements(s.chunk, builder.capacity(), layout_));
  }
  at.dc = builder.rows(1, units_);
  if (at.mask && is_lstm()) at.dh_carried = builder.rows(1, units_);
  if (s.chunk < s.steps) at.dh_border = builder.rows(1, units_);
  if (s.kept_slots < s.steps) {
    at.checkpoints = builder.rows(states() * s.chunks(), units_);
    for (std::size_t i = 0; i < static_cast<std::size_t>(states()); ++i) at.last[i] = builder.rows(1, units_);
  }
  const auto transposed = [&](DerivedCopy copy, Index rows) {
    return builder.derived(
        block_, copy, at.bf16 ? kernels::bf16_transposed_size(layout_, rows) : kernels::transposed_size(layout_, rows));
  };
  // They lead from a step's gates to the state before it; a state that is reset before its product is between them and
  // the reset gate too.
  const bool to_reset_gate = cell_ == RecurrentCell::gru_reset_before && at.initial[0];
  if (s.steps > 1 || at.d_initial[0] || to_reset_gate) {
    at.recurrent_transposed = transposed(kRecurrentTransposed, units_);
  }
  if (at.dx) at.input_transposed = transposed(kInputTransposed, layout_.inputs());
}

// The outputs are looks into the buffers of h and c: all of h, or the slot of the last step.
std::vector<Value> SequenceNode::add_outputs(PlanBuilder& builder, Index h_slots, Index steps, SequencePlaces& at,
                                             bool gradient) const {
  const auto element = static_cast<std::ptrdiff_t>(element_size(dtype()));
  const Place in_ring{at.h.offset + (steps - 1) % h_slots * at.h.step_stride * element, at.h.batch_stride, 0};
  const StatePlaces last{at.last[0] ? at.last[0] : in_ring, at.last[1] ? at.last[1] : at.c};
  const Shape state{units_};
  std::vector<Value> outputs{options_.return_sequences ? builder.value_at({steps, units_}, at.h, gradient)
                                                       : builder.value_at(state, last[0], gradient)};
  at.dh = builder.info(outputs[0]).gradient;
  if (!options_.return_state) return outputs;
  for (std::size_t i = 0; i < static_cast<std::size_t>(states()); ++i) {
    outputs.push_back(builder.value_at(state, last[i], gradient));
    at.d_final[i] = builder.info(outputs.back()).gradient;
  }
  return outputs;
}

// The outputs as they are, or where a mask changes them.
template <class T>
std::vector<Value> SequenceNode::with_mask(PlanBuilder& builder, const ValueInfo& x, std::vector<Value> outputs,
                                           bool from_state) const {
  if (!x.mask) return outputs;
  // Without an initial state the state of a row that has not begun is zero already.
  const bool may_begin_late = from_state || options_.zero_output_for_mask;
  if (may_begin_late) {
    outputs[0] = add_masked_output<T>(
        builder, outputs[0],
        {.mask = x.mask, .steps = x.steps, .backwards = options_.go_backwards, .zero = options_.zero_output_for_mask});
  }
  if (options_.return_sequences && masks_go_on()) builder.set_mask(outputs[0], x.mask);
  return outputs;
}

// ---- streams: one time step of one sequence, with a state that the plan carries -------------------------------------

template <class T>
std::vector<Value> SequenceNode::plan_step(PlanBuilder& builder, const ValueInfo& x) const {
  refuse_stream_backwards(*this, options_.go_backwards);
  if (builder.rounds_weights() && !is_lstm()) {
    throw ConfigError(where() +
                      ": .weights is 'bfloat16', which rounds the weights of LSTM layers; a GRU has no such form yet");
  }
  if (cell_ == RecurrentCell::gru_reset_before) return plan_sequence_of_one<T>(builder, x);
  const Place state = builder.rows(states() + 1, units_);  // and scratch
  SequencePlaces at;
  at.h = {state.offset, state.batch_stride, 0};
  builder.carry(at.h, units_);
  if (is_lstm()) {
    at.c = {state.offset + state.step_stride * static_cast<std::ptrdiff_t>(sizeof(T)), state.batch_stride, 0};
    builder.carry(at.c, units_);
  }
  const std::vector<Value> outputs = add_outputs(builder, /*h_slots=*/1, /*steps=*/1, at, /*gradient=*/false);
  builder.add(StepExecutor<T>(
      {.layout = layout_,
       .activation = kernel_of(options_.activation),
       .recurrent_activation = kernel_of(options_.recurrent_activation),
       .state_stride = state.step_stride},
      {.x = x.data,
       .mask = x.mask,
       .state = state,
       .rounded = builder.rounds_weights() ? builder.derived(block_, kRounded, kernels::bf16_weights_size(layout_))
                                           : engine::BoundPlace{}},
      block_));
  // A state that was zero when the stream began still is where no step has counted.
  return with_mask<T>(builder, x, outputs, /*from_state=*/false);
}

// A GRU that resets before its product has no kernel for a step of its own: it walks sequences of one step.
template <class T>
std::vector<Value> SequenceNode::plan_sequence_of_one(PlanBuilder& builder, const ValueInfo& x) const {
  SequenceSettings s = settings<T>(builder, x, /*given_state=*/false, /*backward=*/false, /*gradient=*/false);
  s.streams = true;
  SequencePlaces at;
  at.x = x.data;
  at.mask = x.mask;
  at.h = builder.rows(1, units_);
  at.reset_h = builder.rows(1, units_);
  at.kept = builder.elements(Size(kernels::kept_width(layout_)) * layout_.padded_units());
  at.initial[0] = builder.rows(1, units_);
  builder.carry(at.initial[0], units_);
  const std::vector<Value> outputs = add_outputs(builder, /*h_slots=*/1, /*steps=*/1, at, /*gradient=*/false);
  at.arguments = builder.elements(SequenceExecutor<T>::kArguments);
  builder.add(SequenceExecutor<T>(s, at, block_, nullptr));
  return with_mask<T>(builder, x, outputs, /*from_state=*/false);
}

// ---- chunks of steps ------------------------------------------------------------------------------------------------

// How many steps backward takes at a time.
template <class T>
Index SequenceNode::chunk_steps(Index steps, Index capacity) const {
  const Index row_bytes = kernels::kRecordWidth * layout_.padded_units() * Index{sizeof(T)};
  if (options_.recompute) {
    const auto root = static_cast<Index>(std::ceil(std::sqrt(static_cast<double>(steps))));
    return std::min(steps, std::max(root, kernels::kLeastRowsPerCheckpoint / capacity));
  }
  const Index bytes = std::max(layout_.size() * Index{sizeof(T)}, kernels::kLeastChunkBytes);
  const Index rows = std::min(bytes / row_bytes, kernels::kMostRowsPerChunk);
  // Under mixed_bfloat16 steps are taken in pairs.
  const Index chunk = policy().mixed_bfloat16() ? 2 * std::max<Index>(1, rows / (2 * capacity)) : rows / capacity;
  return std::clamp<Index>(chunk, 1, steps);
}

// Whether two members may hand weight gradients to each other. Steps under mixed_bfloat16 are taken in pairs.
bool SequenceNode::can_relay(Index steps, Index capacity) const {
  if (steps <= 1 || policy().mixed_bfloat16() || layout_.rows() > kernels::kMostDepthOfRelay) return false;
  // Half of the rows and of the tiles, four gates, two operations each. The capacity is any the user gave.
  return 2.0 * static_cast<double>(layout_.rows() * units_) * static_cast<double>(capacity) >=
         static_cast<double>(kernels::kLeastFlopsOfTurn);
}

}  // namespace rondo::layers
