#include "layers/regularization/dropout_factors.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace rondo::layers {

template <class T>
void DropoutFactors::draw(const engine::Run& run, Range rows) const noexcept {
  // Each walk of a body has a key of its own; the first one that of a layer that is walked once.
  const auto walk = static_cast<std::uint64_t>(rule_.once_a_sequence ? run.sequence : run.repetition);
  const RandomStream stream(rule_.seed + walk * 0x9E3779B97F4A7C15, rule_.purpose, rule_.layer,
                            static_cast<std::uint32_t>(run.training_step));
  const std::uint64_t call = static_cast<std::uint64_t>(rule_.call) << 48 | walk << 32;
  const auto keep_from = static_cast<std::uint32_t>(std::min(rule_.rate * 0x1p32, 0x1p32 - 1));
  const T kept = rule_.rate < 1 ? static_cast<T>(1 / (1 - rule_.rate)) : T{0};
  const Index drawn = strides_.feature == 0 ? 1 : features_;
  const auto factors = place_.rows<T>(run.arena);
  std::array<std::uint32_t, 256> words;
  for (Index t = 0; t < std::ssize(strides_.steps); ++t) {
    for (Index b = rows.begin; b < rows.end; ++b) {
      const Index place = (run.first_row + b) * strides_.row + strides_.steps[static_cast<std::size_t>(t)];
      T* row = factors.at(b, t);
      for (Index i = 0; i < drawn; i += std::ssize(words)) {
        const std::span<std::uint32_t> some =
            std::span(words).first(static_cast<std::size_t>(std::min(std::ssize(words), round_up(drawn - i, 4))));
        stream.blocks(call | static_cast<std::uint64_t>(place + i) / 4, some);
        const Index n = std::min(std::ssize(words), drawn - i);
        for (Index k = 0; k < n; ++k) row[i + k] = words[static_cast<std::size_t>(k)] >= keep_from ? kept : T{0};
      }
      if (strides_.feature == 0) std::fill_n(row, features_, row[0]);
    }
  }
}

template void DropoutFactors::draw<float>(const engine::Run&, Range) const noexcept;
template void DropoutFactors::draw<double>(const engine::Run&, Range) const noexcept;

}  // namespace rondo::layers
