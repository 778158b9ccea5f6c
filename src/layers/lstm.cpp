// LSTM. The formulas are in <rondo/layers.hpp>, forward and backward beside each other in kernels/lstm_cell-inl.h.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <rondo/layers.hpp>

#include "kernels/blocking.hpp"
#include "kernels/table.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/activations.hpp"
#include "layers/parts/config.hpp"
#include "layers/parts/initializers.hpp"
#include "layers/parts/lstm_bf16.hpp"
#include "layers/parts/lstm_step.hpp"
#include "layers/parts/masked_output.hpp"
#include "layers/parts/recurrent_state.hpp"
#include "layers/parts/shapes.hpp"

namespace rondo {

namespace {

using engine::Place;
using engine::Run;
using engine::Value;
using graph::Json;
using kernels::LstmLayout;
using kernels::Rows;

struct LstmPlaces {
  Place x, dx;                   // dx nowhere: not wanted
  Place mask;                    // nowhere: every step counts
  Place h, c;                    // slots of outputs, the last cell state
  Place h0, c0, dh0, dc0;        // initial state and its gradient; nowhere: zero, not wanted
  Place dh, dh_final, dc_final;  // gradients that arrive; nowhere: none
  Place dc;                      // scratch
  Place dh_carried, dh_border;   // scratch, with a mask and in chunks
  Place kept, dz;                // what backward needs and makes; nowhere in inference
  Place checkpoints;             // h and c before each chunk; nowhere: nothing is computed again
  Place last_h, last_c;          // with checkpoints: the last states, which backward overwrites elsewhere
  engine::BoundPlace gradient;   // of the weights; nowhere: frozen
  engine::BoundPlace recurrent_transposed, input_transposed;
  layers::LstmBf16 bf16;  // instead of dz and in place of transposed weights, under mixed_bfloat16
};

template <class T>
class LstmExecutor final : public engine::Executor {
 public:
  struct Settings {
    LstmLayout layout;
    kernels::Activation activation, recurrent_activation;
    Index steps, capacity, h_slots, kept_slots;
    Index chunk;  // steps that backward takes before their weight gradients
    bool return_sequences, go_backwards;
    bool given_state;  // the call brings its own initial state; a stateful layer goes on from what it leaves
    bool relay;        // weight gradients of each chunk go from member to member

    Index chunks() const { return (steps + chunk - 1) / chunk; }
  };

  LstmExecutor(const Settings& settings, const LstmPlaces& places, std::shared_ptr<engine::ParameterBlock> block,
               std::shared_ptr<layers::RecurrentState> state)
      : s_(settings),
        at_(places),
        block_(std::move(block)),
        state_(std::move(state)),
        chunks_(settings.chunks()),
        ops_(&block_->table().template ops<T>()) {}

  void begin(const Run& run) const override {
    if (state_ != nullptr) state_->require_rows(run.rows);
  }

  void forward(const Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    const Range rows = member.share(run.rows);
    if (state_ != nullptr && !s_.given_state) {
      state_->template load<T>(0, at_.h0.rows<T>(run.arena), rows);
      state_->template load<T>(1, at_.c0.rows<T>(run.arena), rows);
    }
    const kernels::LstmArgs<T> args = arguments(run);
    if (!at_.checkpoints) {
      ops_->lstm_forward(args, {0, s_.steps}, rows);
    } else {
      for (Index i = 0; i < chunks(); ++i) {
        if (i > 0) copy_checkpoint(run, args, i, rows, /*restore=*/false);
        ops_->lstm_forward(args, chunk(i), rows);
      }
      copy_rows(at_step(args.h, (s_.steps - 1) % s_.h_slots), at_.last_h.rows<T>(run.arena), rows);
      copy_rows(args.c, at_.last_c.rows<T>(run.arena), rows);
    }
    if (state_ != nullptr) {
      state_->template store<T>(0, at_step(args.h, (s_.steps - 1) % s_.h_slots), rows);
      state_->template store<T>(1, args.c, rows);
    }
  }

