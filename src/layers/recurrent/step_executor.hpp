// A recurrent layer in a streaming plan: one time step of one sequence a walk.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "engine/executor.hpp"
#include "kernels/table.hpp"
#include "layers/recurrent/sequence_executor.hpp"

namespace rondo::layers {

struct StepPlaces {
  engine::Place x;
  engine::Place mask;          // nowhere: the step counts
  engine::Place state;         // h, of an LSTM c, and scratch, a row each; h is the output too
  engine::BoundPlace rounded;  // the weights in bfloat16; nowhere: they are read as they are
};

template <class T>
class StepExecutor final : public engine::Executor {
 public:
  StepExecutor(const kernels::RecurrentStepLayer& layer, const StepPlaces& places,
               std::shared_ptr<engine::ParameterBlock> block)
      : layer_(layer),
        at_(places),
        block_(std::move(block)),
        step_(block_->table().template ops<T>().recurrent(layer.layout).step),
        bf16_step_(block_->table().bf16.lstm_step) {}

  void forward(const engine::Run& run, const engine::Member&, Index /*stage*/) const noexcept override {
    if (at_.mask && *at_.mask.pointer<const std::uint8_t>(run.arena) == 0) return skip(run);
    const T* weights = block_->template values<T>();
    const T* x = at_.x.pointer<const T>(run.arena);
    T* state = at_.state.pointer<T>(run.arena);
    if constexpr (kMayRound) {
      if (at_.rounded) {
        return bf16_step_(layer_, weights, at_.rounded.pointer<const kernels::Bf16Pair>(run), x, state, run.step);
      }
    }
    step_(layer_, weights, x, state, run.step);
  }
  void backward(const engine::Run&, const engine::Member&, Index) const noexcept override {}

  Index derived_tiles() const override { return at_.rounded ? layer_.layout.panels() : 0; }
  void derive(const engine::Run& run, Range panels) const noexcept override {
    if constexpr (kMayRound) {
      block_->table().bf16.lstm_weights(layer_.layout, block_->template values<float>(),
                                        at_.rounded.pointer<kernels::Bf16Pair>(run), panels);
    }
  }
  const engine::ParameterBlock* derived_from() const override { return at_.rounded ? block_.get() : nullptr; }

  double flops_per_row() const override {
    const kernels::RecurrentLayout& layout = layer_.layout;
    return 2.0 * static_cast<double>(layout.gates() * layout.units() * (layout.inputs() + layout.units()));
  }

 private:
  static constexpr bool kMayRound = std::is_same_v<T, float>;

  // A step that does not count leaves the state as it is.
  void skip(const engine::Run& run) const noexcept {
    if (run.step > 0) return;
    std::fill_n(at_.state.pointer<T>(run.arena), state_count(layer_.layout) * layer_.state_stride, T{0});
  }

  kernels::RecurrentStepLayer layer_;
  StepPlaces at_;
  std::shared_ptr<engine::ParameterBlock> block_;
  decltype(kernels::RecurrentOps<T>::step) step_;
  decltype(kernels::Bf16Ops::lstm_step) bf16_step_;
};

}  // namespace rondo::layers
