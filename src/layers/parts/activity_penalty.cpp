#include "layers/parts/activity_penalty.hpp"

#include <rondo/error.hpp>

namespace rondo::layers {

namespace {

using engine::Member;
using engine::Run;
using engine::ValueInfo;

// Behind a layer's output x, of which y is the same numbers with a gradient of its own.
template <class T>
class ActivityPenaltyExecutor final : public engine::Executor {
 public:
  ActivityPenaltyExecutor(const ElementPenalty& rule, const ValueInfo& x, const ValueInfo& y,
                          const engine::OuterPlace& penalties)
      : rule_(rule), x_(x), y_(y), penalties_(penalties) {}

  void forward(const Run& run, const Member& member, Index /*stage*/) const noexcept override {
    const auto x = x_.data.rows<const T>(run.arena);
    double* penalties = penalties_.pointer<double>(run);
    for_steps(run, member, [&](Index b, Index t) {
      const T* row = x.at(b, t);
      double sum = 0;
      for (Index i = 0; i < x_.features; ++i) sum += rule_.value(static_cast<double>(row[i]));
      penalties[b] += sum;
    });
  }

  void backward(const Run& run, const Member& member, Index /*stage*/) const noexcept override {
    if (!x_.gradient) return;
    const auto x = x_.data.rows<const T>(run.arena), dy = y_.gradient.rows<const T>(run.arena);
    const auto dx = x_.gradient.rows<T>(run.arena);
    const double share = 1 / static_cast<double>(run.rows);
    for_steps(run, member, [&](Index b, Index t) {
      const T *row = x.at(b, t), *from = dy.at(b, t);
      T* to = dx.at(b, t);
      for (Index i = 0; i < x_.features; ++i) {
        to[i] = from[i] + static_cast<T>(share * rule_.slope(static_cast<double>(row[i])));
      }
    });
  }

  double flops_per_row() const override { return 3 * static_cast<double>(x_.steps * x_.features); }

 private:
  template <class F>
  void for_steps(const Run& run, const Member& member, F&& f) const noexcept {
    const Range rows = member.share(run.rows);
    for (Index t = 0; t < x_.steps; ++t) {
      for (Index b = rows.begin; b < rows.end; ++b) f(b, t);
    }
  }

  ElementPenalty rule_;
  ValueInfo x_, y_;
  engine::OuterPlace penalties_;
};

}  // namespace

std::optional<ElementPenalty> activity_penalty(const std::string& where,
                                               const std::optional<Regularizer>& regularizer) {
  if (!regularizer) return std::nullopt;
  const std::optional<ElementPenalty> penalty = regularizer->impl().of_elements();
  if (penalty) return penalty;
  throw ConfigError(where + ": the activity_regularizer " + regularizer->class_name() +
                    " is for weights; give L1, L2 or L1L2");
}

std::vector<engine::Value> with_activity_penalty(engine::PlanBuilder& builder, std::vector<engine::Value> outputs,
                                                 const std::optional<ElementPenalty>& penalty) {
  if (!penalty || !builder.penalizes()) return outputs;
  const engine::OuterPlace penalties = builder.row_penalties();
  for (engine::Value& v : outputs) {
    const ValueInfo x = builder.info(v);
    v = builder.value_at(x.sample, x.data, static_cast<bool>(x.gradient));
    builder.set_mask(v, x.mask);
    builder.add<ActivityPenaltyExecutor>(*penalty, x, builder.info(v), penalties);
  }
  return outputs;
}

}  // namespace rondo::layers
