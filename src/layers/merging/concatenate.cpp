// Concatenate: several tensors one behind the other along an axis.
#include <algorithm>
#include <nlohmann/json.hpp>

#include <rondo/layers/merging.hpp>

#include "core/sizes.hpp"
#include "layers/merging/merging.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, ConcatenateOptions& o) {
  v("axis", o.axis);
}

namespace {

using engine::Place;
using engine::Run;
using engine::ValueInfo;
using graph::Json;

// Where a tensor stands in the whole.
struct Part {
  ValueInfo info;
  std::vector<Index> steps;  // of the whole, for each of its own
  Index feature = 0;         // its first
};

template <class T>
class ConcatenateExecutor final : public engine::Executor {
 public:
  ConcatenateExecutor(std::vector<Part> parts, const ValueInfo& y) : parts_(std::move(parts)), y_(y) {}

  void forward(const Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    for (const Part& part : parts_) {
      const auto x = part.info.data.rows<const T>(run.arena);
      const auto y = y_.data.rows<T>(run.arena);
      for_rows(part, member.share(run.rows), [&](Index b, Index t, Index in_y) {
        std::copy_n(x.at(b, t), part.info.features, y.at(b, in_y) + part.feature);
      });
    }
  }

  void backward(const Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    for (const Part& part : parts_) {
      if (!part.info.gradient) continue;
      const auto dx = part.info.gradient.rows<T>(run.arena);
      const auto dy = y_.gradient.rows<const T>(run.arena);
      for_rows(part, member.share(run.rows), [&](Index b, Index t, Index in_y) {
        std::copy_n(dy.at(b, in_y) + part.feature, part.info.features, dx.at(b, t));
      });
    }
  }

  double flops_per_row() const override { return static_cast<double>(y_.steps * y_.features); }

 private:
  template <class F>
  static void for_rows(const Part& part, Range rows, F&& f) {
    for (Index t = 0; t < part.info.steps; ++t) {
      for (Index b = rows.begin; b < rows.end; ++b) f(b, t, part.steps[static_cast<std::size_t>(t)]);
    }
  }

  std::vector<Part> parts_;
  ValueInfo y_;
};

class ConcatenateNode final : public graph::LayerNode {
 public:
  ConcatenateNode(const ConcatenateOptions& options, const graph::LayerOptions& common)
      : LayerNode("Concatenate", common), axis_(options.axis) {
    if (axis_ == 0) throw ConfigError(where() + ": axis is 0, the batch; join rows before they enter the model");
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    layers::require_several(*this, inputs);
    const Index axis = sample_axis(inputs.front().rank());
    Shape out = inputs.front();
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      const Shape& shape = inputs[i];
      bool fits = shape.rank() == out.rank();
      for (Index a = 0; fits && a < out.rank(); ++a) {
        const bool unknown = shape[a] == Shape::kUnknown || out[a] == Shape::kUnknown;
        fits = a == axis || unknown || shape[a] == out[a];
        if (fits && a != axis && out[a] == Shape::kUnknown) out = out.with(a, shape[a]);
      }
      if (!fits) {
        throw ShapeError(where() + " joins tensors along axis " + std::to_string(axis_) +
                         ", in which alone they may differ; " + graph::batch_text(inputs.front()) + " and " +
                         graph::batch_text(shape) + " differ elsewhere");
      }
      const bool known = out[axis] != Shape::kUnknown && shape[axis] != Shape::kUnknown;
      const Index both =
          known ? (Size(out[axis]) + shape[axis]).count("an axis of what " + where() + " joins") : Shape::kUnknown;
      out = out.with(axis, both);
    }
    return {out};
  }

  bool keeps_time(const std::vector<Shape>& inputs) const override {
    const Index rank = inputs.front().rank();
    return rank == 1 || sample_axis(rank) > 0;
  }

  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    const layers::Merged from = layers::merged(builder, inputs);
    const Shape whole = output_shapes(from.shapes).front();
    const engine::Value y = builder.value(whole, from.wants_gradient);
    builder.add<ConcatenateExecutor>(parts_of(from.infos, whole), builder.info(y));
    builder.set_mask(y, mask(builder, from.infos));
    return {y};
  }

  Json config() const override { return core::with_fields(LayerNode::config(), ConcatenateOptions{.axis = axis_}); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<ConcatenateNode>(ConcatenateOptions{.axis = axis_}, options_for_copy(changes));
  }

 private:
  // Among the axes of a sample.
  Index sample_axis(Index rank) const {
    const Index axis = axis_ < 0 ? axis_ + rank : axis_ - 1;
    if (axis >= 0 && axis < rank) return axis;
    throw ShapeError(where() + ": axis is " + std::to_string(axis_) + ", the tensors have " + std::to_string(rank + 1) +
                     " axes with the batch");
  }

  std::vector<Part> parts_of(const std::vector<ValueInfo>& infos, const Shape& whole) const {
    const Index axis = sample_axis(whole.rank());
    const bool features = axis + 1 == whole.rank();
    std::vector<Part> parts;
    Index before = 0;  // along the axis
    for (const ValueInfo& info : infos) {
      Part part{info, {}, features ? before : 0};
      // Steps count the axes before the features in row-major order: blocks of `inner`, as many as the axis is long.
      Index inner = 1;
      for (Index a = axis + 1; a + 1 < whole.rank(); ++a) inner *= whole[a];
      const Index own = features ? 1 : info.sample[axis], all = features ? 1 : whole[axis];
      const Index shift = features ? 0 : before;
      for (Index t = 0; t < info.steps; ++t) {
        part.steps.push_back((t / (own * inner) * all + t / inner % own + shift) * inner + t % inner);
      }
      parts.push_back(std::move(part));
      before += info.sample[axis];
    }
    return parts;
  }

  // Along time masks stand one behind the other; along the features a step counts if it does in one of the tensors, as
  // all steps do in one without a mask.
  Place mask(engine::PlanBuilder& builder, const std::vector<ValueInfo>& infos) const {
    const auto masked = [](const ValueInfo& info) { return static_cast<bool>(info.mask); };
    if (std::none_of(infos.begin(), infos.end(), masked)) return {};
    const Index rank = infos.front().sample.rank(), axis = sample_axis(rank);
    if (axis + 1 == rank) {
      return std::all_of(infos.begin(), infos.end(), masked) ? layers::add_mask_union(builder, infos) : Place{};
    }
    if (axis == 0) return layers::add_mask_sequence(builder, infos);
    throw ConfigError(where() + ": masked tensors can be joined along time or along the features, not along axis " +
                      std::to_string(axis_));
  }

  Index axis_;
};

}  // namespace

Concatenate::Concatenate(const ConcatenateOptions& options)
    : Layer(graph::make_layer<ConcatenateNode>(options, graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::concatenate_from_config(const Json& config) {
  return node_from_config<ConcatenateNode, ConcatenateOptions>("Concatenate", config);
}

}  // namespace rondo
