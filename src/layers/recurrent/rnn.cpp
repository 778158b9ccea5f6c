// RNN: any cell, walked over a sequence. The cell is a body (engine/repeat.hpp) whose states go from step to step.
#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include <rondo/layers/recurrent.hpp>

#include "engine/repeat.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"
#include "layers/recurrent/recurrent_state.hpp"
#include "layers/recurrent/sequences.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, std::shared_ptr<graph::LayerNode>& cell, RNNOptions& o) {
  layers::sequence_fields(v, o);
  v.required("cell", cell);
  v.refused("activity_regularizer");
}

namespace {

using engine::Place;
using engine::Run;
using engine::Value;
using engine::ValueInfo;
using graph::Json;
using kernels::Rows;

// A state outside the cell: where it comes from before the first step and goes after the last one.
struct OuterState {
  Place initial, d_initial;                         // nowhere: zero, not wanted
  Place last, d_last;                               // nowhere: not returned
  Place waiting;                                    // scratch of backward, with a mask: what goes past the cell
  std::shared_ptr<layers::RecurrentState> carried;  // from batch to batch, or null
};

struct RnnRule {
  bool every_step = false;    // outputs
  bool go_backwards = false;  // over the times of x
  bool zero_output = false;   // at masked steps, instead of the output before
  bool streams = false;       // the states stand outside from walk to walk
};

// A row that the mask leaves out of a step keeps its states, and its output is that of the step before (zero before
// the first step that counts).
template <class T>
class RnnExecutor final : public engine::RepeatExecutor {
 public:
  RnnExecutor(engine::PlanBuilder& builder, const std::shared_ptr<const engine::Plan>& body, const RnnRule& rule,
              const ValueInfo& x, const ValueInfo& y, std::vector<OuterState> states)
      : RepeatExecutor(builder, body, x.sample[0], engine::Walks::one_sequence),
        rule_(rule),
        x_(x),
        y_(y),
        states_(std::move(states)) {
    for (const Value v : body->inputs()) in_.push_back(body->info(v));
    for (const Value v : body->outputs()) out_.push_back(body->info(v));
    if (!goes_back() || !x.mask) return;
    dy_waiting_ = builder.rows(1, y.features);
    for (std::size_t i = 0; i < states_.size(); ++i) states_[i].waiting = builder.rows(1, in_[1 + i].features);
  }

  void begin(const Run& run) const override {
    RepeatExecutor::begin(run);
    for (const OuterState& s : states_) {
      if (s.carried != nullptr) s.carried->require_rows(run.rows);
    }
  }

 protected:
  void before_forward(const Visit& v) const noexcept override {
    const Index steps = in_[0].steps, first = time(v.step) * steps;
    const auto x = x_.data.rows<const T>(v.run.arena);
    const auto in = in_[0].data.rows<T>(v.inner.arena);
    for (Index t = 0; t < steps; ++t) {
      for (Index b = v.rows.begin; b < v.rows.end; ++b) std::copy_n(x.at(b, first + t), x_.features, in.at(b, t));
    }
    for (std::size_t i = 0; i < states_.size(); ++i) begin_state(v, i);
  }

  void after_forward(const Visit& v) const noexcept override {
    if (x_.mask) keep_skipped_states(v);
    put_output(v);
    if (v.step + 1 < steps()) return;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const auto state = out_[1 + i].data.rows<const T>(v.inner.arena);
      const Index n = out_[1 + i].features;
      if (states_[i].last) copy(v, state, states_[i].last.rows<T>(v.run.arena), n);
      if (states_[i].carried != nullptr)
        states_[i].carried->store<T>(0, out_[1 + i].data.rows<T>(v.inner.arena), v.rows);
    }
  }

  // The gradients of the cell's outputs. What belongs to a skipped row waits outside, and the cell gets zeros.
  void before_backward(const Visit& v) const noexcept override {
    if (out_[0].gradient) begin_output_gradient(v);
    for (std::size_t i = 0; i < states_.size(); ++i) begin_state_gradient(v, i);
  }

