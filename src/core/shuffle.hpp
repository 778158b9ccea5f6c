// Putting samples into random order.
#pragma once

#include <algorithm>
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
  for (std::size_t end = order.size(); end > 1;) {
    const std::size_t begin = (end - 1) / 4 * 4;  // of those whose draws come together
    const std::array<std::uint32_t, 4> draws = stream.block(begin / 4);
    for (; end > std::max<std::size_t>(begin, 1); --end) {
      std::swap(order[end - 1], order[(draws[end - 1 - begin] * static_cast<std::uint64_t>(end)) >> 32]);
    }
  }
}

}  // namespace rondo