  // Chunk by chunk, from the last steps to the first: what backward leaves of a chunk is still in the cache when the
  // weight gradients read it. A stage of rows and stages of weight gradients alternate, as the next chunk overwrites
  // what gradients have read. A single chunk leaves them to gradients(), which saves a barrier.
  //
  // What recomputes and has no gradients waits for a stage first: others may still read what it writes again.
  Index backward_stages() const override {
    if (!backward_has_gradients()) return at_.checkpoints ? 2 : 1;
    return chunks() + (s_.relay ? 2 * s_.steps + chunks() : chunks());
  }
  void backward(const Run& run, const engine::Member& member, Index stage) const noexcept override {
    if (!at_.dc) return;
    const kernels::LstmBackwardArgs<T> args = backward_arguments(run);
    if (!backward_has_gradients()) {
      if (stage + 1 < backward_stages()) return;
      for (Index i = chunks() - 1; i >= 0; --i) backward_chunk(run, args, i, member);
      return;
    }
    Index i = chunks() - 1;
    for (; stage > gradient_stages(i); --i) stage -= 1 + gradient_stages(i);
    if (stage == 0) {
      backward_chunk(run, args, i, member);
    } else if (s_.relay && member.size() == 2) {
      relay(run, args.forward, i, member.rank(), stage - 1);
    } else if (stage == 1) {
      weight_gradients(run, args.forward, chunk(i), {0, run.rows}, /*add=*/adds_ || i < chunks() - 1,
                       member.share(weight_tiles()));
    }
  }

  Index gradient_tiles() const override { return at_.gradient && !backward_has_gradients() ? weight_tiles() : 0; }
  void gradients(const Run& run, Range tiles) const noexcept override {
    if (!tiles.empty()) weight_gradients(run, arguments(run), {0, s_.steps}, {0, run.rows}, /*add=*/adds_, tiles);
  }

  void add_gradients() override { adds_ = true; }

  Index derived_tiles() const override { return derives() ? s_.layout.panels() : 0; }
  void derive(const Run& run, Range panels) const noexcept override {
    if (panels.empty()) return;
    transpose(run, s_.layout.first_recurrent(), s_.layout.units(), at_.recurrent_transposed, panels);
    transpose(run, s_.layout.first_input(), s_.layout.inputs(), at_.input_transposed, panels);
    if constexpr (kMayRound) {
      if (!at_.bf16) return;
      bf16_ops().lstm_weights(s_.layout, block_->template values<T>(),
                              at_.bf16.weights.template pointer<kernels::Bf16Pair>(run), panels);
    }
  }
  const engine::ParameterBlock* derived_from() const override { return derives() ? block_.get() : nullptr; }

  double flops_per_row() const override {
    const double products = 8.0 * static_cast<double>(s_.layout.inputs() + s_.layout.units());
    constexpr double kCell = 100;  // three sigmoids and two tangents in units of a multiplication
    return static_cast<double>(s_.steps) * static_cast<double>(s_.layout.units()) * (products + kCell);
  }

 private:
  bool backward_has_gradients() const { return (chunks() > 1 || s_.relay) && at_.dc && at_.gradient; }
  Index gradient_stages(Index i) const { return s_.relay ? 2 * chunk(i).size() + 1 : 1; }

  // A turn of two members. Each adds the products of its own rows, whose dz and h are in the cache of its processor, to
  // one half of the tiles; then the halves change hands. So a tile goes through the steps from the last to the first,
  // in each through the rows of member 0 and then those of member 1, as every chain must; the second half begins a turn
  // later. Place 2 n + r in a half's chain is member r's part of the n-th step.
  void relay(const Run& run, const kernels::LstmArgs<T>& args, Index i, Index rank, Index turn) const noexcept {
    const Range steps = chunk(i);
    const Index half = (turn + rank) % 2, place = turn - half;
    if (place < 0 || place >= 2 * steps.size()) return;
    const Index step = steps.end - 1 - place / 2;
    weight_gradients(run, args, {step, step + 1}, share(run.rows, rank, 2),
                     /*add=*/adds_ || i < chunks() - 1 || place > 0, share(weight_tiles(), half, 2));
  }

  void backward_chunk(const Run& run, const kernels::LstmBackwardArgs<T>& args, Index i,
                      const engine::Member& member) const noexcept {
    const Range rows = member.share(run.rows);
    if (at_.checkpoints && i < chunks() - 1) {
      if (i > 0) copy_checkpoint(run, args.forward, i, rows, /*restore=*/true);
      ops_->lstm_forward(args.forward, chunk(i), rows);
    }
    ops_->lstm_backward(args, chunk(i), rows);
  }

  bool derives() const { return at_.recurrent_transposed || at_.input_transposed || at_.bf16; }

