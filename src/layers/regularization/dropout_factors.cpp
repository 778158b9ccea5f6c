#include "layers/regularization/dropout_factors.hpp"

#include <algorithm>
#include <cstdint>

namespace rondo::layers {

template <class T, class F>
void DropoutFactors::for_draws(const engine::Run& run, Range rows, F&& f) const noexcept {
  // Each walk of a body has a key of its own; the first one that of a layer that is walked once.
  const auto walk = static_cast<std::uint64_t>(rule_.once_a_sequence ? run.sequence : run.repetition);
  const RandomStream stream(rule_.seed + walk * 0x9E3779B97F4A7C15, rule_.purpose, rule_.layer,
                            static_cast<std::uint32_t>(run.training_step));
  const std::uint64_t call = static_cast<std::uint64_t>(rule_.call) << 48 | walk << 32;
  kernels::DropoutArgs<T> args{.key = stream.key(),
                               .keep_from = static_cast<std::uint32_t>(std::min(rule_.rate * 0x1p32, 0x1p32 - 1)),
                               .kept = rule_.rate < 1 ? static_cast<T>(1 / (1 - rule_.rate)) : T{0}};
  for (Index t = 0; t < std::ssize(strides_.steps); ++t) {
    for (Index b = rows.begin; b < rows.end; ++b) {
      const Index place = (run.first_row + b) * strides_.row + strides_.steps[static_cast<std::size_t>(t)];
      args.counter = stream.counter(call | static_cast<std::uint64_t>(place) / 4);
      f(args, b, t);
    }
  }
}

template <class T>
void DropoutFactors::draw(const engine::Run& run, Range rows) const noexcept {
  const Index drawn = strides_.feature == 0 ? 1 : features_;
  const auto factors = place_.rows<T>(run.arena);
  for_draws<T>(run, rows, [&](const kernels::DropoutArgs<T>& args, Index b, Index t) {
    table_->ops<T>().dropout_factors(args, factors.at(b, t), drawn);
    if (drawn < features_) std::fill_n(factors.at(b, t), features_, *factors.at(b, t));
  });
}

template <class T>
void DropoutFactors::draw_records(const engine::Run& run, Range rows, kernels::Rows<T> planes,
                                  Index plane) const noexcept {
  const auto records = place_.rows<T>(run.arena);
  for_draws<T>(run, rows, [&](const kernels::DropoutArgs<T>& args, Index b, Index t) {
    table_->ops<T>().dropout_records(args, records.at(b, t), planes.at(b, t), plane, features_ / kernels::kRecordWidth);
  });
}

template void DropoutFactors::draw<float>(const engine::Run&, Range) const noexcept;
template void DropoutFactors::draw<double>(const engine::Run&, Range) const noexcept;
template void DropoutFactors::draw_records<float>(const engine::Run&, Range, kernels::Rows<float>,
                                                  Index) const noexcept;
template void DropoutFactors::draw_records<double>(const engine::Run&, Range, kernels::Rows<double>,
                                                   Index) const noexcept;

}  // namespace rondo::layers
