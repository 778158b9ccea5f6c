#include "layers/regularization/dropout_factors.hpp"

#include <algorithm>
#include <iterator>

namespace rondo::layers {

kernels::DropoutDraw DropoutDraws::at(const engine::Run& run, Index row, Index step) const noexcept {
  // Each walk of a body has a key of its own; the first one that of a layer that is walked once.
  const auto walk = static_cast<std::uint64_t>(rule_.once_a_sequence ? run.sequence : run.repetition);
  const RandomStream stream(rule_.seed + walk * 0x9E3779B97F4A7C15, rule_.purpose, rule_.layer,
                            static_cast<std::uint32_t>(run.training_step));
  const std::uint64_t call = static_cast<std::uint64_t>(rule_.call) << 48 | walk << 32;
  const Index place = (run.first_row + row) * strides_.row + strides_.steps[static_cast<std::size_t>(step)];
  return {.counter = stream.counter(call + static_cast<std::uint64_t>(place) / 4),
          .key = stream.key(),
          .keep_from = static_cast<std::uint32_t>(std::min(rule_.rate * 0x1p32, 0x1p32 - 1))};
}

template <class T>
void DropoutFactors::draw(const engine::Run& run, Range rows) const noexcept {
  const DrawStrides& strides = draws_.strides();
  const Index drawn = strides.feature == 0 ? 1 : features_;
  const auto factors = place_.rows<T>(run.arena);
  for (Index t = 0; t < std::ssize(strides.steps); ++t) {
    for (Index b = rows.begin; b < rows.end; ++b) {
      T* row = factors.at(b, t);
      table_->ops<T>().dropout_factors(draws_.at(run, b, t), static_cast<T>(draws_.kept()), row, drawn);
      if (drawn < features_) std::fill_n(row, features_, *row);
    }
  }
}

template void DropoutFactors::draw<float>(const engine::Run&, Range) const noexcept;
template void DropoutFactors::draw<double>(const engine::Run&, Range) const noexcept;

}  // namespace rondo::layers