  static constexpr bool kMayRound = std::is_same_v<T, float>;
  const kernels::Bf16Ops& bf16_ops() const { return block_->table().bf16; }

  Index weight_tiles() const {
    return at_.bf16 ? bf16_ops().lstm_gradient_tiles(s_.layout, at_.bf16.tile) : ops_->lstm_gradient_tiles(s_.layout);
  }
  void weight_gradients(const Run& run, const kernels::LstmArgs<T>& args, Range steps, Range rows, bool add,
                        Range tiles) const noexcept {
    T* gradient = at_.gradient.pointer<T>(run);
    if constexpr (kMayRound) {
      if (at_.bf16) return bf16_ops().lstm_gradients(args, steps, rows, gradient, add, tiles);
    }
    ops_->lstm_gradients(args, steps, rows, gradient, add, tiles);
  }

  // Weight rows [first, first + count) for backward, if they have a place.
  void transpose(const Run& run, Index first, Index count, const engine::BoundPlace& to, Range panels) const noexcept {
    if (!to) return;
    const T* weights = block_->template values<T>();
    if constexpr (kMayRound) {
      if (at_.bf16) {
        return bf16_ops().lstm_transpose(s_.layout, weights, first, count, to.pointer<kernels::Bf16Pair>(run), panels);
      }
    }
    ops_->lstm_transpose(s_.layout, weights, first, count, to.pointer<T>(run), panels);
  }

  template <class U>
  static Rows<U> at_step(Rows<U> rows, Index step) {
    return {rows.at(0, step), rows.batch_stride, rows.step_stride};
  }

  // Rows whose step 0 is the first step processed.
  template <class U>
  Rows<U> in_processing_order(Rows<U> rows) const {
    if (!s_.go_backwards || !rows) return rows;
    return {rows.at(0, s_.steps - 1), rows.batch_stride, -rows.step_stride};
  }

  kernels::LstmArgs<T> arguments(const Run& run) const noexcept {
    return {.layout = s_.layout,
            .activation = s_.activation,
            .recurrent_activation = s_.recurrent_activation,
            .steps = s_.steps,
            .capacity = s_.capacity,
            .weights = block_->template values<T>(),
            .mask = in_processing_order(at_.mask.rows<const std::uint8_t>(run.arena)),
            .x = in_processing_order(at_.x.rows<const T>(run.arena)),
            .h = at_.h.rows<T>(run.arena),
            .h_slots = s_.h_slots,
            .h0 = at_.h0.rows<const T>(run.arena),
            .c0 = at_.c0.rows<const T>(run.arena),
            .c = at_.c.rows<T>(run.arena),
            .kept = at_.kept.pointer<T>(run.arena),
            .kept_slots = s_.kept_slots,
            .dz = at_.dz.pointer<T>(run.arena),
            .dz_slots = s_.chunk,
            .bf16 = at_.bf16.operands(run)};
  }

  kernels::LstmBackwardArgs<T> backward_arguments(const Run& run) const noexcept {
    return {.forward = arguments(run),
            .recurrent_transposed = at_.recurrent_transposed.pointer<T>(run),
            .input_transposed = at_.input_transposed.pointer<T>(run),
            .dh = at_.dh.rows<const T>(run.arena),
            .dh_every_step = s_.return_sequences,
            .dh_final = at_.dh_final.rows<const T>(run.arena),
            .dc_final = at_.dc_final.rows<const T>(run.arena),
            .dc = at_.dc.rows<T>(run.arena),
            .dh_carried = at_.dh_carried.rows<T>(run.arena),
            .dh_border = at_.dh_border.rows<T>(run.arena),
            .dx = in_processing_order(at_.dx.rows<T>(run.arena)),
            .dh0 = at_.dh0.rows<T>(run.arena),
            .dc0 = at_.dc0.rows<T>(run.arena)};
  }

  Index chunks() const { return chunks_; }
  Range chunk(Index i) const { return {i * s_.chunk, std::min(s_.steps, (i + 1) * s_.chunk)}; }

  void copy_rows(Rows<T> from, Rows<T> to, Range rows) const noexcept {
    for (Index b = rows.begin; b < rows.end; ++b) std::copy_n(from.at(b, 0), s_.layout.units(), to.at(b, 0));
  }

