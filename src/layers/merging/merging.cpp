#include "layers/merging/merging.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

namespace rondo::layers {

namespace {

std::string list_of(const std::vector<Shape>& inputs) {
  std::string text;
  for (const Shape& shape : inputs) text += (text.empty() ? "" : ", ") + graph::batch_text(shape);
  return text;
}

Shape with_leading_ones(Shape shape, Index rank) {
  while (shape.rank() < rank) shape = shape.prepend(1);
  return shape;
}

// Masks of several tensors into one. They are given with the number of their steps; a place that is nowhere counts
// everywhere.
class MaskExecutor : public engine::Executor {
 public:
  struct Input {
    engine::Place mask;
    Index steps;
  };
  MaskExecutor(std::vector<Input> inputs, const engine::Place& out, Index steps)
      : inputs_(std::move(inputs)), out_(out), steps_(steps) {}

  void backward(const engine::Run&, const engine::Member&, Index) const noexcept override {}
  double flops_per_row() const override { return static_cast<double>(steps_); }

 protected:
  static bool counts(const engine::Run& run, const Input& input, Index row, Index step) {
    return !input.mask || *input.mask.rows<const std::uint8_t>(run.arena).at(row, step) != 0;
  }

  std::vector<Input> inputs_;
  engine::Place out_;
  Index steps_;
};

class MaskUnion final : public MaskExecutor {
 public:
  using MaskExecutor::MaskExecutor;
  void forward(const engine::Run& run, const engine::Member& member, Index) const noexcept override {
    const Range rows = member.share(run.rows);
    const auto out = out_.rows<std::uint8_t>(run.arena);
    for (Index b = rows.begin; b < rows.end; ++b) {
      for (Index t = 0; t < steps_; ++t) {
        *out.at(b, t) = std::any_of(inputs_.begin(), inputs_.end(),
                                    [&](const Input& i) { return counts(run, i, b, i.steps == 1 ? 0 : t); });
      }
    }
  }
};

class MaskSequence final : public MaskExecutor {
 public:
  using MaskExecutor::MaskExecutor;
  void forward(const engine::Run& run, const engine::Member& member, Index) const noexcept override {
    const Range rows = member.share(run.rows);
    const auto out = out_.rows<std::uint8_t>(run.arena);
    for (Index b = rows.begin; b < rows.end; ++b) {
      Index at = 0;
      for (const Input& input : inputs_) {
        for (Index t = 0; t < input.steps; ++t) *out.at(b, at++) = counts(run, input, b, t);
      }
    }
  }
};

template <class Executor>
engine::Place add_mask(engine::PlanBuilder& builder, std::span<const engine::ValueInfo> inputs, Index steps) {
  std::vector<MaskExecutor::Input> masks;
  for (const engine::ValueInfo& info : inputs) masks.push_back({info.mask, info.time_steps()});
  const engine::Place out = builder.mask_rows(steps);
  builder.add(Executor(std::move(masks), out, steps));
  return out;
}

}  // namespace

Merged merged(const engine::PlanBuilder& builder, const std::vector<engine::Value>& inputs) {
  Merged all;
  for (const engine::Value v : inputs) {
    all.infos.push_back(builder.info(v));
    all.shapes.push_back(all.infos.back().sample);
    all.wants_gradient = all.wants_gradient || builder.wants_gradient(v);
  }
  return all;
}

void require_several(const graph::LayerNode& layer, const std::vector<Shape>& inputs) {
  if (inputs.size() >= 2) return;
  throw ShapeError(layer.where() + " merges two tensors or more, " + std::to_string(inputs.size()) +
                   " was given: give them in braces, layer({a, b})");
}

Shape broadcast(const graph::LayerNode& layer, const std::vector<Shape>& inputs) {
  Index rank = 0;
  for (const Shape& shape : inputs) rank = std::max(rank, shape.rank());
  Shape out = with_leading_ones(inputs.front(), rank);
  for (const Shape& input : inputs) {
    const Shape shape = with_leading_ones(input, rank);
    for (Index axis = 0; axis < rank; ++axis) {
      const Index a = out[axis], b = shape[axis];
      if (a == b || b == 1) continue;
      if (a == 1) {
        out = out.with(axis, b);
      } else if (a == Shape::kUnknown) {
        out = out.with(axis, b);  // what is known now; the data will show
      } else if (b != Shape::kUnknown) {
        throw ShapeError(layer.where() + " cannot merge tensors of the shapes " + list_of(inputs) +
                         ": axes must be equal, or 1");
      }
    }
  }
  return out;
}

std::vector<Index> broadcast_steps(const Shape& from, const Shape& to) {
  const Shape axes = with_leading_ones(from, to.rank()).without_last(), all = to.without_last();
  std::vector<Index> steps;
  for (Index step = 0; step < all.elements(); ++step) {
    Index rest = step, source = 0, stride = 1;
    for (Index axis = all.rank() - 1; axis >= 0; --axis) {
      source += (axes[axis] == 1 ? 0 : rest % all[axis]) * stride;
      rest /= all[axis];
      stride *= axes[axis];
    }
    steps.push_back(source);
  }
  return steps;
}

engine::Place add_mask_union(engine::PlanBuilder& builder, std::span<const engine::ValueInfo> inputs) {
  Index steps = 1;
  for (const engine::ValueInfo& info : inputs) steps = std::max(steps, info.time_steps());
  return add_mask<MaskUnion>(builder, inputs, steps);
}

engine::Place add_mask_sequence(engine::PlanBuilder& builder, std::span<const engine::ValueInfo> inputs) {
  Index steps = 0;
  for (const engine::ValueInfo& info : inputs) steps += info.time_steps();
  return add_mask<MaskSequence>(builder, inputs, steps);
}

}  // namespace rondo::layers
