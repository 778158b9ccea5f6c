// Putting samples into random order.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>

#include <rondo/random.hpp>

namespace rondo {

// The numbers first, first + 1, ... in random order, by Fisher and Yates's shuffle. An evaluation of the generator
// gives four draws. 32 bits are enough for positions: of a million samples none is likelier than another by more than 1
// in 4000.
inline void shuffle(std::span<Index> order, Index first, const RandomStream& stream) {
  std::iota(order.begin(), order.end(), first);
  std::array<std::uint32_t, 4> draws{};
  for (std::size_t i = order.size(); i-- > 1;) {
    if (i % 4 == 3 || i + 1 == order.size()) draws = stream.block(i / 4);
    std::swap(order[i], order[(draws[i % 4] * static_cast<std::uint64_t>(i + 1)) >> 32]);
  }
}

}  // namespace rondo
