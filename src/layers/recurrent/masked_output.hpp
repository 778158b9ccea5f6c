// What a recurrent layer puts out where a mask skips steps.
//
// Its state waits through a skipped step, and the output with it: a step repeats the one before. Two rules of Keras's
// loops (TensorFlow's and the unrolled ones) go beyond the state: a row puts out zeros until its first step that
// counts, even if its initial state is not zero; and with zero_output_for_mask it does so at every skipped step.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/builder.hpp"

namespace rondo::layers {

struct MaskedOutput {
  engine::Place mask;      // (batch, steps)
  Index steps = 0;         // of the mask
  bool backwards = false;  // the layer walks time backwards
  bool zero = false;       // zero_output_for_mask
};

// y = h where the row has begun (and, with `zero`, the step counts), else 0. h holds all steps or the last one.
template <class T>
class MaskedOutputExecutor final : public engine::Executor {
 public:
  MaskedOutputExecutor(const MaskedOutput& rule, const engine::ValueInfo& h, const engine::ValueInfo& y)
      : rule_(rule), h_(h), y_(y) {}

  void forward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    copy(run, member.share(run.rows), h_.data.rows<const T>(run.arena), y_.data.rows<T>(run.arena));
  }
  void backward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    if (!h_.gradient) return;
    copy(run, member.share(run.rows), y_.gradient.rows<const T>(run.arena), h_.gradient.rows<T>(run.arena));
  }
  double flops_per_row() const override { return static_cast<double>(h_.steps * h_.features); }

 private:
  void copy(const engine::Run& run, Range rows, kernels::Rows<const T> from, kernels::Rows<T> to) const noexcept {
    const auto mask = rule_.mask.rows<const std::uint8_t>(run.arena);
    const Index first_shown = rule_.steps - h_.steps;
    for (Index b = rows.begin; b < rows.end; ++b) {
      bool begun = false;
      for (Index step = 0; step < rule_.steps; ++step) {
        const bool counts = *mask.at(b, rule_.backwards ? rule_.steps - 1 - step : step) != 0;
        begun = begun || counts;
        if (step < first_shown) continue;
        T* out = to.at(b, step - first_shown);
        if (begun && (counts || !rule_.zero)) {
          std::copy_n(from.at(b, step - first_shown), h_.features, out);
        } else {
          std::fill_n(out, h_.features, T{0});
        }
      }
    }
  }

  MaskedOutput rule_;
  engine::ValueInfo h_, y_;
};

// Adds the output y of a layer whose states are h.
template <class T>
engine::Value add_masked_output(engine::PlanBuilder& builder, engine::Value h, const MaskedOutput& rule) {
  const engine::ValueInfo from = builder.info(h);
  const engine::Value y = builder.value(from.sample, static_cast<bool>(from.gradient));
  builder.add(MaskedOutputExecutor<T>(rule, from, builder.info(y)));
  return y;
}

}  // namespace rondo::layers
