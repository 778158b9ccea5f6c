// Bidirectional: a recurrent layer that walks time forwards and one that walks it backwards, on the same sequence.
#include <algorithm>
#include <nlohmann/json.hpp>

#include <rondo/layers/wrappers.hpp>

#include "core/dispatch.hpp"
#include "core/names.hpp"
#include "core/sizes.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"
#include "layers/recurrent/masked_output.hpp"

namespace rondo {

namespace {

using engine::Value;
using engine::ValueInfo;
using graph::Json;

enum class MergeMode { concat, sum, mul, ave, none };

std::vector<std::string> merge_modes() { return {"concat", "sum", "mul", "ave", "none"}; }

MergeMode merge_mode(const std::string& where, const std::string& name) {
  const std::vector<std::string> names = merge_modes();
  const auto found = std::find(names.begin(), names.end(), lower_case(name));
  if (found != names.end()) return static_cast<MergeMode>(found - names.begin());
  throw ConfigError(where + ": merge_mode '" + name + "' is not known." + did_you_mean(name, names) +
                    " Known: " + quoted_list(names));
}

// y from both directions, in the order of time. Backward gives each its part of dy.
template <class T>
class MergeDirections final : public engine::Executor {
 public:
  MergeDirections(MergeMode mode, const ValueInfo& forward, const ValueInfo& backward, const ValueInfo& y)
      : mode_(mode), forward_(forward), backward_(backward), y_(y) {}

  void forward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    const auto a = forward_.data.rows<const T>(run.arena), b = backward_.data.rows<const T>(run.arena);
    const auto y = y_.data.rows<T>(run.arena);
    for_rows(run, member, [&](Index row, Index t) { merge(a.at(row, t), b.at(row, t), y.at(row, t)); });
  }

  void backward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    if (!y_.gradient) return;
    const auto a = forward_.data.rows<const T>(run.arena), b = backward_.data.rows<const T>(run.arena);
    const auto da = forward_.gradient.rows<T>(run.arena), db = backward_.gradient.rows<T>(run.arena);
    const auto dy = y_.gradient.rows<const T>(run.arena);
    for_rows(run, member, [&](Index row, Index t) {
      if (da) split(dy.at(row, t), b.at(row, t), da.at(row, t), forward_.features);
      const Index first = mode_ == MergeMode::concat ? forward_.features : 0;
      if (db) split(dy.at(row, t) + first, a.at(row, t), db.at(row, t), backward_.features);
    });
  }

  double flops_per_row() const override { return static_cast<double>(y_.steps * y_.features); }

 private:
  template <class F>
  void for_rows(const engine::Run& run, const engine::Member& member, F&& f) const noexcept {
    const Range rows = member.share(run.rows);
    for (Index t = 0; t < y_.steps; ++t) {
      for (Index row = rows.begin; row < rows.end; ++row) f(row, t);
    }
  }

  void merge(const T* a, const T* b, T* y) const noexcept {
    const Index n = forward_.features;
    switch (mode_) {
      case MergeMode::sum:
        for (Index i = 0; i < n; ++i) y[i] = a[i] + b[i];
        return;
      case MergeMode::mul:
        for (Index i = 0; i < n; ++i) y[i] = a[i] * b[i];
        return;
      case MergeMode::ave:
        for (Index i = 0; i < n; ++i) y[i] = (a[i] + b[i]) / 2;
        return;
      default: std::copy_n(a, n, y); std::copy_n(b, backward_.features, y + n);
    }
  }

  // The gradient of one direction, of which `other` is the other one.
  void split(const T* dy, const T* other, T* to, Index n) const noexcept {
    switch (mode_) {
      case MergeMode::mul:
        for (Index i = 0; i < n; ++i) to[i] = dy[i] * other[i];
        return;
      case MergeMode::ave:
        for (Index i = 0; i < n; ++i) to[i] = dy[i] / 2;
        return;
      default: std::copy_n(dy, n, to);
    }
  }

  MergeMode mode_;
  ValueInfo forward_, backward_, y_;
};

using Node = std::shared_ptr<graph::LayerNode>;