  void after_backward(const Visit& v) const noexcept override {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const Index n = in_[1 + i].features;
      const auto ds = in_[1 + i].gradient.rows<T>(v.inner.arena);
      for (Index b = v.rows.begin; b < v.rows.end; ++b) {
        if (counts(v, b)) continue;
        const T* waiting = states_[i].waiting.rows<const T>(v.run.arena).at(b, 0);
        for (Index k = 0; k < n; ++k) ds.at(b, 0)[k] += waiting[k];  // a skipped row may be in a batch's statistics
      }
      if (v.step == 0 && states_[i].d_initial) copy(v, Rows<const T>(ds), states_[i].d_initial.rows<T>(v.run.arena), n);
    }
    if (!x_.gradient) return;
    const Index steps = in_[0].steps, first = time(v.step) * steps;
    const auto dx = x_.gradient.rows<T>(v.run.arena);
    const auto from = in_[0].gradient.rows<const T>(v.inner.arena);
    for (Index t = 0; t < steps; ++t) {
      for (Index b = v.rows.begin; b < v.rows.end; ++b) std::copy_n(from.at(b, t), x_.features, dx.at(b, first + t));
    }
  }

  bool goes_back() const noexcept override { return static_cast<bool>(y_.gradient); }

 private:
  Index time(Index step) const { return rule_.go_backwards ? steps() - 1 - step : step; }
  bool counts(const Visit& v, Index row) const noexcept {
    return !x_.mask || *x_.mask.rows<const std::uint8_t>(v.run.arena).at(row, time(v.step)) != 0;
  }

  bool is_first(const Visit& v) const noexcept { return v.step == 0 && !(rule_.streams && v.run.step > 0); }

  static void copy(const Visit& v, Rows<const T> from, Rows<T> to, Index count) noexcept {
    layers::copy_rows(from, to, v.rows, count);
  }
  static void fill(const Visit& v, Rows<T> to, Index count) noexcept {
    for (Index b = v.rows.begin; b < v.rows.end; ++b) std::fill_n(to.at(b, 0), count, T{0});
  }

  void begin_state(const Visit& v, std::size_t i) const noexcept {
    const ValueInfo& info = in_[1 + i];
    const auto to = info.data.rows<T>(v.inner.arena);
    if (v.step > 0) {
      return copy(v, out_[1 + i].data.rows<const T>(at_step(v.run, v.step - 1).arena), to, info.features);
    }
    const bool known = states_[i].initial && !(rule_.streams && v.run.step == 0);
    if (known) return copy(v, states_[i].initial.rows<const T>(v.run.arena), to, info.features);
    if (states_[i].carried != nullptr) return states_[i].carried->load<T>(0, to, v.rows);
    fill(v, to, info.features);
  }

  void keep_skipped_states(const Visit& v) const noexcept {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const auto before = in_[1 + i].data.rows<const T>(v.inner.arena);
      const auto after = out_[1 + i].data.rows<T>(v.inner.arena);
      for (Index b = v.rows.begin; b < v.rows.end; ++b) {
        if (!counts(v, b)) std::copy_n(before.at(b, 0), in_[1 + i].features, after.at(b, 0));
      }
    }
  }

  void put_output(const Visit& v) const noexcept {
    const auto from = out_[0].data.rows<const T>(v.inner.arena);
    const auto y = y_.data.rows<T>(v.run.arena);
    const Index step = rule_.every_step ? v.step : 0;
    for (Index b = v.rows.begin; b < v.rows.end; ++b) {
      if (counts(v, b)) {
        std::copy_n(from.at(b, 0), y_.features, y.at(b, step));
      } else if (is_first(v) || rule_.zero_output) {
        std::fill_n(y.at(b, step), y_.features, T{0});
      } else if (rule_.every_step && step > 0) {
        std::copy_n(y.at(b, step - 1), y_.features, y.at(b, step));
      }
    }
  }

  // to = outside + waiting, without those that are nowhere.
  static void take(const T* outside, T* to, const T* waiting, Index count) noexcept {
    for (Index k = 0; k < count; ++k) {
      to[k] = (outside != nullptr ? outside[k] : T{0}) + (waiting != nullptr ? waiting[k] : T{0});
    }
  }
  static void put_aside(T* from, T* waiting, Index count) noexcept {
    std::copy_n(from, count, waiting);
    std::fill_n(from, count, T{0});
  }

  void begin_output_gradient(const Visit& v) const noexcept {
    const bool last = v.step + 1 == steps();
    const auto dy = y_.gradient.rows<const T>(v.run.arena);
    const auto to = out_[0].gradient.rows<T>(v.inner.arena);
    const auto waiting = dy_waiting_.rows<T>(v.run.arena);
    for (Index b = v.rows.begin; b < v.rows.end; ++b) {
      const T* outside = nullptr;
      if (rule_.every_step || last) outside = dy.at(b, rule_.every_step ? v.step : 0);
      take(outside, to.at(b, 0), last || !waiting ? nullptr : waiting.at(b, 0), y_.features);
      if (counts(v, b)) {
        if (waiting) std::fill_n(waiting.at(b, 0), y_.features, T{0});
        continue;
      }
      put_aside(to.at(b, 0), waiting.at(b, 0), y_.features);
      if (rule_.zero_output) std::fill_n(waiting.at(b, 0), y_.features, T{0});
    }
  }

  // From the step after, or from outside. The cell need not use a state, nor make the new one of what has a gradient.
  void begin_state_gradient(const Visit& v, std::size_t i) const noexcept {
    const Index n = out_[1 + i].features;
    Rows<const T> from = states_[i].d_last.rows<const T>(v.run.arena);
    if (v.step + 1 < steps()) from = in_[1 + i].gradient.rows<const T>(at_step(v.run, v.step + 1).arena);
    const auto to = out_[1 + i].gradient.rows<T>(v.inner.arena), waiting = states_[i].waiting.rows<T>(v.run.arena);
    for (Index b = v.rows.begin; b < v.rows.end; ++b) {
      const bool passes = !counts(v, b);
      if (to) take(from && !passes ? from.at(b, 0) : nullptr, to.at(b, 0), nullptr, n);
      if (passes) take(from ? from.at(b, 0) : nullptr, waiting.at(b, 0), nullptr, n);
    }
    fill(v, in_[1 + i].gradient.rows<T>(v.inner.arena), n);
  }

  RnnRule rule_;
  ValueInfo x_, y_;
  std::vector<OuterState> states_;
  std::vector<ValueInfo> in_, out_;  // of the body: x and states, y and states
  Place dy_waiting_;
};

