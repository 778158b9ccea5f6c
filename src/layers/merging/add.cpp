// Add: the sum of several tensors, element by element, with broadcasting.
#include <algorithm>
#include <nlohmann/json.hpp>

#include <rondo/layers/merging.hpp>

#include "kernels/table.hpp"
#include "layers/merging/merging.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"

namespace rondo {

namespace {

using engine::Run;
using engine::ValueInfo;
using kernels::Rows;

// A tensor that is added, and how it stretches to the sum.
struct Term {
  ValueInfo info;
  std::vector<Index> steps;  // its step for each of the sum's; empty: it has the sum's shape
  bool stretches() const { return !steps.empty(); }
};

// y = ((a + b) + c) + ... Each term gets dy, where it stretches the sum over what it was stretched to.
template <class T>
class AddExecutor final : public engine::Executor {
 public:
  AddExecutor(std::vector<Term> terms, const ValueInfo& y)
      : terms_(std::move(terms)), y_(y), ops_(&kernels::chosen().ops<T>()) {}

  void forward(const Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    const Range rows = member.share(run.rows);
    const Rows<T> y = y_.data.rows<T>(run.arena);
    std::size_t next = 1;
    if (!terms_[0].stretches() && !terms_[1].stretches()) {
      add(terms_[0].info.data.rows<const T>(run.arena), terms_[1].info.data.rows<const T>(run.arena), y, rows);
      next = 2;
    } else {
      for_elements(run, terms_[0], y, rows, [](T& sum, T term) { sum = term; });
    }
    for (; next < terms_.size(); ++next) {
      if (terms_[next].stretches()) {
        for_elements(run, terms_[next], y, rows, [](T& sum, T term) { sum += term; });
      } else {
        add(Rows<const T>(y), terms_[next].info.data.rows<const T>(run.arena), y, rows);
      }
    }
  }

  void backward(const Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    const Range rows = member.share(run.rows);
    for (const Term& term : terms_) {
      if (!term.info.gradient) continue;
      term.stretches() ? sum_gradient(run, term, rows) : copy_gradient(run, term, rows);
    }
  }

  double flops_per_row() const override {
    return static_cast<double>(y_.steps * y_.features) * static_cast<double>(terms_.size());
  }

 private:
  void add(const Rows<const T>& a, const Rows<const T>& b, const Rows<T>& y, Range rows) const noexcept {
    ops_->add({.first = a, .second = b, .sum = y, .steps = y_.steps, .features = y_.features}, rows);
  }

  // f(element of y, element of the term that stands for it).
  template <class F>
  void for_elements(const Run& run, const Term& term, const Rows<T>& y, Range rows, F&& f) const noexcept {
    const auto x = term.info.data.rows<const T>(run.arena);
    const Index stride = term.info.features == 1 ? 0 : 1;
    for (Index t = 0; t < y_.steps; ++t) {
      const Index from = term.stretches() ? term.steps[static_cast<std::size_t>(t)] : t;
      for (Index b = rows.begin; b < rows.end; ++b) {
        for (Index i = 0; i < y_.features; ++i) f(y.at(b, t)[i], x.at(b, from)[i * stride]);
      }
    }
  }

  void copy_gradient(const Run& run, const Term& term, Range rows) const noexcept {
    const auto dy = y_.gradient.rows<const T>(run.arena);
    const auto dx = term.info.gradient.rows<T>(run.arena);
    for (Index t = 0; t < y_.steps; ++t) {
      for (Index b = rows.begin; b < rows.end; ++b) std::copy_n(dy.at(b, t), y_.features, dx.at(b, t));
    }
  }

  void sum_gradient(const Run& run, const Term& term, Range rows) const noexcept {
    const auto dy = y_.gradient.rows<const T>(run.arena);
    const auto dx = term.info.gradient.rows<T>(run.arena);
    const Index stride = term.info.features == 1 ? 0 : 1;
    for (Index b = rows.begin; b < rows.end; ++b) {
      for (Index t = 0; t < term.info.steps; ++t) std::fill_n(dx.at(b, t), term.info.features, T{0});
      for (Index t = 0; t < y_.steps; ++t) {
        T* to = dx.at(b, term.steps[static_cast<std::size_t>(t)]);
        for (Index i = 0; i < y_.features; ++i) to[i * stride] += dy.at(b, t)[i];
      }
    }
  }

  std::vector<Term> terms_;
  ValueInfo y_;
  const kernels::Ops<T>* ops_;
};

class AddNode final : public graph::LayerNode {
 public:
  explicit AddNode(core::NoOptions, const graph::LayerOptions& common) : LayerNode("Add", common) {}

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    layers::require_several(*this, inputs);
    return {layers::broadcast(*this, inputs)};
  }

  bool keeps_time(const std::vector<Shape>&) const override { return true; }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<AddNode>(core::NoOptions{}, options_for_copy(changes));
  }

  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    const layers::Merged from = layers::merged(builder, inputs);
    const Shape sum = layers::broadcast(*this, from.shapes);
    const engine::Value y = builder.value(sum, from.wants_gradient);
    std::vector<Term> terms;
    for (const ValueInfo& info : from.infos) {
      terms.push_back({info, info.sample == sum ? std::vector<Index>{} : layers::broadcast_steps(info.sample, sum)});
    }
    builder.add<AddExecutor>(std::move(terms), builder.info(y));
    const bool masked = std::all_of(from.infos.begin(), from.infos.end(),
                                    [](const ValueInfo& info) { return static_cast<bool>(info.mask); });
    if (masked) {
      for (const ValueInfo& info : from.infos) require_time(info, builder.info(y));
      builder.set_mask(y, layers::add_mask_union(builder, from.infos));
    }
    return {y};
  }

 private:
  // A mask tells apart the steps of a tensor's first axis, which is another one in a tensor of fewer axes.
  void require_time(const ValueInfo& term, const ValueInfo& sum) const {
    if (term.time_steps() == 1 || term.time_steps() == sum.time_steps()) return;
    throw ConfigError(where() + ": masked tensors of " + std::to_string(term.time_steps()) + " and of " +
                      std::to_string(sum.time_steps()) + " time steps cannot be added, " +
                      graph::batch_text(term.sample) + " and " + graph::batch_text(sum.sample));
  }
};

}  // namespace

Add::Add(const AddOptions& options)
    : Layer(graph::make_layer<AddNode>(core::NoOptions{}, graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::add_from_config(const graph::Json& config) {
  return node_from_config<AddNode, core::NoOptions>("Add", config);
}

}  // namespace rondo