  // The state before a chunk, to its checkpoint or back to where the chunk looks for it.
  void copy_checkpoint(const Run& run, const kernels::LstmArgs<T>& args, Index number, Range rows,
                       bool restore) const noexcept {
    const Index step = chunk(number).begin - 1;
    const Rows<T> checkpoints = at_.checkpoints.rows<T>(run.arena);
    const Rows<T> states[] = {at_step(args.h, step % s_.h_slots), args.c};
    for (Index which = 0; which < 2; ++which) {
      const Rows<T> checkpoint = at_step(checkpoints, 2 * number + which);
      restore ? copy_rows(checkpoint, states[which], rows) : copy_rows(states[which], checkpoint, rows);
    }
    if (restore) keep_cell_state(args, step, rows);
  }

  // Backward looks for the cell state of the step before in what was kept of it.
  void keep_cell_state(const kernels::LstmArgs<T>& args, Index step, Range rows) const noexcept {
    for (Index panel = 0; panel < s_.layout.panels(); ++panel) {
      const Rows<T> to = args.kept_at(kernels::kKeptCell, step, panel, 0);
      for (Index b = rows.begin; b < rows.end; ++b) {
        std::copy_n(args.c.at(b, 0) + s_.layout.first_unit(panel), s_.layout.units_in(panel), to.at(b, 0));
      }
    }
  }

  Settings s_;
  LstmPlaces at_;
  std::shared_ptr<engine::ParameterBlock> block_;
  std::shared_ptr<layers::RecurrentState> state_;  // null unless stateful
  Index chunks_;
  bool adds_ = false;  // to gradients of other calls
  const kernels::Ops<T>* ops_;
};

class LstmNode final : public graph::LayerNode {
 public:
  LstmNode(Index units, const LSTMOptions& options, const graph::LayerOptions& common)
      : LayerNode("LSTM", common), units_(units), options_(options) {
    if (units < 1) throw ConfigError(where() + ": units is " + std::to_string(units) + "; it must be 1 or more");
    for (const ActivationFn* fn : {&options_.activation, &options_.recurrent_activation}) {
      if (kernels::is_elementwise(layers::kernel_of(*fn).kind)) continue;
      throw ConfigError(where() + ": the activation '" + fn->name() +
                        "' works across units, which an LSTM's gates cannot; use an elementwise one such as 'tanh'");
    }
    declare_input(options.input_shape);
    if (options.stateful) state_ = std::make_shared<layers::RecurrentState>(where(), units, dtype());
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    const Shape& x = checked_input(inputs);
    const Shape last{units_};
    std::vector<Shape> shapes{options_.return_sequences ? Shape{x[0], units_} : last};
    if (options_.return_state) shapes.insert(shapes.end(), {last, last});
    return shapes;
  }

  std::vector<Value> plan(engine::PlanBuilder& builder, const std::vector<Value>& inputs) const override {
    return dtype() == DType::float32 ? plan_as<float>(builder, inputs) : plan_as<double>(builder, inputs);
  }

  bool stateful() const override { return options_.stateful; }
  bool takes_initial_state() const override { return true; }
  // Not from a state that is given: it may be the end of a whole sequence. One that goes backwards says so itself.
  bool keeps_time(const std::vector<Shape>& inputs) const override { return inputs.size() == 1; }
  void reset_states() const override {
    if (state_ != nullptr) state_->reset();
  }

  std::string input_hint(const Shape& x) const override {
    if (x.rank() != 1) return "";
    const std::string n = std::to_string(x[0]);
    return "Columns become time steps with as_timesteps(X), (batch, " + n +
           ", 1), or features of one step with as_features(X), (batch, 1, " + n + ")";
  }

  std::string output_activation(std::size_t output) const override {
    return output == 2 ? "" : options_.activation.name();  // not c
  }

  std::string output_hint() const override {
    if (options_.return_sequences) return "";
    return "returns only its last step: give it .return_sequences = true to hand on all of them";
  }

