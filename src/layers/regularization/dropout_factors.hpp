// What dropout multiplies with, and the executor that does nothing but that. Draws are a function of the seed, the
// layer, which of its calls this is, the training step and the place in the batch: threads, targets and how much room
// the plan has change nothing.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <rondo/random.hpp>

#include "engine/executor.hpp"
#include "engine/value.hpp"
#include "kernels/table.hpp"

namespace rondo::layers {

// How the draw for an element depends on its place: on the row, the step and the feature, unless they share one. A
// row's places begin at a multiple of four, as one block of the generator serves four of them.
struct DrawStrides {
  Index row = 0, feature = 1;
  std::vector<Index> steps = {0};  // of each step; a single one: all steps share the draws
};

struct DropoutRule {
  double rate = 0;
  std::uint64_t seed = 0;
  std::uint32_t layer = 0;
  Index call = 0;
  Purpose purpose = Purpose::dropout;
  bool once_a_sequence = false;  // in a body of time steps, all of them have the same draws
};

// What a rule draws: dropped with probability `rate`.
class DropoutDraws {
 public:
  DropoutDraws(const DropoutRule& rule, DrawStrides strides) : rule_(rule), strides_(std::move(strides)) {}

  // What is kept is multiplied with 1 / (1 - rate).
  double kept() const noexcept { return rule_.rate < 1 ? 1 / (1 - rule_.rate) : 0; }
  // Those of a row's features.
  kernels::DropoutDraw at(const engine::Run& run, Index row, Index step) const noexcept;
  const DrawStrides& strides() const noexcept { return strides_; }

 private:
  DropoutRule rule_;
  DrawStrides strides_;
};

// A tensor of factors, each 0 or DropoutDraws::kept.
class DropoutFactors {
 public:
  // place: of so many features, in as many steps as the strides have.
  DropoutFactors(const DropoutRule& rule, DrawStrides strides, const engine::Place& place, Index features)
      : draws_(rule, std::move(strides)), place_(place), features_(features), table_(&kernels::chosen()) {
    if (draws_.strides().steps.size() == 1) place_.step_stride = 0;
  }

  template <class T>
  void draw(const engine::Run& run, Range rows) const noexcept;
  template <class T>
  kernels::Rows<const T> rows(const engine::Run& run) const noexcept {
    return place_.rows<const T>(run.arena);
  }

 private:
  DropoutDraws draws_;
  engine::Place place_;
  Index features_;
  const kernels::KernelTable* table_;
};

// y = x times factors.
template <class T>
class DropoutExecutor final : public engine::Executor {
 public:
  DropoutExecutor(DropoutFactors factors, const engine::ValueInfo& x, const engine::ValueInfo& y)
      : factors_(std::move(factors)), x_(x), y_(y) {}

  void forward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    const Range rows = member.share(run.rows);
    factors_.draw<T>(run, rows);
    multiply(run, rows, x_.data.rows<const T>(run.arena), y_.data.rows<T>(run.arena));
  }

  void backward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    if (!x_.gradient) return;
    multiply(run, member.share(run.rows), y_.gradient.rows<const T>(run.arena), x_.gradient.rows<T>(run.arena));
  }

  double flops_per_row() const override { return 10.0 * static_cast<double>(y_.steps * y_.features); }

 private:
  void multiply(const engine::Run& run, Range rows, kernels::Rows<const T> from, kernels::Rows<T> to) const noexcept {
    const auto factors = factors_.rows<T>(run);
    for (Index t = 0; t < y_.steps; ++t) {
      for (Index b = rows.begin; b < rows.end; ++b) {
        const T *source = from.at(b, t), *factor = factors.at(b, t);
        T* out = to.at(b, t);
        // What is dropped is not there, whatever it was.
        for (Index i = 0; i < y_.features; ++i) out[i] = factor[i] == 0 ? T{0} : source[i] * factor[i];
      }
    }
  }

  DropoutFactors factors_;
  engine::ValueInfo x_, y_;
};

}  // namespace rondo::layers