// The same numbers in another place.
template <class T>
class CopyExecutor final : public engine::Executor {
 public:
  CopyExecutor(const ValueInfo& x, const ValueInfo& y) : x_(x), y_(y) {}
  void forward(const Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    layers::copy_rows(x_.data.rows<const T>(run.arena), y_.data.rows<T>(run.arena), member.share(run.rows),
                      x_.features);
  }
  void backward(const Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    if (!x_.gradient) return;
    layers::copy_rows(y_.gradient.rows<const T>(run.arena), x_.gradient.rows<T>(run.arena), member.share(run.rows),
                      x_.features);
  }
  double flops_per_row() const override { return static_cast<double>(x_.features); }

 private:
  ValueInfo x_, y_;
};

class RnnNode final : public graph::LayerNode {
 public:
  RnnNode(const std::shared_ptr<LayerNode>& cell, const RNNOptions& options, const graph::LayerOptions& common)
      : LayerNode("RNN", common), inside_{cell}, options_(options), state_shapes_(cell->state_shapes()) {
    if (state_shapes_.empty()) {
      throw ConfigError(where() +
                        " takes a cell: LSTMCell, GRUCell, StackedRNNCells, or a Model of {x, states...} to " +
                        "{y, new states...} whose states keep their shapes; " + cell->where() + " is none");
    }
    for (const Shape& shape : state_shapes_) {
      if (shape.rank() != 1) throw ConfigError(where() + ": states must be (batch, units) each");
      if (options.stateful) {
        carried_.push_back(std::make_shared<layers::RecurrentState>(where(), 1, shape[0], cell->dtype()));
      }
    }
    declare_input(options.input_shape);
  }

