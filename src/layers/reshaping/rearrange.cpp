#include "layers/reshaping/rearrange.hpp"

#include <algorithm>

namespace rondo::layers {

namespace {

// Elements that stand side by side in both tensors.
struct Run {
  Index from_step, from_feature, to_step, to_feature, count;
};

std::vector<Run> runs_of(const engine::ValueInfo& x, const engine::ValueInfo& y, const std::vector<Index>& source) {
  std::vector<Run> runs;
  const Index elements = y.steps * y.features;
  for (Index i = 0; i < elements; ++i) {
    const Index s = source.empty() ? i : source[static_cast<std::size_t>(i)];
    const Run one{s / x.features, s % x.features, i / y.features, i % y.features, 1};
    if (!runs.empty()) {
      Run& last = runs.back();
      if (last.from_step == one.from_step && last.from_feature + last.count == one.from_feature &&
          last.to_step == one.to_step && last.to_feature + last.count == one.to_feature) {
        ++last.count;
        continue;
      }
    }
    runs.push_back(one);
  }
  return runs;
}

template <class T>
class RearrangeExecutor final : public engine::Executor {
 public:
  RearrangeExecutor(const engine::ValueInfo& x, const engine::ValueInfo& y, const std::vector<Index>& source)
      : x_(x), y_(y), runs_(runs_of(x, y, source)) {}

  void forward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    const auto x = x_.data.rows<const T>(run.arena);
    const auto y = y_.data.rows<T>(run.arena);
    const Range rows = member.share(run.rows);
    for (const Run& r : runs_) {
      for (Index b = rows.begin; b < rows.end; ++b) {
        std::copy_n(x.at(b, r.from_step) + r.from_feature, r.count, y.at(b, r.to_step) + r.to_feature);
      }
    }
  }

  void backward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    if (!x_.gradient) return;
    const auto dx = x_.gradient.rows<T>(run.arena);
    const auto dy = y_.gradient.rows<const T>(run.arena);
    const Range rows = member.share(run.rows);
    for (const Run& r : runs_) {
      for (Index b = rows.begin; b < rows.end; ++b) {
        std::copy_n(dy.at(b, r.to_step) + r.to_feature, r.count, dx.at(b, r.from_step) + r.from_feature);
      }
    }
  }

  double flops_per_row() const override { return static_cast<double>(y_.steps * y_.features); }

 private:
  engine::ValueInfo x_, y_;
  std::vector<Run> runs_;
};

}  // namespace

engine::Value add_rearranged(engine::PlanBuilder& builder, engine::Value x, const Shape& to,
                             const std::vector<Index>& source) {
  const engine::ValueInfo from = builder.info(x);
  const engine::Value y = builder.value(to, builder.wants_gradient(x));
  builder.add<RearrangeExecutor>(from, builder.info(y), source);
  return y;
}

}  // namespace rondo::layers
