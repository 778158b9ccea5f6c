// Sums over a row of a parameter in its logical order, so that neither threads nor the instruction set, which decides
// where elements stand, show in the bits.
#pragma once

#include <array>
#include <cstddef>

#include "engine/packed_map.hpp"

namespace rondo::engine {

// Terms of a row go into chains that do not wait for each other: that of column c into chain c % 8.
using Chains = std::array<double, 8>;

// Adds term(i) of the columns column + i, for i up to count.
template <class F>
void add_to_chains(Chains& chains, std::size_t column, std::size_t count, F&& term) noexcept {
  Chains sums = chains;  // in registers
  std::size_t i = 0;
  for (; i < count && (column + i) % sums.size() != 0; ++i) sums[(column + i) % sums.size()] += term(i);
  for (; i + sums.size() <= count; i += sums.size()) {
    for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += term(i + k);
  }
  for (; i < count; ++i) sums[(column + i) % sums.size()] += term(i);
  chains = sums;
}

inline double sum_of(const Chains& chains) noexcept {
  double sum = 0;
  for (const double chain : chains) sum += chain;
  return sum;
}

// The sum of a term of each element of a row, term(place).
template <class F>
double sum_of_row(const PackedMap& map, Index row, F&& term) noexcept {
  Chains chains{};
  map.for_runs({row, row + 1}, [&](Index element, Index place, Index count) {
    add_to_chains(chains, static_cast<std::size_t>(element - row * map.columns()), static_cast<std::size_t>(count),
                  [&](std::size_t i) { return term(static_cast<std::size_t>(place) + i); });
  });
  return sum_of(chains);
}

}  // namespace rondo::engine