  Json config() const override {
    Json config = LayerNode::config();
    config["return_sequences"] = options_.return_sequences;
    config["return_state"] = options_.return_state;
    config["go_backwards"] = options_.go_backwards;
    config["stateful"] = options_.stateful;
    config["unroll"] = false;
    config["zero_output_for_mask"] = options_.zero_output_for_mask;
    config["units"] = units_;
    config["activation"] = layers::activation_config(options_.activation);
    config["recurrent_activation"] = layers::activation_config(options_.recurrent_activation);
    config["use_bias"] = options_.use_bias;
    config["kernel_initializer"] = layers::initializer_config(options_.kernel_initializer);
    config["recurrent_initializer"] = layers::initializer_config(options_.recurrent_initializer);
    config["bias_initializer"] = layers::initializer_config(options_.bias_initializer);
    config["unit_forget_bias"] = options_.unit_forget_bias;
    for (const char* key : {"kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "activity_regularizer",
                            "kernel_constraint", "recurrent_constraint", "bias_constraint"}) {
      config[key] = nullptr;
    }
    config["dropout"] = 0.0;
    config["recurrent_dropout"] = 0.0;
    config["seed"] = nullptr;
    return config;
  }

 protected:
  void create_parameters(const std::vector<Shape>& inputs) override {
    const kernels::KernelTable& table = kernels::chosen();
    const Index lanes = dtype() == DType::float32 ? table.f32.lanes : table.f64.lanes;
    layers::require_countable_weights(*this, Size(inputs[0].back()) + units_, Size(units_) * 4);
    layout_ = LstmLayout(inputs[0].back(), units_, options_.use_bias, lanes);
    block_ = make_block(layout_.size(), table);
    const LstmLayout layout = layout_;
    // Logical columns are gate by gate: column g * units + u.
    const auto place = [layout](Index first_row) {
      return [layout, first_row](Index i) {
        const Index units = layout.units(), column = i % (4 * units);
        return layout.index(first_row + i / (4 * units), column / units, column % units);
      };
    };
    add_parameter("lstm_cell/kernel", {layout.inputs(), 4 * units_}, block_, place(layout.first_input()),
                  options_.kernel_initializer);
    add_parameter("lstm_cell/recurrent_kernel", {units_, 4 * units_}, block_, place(layout.first_recurrent()),
                  options_.recurrent_initializer);
    if (!layout.use_bias()) return;
    add_parameter("lstm_cell/bias", {4 * units_}, block_, place(0), options_.bias_initializer);
    if (options_.unit_forget_bias) set_forget_bias();
  }

 private:
  // The forget gate's quarter of the bias becomes 1; the initializer keeps the rest.
  void set_forget_bias() {
    const engine::Parameter& bias = own_parameters().back();
    Tensor values = bias.get();
    for (Index u = units_; u < 2 * units_; ++u) values.set({u}, 1.0);
    bias.set(values);
  }

  const Shape& checked_input(const std::vector<Shape>& inputs) const {
    if (inputs.size() != 1 && inputs.size() != 3) {
      throw ShapeError(where() + " takes x, or x and the initial states h and c; " + std::to_string(inputs.size()) +
                       " inputs were given");
    }
    const Shape& x = inputs[0];
    if (x.rank() != 2) {
      throw ShapeError(where() + " expects 3-D input (batch, timesteps, features), got " +
                       std::to_string(x.rank() + 1) + "-D " + graph::batch_text(x));
    }
    if (x.back() < 1) throw ShapeError(where() + " needs a known number of features, not " + graph::batch_text(x));
    if (built()) layers::require_features(*this, x, layout_.inputs());
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      if (inputs[i] == Shape{units_}) continue;
      throw ShapeError(where() + ": an initial state must be (batch, " + std::to_string(units_) + "), got " +
                       graph::batch_text(inputs[i]));
    }
    return x;
  }

