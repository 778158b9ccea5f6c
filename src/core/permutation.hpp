// An order of many things that is computed, not kept.
#pragma once

#include <bit>
#include <cstdint>

#include <rondo/random.hpp>

namespace rondo {

// A permutation of 0 ... count - 1: a Feistel network of six rounds over the smallest square of a power of two that
// holds them, walked on from numbers outside (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). Each
// number takes six evaluations of the generator, four times on average at most.
class Permutation {
 public:
  Permutation(Index count, const RandomStream& stream)
      : count_(static_cast<std::uint64_t>(count)),
        half_bits_((static_cast<int>(std::bit_width(count_ > 1 ? count_ - 1 : 1)) + 1) / 2),
        mask_((std::uint64_t{1} << half_bits_) - 1),
        stream_(stream) {}

  Index operator()(Index i) const {
    auto at = static_cast<std::uint64_t>(i);
    do {
      at = mixed(at);
    } while (at >= count_);
    return static_cast<Index>(at);
  }

 private:
  std::uint64_t mixed(std::uint64_t at) const {
    std::uint64_t left = at >> half_bits_, right = at & mask_;
    for (std::uint64_t round = 0; round < 6; ++round) {
      const std::uint64_t next = left ^ (stream_.bits((round << 32) | right) & mask_);
      left = right;
      right = next;
    }
    return (left << half_bits_) | right;
  }

  std::uint64_t count_;
  int half_bits_;
  std::uint64_t mask_;
  RandomStream stream_;
};

}  // namespace rondo
