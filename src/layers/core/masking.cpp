// Masking: time steps that are filled with one number do not count.
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include <rondo/layers/core.hpp>

#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, MaskingOptions& o) {
  v("mask_value", o.mask_value);
}

namespace {

// A step counts if one of its features differs from the value; one that does not puts out zeros.
template <class T>
class MaskingExecutor final : public engine::Executor {
 public:
  MaskingExecutor(double value, const engine::ValueInfo& x, const engine::ValueInfo& y)
      : value_(static_cast<T>(value)), x_(x), y_(y) {}

  void forward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    const auto x = x_.data.rows<const T>(run.arena);
    const auto mask = y_.mask.rows<std::uint8_t>(run.arena);
    for_steps(run, member, [&](Index b, Index t) {
      const T* row = x.at(b, t);
      *mask.at(b, t) = std::any_of(row, row + x_.features, [&](T v) { return v != value_; });
    });
    copy_counted(run, member, x, y_.data.rows<T>(run.arena));
  }

  void backward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    if (!x_.gradient) return;
    copy_counted(run, member, y_.gradient.rows<const T>(run.arena), x_.gradient.rows<T>(run.arena));
  }

  double flops_per_row() const override { return static_cast<double>(y_.steps * y_.features); }

 private:
  template <class F>
  void for_steps(const engine::Run& run, const engine::Member& member, F&& f) const noexcept {
    const Range rows = member.share(run.rows);
    for (Index t = 0; t < x_.steps; ++t) {
      for (Index b = rows.begin; b < rows.end; ++b) f(b, t);
    }
  }

  void copy_counted(const engine::Run& run, const engine::Member& member, kernels::Rows<const T> from,
                    kernels::Rows<T> to) const noexcept {
    const auto mask = y_.mask.rows<const std::uint8_t>(run.arena);
    for_steps(run, member, [&](Index b, Index t) {
      if (*mask.at(b, t) != 0) {
        std::copy_n(from.at(b, t), x_.features, to.at(b, t));
      } else {
        std::fill_n(to.at(b, t), x_.features, T{0});
      }
    });
  }

  T value_;
  engine::ValueInfo x_, y_;
};

class MaskingNode final : public graph::LayerNode {
 public:
  MaskingNode(const MaskingOptions& options, const graph::LayerOptions& common)
      : LayerNode("Masking", common), value_(options.mask_value) {
    declare_input(options.input_shape);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    const Shape& x = only_input(inputs);
    if (x.rank() == 1 || x.rank() == 2) return {x};
    throw ShapeError(where() + " takes (batch, timesteps, features) or (batch, features); got " + graph::batch_text(x));
  }
  bool keeps_time(const std::vector<Shape>&) const override { return true; }
  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    const engine::ValueInfo x = builder.info(inputs[0]);
    const engine::Value y = builder.value(x.sample, builder.wants_gradient(inputs[0]));
    builder.set_mask(y, builder.mask_rows(x.steps));
    builder.add<MaskingExecutor>(value_, x, builder.info(y));
    return {y};
  }
  graph::Json config() const override {
    return core::with_fields(LayerNode::config(), MaskingOptions{.mask_value = value_});
  }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<MaskingNode>(MaskingOptions{.mask_value = value_, .input_shape = declared_input()},
                                         options_for_copy(changes));
  }

 private:
  double value_;
};

}  // namespace

Masking::Masking(const MaskingOptions& options)
    : Layer(graph::make_layer<MaskingNode>(options, graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::masking_from_config(const graph::Json& config) {
  return node_from_config<MaskingNode, MaskingOptions>("Masking", config);
}

}  // namespace rondo