  template <class T>
  std::vector<Value> plan_as(engine::PlanBuilder& builder, const std::vector<Value>& inputs) const {
    const engine::ValueInfo x = builder.info(inputs[0]);
    if (builder.streaming()) return plan_step<T>(builder, x);
    const bool given_state = inputs.size() == 3;
    LstmPlaces at;
    at.x = x.data;
    at.mask = x.mask;
    at.dx = x.gradient;
    if (given_state) {
      at.h0 = builder.info(inputs[1]).data;
      at.c0 = builder.info(inputs[2]).data;
      at.dh0 = builder.info(inputs[1]).gradient;
      at.dc0 = builder.info(inputs[2]).gradient;
    } else if (options_.stateful) {
      at.h0 = builder.rows(1, units_);
      at.c0 = builder.rows(1, units_);
    }
    at.gradient = x.steps > 1 || at.h0 ? builder.gradient(block_) : builder.gradient(block_, input_rows());
    const bool backward = builder.training() && (at.gradient || at.dx || at.dh0 || at.dc0);

    // Training keeps every step, or those of a chunk and the one before it if it computes them again. Inference needs
    // the step before, or all outputs if the caller wants them.
    const Index chunk = backward ? chunk_steps<T>(x.steps, builder.capacity()) : x.steps;
    const bool again = backward && options_.recompute && chunk < x.steps;
    typename LstmExecutor<T>::Settings s{.layout = layout_,
                                         .activation = layers::kernel_of(options_.activation),
                                         .recurrent_activation = layers::kernel_of(options_.recurrent_activation),
                                         .steps = x.steps,
                                         .capacity = builder.capacity(),
                                         .h_slots = again ? chunk + 1 : x.steps,
                                         .kept_slots = again ? chunk + 1 : x.steps,
                                         .chunk = chunk,
                                         .return_sequences = options_.return_sequences,
                                         .go_backwards = options_.go_backwards,
                                         .given_state = given_state,
                                         .relay = backward && at.gradient && can_relay(x.steps, builder.capacity())};
    if (!backward) s.h_slots = std::min<Index>(2, x.steps);
    if (options_.return_sequences) s.h_slots = x.steps;
    at.h = builder.rows(s.h_slots, units_);
    at.c = builder.rows(1, units_);
    if (policy().mixed_bfloat16()) {
      at.bf16 =
          layers::LstmBf16(builder, block_->table(), layout_, backward ? s.kept_slots : std::min<Index>(2, x.steps));
    }
    if (backward) keep_for_backward(builder, s, at);

    std::vector<Value> outputs = add_outputs(builder, s.h_slots, x.steps, at, backward);
    builder.add(LstmExecutor<T>(s, at, block_, state_));
    return with_mask<T>(builder, x, std::move(outputs), static_cast<bool>(at.h0));
  }

  // The outputs as they are, or where a mask changes them.
  template <class T>
  std::vector<Value> with_mask(engine::PlanBuilder& builder, const engine::ValueInfo& x, std::vector<Value> outputs,
                               bool from_state) const {
    if (x.mask) {
      // Without an initial state the state of a row that has not begun is zero already.
      const bool may_begin_late = from_state || options_.zero_output_for_mask;
      if (may_begin_late) {
        outputs[0] = layers::add_masked_output<T>(builder, outputs[0],
                                                  {.mask = x.mask,
                                                   .steps = x.steps,
                                                   .backwards = options_.go_backwards,
                                                   .zero = options_.zero_output_for_mask});
      }
      if (options_.return_sequences) builder.set_mask(outputs[0], x.mask);
    }
    return outputs;
  }

  // The weights of bias and inputs. A single step from zero state multiplies the others with zero: they have no
  // gradient.
  std::vector<Range> input_rows() const {
    std::vector<Range> ranges;
    for (Index p = 0; p < layout_.panels(); ++p) {
      const Index begin = layout_.panel_offset(p);
      ranges.push_back({begin, begin + layout_.first_recurrent() * layout_.panel_width(p)});
    }
    return ranges;
  }

  // One time step of one sequence, with a state that the plan carries.
  template <class T>
  std::vector<Value> plan_step(engine::PlanBuilder& builder, const engine::ValueInfo& x) const {
    if (options_.go_backwards) {
      throw ConfigError(where() +
                        " walks time backwards (go_backwards): it cannot be streamed, since it would have to "
                        "begin with the last step");
    }
    const Place state = builder.rows(3, units_);  // h, c, scratch
    LstmPlaces at;
    at.h = {state.offset, state.batch_stride, 0};
    at.c = {state.offset + state.step_stride * static_cast<std::ptrdiff_t>(sizeof(T)), state.batch_stride, 0};
    builder.carry(at.h, units_);
    builder.carry(at.c, units_);
    const std::vector<Value> outputs = add_outputs(builder, /*h_slots=*/1, /*steps=*/1, at, /*gradient=*/false);
    builder.add(layers::LstmStepExecutor<T>(
        {.layout = layout_,
         .activation = layers::kernel_of(options_.activation),
         .recurrent_activation = layers::kernel_of(options_.recurrent_activation),
         .state_stride = state.step_stride},
        {.x = x.data,
         .mask = x.mask,
         .state = state,
         .rounded =
             builder.rounds_weights() ? builder.derived(kernels::bf16_weights_size(layout_)) : engine::BoundPlace{}},
        block_));
    // A state that was zero when the stream began still is where no step has counted.
    return with_mask<T>(builder, x, outputs, /*from_state=*/false);
  }