  DType dtype() const override { return cell().dtype(); }
  std::span<const std::shared_ptr<LayerNode>> children() const override { return inside_; }
  std::string child_attribute(std::size_t) const override { return "cell"; }
  bool stateful() const override { return options_.stateful; }
  void reset_states() const override {
    for (const auto& state : carried_) state->reset();
  }
  std::optional<graph::Recurrence> recurrence() const override { return layers::recurrence_of(options_); }
  std::optional<bool> hands_mask_on() const override {
    return options_.return_sequences ? std::optional(masks_go_on()) : std::nullopt;
  }
  bool takes_initial_state() const override { return true; }
  bool keeps_time(const std::vector<Shape>& inputs) const override { return inputs.size() == 1; }
  std::string output_activation(std::size_t output) const override { return cell().output_activation(output); }
  std::string output_hint() const override { return layers::last_step_hint(options_.return_sequences); }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    if (inputs.size() != 1 && inputs.size() != 1 + state_shapes_.size()) {
      throw ShapeError(where() + " takes x, or x and " + std::to_string(state_shapes_.size()) + " initial states; " +
                       std::to_string(inputs.size()) + " inputs were given");
    }
    if (cell().stateful()) {  // a model inside may have changed
      throw ConfigError(where() + ": " + cell().where() + " is stateful inside; make the RNN so");
    }
    const Shape& x = inputs[0];
    if (x.rank() < 2) {
      throw ShapeError(where() + " expects (batch, timesteps, features), got " + graph::batch_text(x));
    }
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      if (inputs[i] == state_shapes_[i - 1]) continue;
      throw ShapeError(where() + ": initial state " + std::to_string(i - 1) + " must be " +
                       graph::batch_text(state_shapes_[i - 1]) + ", got " + graph::batch_text(inputs[i]));
    }
    const std::vector<Shape> step = cell().output_shapes(inputs_of_cell(x));
    if (step.size() != 1 + state_shapes_.size() ||
        !std::equal(state_shapes_.begin(), state_shapes_.end(), step.begin() + 1)) {
      throw ShapeError(where() + ": " + cell().where() +
                       " must return its output and its new states, of the shapes of "
                       "the old ones");
    }
    if (step[0].rank() != 1) {
      throw ShapeError(where() + ": the output of " + cell().where() + " must be (batch, units) at each step, not " +
                       graph::batch_text(step[0]));
    }
    std::vector<Shape> out{options_.return_sequences ? step[0].prepend(x[0]) : step[0]};
    if (options_.return_state) out.insert(out.end(), state_shapes_.begin(), state_shapes_.end());
    return out;
  }

  std::vector<Value> plan(engine::PlanBuilder& builder, const std::vector<Value>& inputs) const override {
    if (builder.streaming()) layers::refuse_stream_backwards(*this, options_.go_backwards);
    if (builder.rounds_weights()) {
      throw ConfigError(where() + ": .weights is 'bfloat16', which rounds the weights of LSTM layers, not of cells");
    }
    const ValueInfo x = builder.info(inputs[0]);
    const bool trains = goes_back(builder, inputs);
    engine::PlanBuilder body = builder.body();
    std::vector<Value> in{body.input(x.sample.from(1), builder.wants_gradient(inputs[0]))};
    for (const Shape& shape : state_shapes_) in.push_back(body.input(shape, trains));
    for (const Value v : each_by_itself(body, in, cell().plan(body, in))) body.output(v);
    const std::shared_ptr<const engine::Plan> walked = body.finish();

    const Shape y_step = cell().output_shapes(inputs_of_cell(x.sample)).front();
    std::vector<Value> out{builder.value(options_.return_sequences ? y_step.prepend(x.sample[0]) : y_step, trains)};
    std::vector<OuterState> states;
    for (std::size_t i = 0; i < state_shapes_.size(); ++i)
      states.push_back(outer_state(builder, inputs, i, trains, out));
    const RnnRule rule{options_.return_sequences, options_.go_backwards, options_.zero_output_for_mask,
                       builder.streaming()};
    builder.add<RnnExecutor>(builder, walked, rule, x, builder.info(out[0]), std::move(states));
    if (options_.return_sequences && masks_go_on()) builder.set_mask(out[0], x.mask);
    return out;
  }

  Json config() const override { return core::with_fields(LayerNode::config(), inside_[0], options_); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<RnnNode>(cell().copy(), layers::with_recurrence(options_, changes),
                                     options_for_copy(changes));
  }

 protected:
  void create_parameters(const std::vector<Shape>& inputs) override { inside_[0]->build(inputs_of_cell(inputs[0])); }

 private:
  const LayerNode& cell() const { return *inside_[0]; }
  std::vector<Shape> inputs_of_cell(const Shape& x) const {
    std::vector<Shape> inputs{x.from(1)};
    inputs.insert(inputs.end(), state_shapes_.begin(), state_shapes_.end());
    return inputs;
  }

  bool goes_back(const engine::PlanBuilder& builder, const std::vector<Value>& inputs) const {
    const std::vector<engine::Parameter> weights = cell().parameters();
    return builder.training() &&
           (std::any_of(inputs.begin(), inputs.end(), [&](Value v) { return builder.wants_gradient(v); }) ||
            std::any_of(weights.begin(), weights.end(), [](const auto& p) { return p.block->trainable(); }));
  }

  // Where state i stands around the cell; it is added to the outputs, if the options say so.
  OuterState outer_state(engine::PlanBuilder& builder, const std::vector<Value>& inputs, std::size_t i, bool trains,
                         std::vector<Value>& outputs) const {
    OuterState state;
    if (builder.streaming()) {
      state.initial = state.last = builder.rows(1, state_shapes_[i][0]);
      builder.carry(state.initial, state_shapes_[i][0]);
      return state;
    }
    if (inputs.size() > 1) {
      state.initial = builder.info(inputs[1 + i]).data;
      state.d_initial = builder.info(inputs[1 + i]).gradient;
    }
    if (options_.stateful && builder.carries_states()) state.carried = carried_[i];
    if (!options_.return_state) return state;
    outputs.push_back(builder.value(state_shapes_[i], trains));
    state.last = builder.info(outputs.back()).data;
    state.d_last = builder.info(outputs.back()).gradient;
    return state;
  }

  // A tensor that the cell returns twice, as output and as state, gets a gradient for each. A state that is an input or
  // another state gets a place of its own: what comes in for the next step must not overwrite it.
  static std::vector<Value> each_by_itself(engine::PlanBuilder& body, const std::vector<Value>& inputs,
                                           std::vector<Value> outputs) {
    std::map<int, std::vector<std::size_t>> places;
    for (std::size_t i = 0; i < outputs.size(); ++i) places[outputs[i].id].push_back(i);
    for (const auto& [id, numbers] : places) {
      const std::vector<Value> readers = body.fan_out(outputs[numbers[0]], numbers.size());
      for (std::size_t k = 0; k < numbers.size(); ++k) outputs[numbers[k]] = readers[k];
    }
    std::set<std::ptrdiff_t> taken;
    for (const Value v : inputs) taken.insert(body.info(v).data.offset);
    for (std::size_t i = 1; i < outputs.size(); ++i) {
      if (taken.insert(body.info(outputs[i]).data.offset).second) continue;
      const ValueInfo from = body.info(outputs[i]);
      outputs[i] = body.value(from.sample, static_cast<bool>(from.gradient));
      body.add<CopyExecutor>(from, body.info(outputs[i]));
    }
    return outputs;
  }

  std::vector<std::shared_ptr<LayerNode>> inside_;  // the cell
  RNNOptions options_;
  std::vector<Shape> state_shapes_;
  std::vector<std::shared_ptr<layers::RecurrentState>> carried_;
};

}  // namespace

RNN::RNN(const Layer& cell, const RNNOptions& options)
    : Layer(graph::make_layer<RnnNode>(cell.node(), options,
                                       graph::LayerOptions{options.name, cell.node()->policy(), options.trainable})) {}

std::shared_ptr<graph::LayerNode> layers::rnn_from_config(const Json& config) {
  return node_from_config<RnnNode, std::shared_ptr<graph::LayerNode>, RNNOptions>("RNN", config);
}

}  // namespace rondo
