// An LSTM layer in a streaming plan: one time step of one sequence a walk.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "engine/plan.hpp"
#include "kernels/table.hpp"

namespace rondo::layers {

struct LstmStepPlaces {
  engine::Place x;
  engine::Place mask;     // nowhere: the step counts
  engine::Place state;    // h, c and scratch, in three rows; h is the output too
  engine::Place rounded;  // the weights in bfloat16; nowhere: they are read as they are
};

template <class T>
class LstmStepExecutor final : public engine::Executor {
 public:
  LstmStepExecutor(const kernels::LstmStepLayer& layer, const LstmStepPlaces& places,
                   std::shared_ptr<engine::ParameterBlock> block)
      : layer_(layer), at_(places), block_(std::move(block)), step_(block_->table().template ops<T>().lstm_step) {}

  void forward(const engine::Run& run, Range /*rows*/) const noexcept override {
    if (at_.mask && *at_.mask.pointer<const std::uint8_t>(run.arena) == 0) return skip(run);
    step_(layer_, block_->template values<T>(), at_.rounded.pointer<const std::uint32_t>(run.arena),
          at_.x.pointer<const T>(run.arena), at_.state.pointer<T>(run.arena), run.step);
  }
  void backward(const engine::Run&, const engine::Member&, Index) const noexcept override {}

  Index derived_tiles() const override { return at_.rounded ? 1 : 0; }
  void derive(const engine::Run& run, Range tiles) const noexcept override {
    if constexpr (std::is_same_v<T, float>) {
      if (tiles.empty()) return;
      kernels::lstm_round(layer_.layout, block_->template values<float>(),
                          at_.rounded.pointer<std::uint32_t>(run.arena));
    }
  }
  const engine::ParameterBlock* derived_from() const override { return at_.rounded ? block_.get() : nullptr; }

  double flops_per_row() const override {
    return 8.0 * static_cast<double>(layer_.layout.units() * (layer_.layout.inputs() + layer_.layout.units()));
  }

 private:
  // A step that does not count leaves the state as it is.
  void skip(const engine::Run& run) const noexcept {
    if (run.step > 0) return;
    std::fill_n(at_.state.pointer<T>(run.arena), 2 * layer_.state_stride, T{0});
  }

  kernels::LstmStepLayer layer_;
  LstmStepPlaces at_;
  std::shared_ptr<engine::ParameterBlock> block_;
  decltype(kernels::Ops<T>::lstm_step) step_;
};

}  // namespace rondo::layers