  // How many steps backward takes at a time.
  template <class T>
  Index chunk_steps(Index steps, Index capacity) const {
    const Index row_bytes = 4 * layout_.padded_units() * Index{sizeof(T)};
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
  bool can_relay(Index steps, Index capacity) const {
    if (steps <= 1 || policy().mixed_bfloat16() || layout_.rows() > kernels::kMostDepthOfRelay) return false;
    // Half of the rows and of the tiles, four gates, two operations each. The capacity is any the user gave.
    return 2.0 * static_cast<double>(layout_.rows() * units_) * static_cast<double>(capacity) >=
           static_cast<double>(kernels::kLeastFlopsOfTurn);
  }

  template <class Settings>
  void keep_for_backward(engine::PlanBuilder& builder, const Settings& s, LstmPlaces& at) const {
    const Index steps = s.steps;
    at.kept = builder.elements(Size(s.kept_slots) * builder.capacity() * kernels::kKeptWidth * layout_.padded_units());
    if (at.bf16) {
      at.bf16.add_backward(builder, layout_, s.chunk);
    } else {
      at.dz = builder.elements(kernels::dz_elements(s.chunk, builder.capacity(), layout_));
    }
    at.dc = builder.rows(1, units_);
    if (at.mask) at.dh_carried = builder.rows(1, units_);
    if (s.chunk < steps) at.dh_border = builder.rows(1, units_);
    if (s.kept_slots < steps) {
      at.checkpoints = builder.rows(2 * s.chunks(), units_);
      at.last_h = builder.rows(1, units_);
      at.last_c = builder.rows(1, units_);
    }
    const auto transposed = [&](Index rows) {
      return builder.derived(at.bf16 ? kernels::bf16_transposed_size(layout_, rows)
                                     : kernels::lstm_transposed_size(layout_, rows));
    };
    if (steps > 1 || at.dh0) at.recurrent_transposed = transposed(units_);
    if (at.dx) at.input_transposed = transposed(layout_.inputs());
  }

  // The outputs are looks into the buffers of h and c: all of h, or the slot of the last step.
  std::vector<Value> add_outputs(engine::PlanBuilder& builder, Index h_slots, Index steps, LstmPlaces& at,
                                 bool gradient) const {
    const auto element = static_cast<std::ptrdiff_t>(element_size(dtype()));
    const Place in_ring{at.h.offset + (steps - 1) % h_slots * at.h.step_stride * element, at.h.batch_stride, 0};
    const Place last_h = at.last_h ? at.last_h : in_ring, last_c = at.last_c ? at.last_c : at.c;
    const Shape state{units_};
    const Value y = options_.return_sequences ? builder.value_at({steps, units_}, at.h, gradient)
                                              : builder.value_at(state, last_h, gradient);
    at.dh = builder.info(y).gradient;
    if (!options_.return_state) return {y};
    const Value h = builder.value_at(state, last_h, gradient);
    const Value c = builder.value_at(state, last_c, gradient);
    at.dh_final = builder.info(h).gradient;
    at.dc_final = builder.info(c).gradient;
    return {y, h, c};
  }

  Index units_;
  LSTMOptions options_;
  LstmLayout layout_;
  std::shared_ptr<engine::ParameterBlock> block_;
  std::shared_ptr<layers::RecurrentState> state_;
};

}  // namespace

LSTM::LSTM(Dim units, const LSTMOptions& options)
    : Layer(graph::make_layer<LstmNode>(units, options,
                                        graph::LayerOptions{options.name, options.dtype, options.trainable})) {}

std::shared_ptr<graph::LayerNode> layers::lstm_from_config(const Json& config) {
  refuse_options("LSTM", config,
                 {"kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "activity_regularizer",
                  "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout"});
  LSTMOptions options;
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
  options.unit_forget_bias = config.value("unit_forget_bias", true);
  options.return_sequences = config.value("return_sequences", false);
  options.return_state = config.value("return_state", false);
  options.go_backwards = config.value("go_backwards", false);
  options.stateful = config.value("stateful", false);
  options.zero_output_for_mask = config.value("zero_output_for_mask", false);
  return std::make_shared<LstmNode>(config.at("units").get<Index>(), options, common_options(config));
}

}  // namespace rondo
