// The product of rows with a matrix of weights, and an activation behind it, in a plan.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "engine/builder.hpp"
#include "engine/executor.hpp"
#include "kernels/table.hpp"
#include "layers/parts/activation_step.hpp"

namespace rondo::layers {

struct DensePlaces {
  engine::Place x, dx;             // dx nowhere: not wanted
  engine::Place z, dz;             // the sums before the activation
  engine::GradientPlace gradient;  // of the weights; nowhere: frozen
  engine::BoundPlace
      transposed;  // derived copy of the weights, where dx is wanted and they are not their own transpose
};

// z = x K + b, then y = f(z). z and its gradient have buffers of their own unless f is linear, when z is y.
template <class T>
class DenseExecutor final : public engine::Executor {
  using Run = engine::Run;

 public:
  DenseExecutor(const kernels::DenseLayout& layout, Index steps, std::shared_ptr<engine::ParameterBlock> block,
                const DensePlaces& places, std::optional<ActivationStep<T>> activation)
      : layout_(layout),
        steps_(steps),
        block_(std::move(block)),
        ops_(&block_->table().template ops<T>()),
        at_(places),
        activation_(std::move(activation)) {}

  void forward(const Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    const Range rows = member.share(run.rows);
    ops_->dense_forward({.layout = layout_,
                         .steps = steps_,
                         .weights = block_->template values<T>(),
                         .x = at_.x.rows<const T>(run.arena),
                         .y = at_.z.rows<T>(run.arena)},
                        rows);
    if (activation_) activation_->forward(run, rows);
  }

  void backward(const Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    const Range rows = member.share(run.rows);
    if (activation_) activation_->backward(run, rows);
    if (!at_.dx) return;
    ops_->dense_backward({.layout = layout_,
                          .steps = steps_,
                          .transposed = transposed(run),
                          .dy = at_.dz.rows<const T>(run.arena),
                          .dx = at_.dx.rows<T>(run.arena)},
                         rows);
  }

  Index gradient_tiles() const override { return at_.gradient ? ops_->dense_gradient_tiles(layout_) : 0; }
  void gradients(const Run& run, Range rows, Range tiles) const noexcept override {
    if (tiles.empty()) return;
    const auto from_first = [&](auto all) {
      return decltype(all){all.at(rows.begin, 0), all.batch_stride, all.step_stride};
    };
    ops_->dense_gradients({.layout = layout_,
                           .steps = steps_,
                           .batch = rows.size(),
                           .add = adds_,
                           .x = from_first(at_.x.rows<const T>(run.arena)),
                           .dy = from_first(at_.dz.rows<const T>(run.arena)),
                           .gradient = at_.gradient.pointer<T>(run)},
                          tiles);
  }

  void add_gradients() override { adds_ = true; }

  Index derived_tiles() const override { return at_.transposed ? 1 : 0; }
  void derive(const Run& run, Range tiles) const noexcept override {
    if (tiles.empty()) return;
    ops_->dense_transpose(layout_, block_->template values<T>(), at_.transposed.pointer<T>(run));
  }
  const engine::ParameterBlock* derived_from() const override { return at_.transposed ? block_.get() : nullptr; }

  double flops_per_row() const override {
    return 2.0 * static_cast<double>(steps_) * static_cast<double>(layout_.inputs * layout_.units) +
           (activation_ ? activation_->flops_per_row() : 0);
  }

 private:
  const T* transposed(const Run& run) const noexcept {
    if (at_.transposed) return at_.transposed.pointer<const T>(run);
    return block_->template values<T>() + layout_.first_input();
  }

  kernels::DenseLayout layout_;
  Index steps_;
  std::shared_ptr<engine::ParameterBlock> block_;
  const kernels::Ops<T>* ops_;
  DensePlaces at_;
  bool adds_ = false;  // to gradients of other calls
  std::optional<ActivationStep<T>> activation_;
};

// y = f(x K + b), a row of features of x for one of y, in a plan; returns y, of this sample shape. The weights are in
// the block, laid out like this.
template <class T>
engine::Value add_dense(engine::PlanBuilder& builder, const kernels::DenseLayout& layout,
                        const std::shared_ptr<engine::ParameterBlock>& block, const kernels::Activation& fn,
                        engine::Value x, const Shape& sample) {
  const engine::ValueInfo in = builder.info(x);
  const engine::GradientPlace gradient = builder.gradient(block);
  const bool dx_wanted = builder.wants_gradient(x);
  const engine::Value y = builder.value(sample, gradient || dx_wanted);
  builder.set_mask(y, in.mask);
  const engine::ValueInfo out = builder.info(y);

  DensePlaces at{
      .x = in.data, .dx = in.gradient, .z = out.data, .dz = out.gradient, .gradient = gradient, .transposed = {}};
  std::optional<ActivationStep<T>> activation;
  if (fn.kind != kernels::ActivationKind::linear) {
    at.z = builder.rows(in.steps, layout.units);
    if (out.gradient) at.dz = builder.rows(in.steps, layout.units);
    engine::ValueInfo sums = in;  // steps of the input, features of the sums
    sums.features = layout.units;
    activation.emplace(fn, block->table().template ops<T>(), sums, at.z, at.dz, out);
  }
  if (dx_wanted && !layout.is_own_transpose())
    at.transposed = builder.derived(block, 0, kernels::dense_transposed_size(layout));
  builder.add(DenseExecutor<T>(layout, in.steps, block, at, std::move(activation)));
  return y;
}

}  // namespace rondo::layers