std::string without_prefix(const std::string& name, const std::string& prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

// A new layer of the same options, with weights of its own.
Node direction(const graph::LayerNode& layer, const std::string& prefix, bool go_backwards) {
  graph::Recurrence recurrence = *layer.recurrence();
  recurrence.go_backwards = go_backwards;
  recurrence.zero_output_for_mask = recurrence.return_sequences;
  return layer.copy({.name = prefix + without_prefix(layer.name(), prefix), .recurrence = recurrence});
}

struct BidirectionalFields {
  std::optional<std::string> merge_mode = "concat";  // null: "none"
  Json layer = {}, backward_layer = {};              // the second may be null
};

template <class Visitor>
void fields(Visitor& v, BidirectionalFields& f) {
  v("merge_mode", f.merge_mode);
  v.required("layer", f.layer);
  v("backward_layer", f.backward_layer);
}

class BidirectionalNode final : public graph::LayerNode {
 public:
  // `backward` may be null: then it is made like `layer`.
  BidirectionalNode(const Node& layer, const Node& backward, const std::string& mode, const Shape& input_shape,
                    const graph::LayerOptions& common)
      : LayerNode("Bidirectional", common), mode_(merge_mode(where(), mode)) {
    for (const Node& each : {layer, backward}) {
      if (each == nullptr || each->recurrence()) continue;
      throw ConfigError(where() + " takes a recurrent layer, such as LSTM; " + each->where() + " is none");
    }
    const bool go_backwards = layer->recurrence()->go_backwards;
    inside_.push_back(direction(*layer, "forward_", go_backwards));
    inside_.push_back(backward != nullptr ? backward : direction(*layer, "backward_", !go_backwards));
    require_agreement(*forward().recurrence(), *this->backward().recurrence());
    declare_input(input_shape);
  }

  DType dtype() const override { return forward().dtype(); }
  std::span<const Node> children() const override { return inside_; }
  std::string child_attribute(std::size_t child) const override {
    return child == 0 ? "forward_layer" : "backward_layer";
  }
  bool takes_initial_state() const override { return true; }
  // Its backward layer begins with the last step.
  std::optional<bool> hands_mask_on() const override {
    return backward().recurrence()->return_sequences ? std::optional(masks_go_on()) : std::nullopt;
  }
  bool keeps_time(const std::vector<Shape>&) const override { return false; }
  std::string output_activation(std::size_t output) const override {
    const std::string activation = forward().output_activation(0);
    const bool joined = mode_ == MergeMode::concat || mode_ == MergeMode::none;
    return output == 0 && joined && activation == backward().output_activation(0) ? activation : "";
  }
  std::string output_hint() const override { return forward().output_hint(); }
  std::string input_hint(const Shape& x) const override { return forward().input_hint(x); }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    std::vector<Shape> a = forward().output_shapes(inputs_of(0, inputs));
    const std::vector<Shape> b = backward().output_shapes(inputs_of(1, inputs));
    const Shape first = a[0];
    std::vector<Shape> out = a;
    if (mode_ == MergeMode::concat) {
      out[0] = first.with(-1, (Size(first.back()) + b[0].back()).count("the features that " + where() + " gives"));
    } else if (mode_ != MergeMode::none && first != b[0]) {
      throw ShapeError(where() + ": the outputs of both directions must have one shape to be merged, " +
                       graph::batch_text(first) + " and " + graph::batch_text(b[0]) +
                       " have not; merge_mode 'concat' joins any");
    }
    if (mode_ == MergeMode::none) out.insert(out.begin() + 1, b[0]);
    out.insert(out.end(), b.begin() + 1, b.end());
    return out;
  }

  std::vector<Value> plan(engine::PlanBuilder& builder, const std::vector<Value>& inputs) const override {
    const ValueInfo x = builder.info(inputs[0]);
    const graph::Recurrence recurrence = *backward().recurrence();
    const std::vector<Value> readers = builder.fan_out(inputs[0], 2);
    std::vector<std::vector<Value>> of_direction;
    for (std::size_t i = 0; i < 2; ++i) {
      std::vector<Value> from = inputs_of(i, inputs);
      from[0] = readers[i];
      of_direction.push_back(inside_[i]->plan(builder, from));
    }
    std::vector<Value>&a = of_direction[0], &b = of_direction[1];
    if (recurrence.return_sequences) {
      if (x.mask && !recurrence.zero_output_for_mask) b[0] = zero_where_masked(builder, b[0], x);
      b[0] = builder.reversed(b[0]);
    }
    std::vector<Value> out = merged(builder, a[0], b[0]);
    const bool has_mask = recurrence.return_sequences && masks_go_on();
    for (const Value v : out) builder.set_mask(v, has_mask ? x.mask : engine::Place{});
    out.insert(out.end(), a.begin() + 1, a.end());
    out.insert(out.end(), b.begin() + 1, b.end());
    return out;
  }

  Json config() const override {
    BidirectionalFields f{.merge_mode = {}, .layer = to_config(inside_[0]), .backward_layer = to_config(inside_[1])};
    if (mode_ != MergeMode::none) f.merge_mode = mode_name();
    return core::with_fields(LayerNode::config(), f);
  }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<BidirectionalNode>(inside_[0], inside_[1]->copy(), mode_name(), declared_input(),
                                               options_for_copy(changes));
  }

 protected:
  void create_parameters(const std::vector<Shape>& inputs) override {
    for (std::size_t i = 0; i < 2; ++i) inside_[i]->build(inputs_of(i, inputs));
  }

 private:
  std::string mode_name() const { return merge_modes()[static_cast<std::size_t>(mode_)]; }
  const graph::LayerNode& forward() const { return *inside_[0]; }
  const graph::LayerNode& backward() const { return *inside_[1]; }

  void require_agreement(const graph::Recurrence& a, const graph::Recurrence& b) const {
    const auto refuse = [&](const std::string& what) {
      throw ConfigError(where() + ": " + forward().where() + " and " + backward().where() + " " + what);
    };
    if (a.go_backwards == b.go_backwards) refuse("walk time in the same direction; one needs go_backwards = true");
    if (a.return_sequences != b.return_sequences) refuse("must agree in return_sequences");
    if (a.return_state != b.return_state) refuse("must agree in return_state");
    if (a.stateful != b.stateful) refuse("must agree in stateful");
    if (forward().dtype() != backward().dtype()) refuse("must compute in one dtype");
  }

  // x, and of the initial states the first half or the second.
  template <class Item>
  std::vector<Item> inputs_of(std::size_t direction, const std::vector<Item>& inputs) const {
    const std::size_t states = inputs.size() - 1, half = states / 2;
    if (states % 2 != 0) {
      throw ShapeError(where() + " takes initial states for both directions, as many for each; " +
                       std::to_string(states) + " were given");
    }
    std::vector<Item> own{inputs[0]};
    const auto begin = inputs.begin() + 1 + static_cast<std::ptrdiff_t>(direction * half);
    own.insert(own.end(), begin, begin + static_cast<std::ptrdiff_t>(half));
    return own;
  }

  Value zero_where_masked(engine::PlanBuilder& builder, Value h, const ValueInfo& x) const {
    const layers::MaskedOutput rule{
        .mask = x.mask, .steps = x.steps, .backwards = backward().recurrence()->go_backwards, .zero = true};
    return core::with_type(dtype(), [&]<class T>() { return layers::add_masked_output<T>(builder, h, rule); });
  }

  std::vector<Value> merged(engine::PlanBuilder& builder, Value a, Value b) const {
    if (mode_ == MergeMode::none) return {a, b};
    const ValueInfo from_a = builder.info(a), from_b = builder.info(b);
    const Index features = from_a.features + (mode_ == MergeMode::concat ? from_b.features : 0);
    const Value y = builder.value(from_a.sample.with(-1, features), from_a.gradient || from_b.gradient);
    builder.add<MergeDirections>(mode_, from_a, from_b, builder.info(y));
    return {y};
  }

  MergeMode mode_;
  std::vector<Node> inside_;  // forward, backward
};

}  // namespace

Bidirectional::Bidirectional(const Layer& layer, const BidirectionalOptions& options)
    : Layer(graph::make_layer<BidirectionalNode>(
          layer.node(), options.backward_layer ? options.backward_layer->node() : nullptr, options.merge_mode,
          options.input_shape.empty() ? layer.node()->declared_input() : options.input_shape,
          graph::LayerOptions{options.name, layer.node()->policy(), options.trainable})) {}

std::shared_ptr<graph::LayerNode> layers::bidirectional_from_config(const Json& config) {
  BidirectionalFields f;
  const graph::LayerOptions common = read_layer("Bidirectional", config, f);
  Node backward;  // made first: what a layer draws depends on its number
  if (!f.backward_layer.is_null()) backward = layer_from_config(f.backward_layer);
  return std::make_shared<BidirectionalNode>(layer_from_config(f.layer), backward, f.merge_mode.value_or("none"),
                                             Shape{}, common);
}

}  // namespace rondo
